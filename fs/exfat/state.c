/*
 * state.c - the volume becomes writable and read-only again, clean and dirty, and durable.
 */
#include "fs/exfat/boot.h"
#include "fs/exfat/exfat.h"
#include "kernel/log.h"
#include "lib/macros.h"

/* ---- flushing ----------------------------------------------------------------------------- */

status_t exfat_flush(struct fsd *fsd)
{
    struct exfat *exfat = exfat_of(fsd);
    if (!atomic_load(&exfat->changes))
        return 0;

    /* The removals of names that released them are written in the same commit, before their bits.
     * Without memory for it they stay in use until the next flush. */
    status_t status = exfat->writable ? exfat_free_released(exfat) : 0;
    if (!status || status == -ENOMEM)
        status = changes_commit(exfat->changes);
    clusters_settle(&exfat->clusters, changes_commits(exfat->changes));
    return status;
}

/* ---- the boot sector ----------------------------------------------------------------------- */

/* Returns how much of the heap is in use, rounded down. */
static uint8_t percent_used(struct exfat *exfat)
{
    uint64_t clusters = exfat->geometry.clusters;
    return (uint8_t)((clusters - clusters_free_count(&exfat->clusters)) * 100 / clusters);
}

status_t exfat_flags_write(struct exfat *exfat, bool dirty)
{
    /* They are not a part of the boot region's checksum. */
    uint8_t flags[2], percent = percent_used(exfat);
    status_t status = changes_begin(exfat->changes);
    if (status)
        return status;
    status = exfat_read(exfat, BOOT_FLAGS, flags, sizeof(flags));
    flags[0] = (uint8_t)(dirty ? flags[0] | FLAG_DIRTY : flags[0] & ~FLAG_DIRTY);
    if (!status)
        status = changes_write(exfat->changes, CHANGE_LINK, BOOT_FLAGS, flags, sizeof(flags));
    if (!status)
        status = changes_write(exfat->changes, CHANGE_LINK, BOOT_PERCENT, &percent,
                               sizeof(percent));
    changes_end(exfat->changes, !status);
    return status ? status : changes_commit(exfat->changes);
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
    atomic_store(&exfat->changes, changes);
    return 0;
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
    if (!status)
        status = exfat_flags_write(exfat, writable || exfat->geometry.dirty);
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
