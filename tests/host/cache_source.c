/*
 * cache_source.c - a cache over a faulty disk: see cache_source.h.
 */
#include "tests/host/cache_source.h"

#include <string.h>

uint8_t disk[DISK_BYTES];

static void source_fill_done(struct io_request *request)
{
    cache_io_done(request->context, request->status, request->done_bytes, request->exact);
}

static void source_fill(struct cache *cache, struct cache_io *io)
{
    struct source *source = cache->owner;
    struct io_request *request = io->context;
    kassert(io->offset_bytes % cache->block_bytes == 0);
    kassert(io->length_bytes % cache->block_bytes == 0 && io->length_bytes > 0);
    kassert(io->offset_bytes + io->length_bytes < cache->size_bytes + cache->block_bytes);
    *request = (struct io_request){
        .device = source->faulty->device,
        .op = IO_READ,
        .generation = device_medium(source->faulty->device).generation,
        .offset_bytes = io->offset_bytes,
        .length_bytes = io->length_bytes,
        .segments = io->segments,
        .segment_count = io->segment_count,
        .complete = source_fill_done,
        .context = io,
    };
    io_submit(request);
}

static status_t source_check(struct cache *cache)
{
    return atomic_load(&((struct source *)cache->owner)->check);
}

const struct cache_ops source_ops = {
    .context_bytes = sizeof(struct io_request), .fill = source_fill, .check = source_check
};

void set_up(struct source *source, uint32_t block, uint64_t size, enum faulty_manner manner)
{
    for (size_t i = 0; i < DISK_BYTES; i++)
        disk[i] = (uint8_t)(1 + (i * 7 + (i >> 9) * 13) % 255);
    kassert(io_start() == 0 && device_start() == 0 && cache_start() == 0);
    mem_set_reclaim(cache_reclaim);
    memset(source, 0, sizeof(*source));
    source->faulty = faulty_create(0, disk, DISK_BYTES, faulty_limits(), manner);
    cache_init(&source->cache, &source_ops, source, block, size);
}

void tear_down(struct source *source)
{
    cache_destroy(&source->cache);
    kassert(cache_page_count() == 0);
    faulty_destroy(source->faulty);
    cache_stop();
    device_stop();
    io_stop();
    mem_set_reclaim(NULL);
}

ssize_t view_checked(struct source *source, uint64_t offset)
{
    struct cache_view view;
    uint64_t size = source->cache.size_bytes;
    ssize_t got = cache_view_open(&source->cache, offset, &view);
    if (got <= 0)
        return got;
    size_t room = PAGE_BYTES - offset % PAGE_BYTES;
    kassert((size_t)got == view.length_bytes && (size_t)got <= room && offset + got <= size);
    kassert(memcmp(view.data, disk + offset, (size_t)got) == 0);
    if (offset + (uint64_t)got == size)
        for (size_t i = (size_t)got; i < room; i++)
            kassert(view.data[i] == 0);
    cache_view_close(&view);
    return got;
}

ssize_t read_checked(struct source *source, uint64_t offset, size_t bytes)
{
    uint8_t *to = mem_alloc(bytes + 1);
    kassert(to != NULL);
    ssize_t got = cache_read(&source->cache, offset, to, bytes);
    if (got > 0)
        kassert(memcmp(to, disk + offset, (size_t)got) == 0);
    mem_free(to);
    return got;
}
