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
#include "tests/host/cache_model.h"

static const uint8_t zeroes[DISK_BYTES];

/* Changes bytes of the disk and of the model by other means than the cache. */
static void set_both(struct source *source, uint64_t offset, int byte, size_t bytes)
{
    memset(model + offset, byte, bytes);
    spin_lock(&source->faulty->lock); /* transfers copy with it */
    memset(disk + offset, byte, bytes);
    spin_unlock(&source->faulty->lock);
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
    case 0: cached_flush(source); break;
    case 1: kassert(cache_flush(cache, offset, offset + bytes) == 0); break;
    case 2: (void)cache_reclaim(1 + rig_random() % 50); break;
    case 3: resize(source, offset); break;
    case 4: resize(source, min(size + bytes, (uint64_t)SIZE_MOST)); break;
    case 5: cache_prefetch(cache, offset, bytes); break;
    case 6: case 7: case 8: case 9: cached_check(source, offset, bytes); break;
    default: cached_put_whole(source, offset, bytes);
    }
}

static void random_body(void *unused)
{
    (void)unused;
    static const uint64_t sizes[] = { 0, 1, 511, 4096, 70000, 300001 };
    struct source source;
    cached_start_random(&source, sizes[rig_random() % ARRAY_LENGTH(sizes)]);
    for (unsigned i = 0; i < 150; i++)
        random_step(&source);
    cached_check(&source, 0, DISK_BYTES);
    cached_finish(&source);
}

static void test_random(void **state)
{
    (void)state;
    for (unsigned i = 0; i < (run_is_simulated() ? 1 : 100); i++)
        rig_run(random_body, NULL, 150);
}

struct helpers {
    struct source *source;
    _Atomic bool stop;
};

static void flusher_main(void *argument)
{
    struct helpers *helpers = argument;
    while (!atomic_load(&helpers->stop)) {
        expect("flush", cache_flush(&helpers->source->cache, 0, UINT64_MAX), 0);
        (void)cache_reclaim(rig_random() % 10);
        thread_yield();
    }
}

static void reader_main(void *argument)
{
    struct helpers *helpers = argument;
    struct cache *cache = &helpers->source->cache;
    uint8_t bytes[3000];
    while (!atomic_load(&helpers->stop)) {
        uint64_t offset = rig_random() % (cache->size_bytes + 1);
        kassert(cache_read(cache, offset, bytes, sizeof(bytes)) >= 0);
        cache_prefetch(cache, offset, rig_random() % 100000);
        thread_yield();
    }
}

/* Any operation, while other threads flush, reclaim, read and read ahead. */
static void random_helped_body(void *unused)
{
    (void)unused;
    static void (*const mains[])(void *) = { flusher_main, flusher_main, reader_main };
    struct source source;
    struct thread *threads[ARRAY_LENGTH(mains)];
    struct helpers helpers = { .source = &source };
    cached_start_random(&source, 100000);
    source.shrinks = true;
    for (unsigned i = 0; i < ARRAY_LENGTH(mains); i++)
        threads[i] = thread_create("helper", PRIORITY_NORMAL, mains[i], &helpers);
    for (unsigned i = 0; i < 50; i++)
        random_step(&source);
    atomic_store(&helpers.stop, true);
    for (unsigned i = 0; i < ARRAY_LENGTH(mains); i++)
        thread_join(threads[i]);
    cached_check(&source, 0, DISK_BYTES);
    cached_finish(&source);
}

static void test_random_helped(void **state)
{
    (void)state;
    for (unsigned i = 0; i < (run_is_simulated() ? 1 : 30); i++)
        rig_run(random_helped_body, NULL, 100);
}

/* ---- what is read and written ------------------------------------------------------------- */

/* Writes of whole units, and past the end, read nothing. A part of a unit reads the
 * blocks that it does not replace, once. */
