/*
 * check.h - what check.c and check_tree.c share.
 */
#ifndef FS_EXFAT_TOOLS_CHECK_H
#define FS_EXFAT_TOOLS_CHECK_H

#include "fs/exfat/exfat.h"
#include "kernel/vfs/layout/check.h"

/* Follows and marks the clusters of a file, reports what is wrong with them, and appends those that
 * are good to the list. `set`: the address of its set; 0: it has none, and stays as it is. */
status_t exfat_check_clusters(struct check *c, const struct exfat_attributes *attributes,
                              uint64_t set, const char *path, struct runs *runs) MUST_CHECK;
/* Checks all directories and the clusters of all files. Each directory is visited once. */
status_t exfat_check_tree(struct check *c) MUST_CHECK;

#endif
