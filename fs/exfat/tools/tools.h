/*
 * tools.h - makes and checks exFAT volumes, for the commands `format` and `check`.
 *
 * Model       Both work on a device that is not mounted, which the caller has claimed. format.c
 *             writes directly, the boot sector last. check.c mounts the volume for itself, follows
 *             the clusters of every file, and repairs through kernel/vfs/layout/changes.h.
 * Repairs     The allocation bitmap becomes that of the files; a chain that is longer than its file
 *             ends with it; a file ends where its clusters do, or where they meet an impossible one
 *             or one of a file that was visited before; entries that belong to no file become
 *             unused; if nothing else is wrong, the volume is marked as clean. Invalid sets, wrong
 *             hashes of names, and directories without a cluster of their own are left: a person
 *             has to decide what they were.
 * References  Microsoft exFAT specification 1.00: 3 (boot regions).
 */
#ifndef FS_EXFAT_TOOLS_TOOLS_H
#define FS_EXFAT_TOOLS_TOOLS_H

#include "kernel/dev/driver.h"
#include "lib/status.h"

/* The sizes of a new volume; places in sectors. */
struct exfat_layout {
    unsigned sector_shift, cluster_shift; /* cluster_shift: of its sectors */
    uint64_t sectors;
    uint32_t table, table_sectors, heap, clusters;
    uint64_t bitmap_bytes;
    uint32_t upcase_cluster, root_cluster; /* the bitmap begins at the first one */
};

/* Chooses the sizes for a device. `cluster_bytes`: 0 for the default. -EINVAL if no exFAT volume of
 * this size has such clusters, -ENOSPC if the device is too small. */
status_t exfat_layout_plan(uint64_t bytes, uint32_t sector_bytes, uint32_t cluster_bytes,
                           size_t upcase_bytes, struct exfat_layout *layout) MUST_CHECK;

/* driver.format_fs */
status_t exfat_format(const struct device_handle *handle, const struct volume_format *format);
/* driver.check_fs */
status_t exfat_check(const struct device_handle *handle, bool repair, struct check_report *report);

#endif
