/*
 * store.h - where a virtual drive's bytes come from.
 *
 * A store moves bytes between memory and itself at any offset within its size. `waits` tells
 * whether that may sleep: the drive then has a worker thread, which alone calls the store; else the
 * drive calls it from wherever a request is submitted.
 *
 * Errors      0 and everything moved, or an errno and *done_bytes good ones.
 * Ownership   store_ops.close frees the store.
 */
#ifndef DRIVERS_VIRTUAL_STORE_H
#define DRIVERS_VIRTUAL_STORE_H

#include "kernel/dev/device.h"

struct store;

struct store_ops {
    status_t (*read)(struct store *store, uint64_t offset_bytes,
                     const struct io_segment *segments, unsigned segment_count,
                     uint32_t length_bytes, uint32_t *done_bytes);
    /* NULL: read-only. */
    status_t (*write)(struct store *store, uint64_t offset_bytes,
                      const struct io_segment *segments, unsigned segment_count,
                      uint32_t length_bytes, uint32_t *done_bytes);
    /* Is what the store lies on still what it was? 0, -ESTALE ... NULL: it lies on nothing. */
    status_t (*check)(struct store *store);
    void (*close)(struct store *store);
};

struct store {
    const struct store_ops *ops;
    uint64_t size_bytes;
    unsigned level; /* of the drive on it: Book, chapter 6 */
    bool waits;
};

/* `size_bytes` of zeroes; pages are taken when first written. -ENOMEM. */
status_t store_ram_create(uint64_t size_bytes, struct store **store) MUST_CHECK;
/* A file, through the VFS, past its cache. The path is absolute. */
status_t store_file_create(const char *path, struct store **store) MUST_CHECK;

/* If the store holds whole CD sectors (2352 or 2336 bytes) around an ISO 9660 volume, puts a store
 * of the sectors' data around it (*found), for a drive of 2048-byte blocks. -ENOMEM: *store is as
 * it was. */
status_t store_raw_detect(struct store **store, bool *found) MUST_CHECK;

/* A drive on the store: published, with an alias "virtualN". Takes the store over, also when it
 * fails. The size is rounded down to whole blocks; -EINVAL when that leaves none. A temporary drive
 * removes itself when its last handle is closed. *device is a reference. */
status_t drive_create(struct store *store, uint32_t block_bytes, bool temporary,
                      struct device **device) MUST_CHECK;
/* Takes the drive away: -EBUSY while it is open. */
status_t drive_remove(struct device *device) MUST_CHECK;
bool drive_is_temporary(const struct device *device);
bool device_is_drive(const struct device *device);

#endif
