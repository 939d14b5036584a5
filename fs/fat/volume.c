/*
 * volume.c - mounts a FAT volume, describes it, and has the table of operations.
 *
 * Mount options: charset=NAME for short names (cp437), tz=+HH:MM for the zone in which the volume's
 * times are (UTC), ro.
 */
#include "fs/fat/fat.h"
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- the volume --------------------------------------------------------------------------- */

static status_t fat_get_fs_info(struct fsd *fsd, struct fs_info *info)
{
    const struct fat_geometry *geometry = &fat_of(fsd)->geometry;
    *info = (struct fs_info){
        .total_bytes = (uint64_t)geometry->clusters * geometry->cluster_bytes,
        .block_bytes = geometry->cluster_bytes,
        .read_only = fsd->read_only,
    };
    format_text(info->type, sizeof(info->type), "FAT%u", geometry->bits);
    text_copy(info->volume_name, sizeof(info->volume_name), geometry->label);
    return 0;
}

/* A damaged table makes the free space unknown (0), which must not make `df` fail. */
static status_t fat_count_free_bytes(struct fsd *fsd, uint64_t *free_bytes)
{
    struct fat *fat = fat_of(fsd);
    uint64_t free = 0;
    status_t status = fat_count_free(fat, &free);
    *free_bytes = free * fat->geometry.cluster_bytes;
    return status == -EUCLEAN || status == -EIO ? 0 : status;
}

