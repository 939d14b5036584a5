/*
 * check.h - what checks of file systems share (driver.check_fs): findings, and the clusters that
 * belong to a file.
 *
 * Model       The check follows the clusters of each file and marks them. A cluster that is marked
 *             already belongs to two files, or comes twice. What is in use without a mark belongs
 *             to none.
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
};

struct check {
    struct fsd *fsd;
    struct check_report *report;
    bool repair;
    unsigned found, unrepaired;
    struct pages seen; /* a bit for each cluster of a file */
};

/* Reports a finding. */
void check_found(struct check *c, bool repaired, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Marks a cluster as that of a file. Returns false if it was marked before, or with -ENOMEM. */
bool check_mark(struct check *c, uint32_t cluster, status_t *status);
bool check_is_marked(const struct check *c, uint32_t cluster);

#endif
