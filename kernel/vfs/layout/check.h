/*
 * check.h - what checks of file systems share (driver.check_fs): findings, and the clusters that
 * belong to a file.
 *
 * Model       The check follows the clusters of each file and marks them. A cluster that is marked
 *             already belongs to two files, or comes twice. What is in use without a mark belongs
 *             to none.
 * Crossings   Of two files with one cluster, the one that is visited first keeps it. Its name is
 *             only known for the second one by visiting the tree again, which happens once, after
 *             the first visit, if there are crossings. Then they are reported.
 * Ownership   A struct check belongs to one thread, which frees `seen` with pages_cut().
 */
#ifndef KERNEL_VFS_LAYOUT_CHECK_H
#define KERNEL_VFS_LAYOUT_CHECK_H

#include "kernel/dev/driver.h"
#include "kernel/vfs/cache/pages.h"
#include "kernel/vfs/fsd.h"

enum {
    CHECK_LINE_BYTES = 320,
    CHECK_FOUND_MAX = 1000, /* findings that are shown */
    CHECK_DIRECTORIES_MAX = 1 << 20,
    CHECK_PATH_BYTES = 200, /* of a path that is shown; the beginning is left out */
    CHECK_CROSSINGS_MAX = 100, /* whose files are named */
};

/* A cluster that a file has, and an earlier one. */
struct check_crossing {
    uint32_t cluster;
    bool repaired;
    char path[CHECK_PATH_BYTES], owner[CHECK_PATH_BYTES]; /* "": not known yet */
};

struct check {
    struct fsd *fsd;
    struct check_report *report;
    bool repair;
    unsigned found, unrepaired;
    struct pages seen; /* a bit for each cluster of a file */
    struct check_crossing *crossings; /* CHECK_CROSSINGS_MAX; NULL: none so far */
    unsigned crossing_count;
    bool names;        /* the second visit, in which nothing is reported or repaired */
};

/* Reports a finding. */
void check_found(struct check *c, bool repaired, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Marks a cluster as that of a file. Returns false if it was marked before, or with -ENOMEM. */
bool check_mark(struct check *c, uint32_t cluster, const char *path, status_t *status);
/* Notes that the file has a cluster that was marked before; `repaired`: it ends before that now. */
void check_crossed(struct check *c, uint32_t cluster, const char *path, bool repaired);
/* Reports the crossings, and with which file they are. `visit` visits the whole tree again. */
status_t check_report_crossings(struct check *c, status_t (*visit)(struct check *c)) MUST_CHECK;
bool check_is_marked(const struct check *c, uint32_t cluster);

#endif
