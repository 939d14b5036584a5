/*
 * check.h - what check.c and check_tree.c share.
 */
#ifndef FS_FAT_TOOLS_CHECK_H
#define FS_FAT_TOOLS_CHECK_H

#include "fs/fat/fat.h"
#include "fs/fat/tools/tools.h"
#include "kernel/vfs/layout/check.h"

/* Changes an entry of the table. (check_tree.c) */
status_t check_entry_repair(struct check *c, uint32_t cluster, uint32_t value) MUST_CHECK;
/* Checks all directories and the chains of all files. Each directory is visited once. */
status_t check_tree(struct check *c) MUST_CHECK;

#endif
