/*
 * check.h - what check.c, check_tree.c and findings.c share.
 *
 * Model       check_tree() visits each directory once, and marks the clusters of each chain. A
 *             cluster that is marked already belongs to two chains. What is in use without a mark
 *             belongs to none.
 * Ownership   A struct check belongs to one thread.
 */
#ifndef FS_FAT_TOOLS_CHECK_H
#define FS_FAT_TOOLS_CHECK_H

#include "fs/fat/fat.h"
#include "fs/fat/tools/tools.h"
#include "kernel/vfs/cache/pages.h"

enum {
    CHECK_LINE_BYTES = 320,
    CHECK_FOUND_MAX = 1000,      /* findings that are shown */
    CHECK_DIRECTORIES_MAX = 1 << 20,
    CHECK_PATH_BYTES = 200,      /* of a path that is shown; the beginning is left out */
};

struct check {
    struct fat *fat;
    struct check_report *report;
    bool repair;
    unsigned found, unrepaired;
    struct pages seen; /* a bit for each cluster that a chain has */
};

/* Reports a finding. (findings.c) */
void check_found(struct check *c, bool repaired, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Marks a cluster as that of a chain. Returns false if it was marked before, or with -ENOMEM. */
bool check_mark(struct check *c, uint32_t cluster, status_t *status);
bool check_is_marked(const struct check *c, uint32_t cluster);
/* Changes an entry of the table. */
status_t check_entry_repair(struct check *c, uint32_t cluster, uint32_t value) MUST_CHECK;

/* Checks all directories and the chains of all files. (check_tree.c) */
status_t check_tree(struct check *c) MUST_CHECK;

#endif
