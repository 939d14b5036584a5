/*
 * volume.c - mounts an exFAT volume, describes it, and has the table of operations.
 *
 * Mount options: tz=+HH:MM for the zone of times that name none (UTC), ro.
 */
#include "fs/exfat/exfat.h"
#include "kernel/dev/driver.h"
#include "lib/civil.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- free clusters ------------------------------------------------------------------------ */

/* Counts the bits of one run of the bitmap, and those that are set. */
static status_t count_run(struct exfat *exfat, const struct run *run, uint8_t *piece,
                          uint64_t *bits, uint64_t *used)
{
    uint64_t all = exfat->geometry.clusters;
    for (uint64_t at = 0; at < run->length_bytes && *bits < all; at += PAGE_BYTES) {
        /* The run may be longer than the bitmap, which ends with the bit of the last cluster. */
        size_t bytes = (size_t)min(run->length_bytes - at, (uint64_t)PAGE_BYTES);
        status_t status = thread_interrupted() ? -EINTR
                                               : exfat_read(exfat, run->address + at, piece, bytes);
        if (status)
            return status;

        for (size_t i = 0; i < bytes * 8 && *bits < all; i++, ++*bits)
            *used += piece[i / 8] >> i % 8 & 1;
    }
    return 0;
}

/* Counts the zero bits of the allocation bitmap. The result is kept. */
static status_t count_free(struct exfat *exfat, uint64_t *clusters)
{
    *clusters = atomic_load(&exfat->free_clusters);
    if (*clusters != UINT64_MAX)
        return 0;

    /* The whole bitmap is read: up to 512 MiB for the largest volume. Once is enough
     * while the volume is only read. */
    struct runs runs = { 0 };
    uint8_t *piece = page_alloc();
    status_t status = piece ? exfat_chain_read(exfat, &exfat->bitmap, false, &runs) : -ENOMEM;
    uint64_t used = 0, bits = 0;
    for (size_t i = 0; !status && i < runs.count; i++)
        status = count_run(exfat, &runs.list[i], piece, &bits, &used);
    runs_free(&runs);
    if (piece)
        page_free(piece);
    if (status)
        return status;

    /* A bitmap that is too short counts as used where it is missing: `bits` ends early. */
    *clusters = bits - used;
    atomic_store(&exfat->free_clusters, *clusters);
    return 0;
}

/* ---- the volume --------------------------------------------------------------------------- */

static status_t exfat_get_fs_info(struct fsd *fsd, struct fs_info *info)
{
    struct exfat *exfat = exfat_of(fsd);
    const struct exfat_geometry *geometry = &exfat->geometry;
    *info = (struct fs_info){
        .total_bytes = (uint64_t)geometry->clusters * geometry->cluster_bytes,
        .block_bytes = geometry->cluster_bytes,
        .read_only = fsd->read_only,
    };
    text_copy(info->type, sizeof(info->type), "exFAT");
    text_copy(info->volume_name, sizeof(info->volume_name), exfat->label);
    return 0;
}

