/*
 * check.c - checks a FAT volume: its table, its marks, and the clusters that no file has.
 *
 * check_tree.c follows the directories first, and marks the clusters of each chain.
 */
#include "fs/fat/table.h"
#include "fs/fat/tools/check.h"
#include "lib/macros.h"
#include "lib/string.h"

/* ---- clusters without a file -------------------------------------------------------------- */

struct lost {
    uint64_t count;
    uint64_t free; /* others that are free */
    uint64_t bad;
    bool frees; /* not if an invalid record may be their file's */
};

/* Looks at one cluster that no chain has. */
static status_t lost_take(struct check *c, uint32_t cluster, struct lost *lost)
{
    uint32_t entry;
    status_t status = fat_entry_read(fat_of(c->fsd), cluster, &entry);
    if (status)
        return status;
    if (entry == ENTRY_BAD) {
        lost->bad++;
        return 0;
    }
    lost->count++;
    return lost->frees ? check_entry_repair(c, cluster, ENTRY_FREE) : 0;
}

static status_t lost_group(struct check *c, uint32_t first, uint32_t count, struct lost *lost)
{
    uint8_t used[CLUSTERS_GROUP / 8];
    status_t status = thread_interrupted() ? -EINTR : 0;
    if (!status)
        status = fat_clusters_load(&fat_of(c->fsd)->clusters, first, count, used);
    for (uint32_t i = 0; !status && i < count; i++) {
        uint32_t cluster = first + i + FAT_FIRST_CLUSTER;
        if (!(used[i / 8] >> i % 8 & 1))
            lost->free++;
        else if (!check_is_marked(c, cluster))
            status = lost_take(c, cluster, lost);
    }
    return status;
}

static status_t check_lost(struct check *c, struct lost *lost)
{
    const struct fat_geometry *geometry = &fat_of(c->fsd)->geometry;
    status_t status = 0;
    lost->frees = c->repair && !c->unrepaired;
    for (uint32_t at = 0; !status && at < geometry->clusters; at += CLUSTERS_GROUP)
        status = lost_group(c, at, min(geometry->clusters - at, (uint32_t)CLUSTERS_GROUP), lost);
    if (status || !lost->count)
        return status;

    check_found(c, lost->frees, "%llu cluster%s (%llu bytes) belong%s to no file",
                (unsigned long long)lost->count, lost->count == 1 ? "" : "s",
                (unsigned long long)(lost->count * geometry->cluster_bytes),
                lost->count == 1 ? "s" : "");
    if (lost->frees)
        lost->free += lost->count;
    return 0;
}

/* ---- copies of the table ------------------------------------------------------------------ */

/* Compares a piece of one copy with the first one. With repair, makes them equal. */
static status_t copy_compare(struct check *c, uint64_t first, uint64_t copy, size_t bytes,
                             uint64_t *differences)
{
    uint8_t a[FAT_BOOT_BYTES], b[FAT_BOOT_BYTES];
    status_t status = fat_read(fat_of(c->fsd), first, a, bytes);
    if (!status)
        status = fat_read(fat_of(c->fsd), copy, b, bytes);
    if (status || !memcmp(a, b, bytes))
        return status;
    ++*differences;
    if (!c->repair)
        return 0;

    status = changes_begin(fat_of(c->fsd)->changes);
    if (status)
        return status;
    status = changes_write(fat_of(c->fsd)->changes, CHANGE_LINK, copy, a, bytes);
    changes_end(fat_of(c->fsd)->changes, !status);
    return status;
}

static status_t check_copies(struct check *c)
{
    const struct fat_geometry *geometry = &fat_of(c->fsd)->geometry;
    status_t status = 0;
    for (unsigned n = 1; !status && n < geometry->tables; n++) {
        uint64_t differences = 0;
        for (uint64_t at = 0; !status && at < geometry->table_bytes; at += FAT_BOOT_BYTES) {
            size_t bytes = min(geometry->table_bytes - at, (uint64_t)FAT_BOOT_BYTES);
            status = thread_interrupted()
                         ? -EINTR
                         : copy_compare(c, geometry->table_address + at,
                                        geometry->table_address + n * geometry->table_bytes + at,
                                        bytes, &differences);
        }
        if (!status && differences)
            check_found(c, c->repair, "copy %u of the table differs from the first one in %llu "
                        "sectors", n + 1, (unsigned long long)differences);
    }
    return status;
}

/* ---- marks -------------------------------------------------------------------------------- */

static status_t check_marks(struct check *c, uint64_t free)
{
    struct fat_marks marks;
    status_t status = fat_marks_read(fat_of(c->fsd), &marks);
    if (status)
        return status;

    /* The marks are cleared if what else was found was repaired. */
    bool clears = c->repair && !c->unrepaired;
    bool wrong = marks.free != INFO_UNKNOWN && marks.free != free;
    if (wrong)
        check_found(c, c->repair, "FSInfo counts %u free clusters; there are %llu", marks.free,
                    (unsigned long long)free);
    if (marks.dirty)
        check_found(c, clears, "the volume was not unmounted");
    if (marks.errors)
        check_found(c, clears, "errors of writing were recorded");
    if (!c->repair)
        return 0;

    marks.dirty &= !clears;
    marks.errors &= !clears;
    marks.free = (uint32_t)free;
    return c->found ? fat_marks_write(fat_of(c->fsd), &marks) : 0;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static status_t check_volume(struct check *c)
{
    const struct fat_geometry *geometry = &fat_of(c->fsd)->geometry;
    struct lost lost = { 0 };

    /* The copies first: from then on the first one is what counts. */
    status_t status = check_copies(c);
    if (!status && geometry->volume_bytes > fat_of(c->fsd)->cache.size_bytes)
        check_found(c, false, "the device ends before the volume");
    if (!status)
        status = check_tree(c);
    if (!status)
        status = check_report_crossings(c, check_tree);
    if (!status)
        status = check_lost(c, &lost);
    if (!status)
        status = check_marks(c, lost.free);
    c->report->free_bytes = lost.free * geometry->cluster_bytes;
    c->report->used_bytes =
        (geometry->clusters - lost.free - lost.bad) * geometry->cluster_bytes;
    return status;
}

status_t fat_check(const struct device_handle *handle, bool repair, struct check_report *report)
{
    struct fsd *fsd;
    status_t status = fat_mount(handle, "", &fsd);
    if (status)
        return status;
    list_init(&fsd->vnodes);
    list_init(&fsd->held);

    struct check *c = mem_zalloc(sizeof(*c));
    if (!c)
        status = -ENOMEM;
    if (!status && repair)
        status = fat_writing_start(fat_of(fsd));
    if (!status) {
        *c = (struct check){ .fsd = fsd, .report = report, .repair = repair };
        status = check_volume(c);
        pages_cut(&c->seen, 0);
        mem_free(c->crossings);
    }
    mem_free(c);
    fsd_discard(fsd);
    return status;
}