static void partial_body(void *unused)
{
    (void)unused;
    struct source source;
    cached_start_random(&source, 1 << 20);
    struct cache *cache = &source.cache;
    uint32_t unit = cache->write_unit_bytes, block = cache->block_bytes;
    uint32_t read = unit > block ? 2 * block : block; /* with the first and the last byte */

    cached_put_whole(&source, 5 * unit, 100 * unit);
    cached_put_whole(&source, 1 << 20, 1000);
    cached_put_whole(&source, (1 << 20) + 1000, 100000);
    kassert(source.faulty->reads == 0);

    uint64_t offset = (1 << 19) + rig_random() % 100 * PAGE_BYTES + 10;
    cached_put_whole(&source, offset, unit - 20);
    kassert(source.faulty->bytes == read);
    cached_put_whole(&source, offset + 3, 5);
    cached_check(&source, offset - 10, unit);
    kassert(source.faulty->bytes == read);
    cached_finish(&source);
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
    cached_start(&source, 4096, 512, 0);
    cached_put_whole(&source, 0, PIECES * PIECE_BYTES);
    cached_flush(&source);
    kassert(source.writes == PIECES * PIECE_BYTES / CACHE_WINDOW_BYTES && source.dirtied == 1);
    kassert(source.steps_back == 0);

    for (unsigned i = 0; i < PIECES; i++)
        cached_put_whole(&source, i * 77 % PIECES * PIECE_BYTES, PIECE_BYTES);
    cached_flush(&source);
    kassert(source.writes == 2 * PIECES * PIECE_BYTES / CACHE_WINDOW_BYTES);
    kassert(source.steps_back == 1);

    unsigned long bytes = source.faulty->bytes;
    for (unsigned i = 0; i < PIECES; i += 2)
        cached_put_whole(&source, (PIECES - 2 - i) * PIECE_BYTES + 1000, 600);
    kassert(cache_dirty_bytes(&source.cache) == PIECES / 2 * 1536);
    kassert(cache_dirty_pages() == PIECES / 2);
    cached_flush(&source);
    kassert(source.faulty->bytes - bytes == PIECES / 2 * 1536 && source.steps_back == 2);
    cached_finish(&source);
}

static void test_order(void **state)
{
    (void)state;
    rig_run(order_body, NULL, 10);
}

/* ---- views and readers -------------------------------------------------------------------- */

/* An open view stays as it is while its bytes are overwritten, flushed and cut off. */
static void view_body(void *unused)
{
    (void)unused;
    enum { SIZE = 100000, VIEWS = 5 };
    struct source source;
    struct cache_view views[VIEWS];
    static uint8_t before[VIEWS][PAGE_BYTES];
    cached_start_random(&source, SIZE);
    for (unsigned i = 0; i < VIEWS; i++) {
        uint64_t offset = rig_random() % SIZE;
        kassert(cache_view_open(&source.cache, offset, &views[i]) > 0);
        memcpy(before[i], views[i].data, views[i].length_bytes);
        cached_put_whole(&source, offset - rig_random() % (offset + 1), 1 + rig_random() % 5000);
        if (rig_random() % 2)
            cached_flush(&source);
    }

    resize(&source, rig_random() % SIZE);
    (void)cache_reclaim(1000);
    cached_check(&source, 0, SIZE);
    for (unsigned i = 0; i < VIEWS; i++) {
        kassert(memcmp(before[i], views[i].data, views[i].length_bytes) == 0);
        cache_view_close(&views[i]);
    }
    cached_finish(&source);
}

static void test_view(void **state)
{
    (void)state;
    for (unsigned i = 0; i < (run_is_simulated() ? 1 : 50); i++)
        rig_run(view_body, NULL, 100);
}

/* ---- the size ----------------------------------------------------------------------------- */

/* A shorter cache loses dirty bytes past its end; what is between its end and that of a unit
 * becomes zero, on the device too if the unit is dirty. */
static void shrink_body(void *unused)
{
    (void)unused;
    struct source source;
    cached_start(&source, 4096, 512, 0);
    cached_put_whole(&source, 0, 10 * PAGE_BYTES);
    kassert(cache_set_size(&source.cache, PAGE_BYTES + 700) == 0);
    kassert(cache_dirty_bytes(&source.cache) == PAGE_BYTES + 700 && cache_dirty_pages() == 2);
    cached_flush(&source);
    kassert(memcmp(disk + PAGE_BYTES + 700, zeroes, 1024 - 700) == 0);
    kassert(disk[PAGE_BYTES + 1024] != 0); /* not written */

    kassert(cache_write(&source.cache, PAGE_BYTES + 701, "x", 1) == -EINVAL);
    kassert(cache_set_size(&source.cache, 0) == 0 && cache_page_count() == 0);
    cached_finish(&source);
}

/* A cache grows while its last block is read: the device has delivered what was past the end, but
 * the cache contains the zeroes that it grew by. */
static void grow_body(void *unused)
{
    (void)unused;
    struct source source;
    cached_start(&source, 4096, 512, 1000);
    source.faulty->manner = FAULTY_SYNC;
    cache_prefetch(&source.cache, 0, 1000);
    kassert(cache_set_size(&source.cache, 3000) == 0);
    set_both(&source, 1000, 0, 2000);
    cached_check(&source, 0, 3000);
    cached_finish(&source);
}

