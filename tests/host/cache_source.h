/*
 * cache_source.h - a cache over the first bytes of a faulty disk, for the tests of
 * kernel/vfs/cache/cache.h.
 */
#ifndef TESTS_HOST_CACHE_SOURCE_H
#define TESTS_HOST_CACHE_SOURCE_H

#include "tests/host/rig.h"

enum { DISK_BYTES = 4 << 20 };

extern uint8_t disk[DISK_BYTES]; /* no byte is zero, those after the end of the cache included */

struct source {
    struct cache cache;
    struct faulty *faulty;
    _Atomic status_t check; /* the result of the cache's check() */
    bool shrinks; /* while others read: a read may extend past the end that the cache has by now */

    uint64_t bad_from, bad_to; /* writes of these bytes fail, although they reach the disk, */
    status_t error;            /* with this, 0: -EIO */
    bool vague;                /* and do not name the bad block */
    _Atomic unsigned long writes, bad_writes, dirtied; /* counted so far */
    _Atomic uint64_t write_end;                        /* of the latest write */
    _Atomic unsigned long steps_back;                  /* writes that began before the end of the
                                                          one before them */
};

extern const struct cache_ops source_ops; /* for caches whose owner is a struct source */

/* Start and stop io, the device tree and the cache, with a cache over the first `size` bytes. */
void set_up(struct source *source, uint32_t block, uint64_t size, enum faulty_manner manner);
void tear_down(struct source *source);
/* Opens and closes a view, and checks its bytes, its length, and that zeroes follow the end of the
 * cache. Returns its length or an errno. */
ssize_t view_checked(struct source *source, uint64_t offset);
/* Reads, and checks the bytes. Returns their number or an errno. */
ssize_t read_checked(struct source *source, uint64_t offset, size_t bytes);

#endif
