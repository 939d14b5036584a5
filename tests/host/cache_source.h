/*
 * cache_source.h - a cache over the first bytes of a faulty disk, for the tests of
 * kernel/vfs/cache/cache.h.
 */
#ifndef TESTS_HOST_CACHE_SOURCE_H
#define TESTS_HOST_CACHE_SOURCE_H

#include "tests/host/rig.h"

enum { DISK_BYTES = 4 << 20 };

extern uint8_t disk[DISK_BYTES]; /* what follows the cache's bytes there is not zero */

struct source {
    struct cache cache;
    struct faulty *faulty;
    _Atomic status_t check; /* what the cache's check() says */
};

extern const struct cache_ops source_ops; /* of caches whose owner is a source */

void set_up(struct source *source, uint32_t block, uint64_t size, enum faulty_manner manner);
void tear_down(struct source *source);
/* One view, checked: the bytes, its length, and zeroes behind the end of the cache. */
ssize_t view_checked(struct source *source, uint64_t offset);
/* Reads, and checks what came. */
ssize_t read_checked(struct source *source, uint64_t offset, size_t bytes);

#endif
