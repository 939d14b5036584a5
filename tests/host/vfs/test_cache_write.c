/*
 * test_cache_write.c - promise: what is written into a cache is read from it and, once flushed, is
 * on the device, whatever the offsets and sizes, with several threads, and when writes or
 * allocations fail; nothing is read or written that need not be (cache.h). For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/cache_source.h"

static uint8_t model[DISK_BYTES]; /* what the cache must contain */
static uint8_t buffer[DISK_BYTES];
static const uint8_t zeroes[DISK_BYTES];

static const uint32_t blocks[] = { 512, 2048, 4096, 8192, 128 * 1024 };

enum { BLOCK_KINDS = ARRAY_LENGTH(blocks) };

/* ---- helpers ------------------------------------------------------------------------------ */

static void start(struct source *source, uint32_t block, uint32_t unit, uint64_t size)
{
    set_up(source, block, size, FAULTY_MIXED);
    source->cache.write_unit_bytes = unit;
    memcpy(model, disk, DISK_BYTES);
}

static void start_random(struct source *source, uint64_t size)
{
    uint32_t block = blocks[rig_random() % BLOCK_KINDS];
    start(source, block, rig_random() % 2 ? 512 : 4096, size);
}

/* Writes random bytes. */
static ssize_t put(struct source *source, uint64_t offset, size_t bytes)
{
    uint64_t seed = rig_random();
    for (size_t i = 0; i < bytes; i++)
        buffer[i] = (uint8_t)(seed + i * 3 + (i >> 8));
    ssize_t done = cache_write(&source->cache, offset, buffer, bytes);
    if (done > 0)
        memcpy(model + offset, buffer, (size_t)done);
    return done;
}

static void put_whole(struct source *source, uint64_t offset, size_t bytes)
{
    kassert(put(source, offset, bytes) == (ssize_t)bytes);
}

static void expect_content(struct source *source, uint64_t offset, size_t bytes)
{
    uint64_t size = source->cache.size_bytes, left = offset < size ? size - offset : 0;
    size_t expected = bytes < left ? bytes : (size_t)left;
    kassert(cache_read(&source->cache, offset, buffer, bytes) == (ssize_t)expected);
    kassert(memcmp(buffer, model + offset, expected) == 0);
}

static void flush(struct source *source)
{
    expect("flush", cache_flush(&source->cache, 0, UINT64_MAX), 0);
    kassert(cache_dirty_bytes(&source->cache) == 0 && cache_dirty_pages() == 0);
    kassert(cache_dirty_since_us(&source->cache) == TIME_NEVER);
}

/* Flushes, and compares the disk and, without cached pages, the cache with the model. */
static void finish(struct source *source)
{
    flush(source);
    kassert(memcmp(disk, model, source->cache.size_bytes) == 0);
    (void)cache_reclaim(SIZE_MAX);
    expect_content(source, 0, DISK_BYTES);
    tear_down(source);
}

static void resize(struct source *source, uint64_t size)
{
    uint64_t old = source->cache.size_bytes;
    kassert(cache_set_size(&source->cache, size) == 0);

    /* the caller writes the zeroes of a longer cache */
    if (size > old) {
        kassert(cache_write(&source->cache, old, zeroes, size - old) == (ssize_t)(size - old));
        memset(model + old, 0, size - old);
    }
}

/* ---- any operation ------------------------------------------------------------------------ */

static size_t random_length(void)
{
    static const size_t most[] = { 3, 600, 5000, 100000 };
    return (size_t)(rig_random() % most[rig_random() % ARRAY_LENGTH(most)]);
}

