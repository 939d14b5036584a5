/*
 * cache_model.c - a cache, and an array of what it must contain: see cache_model.h.
 */
#include "tests/host/cache_model.h"

#include <string.h>

#include "lib/macros.h"

uint8_t model[DISK_BYTES];

static uint8_t buffer[DISK_BYTES];

void cached_start(struct source *source, uint32_t block, uint32_t unit, uint64_t size)
{
    set_up(source, block, size, FAULTY_MIXED);
    source->cache.write_unit_bytes = unit;
    memcpy(model, disk, DISK_BYTES);
}

void cached_start_random(struct source *source, uint64_t size)
{
    static const uint32_t blocks[] = { 512, 2048, 4096, 8192, 128 * 1024 };
    uint32_t block = blocks[rig_random() % ARRAY_LENGTH(blocks)];
    cached_start(source, block, rig_random() % 2 ? 512 : 4096, size);
}

ssize_t cached_put(struct source *source, uint64_t offset, size_t bytes)
{
    uint64_t seed = rig_random();
    for (size_t i = 0; i < bytes; i++)
        buffer[i] = (uint8_t)(seed + i * 3 + (i >> 8));
    ssize_t done = cache_write(&source->cache, offset, buffer, bytes);
    if (done > 0)
        memcpy(model + offset, buffer, (size_t)done);
    return done;
}

void cached_put_whole(struct source *source, uint64_t offset, size_t bytes)
{
    kassert(cached_put(source, offset, bytes) == (ssize_t)bytes);
}

void cached_check(struct source *source, uint64_t offset, size_t bytes)
{
    uint64_t size = source->cache.size_bytes, left = offset < size ? size - offset : 0;
    size_t expected = bytes < left ? bytes : (size_t)left;
    kassert(cache_read(&source->cache, offset, buffer, bytes) == (ssize_t)expected);
    kassert(memcmp(buffer, model + offset, expected) == 0);
}

void cached_flush(struct source *source)
{
    expect("flush", cache_flush(&source->cache, 0, UINT64_MAX), 0);
    kassert(cache_dirty_bytes(&source->cache) == 0 && cache_dirty_pages() == 0);
    kassert(cache_dirty_since_us(&source->cache) == TIME_NEVER);
}

void cached_finish(struct source *source)
{
    cached_flush(source);
    kassert(memcmp(disk, model, source->cache.size_bytes) == 0);
    (void)cache_reclaim(SIZE_MAX);
    cached_check(source, 0, DISK_BYTES);
    tear_down(source);
}