/* A medium error in the bitmap makes the free space unknown (0), which must not make `df` fail. */
static status_t exfat_count_free(struct fsd *fsd, uint64_t *free_bytes)
{
    struct exfat *exfat = exfat_of(fsd);
    uint64_t free = 0;
    status_t status = 0;
    if (atomic_load(&exfat->changes))
        free = clusters_available(&exfat->clusters);
    else
        status = count_free(exfat, &free);
    *free_bytes = free * exfat->geometry.cluster_bytes;
    return status == -EIO ? 0 : status;
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

static void describe_volume(struct exfat *exfat, struct text_sink *sink)
{
    static const char *const names[EXFAT_ANOMALIES] = {
        [EXFAT_ANOMALY_BOOT] = "invalid boot region; its copy is used",
        [EXFAT_ANOMALY_CHAIN] = "files whose clusters end early or are impossible",
        [EXFAT_ANOMALY_DIRECTORY] = "directories that loop, or are too long",
        [EXFAT_ANOMALY_SET] = "sets of directory entries that are invalid",
        [EXFAT_ANOMALY_NAME] = "names that had to be changed",
        [EXFAT_ANOMALY_BITMAP] = "allocation bitmaps that are missing or too short",
    };
    const struct exfat_geometry *geometry = &exfat->geometry;
    unsigned kinds = 0;

    print(sink, "exFAT, volume \"%s\", serial number %04x-%04x%s%s\n", exfat->label,
          geometry->serial >> 16, geometry->serial & 0xffff,
          geometry->dirty ? ", not unmounted cleanly" : "",
          geometry->failing ? ", the medium had errors" : "");
    print(sink, "sectors            %u bytes\n", geometry->sector_bytes);
    print(sink, "clusters           %u of %u bytes, from byte %llu\n", geometry->clusters,
          geometry->cluster_bytes, (unsigned long long)geometry->heap_address);
    print(sink, "table              %llu bytes, from byte %llu\n",
          (unsigned long long)geometry->table_bytes,
          (unsigned long long)geometry->table_address);
    print(sink, "volume %llu bytes, device %llu bytes%s\n",
          (unsigned long long)geometry->volume_bytes,
          (unsigned long long)exfat->cache.size_bytes,
          geometry->volume_bytes > exfat->cache.size_bytes
              ? ": the end of the volume is missing"
              : "");

    /* Only what was met so far: the volume is not searched for damage here. */
    for (unsigned i = 0; i < EXFAT_ANOMALIES; i++) {
        uint32_t count = atomic_load(&exfat->anomalies[i]);
        if (count)
            print(sink, "%s%8u %s\n", kinds++ ? "" : "anomalies found so far:\n", count, names[i]);
    }
    if (!kinds)
        print(sink, "no anomalies found so far\n");
}

static void describe_node(struct exfat *exfat, const struct vnode *vnode, struct text_sink *sink)
{
    struct exfat_node *node = vnode->private_data;
    print(sink, "  id                 0x%llx\n", (unsigned long long)vnode->id);
    print(sink, "  attributes         0x%04x\n", node->attributes.attributes);
    print(sink, "  first cluster      %u%s\n", node->attributes.cluster,
          node->attributes.consecutive ? ", consecutive" : "");
    print(sink, "  valid data         %llu of %llu bytes\n",
          (unsigned long long)node->attributes.valid_bytes,
          (unsigned long long)node->attributes.size_bytes);

    /* Without its chain the extents are unknown; the lines above are printed nevertheless. */
    if (exfat_node_read_chain(exfat, node))
        return;
    for (size_t i = 0; i < node->runs.count; i++) {
        const struct run *run = &node->runs.list[i];
        print(sink, "  extent %-11u byte %llu, %llu bytes\n", (unsigned)i,
              (unsigned long long)run->address, (unsigned long long)run->length_bytes);
    }
}

static status_t exfat_ioctl(struct fsd *fsd, struct vnode *vnode, unsigned operation,
                            void *argument, size_t bytes)
{
    if (operation != FSD_DESCRIBE_VOLUME && operation != FSD_DESCRIBE_NODE)
        return -EOPNOTSUPP;
    if (bytes != sizeof(struct text_sink))
        return -EINVAL;
    if (operation == FSD_DESCRIBE_VOLUME)
        describe_volume(exfat_of(fsd), argument);
    else
        describe_node(exfat_of(fsd), vnode, argument);
    return 0;
}

static status_t exfat_passthrough(struct fsd *fsd, struct vnode *vnode, unsigned operation,
                                  void *argument, size_t bytes)
{
    (void)vnode;
    return device_control(fsd_device(fsd)->device, operation, argument, bytes);
}

static void exfat_dismount(struct fsd *fsd)
{
    struct exfat *exfat = exfat_of(fsd);
    exfat_state_stop(exfat);
    cache_destroy(&exfat->cache);
    mem_free(exfat);
}

/* ---- options ------------------------------------------------------------------------------ */

/* Parses the options; *zone_s is changed by tz=. */
static status_t options_parse(const char *text, int64_t *zone_s)
{
    static const char zone[] = "tz=";
    status_t status = 0;
    while (*text && !status) {
        /* "ro" and "case=fold" name what holds anyway. They are accepted, since other file
         * systems have them. */
        const char *comma = strchr(text, ',');
        size_t length = comma ? (size_t)(comma - text) : strlen(text);
        if (length > sizeof(zone) - 1 && !memcmp(text, zone, sizeof(zone) - 1))
            status = civil_parse_zone(text + sizeof(zone) - 1, length - (sizeof(zone) - 1),
                                      zone_s);
        else if (!text_equal_n(text, length, "ro", 2) &&
                 !text_equal_n(text, length, "case=fold", 9))
            status = -EINVAL;
        text += length + (comma ? 1 : 0);
    }
    return status;
}

static status_t exfat_set_options(struct fsd *fsd, const char *options)
{
    struct exfat *exfat = exfat_of(fsd);
    int64_t zone_s = exfat->zone_s;
    status_t status = options_parse(options, &zone_s);
    if (!status)
        exfat->zone_s = zone_s;
    return status;
}

static const struct fsd_ops exfat_ops = {
    .dismount = exfat_dismount,
    .get_fs_info = exfat_get_fs_info,
    .count_free = exfat_count_free,
    .lookup = exfat_lookup,
    .get_child_info = exfat_get_child_info,
    .create = exfat_create,
    .mkdir = exfat_mkdir,
    .unlink = exfat_unlink,
    .rename = exfat_rename,
    .actual_name = exfat_actual_name,
    .get_vnode = exfat_get_vnode,
    .put_vnode = exfat_put_vnode,
    .trim_vnode = exfat_trim_vnode,
    .get_info = exfat_get_info,
    .set_info = exfat_set_info,
    .open = exfat_open,
    .read_write = exfat_read_write,
    .finish_io = exfat_finish_io,
    .open_dir = exfat_open_dir,
    .read_dir = name_index_read_dir,
    .close_dir = name_index_close_dir,
    .ioctl = exfat_ioctl,
    .passthrough = exfat_passthrough,
    .flush = exfat_flush,
    .reserve = exfat_reserve,
    .prepare_write = exfat_prepare_write,
    .data_written = exfat_data_written,
    .set_writable = exfat_set_writable,
    .set_options = exfat_set_options,
};

/* ---- mounting ----------------------------------------------------------------------------- */

/* Reads a boot region, whose boot sector contains the size of its sectors, through `piece`.
 * -EUCLEAN if its checksum is wrong. */
static status_t region_read(const struct device_handle *handle, uint64_t address, uint8_t *piece,
                            struct exfat_geometry *geometry)
{
    /* Read without the cache, whose block size is known only afterwards. The first read is a
     * device block, the later ones are sectors of the volume. */
    uint32_t block = device_block_bytes(handle->device), sum = 0;
    status_t status = io_wait(handle, IO_READ, address, piece, max(block, 512u), NULL);
    if (!status)
        status = exfat_boot_decode((struct bytes){ piece, max(block, 512u) }, geometry);

    /* A sector smaller than the device's block could not be read alone. */
    if (!status && geometry->sector_bytes < block)
        status = -EMEDIUMTYPE;
    for (unsigned i = 0; !status && i < EXFAT_BOOT_SECTORS; i++) {
        /* Eleven sectors have a checksum: a boot region that was overwritten in part is not
         * used. */
        uint64_t at = address + (uint64_t)i * geometry->sector_bytes;
        status = io_wait(handle, IO_READ, at, piece, geometry->sector_bytes, NULL);
        struct bytes sector = { piece, geometry->sector_bytes };

        /* The last sector repeats the checksum of those before it. */
        if (!status && i == EXFAT_BOOT_SECTORS - 1 && bytes_le32(sector, 0) != sum)
            status = -EUCLEAN;
        sum = exfat_boot_checksum(sum, sector, i);
    }
    return status;
}

/* Reads the first boot region, or its copy: where that is depends on the size of a sector, which
 * the first one may have lost. */
static status_t boot_read(const struct device_handle *handle, struct exfat_geometry *geometry,
                          bool *copied)
{
    /* Smaller than both regions with the smallest sectors: another file system's, or none. */
    if (device_medium(handle->device).bytes < 2 * EXFAT_BOOT_SECTORS * 512)
        return -EMEDIUMTYPE;
    uint8_t *piece = page_alloc();
    if (!piece)
        return -ENOMEM;

    /* The copy is tried only after damage. An interrupt or a lack of memory is not a property of
     * the volume. */
    status_t first = region_read(handle, 0, piece, geometry), status = first;
    *copied = first == -EUCLEAN || first == -EIO || first == -EMEDIUMTYPE;
    for (uint32_t bytes = 512; *copied && status && bytes <= EXFAT_SECTOR_BYTES_MAX; bytes *= 2) {
        uint64_t at = (uint64_t)EXFAT_BOOT_SECTORS * bytes;
        if (at % device_block_bytes(handle->device) == 0 &&
            at + (uint64_t)EXFAT_BOOT_SECTORS * bytes <= device_medium(handle->device).bytes)
            status = region_read(handle, at, piece, geometry);

        /* A sector at this address that states another size belongs to something else: its copy
         * would be elsewhere. */
        if (!status && geometry->sector_bytes != bytes)
            status = -EUCLEAN;
    }
    page_free(piece);

    /* Another error than that of the copies says what is wrong with the volume. */
    if (status == -EMEDIUMTYPE && first == -EUCLEAN)
        return first;
    return status == -EIO ? -EMEDIUMTYPE : status;
}

/* Reads the root directory, where the bitmap and the label are. */
static status_t root_read(struct exfat *exfat)
{
    struct exfat_node root = {
        .attributes = { .attributes = EXFAT_DIRECTORY, .cluster = exfat->geometry.root_cluster },
        .root = true,
    };
    struct name_index *index;
    status_t status = exfat_cluster_exists(exfat, exfat->geometry.root_cluster)
                          ? exfat_index_get(exfat, &root, &index)
                          : -EUCLEAN;
    if (status)
        return status;

    /* The root's index was only made to meet the bitmap and the label on the way. The vnode of
     * the root makes its own when it is read. */
    name_index_put(index);
    name_index_put(root.index.index);
    runs_free(&root.runs);

    exfat->located = true;
    if (exfat->bitmap.size_bytes < ((uint64_t)exfat->geometry.clusters + 7) / 8)
        exfat_count(exfat, EXFAT_ANOMALY_BITMAP);
    return 0;
}

status_t exfat_mount(const struct device_handle *handle, const char *options, struct fsd **fsd)
{
    struct exfat_geometry geometry;
    bool copied = false;
    status_t status = handle->device ? boot_read(handle, &geometry, &copied) : -EMEDIUMTYPE;
    struct exfat *exfat = status ? NULL : mem_zalloc(sizeof(*exfat));
    if (!exfat)
        return status ? status : -ENOMEM;

    /* The free clusters are counted when they are first asked for: a mount must not read the
     * whole bitmap. */
    exfat->geometry = geometry;
    atomic_init(&exfat->free_clusters, UINT64_MAX);
    spin_init(&exfat->lock, RANK_VNODE);
    exfat->removed = UINT32_MAX;
    list_init(&exfat->unlinked);
    exfat->fsd = (struct fsd){
        .ops = &exfat_ops,
        .name = "exfat",
        .device = *handle,
        .cache_block_bytes = geometry.sector_bytes,
        .fold_case = true,
        .read_only = true,
        .keeps_valid_length = true,
        .reuses_ids = true,
        .private_data = exfat,
    };
    device_cache_init(&exfat->cache, &exfat->fsd, geometry.sector_bytes);
    if (copied)
        exfat_count(exfat, EXFAT_ANOMALY_BOOT);

    /* The options first: the zone is needed to decode the times in the root directory.
     * fsd_discard() frees the cache and the volume. */
    status = exfat_set_options(&exfat->fsd, options);
    if (!status)
        status = root_read(exfat);
    if (status) {
        fsd_discard(&exfat->fsd);
        return status;
    }
    *fsd = &exfat->fsd;
    return 0;
}
