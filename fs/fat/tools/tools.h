/*
 * tools.h - makes and checks FAT volumes, for the commands `format` and `check`.
 *
 * Model       Both work on a device that is not mounted, which the caller has claimed.
 *             format.c writes directly. check.c mounts the volume for itself, follows every chain,
 *             and repairs through kernel/vfs/layout/changes.h.
 * Repairs     Clusters of no file become free; a chain that is longer than its file ends with it; a
 *             file ends where its chain does, or where that meets a free, bad or impossible cluster
 *             or one of a file that was visited before, as with fsck.fat; "." and ".." lead where
 *             they should; copies of the table become equal to the first; FSInfo becomes true; if
 *             nothing else is wrong, the volume is marked as clean. Invalid records, long names
 *             without a record, and a directory whose first cluster is another's or does not exist
 *             are left: a person has to decide what they were.
 * References  Microsoft FAT specification 1.03: 3.5 (sizes).
 */
#ifndef FS_FAT_TOOLS_TOOLS_H
#define FS_FAT_TOOLS_TOOLS_H

#include "fs/fat/boot.h"
#include "kernel/dev/driver.h"

/* The sizes of a new volume. */
struct fat_layout {
    unsigned bits;
    uint32_t sector_bytes, cluster_sectors, reserved_sectors, table_sectors, root_entries;
    uint32_t clusters;
    uint64_t sectors;
};

/* Chooses the sizes for a device. `cluster_bytes`: 0 for the default. -EINVAL if no FAT volume of
 * this size has such clusters, -ENOSPC if the device is too small, -EFBIG if it is too large. */
status_t fat_layout_plan(uint64_t bytes, uint32_t sector_bytes, uint32_t cluster_bytes,
                         struct fat_layout *layout) MUST_CHECK;
/* Encodes a label, padded with blanks. -EINVAL if it is too long or not of the allowed ASCII
 * characters. */
status_t fat_label_encode(const char *text, char label[LABEL_BYTES]) MUST_CHECK;

/* driver.format_fs */
status_t fat_format(const struct device_handle *handle, const struct volume_format *format);
/* driver.check_fs */
status_t fat_check(const struct device_handle *handle, bool repair, struct check_report *report);

#endif