static void random_step(struct source *source)
{
    enum { SIZE_MOST = 700000 };
    struct cache *cache = &source->cache;
    uint64_t size = cache->size_bytes, offset = rig_random() % (size + 1);
    size_t bytes = random_length();
    if (rig_random() % 4 == 0)
        offset = size; /* appends are the most frequent writes */
    if (offset + bytes > SIZE_MOST)
        bytes = 0;

    switch (rig_random() % 16) {
    case 0: flush(source); break;
    case 1: kassert(cache_flush(cache, offset, offset + bytes) == 0); break;
    case 2: (void)cache_reclaim(1 + rig_random() % 50); break;
    case 3: resize(source, offset); break;
    case 4: resize(source, min(size + bytes, (uint64_t)SIZE_MOST)); break;
    case 5: cache_prefetch(cache, offset, bytes); break;
    case 6: case 7: case 8: case 9: expect_content(source, offset, bytes); break;
    default: put_whole(source, offset, bytes);
    }
}

static void random_body(void *unused)
{
    (void)unused;
    static const uint64_t sizes[] = { 0, 1, 511, 4096, 70000, 300001 };
    struct source source;
    start_random(&source, sizes[rig_random() % ARRAY_LENGTH(sizes)]);
    for (unsigned i = 0; i < 150; i++)
        random_step(&source);
    expect_content(&source, 0, DISK_BYTES);
    finish(&source);
}

static void test_random(void **state)
{
    (void)state;
    for (unsigned i = 0; i < (run_is_simulated() ? 1 : 100); i++)
        rig_run(random_body, NULL, 150);
}

/* ---- what is read and written ------------------------------------------------------------- */

/* Writes of whole units, and past the end, read nothing. A part of a unit reads the
 * blocks that it does not replace, once. */
static void partial_body(void *unused)
{
    (void)unused;
    struct source source;
    start_random(&source, 1 << 20);
    struct cache *cache = &source.cache;
    uint32_t unit = cache->write_unit_bytes, block = cache->block_bytes;
    uint32_t read = unit > block ? 2 * block : block; /* with the first and the last byte */

    put_whole(&source, 5 * unit, 100 * unit);
    put_whole(&source, 1 << 20, 1000);
    put_whole(&source, (1 << 20) + 1000, 100000);
    kassert(source.faulty->reads == 0);

    uint64_t offset = (1 << 19) + rig_random() % 100 * PAGE_BYTES + 10;
    put_whole(&source, offset, unit - 20);
    kassert(source.faulty->bytes == read);
    put_whole(&source, offset + 3, 5);
    expect_content(&source, offset - 10, unit);
    kassert(source.faulty->bytes == read);
    finish(&source);
}

static void test_partial(void **state)
{
    (void)state;
    rig_run(partial_body, NULL, 30);
}

/* Dirty units go out in file order, adjacent ones in large writes, whatever the order in which they
 * became dirty; clean ones do not. */
static void order_body(void *unused)
{
    (void)unused;
    enum { PIECES = 512, PIECE_BYTES = 4096 };
    struct source source;
    start(&source, 4096, 512, 0);
    put_whole(&source, 0, PIECES * PIECE_BYTES);
    flush(&source);
    kassert(source.writes == PIECES * PIECE_BYTES / CACHE_WINDOW_BYTES && source.dirtied == 1);
    kassert(source.steps_back == 0);

    for (unsigned i = 0; i < PIECES; i++)
        put_whole(&source, i * 77 % PIECES * PIECE_BYTES, PIECE_BYTES);
    flush(&source);
    kassert(source.writes == 2 * PIECES * PIECE_BYTES / CACHE_WINDOW_BYTES);
    kassert(source.steps_back == 1);

    unsigned long bytes = source.faulty->bytes;
    for (unsigned i = 0; i < PIECES; i += 2)
        put_whole(&source, (PIECES - 2 - i) * PIECE_BYTES + 1000, 600);
    kassert(cache_dirty_bytes(&source.cache) == PIECES / 2 * 1536);
    kassert(cache_dirty_pages() == PIECES / 2);
    flush(&source);
    kassert(source.faulty->bytes - bytes == PIECES / 2 * 1536 && source.steps_back == 2);
    finish(&source);
}

static void test_order(void **state)
{
    (void)state;
    rig_run(order_body, NULL, 10);
}

/* ---- main --------------------------------------------------------------------------------- */

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_partial),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
