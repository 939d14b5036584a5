/*
 * state.c - the marks that a volume is in use, and making it writable.
 *
 * While a volume can be written it is marked as dirty, in the boot sector (as Linux does) and in
 * the table's entry 1 (as Windows does; FAT12 has no bits there), and FSInfo of FAT32 contains no
 * number of free clusters, since it could not be kept true at each moment.
 */
#include "fs/fat/boot.h"
#include "fs/fat/fat.h"
#include "kernel/log.h"
#include "lib/macros.h"

/* Bits of the table's entry 1, as those of FAT32: set in a volume without fault. */
#define ENTRY_CLEAN 0x08000000u
#define ENTRY_NO_ERRORS 0x04000000u

/* ---- marks -------------------------------------------------------------------------------- */

/* Reads the marks; true if the volume was not unmounted. */
static status_t dirty_read(struct fat *fat, bool *dirty)
{
    uint8_t state;
    uint32_t entry = ENTRY_CLEAN;
    status_t status = fat_read(fat, fat->geometry.state_address, &state, 1);
    if (!status && fat->geometry.bits != 12)
        status = fat_entry_read(fat, 1, &entry);
    unsigned shift = fat->geometry.bits == 16 ? 12 : 0;
    *dirty = state & BOOT_STATE_DIRTY || !(entry & ENTRY_CLEAN >> shift);
    return status;
}

/* Sets or clears the bits of entry 1. Errors stay recorded until the volume is checked. */
static status_t entry_mark(struct fat *fat, bool dirty)
{
    unsigned shift = fat->geometry.bits == 16 ? 12 : 0;
    uint32_t entry, clean = ENTRY_CLEAN >> shift, good = ENTRY_NO_ERRORS >> shift;
    if (fat->geometry.bits == 12)
        return 0;
    status_t status = fat_entry_read(fat, 1, &entry);
    if (status)
        return status;
    entry = dirty ? entry & ~clean : entry | clean;
    if (atomic_load(&fat->write_failed))
        entry &= ~good;
    return fat_entry_write(fat, CHANGE_LINK, 1, entry);
}

static status_t state_mark(struct fat *fat, bool dirty)
{
    uint8_t state;
    status_t status = fat_read(fat, fat->geometry.state_address, &state, 1);
    state = (uint8_t)(dirty ? state | BOOT_STATE_DIRTY : state & ~BOOT_STATE_DIRTY);
    if (!status)
        status = changes_write(fat->changes, CHANGE_LINK, fat->geometry.state_address, &state, 1);
    return status ? status : entry_mark(fat, dirty);
}

/* Stores the number of free clusters in FSInfo, if there is such a sector. */
static status_t info_store(struct fat *fat, uint32_t free)
{
    uint8_t sector[FAT_BOOT_BYTES];
    struct bytes info = { sector, sizeof(sector) };
    uint64_t address = fat->geometry.info_address;
    status_t status = address ? fat_read(fat, address, sector, sizeof(sector)) : -ENOENT;
    if (status)
        return status == -ENOENT ? 0 : status;
    if (bytes_le32(info, INFO_LEAD) != INFO_LEAD_SIGNATURE ||
        bytes_le32(info, INFO_STRUCTURE) != INFO_STRUCTURE_SIGNATURE)
        return 0;

    /* Kept for a volume that nothing is written to. */
    if (free == INFO_UNKNOWN)
        fat->info_free = bytes_le32(info, INFO_FREE_CLUSTERS);
    bytes_put_le32(sector + INFO_FREE_CLUSTERS, free);
    return changes_write(fat->changes, CHANGE_LINK, address + INFO_FREE_CLUSTERS,
                         sector + INFO_FREE_CLUSTERS, 4);
}

/* Writes the marks, and waits until they are durable. */
static status_t marks_write(struct fat *fat, bool dirty, uint32_t free)
{
    status_t status = changes_begin(fat->changes);
    if (status)
        return status;
    status = state_mark(fat, dirty);
    if (!status)
        status = info_store(fat, free);
    changes_end(fat->changes, !status);
    return status ? status : changes_commit(fat->changes);
}

/* ---- becoming writable -------------------------------------------------------------------- */

/* Creates what only a writable volume needs, once. */
static status_t writing_start(struct fat *fat)
{
    static const struct clusters_ops ops = { .load = fat_clusters_load };
    const struct fat_geometry *geometry = &fat->geometry;
    if (fat->changes)
        return 0;

    status_t status = clusters_start(&fat->clusters, &ops, geometry->clusters,
                                     geometry->data_address, geometry->cluster_bytes);
    struct list *unsaved = mem_alloc(FAT_UNSAVED_BUCKETS * sizeof(*unsaved));
    struct changes *changes = changes_create(&fat->fsd, &fat->cache, fat->block_bytes);
    if (status || !unsaved || !changes) {
        changes_destroy(changes);
        mem_free(unsaved);
        clusters_stop(&fat->clusters);
        return status ? status : -ENOMEM;
    }
    for (unsigned i = 0; i < FAT_UNSAVED_BUCKETS; i++)
        list_init(&unsaved[i]);
    fat->unsaved = unsaved;

    /* From here on every reader sees the volume as it will be. */
    atomic_store(&fat->changes, changes);
    return 0;
}

void fat_writing_stop(struct fat *fat)
{
    changes_destroy(fat->changes);
    clusters_stop(&fat->clusters);
    mem_free(fat->unsaved);
}

static status_t make_writable(struct fat *fat)
{
    const struct device *device = fsd_device(&fat->fsd)->device;
    if (device_is_read_only(device) || fat->geometry.volume_bytes > fat->cache.size_bytes)
        return -EROFS;
    status_t status = writing_start(fat);
    if (!status)
        status = dirty_read(fat, &fat->was_dirty);
    if (!status)
        status = marks_write(fat, true, INFO_UNKNOWN);
    if (!status && fat->was_dirty)
        log_warn("fat", "%s: was not unmounted; `check` finds what is wrong", device_label(device));
    return status;
}

static status_t make_read_only(struct fat *fat)
{
    /* A volume that was not in order stays marked: only a check can know that it is. */
    bool dirty = fat->was_dirty || atomic_load(&fat->write_failed);
    status_t status = fat_flush(&fat->fsd);
    uint32_t free = atomic_load(&fat->counted) ? (uint32_t)clusters_free_count(&fat->clusters)
                                               : fat->info_free;
    return status ? status : marks_write(fat, dirty, free);
}

status_t fat_set_writable(struct fsd *fsd, bool writable)
{
    struct fat *fat = fat_of(fsd);
    if (fsd->read_only == !writable)
        return 0;
    status_t status = writable ? make_writable(fat) : make_read_only(fat);
    if (!status)
        fsd->read_only = !writable;
    return status;
}
