/*
 * runs.h - where the bytes of a file are on the volume, for file systems that allocate in clusters.
 *
 * Model       Runs are consecutive pieces of a file, each at one place of the volume. A file system
 *             makes the list when the file is opened, and reads and writes along it without
 *             waiting.
 * Locking     The owner's. A list that other threads use changes under the lock that is given to
 *             runs_transfer().
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

/* Removes what is after the first `bytes` bytes of the list. */
void runs_cut(struct runs *runs, uint64_t bytes);
/* Appends the part of another list after its first `from` bytes. -ENOMEM: some may be appended. */
status_t runs_append(struct runs *runs, const struct runs *more, uint64_t from) MUST_CHECK;

/* What io along runs needs to know of a file. */
struct runs_io {
    const struct runs *runs;
    struct spin *lock;     /* guards the list, if it may change meanwhile; NULL: it does not */
    uint64_t device_bytes;
    uint64_t zero_from;    /* bytes from here on are read as zeroes: they were never written, or
                              have no place yet */
};

/* Sends the next part of an io along the runs, or completes it: for fsd_ops.read_write, and for
 * finish_io after a part without an error. Bytes after the last run, and those past the end of the
 * device, are -EIO. */
void runs_transfer(const struct runs_io *file, struct vfs_io *io);

#endif
