/*
 * runs.h - where the bytes of a file are on the volume, for file systems that allocate in clusters.
 *
 * Model       Runs are consecutive pieces of a file, each at one place of the volume. A file system
 *             makes the list when the file is opened, and reads along it without waiting.
 * Locking     None. A list that other threads use does not change.
 * Ownership   The list is the caller's: `= { 0 }` is an empty one.
 */
#ifndef KERNEL_VFS_LAYOUT_RUNS_H
#define KERNEL_VFS_LAYOUT_RUNS_H

#include "kernel/vfs/fsd.h"

struct run {
    uint64_t offset_bytes; /* in the file */
    uint64_t address;      /* on the volume */
    uint64_t length_bytes;
};

struct runs {
    struct run *list;
    size_t count, room;
    uint64_t length_bytes; /* of all */
};

/* Appends bytes to the last run, if they follow it on the volume, or as a new run. -ENOMEM. */
status_t runs_add(struct runs *runs, uint64_t address, uint64_t bytes) MUST_CHECK;
/* Frees the list, which is then empty. */
void runs_free(struct runs *runs);
/* Returns the run that contains an offset, or NULL. */
const struct run *runs_find(const struct runs *runs, uint64_t offset_bytes);

/* Reads the next part of an io along the runs, or completes it: for fsd_ops.read_write, and for
 * finish_io after a part without an error. Bytes after the last run, and those past the end of the
 * device, are -EIO. */
void runs_read(const struct runs *runs, uint64_t device_bytes, struct vfs_io *io);

#endif