static void print(struct text_sink *sink, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void print(struct text_sink *sink, const char *format, ...)
{
    char line[160];
    va_list arguments;
    va_start(arguments, format);
    format_text_v(line, sizeof(line), format, arguments);
    va_end(arguments);
    sink->write(sink, line, strlen(line));
}

static void describe_volume(struct fat *fat, struct text_sink *sink)
{
    static const char *const names[FAT_ANOMALIES] = {
        [FAT_ANOMALY_CHAIN_SHORT] = "files whose clusters end before their size",
        [FAT_ANOMALY_CHAIN_LONG] = "files with clusters after their end",
        [FAT_ANOMALY_CHAIN_BAD] = "chains that lead to a cluster that is free, bad or missing",
        [FAT_ANOMALY_CHAIN_LOOP] = "files whose clusters loop",
        [FAT_ANOMALY_DIRECTORY] = "directories that loop, or are too long",
        [FAT_ANOMALY_RECORD] = "invalid directory records",
        [FAT_ANOMALY_LONG_NAME] = "long names without their record",
        [FAT_ANOMALY_NAME] = "names that had to be changed",
        [FAT_ANOMALY_TABLE] = "tables that are too small for the clusters",
    };
    const struct fat_geometry *geometry = &fat->geometry;
    unsigned kinds = 0;

    print(sink, "FAT%u, volume \"%s\", serial number %04x-%04x\n", geometry->bits,
          geometry->label, geometry->serial >> 16, geometry->serial & 0xffff);
    print(sink, "sectors            %u bytes\n", geometry->sector_bytes);
    print(sink, "clusters           %u of %u bytes, from byte %llu\n", geometry->clusters,
          geometry->cluster_bytes, (unsigned long long)geometry->data_address);
    print(sink, "tables             %u of %llu bytes, from byte %llu\n", geometry->tables,
          (unsigned long long)geometry->table_bytes,
          (unsigned long long)geometry->table_address);
    print(sink, "volume %llu bytes, device %llu bytes%s\n",
          (unsigned long long)geometry->volume_bytes,
          (unsigned long long)fat->cache.size_bytes,
          geometry->volume_bytes > fat->cache.size_bytes ? ": the end of the volume is missing"
                                                         : "");

    for (unsigned i = 0; i < FAT_ANOMALIES; i++) {
        uint32_t count = atomic_load(&fat->anomalies[i]);
        if (count)
            print(sink, "%s%8u %s\n", kinds++ ? "" : "anomalies found so far:\n", count, names[i]);
    }
    if (!kinds)
        print(sink, "no anomalies found so far\n");
}

static void describe_node(struct fat *fat, const struct vnode *vnode, struct text_sink *sink)
{
    struct fat_node *node = vnode->private_data;
    print(sink, "  id                 0x%llx\n", (unsigned long long)vnode->id);
    print(sink, "  attributes         0x%02x\n", node->attributes.attributes);
    print(sink, "  first cluster      %u\n", node->attributes.cluster);
    if (fat_node_read_chain(fat, node))
        return;
    struct run run;
    for (size_t i = 0; fat_node_run(fat, node, i, &run); i++)
        print(sink, "  extent %-11u byte %llu, %llu bytes\n", (unsigned)i,
              (unsigned long long)run.address, (unsigned long long)run.length_bytes);
}

static status_t fat_ioctl(struct fsd *fsd, struct vnode *vnode, unsigned operation,
                          void *argument, size_t bytes)
{
    if (operation != FSD_DESCRIBE_VOLUME && operation != FSD_DESCRIBE_NODE)
        return -EMEDIUMTYPE;
    if (bytes != sizeof(struct text_sink))
        return -EINVAL;
    if (operation == FSD_DESCRIBE_VOLUME)
        describe_volume(fat_of(fsd), argument);
    else
        describe_node(fat_of(fsd), vnode, argument);
    return 0;
}

static status_t fat_passthrough(struct fsd *fsd, struct vnode *vnode, unsigned operation,
                                void *argument, size_t bytes)
{
    (void)vnode;
    return device_control(fsd_device(fsd)->device, operation, argument, bytes);
}

static void fat_dismount(struct fsd *fsd)
{
    struct fat *fat = fat_of(fsd);
    fat_writing_stop(fat);
    cache_destroy(&fat->cache);
    mem_free(fat);
}

/* ---- options ------------------------------------------------------------------------------ */

static status_t option_take(struct fat *fat, const char *word, size_t length)
{
    static const char charset[] = "charset=", zone[] = "tz=";
    if (text_equal_n(word, length, "ro", 2) || text_equal_n(word, length, "case=fold", 9))
        return 0;
    if (length > sizeof(zone) - 1 && !memcmp(word, zone, sizeof(zone) - 1))
        return civil_parse_zone(word + sizeof(zone) - 1, length - (sizeof(zone) - 1),
                                &fat->zone_s);
    if (length <= sizeof(charset) - 1 || memcmp(word, charset, sizeof(charset) - 1))
        return -EINVAL;
    fat->charset = charset_find(word + sizeof(charset) - 1, length - (sizeof(charset) - 1));
    return fat->charset ? 0 : -EINVAL;
}

static status_t options_parse(struct fat *fat, const char *text)
{
    status_t status = 0;
    while (*text && !status) {
        const char *comma = strchr(text, ',');
        size_t length = comma ? (size_t)(comma - text) : strlen(text);
        status = option_take(fat, text, length);
        text += length + (comma ? 1 : 0);
    }
    return status;
}

/* Changes the zone alone: names in another charset would be other names. */
static status_t fat_set_options(struct fsd *fsd, const char *options)
{
    struct fat *fat = fat_of(fsd);
    struct fat *tried = mem_zalloc(sizeof(*tried));
    if (!tried)
        return -ENOMEM;
    tried->charset = fat->charset;
    tried->zone_s = fat->zone_s;
    status_t status = options_parse(tried, options);
    if (!status && tried->charset != fat->charset)
        status = -EINVAL;
    if (!status)
        fat->zone_s = tried->zone_s;
    mem_free(tried);
    return status;
}

static const struct fsd_ops fat_ops = {
    .dismount = fat_dismount,
    .get_fs_info = fat_get_fs_info,
    .count_free = fat_count_free_bytes,
    .lookup = fat_lookup,
    .get_child_info = fat_get_child_info,
    .actual_name = fat_actual_name,
    .get_vnode = fat_get_vnode,
    .put_vnode = fat_put_vnode,
    .trim_vnode = fat_trim_vnode,
    .get_info = fat_get_info,
    .create = fat_create,
    .mkdir = fat_mkdir,
    .unlink = fat_unlink,
    .rename = fat_rename,
    .set_info = fat_set_info,
    .open = fat_open,
    .read_write = fat_read_write,
    .finish_io = fat_finish_io,
    .open_dir = fat_open_dir,
    .read_dir = name_index_read_dir,
    .close_dir = name_index_close_dir,
    .ioctl = fat_ioctl,
    .passthrough = fat_passthrough,
    .flush = fat_flush,
    .reserve = fat_reserve,
    .prepare_write = fat_prepare_write,
    .data_written = fat_data_written,
    .set_writable = fat_set_writable,
    .set_options = fat_set_options,
};

/* ---- mounting ----------------------------------------------------------------------------- */

/* Reads the boot sector through the device, since the cache's block depends on it. */
static status_t boot_read(const struct device_handle *handle, struct fat_geometry *geometry)
{
    uint32_t block = max(device_block_bytes(handle->device), (uint32_t)FAT_BOOT_BYTES);
    if (device_medium(handle->device).bytes < block)
        return -EMEDIUMTYPE;
    uint8_t *boot = page_alloc();
    if (!boot)
        return -ENOMEM;

    status_t status = io_wait(handle, IO_READ, 0, boot, block, NULL);
    if (!status)
        status = fat_boot_decode((struct bytes){ boot, block }, geometry);
    page_free(boot);

    /* A medium whose first block cannot be read may be another file system's. */
    return status == -EIO ? -EMEDIUMTYPE : status;
}

/* Takes the label from the root directory, where newer systems store it. */
static void label_read(struct fat *fat, const struct runs *root)
{
    uint8_t raw[FAT_RECORD_BYTES];
    struct bytes record = { raw, sizeof(raw) };
    uint64_t bytes = root->count ? root->list[0].length_bytes : 0;
    for (uint64_t at = 0; at + sizeof(raw) <= bytes; at += sizeof(raw)) {
        if (fat_read(fat, root->list[0].address + at, raw, sizeof(raw)))
            return;
        enum fat_record_kind kind = fat_record_kind(record);
        if (kind == FAT_RECORD_LABEL)
            fat_record_label(record, fat->geometry.label);
        if (kind == FAT_RECORD_LABEL || kind == FAT_RECORD_END)
            return;
    }
}

/* Finds the root directory: a volume without one is damaged. */
static status_t root_check(struct fat *fat)
{
    struct fat_node root = {
        .attributes = { .attributes = FAT_DIRECTORY, .cluster = fat->geometry.root_cluster },
        .root = true,
    };
    status_t status = fat_node_read_chain(fat, &root);
    if (status)
        return status;
    label_read(fat, &root.runs);
    status = root.runs.count ? 0 : -EUCLEAN;
    runs_free(&root.runs);
    return status;
}

/* Returns -EMEDIUMTYPE if neither the boot sector nor the table has the marks of a FAT volume. */
static status_t marks_check(struct fat *fat)
{
    const struct fat_geometry *geometry = &fat->geometry;
    uint8_t first[2];
    if (geometry->marked)
        return 0;

    status_t status = fat_read(fat, geometry->table_address, first, sizeof(first));
    if (!status && first[0] == geometry->media && first[1] == 0xff)
        return 0;
    return !status || status == -EIO ? -EMEDIUMTYPE : status;
}

/* A table that is too small: the clusters that it has entries for are used. */
static void table_check(struct fat *fat)
{
    struct fat_geometry *geometry = &fat->geometry;
    uint64_t entries = geometry->table_bytes * 8 / geometry->bits;
    if (entries >= (uint64_t)geometry->clusters + FAT_FIRST_CLUSTER)
        return;
    fat_count(fat, FAT_ANOMALY_TABLE);
    geometry->clusters = entries > FAT_FIRST_CLUSTER ? (uint32_t)entries - FAT_FIRST_CLUSTER : 0;
}

status_t fat_mount(const struct device_handle *handle, const char *options,
                   struct fsd **fsd)
{
    struct fat_geometry geometry;
    status_t status = handle->device ? boot_read(handle, &geometry) : -EMEDIUMTYPE;
    if (status)
        return status;

    /* Requests are whole sectors, which a device with larger blocks cannot serve. */
    if (geometry.sector_bytes < device_block_bytes(handle->device))
        return -EMEDIUMTYPE;
    struct fat *fat = mem_zalloc(sizeof(*fat));
    if (!fat)
        return -ENOMEM;

    fat->geometry = geometry;
    fat->charset = charset_find("cp437", 5);
    fat->block_bytes = device_block_bytes(handle->device);
    list_init(&fat->removed);
    atomic_init(&fat->free_clusters, UINT64_MAX);
    spin_init(&fat->lock, RANK_VNODE);
    fat->fsd = (struct fsd){
        .ops = &fat_ops,
        .name = "fat",
        .device = *handle,
        .cache_block_bytes = geometry.sector_bytes,
        .fold_case = true,
        .read_only = true,
        .reuses_ids = true,
        .private_data = fat,
    };
    device_cache_init(&fat->cache, &fat->fsd, geometry.sector_bytes);
    table_check(fat);

    status = marks_check(fat);
    if (!status)
        status = options_parse(fat, options);
    if (!status)
        status = root_check(fat);
    if (status) {
        fsd_discard(&fat->fsd);
        return status;
    }
    *fsd = &fat->fsd;
    return 0;
}
