/*
 * check.c - checks an exFAT volume: its bitmap, its tables, its marks.
 *
 * check_tree.c follows the directories first, and marks the clusters of each file.
 */
#include "fs/exfat/boot.h"
#include "fs/exfat/tools/check.h"
#include "fs/exfat/tools/tools.h"
#include "lib/macros.h"

/* ---- the bitmap --------------------------------------------------------------------------- */

struct counts {
    uint64_t lost, missing, used;
    bool releases; /* lost clusters are released: not if an invalid set may be their file's */
};

/* Makes the bit of a cluster right. */
static status_t bit_repair(struct check *c, uint32_t first, bool used)
{
    struct exfat *exfat = exfat_of(c->fsd);
    status_t status = changes_begin(exfat->changes);
    if (status)
        return status;
    status = exfat_bits_set(exfat, first, 1, used, used ? CHANGE_NEW : CHANGE_FREE);
    changes_end(exfat->changes, !status);
    if (!status && used)
        clusters_take(&exfat->clusters, first, 1);
    else if (!status)
        clusters_give(&exfat->clusters, first, 1);
    return status;
}

/* Compares the bits of a group with the clusters of files. */
static status_t check_group(struct check *c, uint32_t first, uint32_t count,
                            struct counts *counts)
{
    struct exfat *exfat = exfat_of(c->fsd);
    uint8_t used[CLUSTERS_GROUP / 8];
    status_t status = thread_interrupted() ? -EINTR : 0;
    if (!status)
        status = exfat->clusters.ops->load(&exfat->clusters, first, count, used);
    for (uint32_t i = 0; !status && i < count; i++) {
        bool bit = used[i / 8] >> i % 8 & 1;
        bool seen = check_is_marked(c, first + i + EXFAT_FIRST_CLUSTER);
        counts->lost += bit && !seen;
        counts->missing += !bit && seen;
        bool repair = seen ? c->repair : counts->releases;
        counts->used += repair ? seen : bit;
        if (repair && bit != seen)
            status = bit_repair(c, first + i, seen);
    }
    return status;
}

static status_t check_bitmap(struct check *c)
{
    const struct exfat_geometry *geometry = &exfat_of(c->fsd)->geometry;
    struct counts counts = { .releases = c->repair && !c->unrepaired };
    status_t status = 0;
    for (uint32_t at = 0; !status && at < geometry->clusters; at += CLUSTERS_GROUP)
        status = check_group(c, at, min(geometry->clusters - at, (uint32_t)CLUSTERS_GROUP),
                             &counts);
    if (status)
        return status;

    if (counts.lost)
        check_found(c, counts.releases, "%llu cluster%s (%llu bytes) belong%s to no file",
                    (unsigned long long)counts.lost, counts.lost == 1 ? "" : "s",
                    (unsigned long long)(counts.lost * geometry->cluster_bytes),
                    counts.lost == 1 ? "s" : "");
    if (counts.missing)
        check_found(c, c->repair, "%llu cluster%s of files %s marked as free",
                    (unsigned long long)counts.missing, counts.missing == 1 ? "" : "s",
                    counts.missing == 1 ? "is" : "are");
    c->report->used_bytes = counts.used * geometry->cluster_bytes;
    c->report->free_bytes = (geometry->clusters - counts.used) * geometry->cluster_bytes;
    return 0;
}

/* ---- all of it ---------------------------------------------------------------------------- */

/* The bitmap and the up-case table are files without a name. */
static status_t check_system_files(struct check *c)
{
    struct exfat *exfat = exfat_of(c->fsd);
    struct runs runs = { 0 };
    status_t status = exfat_check_clusters(c, &exfat->bitmap, 0, "the allocation bitmap", &runs);
    if (!status)
        status = exfat_check_clusters(c, &exfat->upcase_place, 0, "the up-case table", &runs);
    runs_free(&runs);
    return status;
}

static status_t check_clusters(struct check *c)
{
    status_t status = check_system_files(c);
    return status ? status : exfat_check_tree(c);
}

static status_t check_marks(struct check *c)
{
    struct exfat *exfat = exfat_of(c->fsd);

    /* The mark is cleared if what else was found was repaired. */
    bool clears = c->repair && !c->unrepaired;
    if (exfat->geometry.failing)
        check_found(c, false, "errors of the medium were recorded");
    if (exfat->geometry.dirty)
        check_found(c, clears, "the volume was not unmounted");
    if (!c->repair || !c->found)
        return 0;
    status_t status = changes_commit(exfat->changes);
    return status ? status : exfat_flags_write(exfat, exfat->geometry.dirty && !clears);
}

static status_t check_volume(struct check *c)
{
    struct exfat *exfat = exfat_of(c->fsd);
    if (atomic_load(&exfat->anomalies[EXFAT_ANOMALY_BOOT]))
        check_found(c, false, "the first boot region is invalid; its copy is used");
    if (exfat->geometry.volume_bytes > exfat->cache.size_bytes)
        check_found(c, false, "the device ends before the volume");

    /* What is needed to repair anything is damaged: no more can be done. */
    status_t status = exfat_upcase_load(exfat);
    if (status == -EUCLEAN)
        check_found(c, false, "the up-case table is missing, or its checksum is wrong");
    if (!status || status == -EUCLEAN)
        status = exfat_space_start(exfat);
    if (status == -EUCLEAN)
        check_found(c, false, "the allocation bitmap is missing or too short");
    bool has_bitmap = !status;
    c->repair &= !c->found && has_bitmap;
    if (c->repair)
        status = exfat_changes_start(exfat);
    if (status && status != -EUCLEAN)
        return status;

    status = check_clusters(c);
    if (!status)
        status = check_report_crossings(c, check_clusters);
    if (!status && has_bitmap)
        status = check_bitmap(c);
    return status ? status : check_marks(c);
}

status_t exfat_check(const struct device_handle *handle, bool repair, struct check_report *report)
{
    struct fsd *fsd;
    status_t status = exfat_mount(handle, "", &fsd);
    if (status)
        return status;
    list_init(&fsd->vnodes);
    list_init(&fsd->held);

    struct check *c = mem_zalloc(sizeof(*c));
    if (c) {
        *c = (struct check){ .fsd = fsd, .report = report, .repair = repair };
        status = check_volume(c);
        pages_cut(&c->seen, 0);
        mem_free(c->crossings);
    } else {
        status = -ENOMEM;
    }
    mem_free(c);
    fsd_discard(fsd);
    return status;
}
