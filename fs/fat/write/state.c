/*
 * state.c - making a volume writable, and read-only again.
 *
 * While a volume can be written it is marked as dirty (marks.c), and FSInfo of FAT32 contains no
 * number of free clusters, since it could not be kept true at each moment.
 */
#include "fs/fat/fat.h"
#include "kernel/log.h"

/* ---- becoming writable -------------------------------------------------------------------- */

status_t fat_writing_start(struct fat *fat)
{
    static const struct clusters_ops ops = { .load = fat_clusters_load, .free = fat_clusters_free };
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
    status_t status = fat_writing_start(fat);

    /* After an attempt that failed the volume has our own mark, perhaps only in memory. */
    if (!status && !fat->marked)
        status = fat_marks_read(fat, &fat->marks);
    fat->marked |= !status;
    if (!status)
        status = fat_marks_in_use(fat);
    if (!status && fat->marks.dirty)
        log_warn("fat", "%s: was not unmounted; `check` finds what is wrong", device_label(device));
    return status;
}

static status_t make_read_only(struct fat *fat)
{
    /* The clusters of removed files that are still open stay in use until they are closed, and are
     * lost if the volume does not become writable again. */
    spin_lock(&fat->lock);
    bool loses = !list_empty(&fat->removed);
    spin_unlock(&fat->lock);
    status_t status = fat_flush(&fat->fsd);
    if (status)
        return status;

    /* A volume that was not in order stays marked: only a check can find that it is again. */
    struct fat_marks marks = fat->marks;
    marks.errors |= atomic_load(&fat->write_failed);
    marks.dirty |= marks.errors || loses;
    if (atomic_load(&fat->counted))
        marks.free = (uint32_t)clusters_free_count(&fat->clusters);

    status = fat_marks_write(fat, &marks);
    if (!status)
        fat->marked = loses;
    return status;
}

status_t fat_set_writable(struct fsd *fsd, bool writable)
{
    struct fat *fat = fat_of(fsd);
    if (fat->writable == writable)
        return 0;
    status_t status = writable ? make_writable(fat) : make_read_only(fat);
    if (status)
        return status;
    fat->writable = writable;
    fsd->read_only = !writable;
    return 0;
}