static void test_size(void **state)
{
    (void)state;
    rig_run(shrink_body, NULL, 10);
    rig_run(grow_body, NULL, 20);
}

/* ---- the owner's other calls -------------------------------------------------------------- */

/* Bytes that the owner has written by other means appear in the cache, in views opened from then
 * on, and do not become dirty. A read that is in flight does not bring the old ones back. */
static void update_body(void *unused)
{
    (void)unused;
    enum { SIZE = 200000 };
    struct source source;
    struct cache_view view;
    static uint8_t before[PAGE_BYTES];
    cached_start_random(&source, SIZE);
    for (unsigned i = 0; i < 20; i++) {
        uint64_t offset = rig_random() % (SIZE - 20000);
        size_t bytes = 1 + rig_random() % 10000;
        ssize_t viewed = rig_random() % 2 ? cache_view_open(&source.cache, offset, &view) : 0;
        if (viewed)
            memcpy(before, view.data, view.length_bytes);
        cache_prefetch(&source.cache, rig_random() % SIZE, 50000);

        set_both(&source, offset, (int)i, bytes);
        cache_update(&source.cache, offset, bytes, model + offset);
        cached_check(&source, offset - min(offset, 1000), 20000);
        if (viewed) {
            kassert(memcmp(before, view.data, view.length_bytes) == 0);
            cache_view_close(&view);
        }
    }
    kassert(cache_dirty_pages() == 0 && source.writes == 0);
    cached_finish(&source);
}

/* The same, of a page that is valid in part while the rest is read: the device has delivered the
 * old bytes already, but the cache has not seen them. */
static void update_reading_body(void *unused)
{
    (void)unused;
    struct source source;
    cached_start(&source, 512, 512, 100000);
    source.faulty->manner = FAULTY_SYNC;
    for (uint64_t page = 0; page < 20 * PAGE_BYTES; page += PAGE_BYTES) {
        cached_put_whole(&source, page + 512, 512);
        cached_flush(&source);
        cache_prefetch(&source.cache, page, PAGE_BYTES);
        set_both(&source, page, 0x77, PAGE_BYTES);
        cache_update(&source.cache, page, PAGE_BYTES, model + page);
        cached_check(&source, page, PAGE_BYTES);
    }
    cached_finish(&source);
}

static void test_update(void **state)
{
    (void)state;
    for (unsigned i = 0; i < (run_is_simulated() ? 1 : 20); i++)
        rig_run(update_body, NULL, 50);
    rig_run(update_reading_body, NULL, 20);
}

/* Discarding counts the bytes that were never written, and the cache contains the device's. */
static void discard_body(void *unused)
{
    (void)unused;
    enum { SIZE = 50000 };
    struct source source;
    cached_start(&source, 4096, 4096, SIZE);
    for (unsigned i = 0; i < 5; i++) {
        uint64_t first = rig_random() % SIZE / 4096, offset = first * 4096;
        uint64_t lost = min(SIZE - offset, 8192u);
        kassert(cache_write(&source.cache, offset, zeroes, lost) == (ssize_t)lost);
        kassert(cache_dirty_bytes(&source.cache) == lost);
        kassert(cache_discard(&source.cache) == lost && cache_discard(&source.cache) == 0);
        kassert(cache_dirty_bytes(&source.cache) == 0 && source.dirtied == i + 1);
        cached_check(&source, 0, SIZE);
    }
    kassert(source.writes == 0);
    cached_finish(&source);
}

static void test_discard(void **state)
{
    (void)state;
    rig_run(discard_body, NULL, 20);
}

/* A changed medium refuses writes, too. */
static void check_body(void *unused)
{
    (void)unused;
    struct source source;
    cached_start_random(&source, 10000);
    source.check = -ESTALE;
    kassert(cache_write(&source.cache, 0, zeroes, 10) == -ESTALE && cache_dirty_pages() == 0);
    source.check = 0;
    cached_finish(&source);
}

static void test_check(void **state)
{
    (void)state;
    rig_run(check_body, NULL, 5);
}

/* ---- main --------------------------------------------------------------------------------- */

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),  cmocka_unit_test(test_partial),
        cmocka_unit_test(test_order),   cmocka_unit_test(test_view),
        cmocka_unit_test(test_size),    cmocka_unit_test(test_update),
        cmocka_unit_test(test_discard), cmocka_unit_test(test_check),
        cmocka_unit_test(test_random_helped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
