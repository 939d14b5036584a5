/*
 * write_back.c - self tests of writing into the file cache, over a device that is an array in
 * memory: dirty pages survive reclaim, and a flush writes what is dirty and nothing else.
 */
#include "kernel/selftest.h"
#include "kernel/vfs/cache/cache.h"
#include "lib/string.h"

enum { STORE_BYTES = 64 * PAGE_BYTES, STORE_NEW = 0x5a };

struct store {
    struct cache cache;
    uint8_t *bytes;
    uint64_t written_bytes;
    unsigned writes;
};

/* Copies between the store and the segments, and ends the io at once. */
static void store_move(struct store *store, struct cache_io *io)
{
    uint64_t at = io->offset_bytes;
    for (unsigned i = 0; i < io->segment_count; i++) {
        const struct io_segment *segment = &io->segments[i];
        if (io->writes)
            memcpy(store->bytes + at, segment->address, segment->length_bytes);
        else
            memcpy(segment->address, store->bytes + at, segment->length_bytes);
        at += segment->length_bytes;
    }
    cache_io_done(io, 0, io->length_bytes, false);
}

static void store_fill(struct cache *cache, struct cache_io *io)
{
    store_move(cache->owner, io);
}

static void store_write(struct cache *cache, struct cache_io *io)
{
    struct store *store = cache->owner;
    store->writes++;
    store->written_bytes += io->length_bytes;
    store_move(store, io);
}

static bool store_open(struct store *store)
{
    static const struct cache_ops ops = { .fill = store_fill, .write = store_write };
    *store = (struct store){ .bytes = mem_zalloc(STORE_BYTES) };
    if (store->bytes)
        cache_init(&store->cache, &ops, store, PAGE_BYTES, STORE_BYTES);
    return store->bytes;
}

static void store_close(struct store *store)
{
    (void)cache_discard(&store->cache);
    cache_destroy(&store->cache);
    mem_free(store->bytes);
}

/* Writes every second page of the store, and one byte of the others' last. */
static bool store_fill_half(struct store *store)
{
    static uint8_t page[PAGE_BYTES];
    memset(page, STORE_NEW, PAGE_BYTES);
    for (uint64_t at = 0; at < STORE_BYTES; at += 2 * PAGE_BYTES)
        if (cache_write(&store->cache, at, page, PAGE_BYTES) != PAGE_BYTES)
            return false;
    return cache_write(&store->cache, STORE_BYTES - 1, page, 1) == 1;
}

SELFTEST(dirty_pages_survive_reclaim)
{
    struct store store;
    size_t dirty = cache_dirty_pages();
    SELFTEST_CHECK(store_open(&store));
    bool filled = store_fill_half(&store);
    (void)cache_reclaim(SIZE_MAX);

    uint8_t first = 0, last = 0;
    ssize_t got = cache_read(&store.cache, 0, &first, 1) +
                  cache_read(&store.cache, STORE_BYTES - 1, &last, 1);
    size_t after = cache_dirty_pages();
    unsigned writes = store.writes;
    store_close(&store);
    SELFTEST_CHECK(filled && got == 2 && first == STORE_NEW && last == STORE_NEW);
    SELFTEST_CHECK(after == dirty + STORE_BYTES / PAGE_BYTES / 2 + 1 && !writes);
    SELFTEST_CHECK(cache_dirty_pages() == dirty);
}

SELFTEST(a_flush_writes_what_is_dirty_and_nothing_else)
{
    struct store store;
    SELFTEST_CHECK(store_open(&store));
    bool filled = store_fill_half(&store);
    status_t status = cache_flush(&store.cache, 0, UINT64_MAX);

    bool stored = store.bytes[0] == STORE_NEW && !store.bytes[PAGE_BYTES] &&
                  store.bytes[STORE_BYTES - 1] == STORE_NEW;
    uint64_t written = store.written_bytes, dirty = cache_dirty_bytes(&store.cache);
    unsigned writes = store.writes;
    store_close(&store);
    SELFTEST_CHECK(filled && !status && stored && !dirty);
    SELFTEST_CHECK(written == STORE_BYTES / 2 + CACHE_PIECE_BYTES);
    SELFTEST_CHECK(writes == STORE_BYTES / PAGE_BYTES / 2 + 1);
}
