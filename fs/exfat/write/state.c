/*
 * state.c - the volume becomes writable and read-only again, clean and dirty, and durable.
 */
#include "fs/exfat/boot.h"
#include "fs/exfat/exfat.h"
#include "kernel/log.h"
#include "lib/macros.h"

/* ---- the boot sector ----------------------------------------------------------------------- */

/* Returns how much of the heap is in use, rounded down. */
static uint8_t percent_used(struct exfat *exfat)
{
    uint64_t clusters = exfat->geometry.clusters;
    return (uint8_t)((clusters - clusters_free_count(&exfat->clusters)) * 100 / clusters);
}

/* For changes_commit_mark(). */
static status_t flags_put(struct fsd *fsd, bool former)
{
    /* They are not a part of the boot region's checksum. */
    struct exfat *exfat = exfat_of(fsd);
    uint8_t flags[2], percent = percent_used(exfat);
    status_t status = exfat_read(exfat, BOOT_FLAGS, flags, sizeof(flags));
    bool dirty = former ? exfat->dirty : exfat->dirty_next;
    flags[0] = (uint8_t)(dirty ? flags[0] | FLAG_DIRTY : flags[0] & ~FLAG_DIRTY);
    if (!status)
        status = changes_write(exfat->changes, CHANGE_MARK, BOOT_FLAGS, flags, sizeof(flags));
    if (!status)
        status = changes_write(exfat->changes, CHANGE_MARK, BOOT_PERCENT, &percent,
                               sizeof(percent));
    return status;
}

status_t exfat_flags_write(struct exfat *exfat, bool dirty)
{
    exfat->dirty_next = dirty;
    status_t status = changes_commit_mark(exfat->changes, flags_put);
    if (!status)
        exfat->dirty = dirty;
    return status;
}

/* ---- flushing ----------------------------------------------------------------------------- */

status_t exfat_flush(struct fsd *fsd)
{
    struct exfat *exfat = exfat_of(fsd);
    if (!atomic_load(&exfat->changes))
        return 0;

    /* The removals of names that released them are written in the same commit, before their bits.
     * Clusters that cannot be released stay in use until the next flush: all else is written. */
    status_t freed = exfat->writable ? exfat_free_released(exfat) : 0;
    status_t status = changes_commit(exfat->changes);
    clusters_settle(&exfat->clusters, changes_commits(exfat->changes));
    return status || freed == -ENOMEM ? status : freed;
}

/* ---- writable and not ---------------------------------------------------------------------- */

status_t exfat_changes_start(struct exfat *exfat)
{
    /* The first boot region has the dirty flag. Without it nothing would be known of a volume
     * that was not unmounted. */
    if (atomic_load(&exfat->anomalies[EXFAT_ANOMALY_BOOT])) {
        log_warn("exfat", "%s: its boot region is invalid; it cannot be written", exfat->label);
        return -EROFS;
    }
    status_t status = exfat_upcase_load(exfat);
    if (!status)
        status = exfat_space_start(exfat);
    if (status == -EUCLEAN) {
        log_warn("exfat", "%s: its up-case table or allocation bitmap is invalid; it cannot be "
                          "written", exfat->label);
        return -EROFS;
    }
    if (status || exfat->changes)
        return status;

    exfat->block_bytes = max(device_block_bytes(fsd_device(&exfat->fsd)->device), 512u);
    struct changes *changes = changes_create(&exfat->fsd, &exfat->cache, exfat->block_bytes);
    if (!changes)
        return -ENOMEM;
    exfat->dirty = exfat->geometry.dirty;
    atomic_store(&exfat->changes, changes);
    return 0;
}

/* Returns whether clusters without a name are in use: of removed files that are still open, or that
 * the last flush had no memory to release. */
static bool has_removed(struct exfat *exfat)
{
    spin_lock(&exfat->lock);
    bool open = !list_empty(&exfat->unlinked);
    spin_unlock(&exfat->lock);
    struct clusters_release *release = clusters_next_release(&exfat->clusters);
    if (release)
        clusters_release(&exfat->clusters, release);
    return open || release;
}

status_t exfat_set_writable(struct fsd *fsd, bool writable)
{
    struct exfat *exfat = exfat_of(fsd);
    status_t status;
    if (writable && device_is_read_only(fsd_device(fsd)->device))
        return -EROFS;
    if (writable == exfat->writable)
        return 0;

    /* Dirty before the first change, and clean after the last one. A volume that was dirty when it
     * was mounted stays so: it may have damage. */
    if (writable)
        status = exfat_changes_start(exfat);
    else
        status = exfat_flush(fsd);
    if (status)
        return status;

    /* Clusters of removed files are released when the volume is writable again. If it never is, a
     * check finds them, which the mark asks for. */
    bool removed = !writable && has_removed(exfat);
    if (removed)
        log_warn("exfat", "%s: removed files are in use; it stays marked as not unmounted",
                 exfat->label);
    bool dirty = writable || removed || exfat->geometry.dirty;
    status = exfat_flags_write(exfat, dirty);
    if (status)
        return status;
    exfat->writable = writable;
    fsd->read_only = !writable;
    return 0;
}

void exfat_state_stop(struct exfat *exfat)
{
    changes_destroy(exfat->changes);
    clusters_stop(&exfat->clusters);
    runs_free(&exfat->bitmap_runs);
    mem_free(exfat->upcase);
}
