/*
 * attributes.h - the attributes of FAT and exFAT: one byte, with the same bits in both.
 *
 * Model       A file with the read-only attribute cannot be opened for writing (-EACCES), and so
 *             not be truncated. It can be renamed, removed and replaced: those change its
 *             directory. This is what Linux's vfat does for users other than root. Windows refuses
 *             to remove it, too; `rm` and `mv` ask. A handle that is open already continues to
 *             write. The attribute of a directory has no effect, as on Windows.
 * Mode        rw-r--r-- for files, without w if they are read-only; rwxr-xr-x for directories.
 *             Linux shows files with x, so that programs on the volume can be run; here none can.
 *             That the mount is read-only does not change the mode, as on Linux.
 * Archive     Set when a file is created, written or truncated.
 * References  Microsoft FAT specification 1.03, 6; exFAT file system specification 1.00, 7.4.4.
 */
#ifndef KERNEL_VFS_LAYOUT_ATTRIBUTES_H
#define KERNEL_VFS_LAYOUT_ATTRIBUTES_H

#include "kernel/vfs/fsd.h"

enum layout_attribute {
    LAYOUT_READ_ONLY = 0x01,
    LAYOUT_HIDDEN = 0x02,
    LAYOUT_SYSTEM = 0x04,
    LAYOUT_DIRECTORY = 0x10,
    LAYOUT_ARCHIVE = 0x20,
    LAYOUT_SETTABLE = LAYOUT_READ_ONLY | LAYOUT_HIDDEN | LAYOUT_SYSTEM | LAYOUT_ARCHIVE,
};

/* Fills in the type, the attributes and the mode; adds INFO_MODE to what is known. */
static inline void layout_attributes_info(unsigned stored, struct node_info *info)
{
    enum { FILE_MODE = 0100644, DIRECTORY_MODE = 040755, WRITE_BITS = 0222 };
    bool directory = stored & LAYOUT_DIRECTORY, read_only = stored & LAYOUT_READ_ONLY;
    info->type = directory ? NODE_DIRECTORY : NODE_FILE;
    info->attributes = (stored & LAYOUT_HIDDEN ? ATTRIBUTE_HIDDEN : 0u) |
                       (read_only ? ATTRIBUTE_READ_ONLY : 0u) |
                       (stored & LAYOUT_SYSTEM ? ATTRIBUTE_SYSTEM : 0u) |
                       (stored & LAYOUT_ARCHIVE ? ATTRIBUTE_ARCHIVE : 0u);
    info->known |= INFO_MODE;
    info->mode = directory ? DIRECTORY_MODE : read_only ? FILE_MODE & ~WRITE_BITS : FILE_MODE;
    info->links = 1;
}

/* Returns the stored attributes with those of ATTRIBUTES_SETTABLE replaced. */
static inline unsigned layout_attributes_set(unsigned stored, unsigned attributes)
{
    return (stored & ~(unsigned)LAYOUT_SETTABLE) |
           (attributes & ATTRIBUTE_READ_ONLY ? LAYOUT_READ_ONLY : 0u) |
           (attributes & ATTRIBUTE_HIDDEN ? LAYOUT_HIDDEN : 0u) |
           (attributes & ATTRIBUTE_SYSTEM ? LAYOUT_SYSTEM : 0u) |
           (attributes & ATTRIBUTE_ARCHIVE ? LAYOUT_ARCHIVE : 0u);
}

#endif
