/*
 * cache_source.c - a cache over a faulty disk: see cache_source.h.
 */
#include "tests/host/cache_source.h"

#include <string.h>

#include "lib/hash.h"

uint8_t disk[DISK_BYTES];

/* The owner's part of an io. */
struct source_io {
    struct io_request request;
    uint64_t sum; /* of the bytes to be written */
};

static uint64_t source_sum(const struct cache_io *io)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < io->segment_count; i++)
        sum = hash_bytes(io->segments[i].address, io->segments[i].length_bytes, sum);
    return sum;
}

static void source_fill_done(struct io_request *request)
{
    cache_io_done(request->context, request->status, request->done_bytes, request->exact);
}

static void source_fill(struct cache *cache, struct cache_io *io)
{
    struct source *source = cache->owner;
    struct io_request *request = &((struct source_io *)io->context)->request;
    kassert(!io->writes && io->offset_bytes % cache->block_bytes == 0);
    kassert(io->length_bytes % cache->block_bytes == 0 && io->length_bytes > 0);
    kassert(source->shrinks ||
            io->offset_bytes + io->length_bytes < cache->size_bytes + cache->block_bytes);
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

/* Ends a write; one of the bad bytes has failed. */
static void source_write_done(struct io_request *request)
{
    struct cache_io *io = request->context;
    struct source *source = io->cache->owner;
    uint64_t from = io->offset_bytes, end = from + io->length_bytes;
    bool bad = from < source->bad_to && end > source->bad_from;
    kassert(((struct source_io *)io->context)->sum == source_sum(io)); /* it was stable */

    if (request->status || !bad) {
        cache_io_done(io, request->status, request->done_bytes, request->exact);
        return;
    }
    atomic_fetch_add(&source->bad_writes, 1);
    uint64_t good = source->bad_from > from && !source->vague ? source->bad_from - from : 0;
    cache_io_done(io, source->error ? source->error : -EIO, good, !source->vague);
}

static void source_write(struct cache *cache, struct cache_io *io)
{
    struct source *source = cache->owner;
    struct source_io *own = io->context;
    uint64_t unit = cache->write_unit_bytes, end = io->offset_bytes + io->length_bytes;
    kassert(io->writes && io->length_bytes > 0 && io->length_bytes <= CACHE_WINDOW_BYTES);
    kassert(io->offset_bytes % unit == 0 && end % unit == 0);
    atomic_fetch_add(&source->writes, 1);
    if (io->offset_bytes < atomic_exchange(&source->write_end, end))
        atomic_fetch_add(&source->steps_back, 1);

    own->sum = source_sum(io);
    own->request = (struct io_request){
        .device = source->faulty->device,
        .op = IO_WRITE,
        .generation = device_medium(source->faulty->device).generation,
        .offset_bytes = io->offset_bytes,
        .length_bytes = io->length_bytes,
        .segments = io->segments,
        .segment_count = io->segment_count,
        .complete = source_write_done,
        .context = io,
    };
    io_submit(&own->request);
}

static void source_dirtied(struct cache *cache)
{
    atomic_fetch_add(&((struct source *)cache->owner)->dirtied, 1);
}

static status_t source_check(struct cache *cache)
{
    return atomic_load(&((struct source *)cache->owner)->check);
}

const struct cache_ops source_ops = {
    .context_bytes = sizeof(struct source_io),
    .fill = source_fill,
    .check = source_check,
    .write = source_write,
    .dirtied = source_dirtied,
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
    kassert(cache_page_count() == 0 && cache_dirty_pages() == 0);
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
