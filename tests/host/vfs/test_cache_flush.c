/*
 * test_cache_flush.c - promise: write-back loses nothing when writes and allocations fail, when
 * callers are interrupted, when memory is exhausted, and with several threads (cache.h). For both
 * back ends.
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
#include "tests/host/stopper.h"

static const uint8_t zeroes[DISK_BYTES];

/* ---- failed writes ------------------------------------------------------------------------ */

/* A write that fails once is repeated by the same flush. */
static void once_body(void *unused)
{
    (void)unused;
    struct source source;
    cached_start_random(&source, 600000);
    for (unsigned n = 1; n < 6; n++) {
        for (unsigned i = 0; i < 10; i++)
            cached_put_whole(&source, rig_random() % 500000, 1 + rig_random() % 50000);
        source.faulty->fail_nth_write = n;
        cached_flush(&source);
        kassert(memcmp(disk, model, 600000) == 0);
    }
    source.faulty->fail_nth_write = 0;
    cached_finish(&source);
}

static void test_once(void **state)
{
    (void)state;
    rig_run(once_body, NULL, 30);
}

/* A bad spot fails each flush; only its page stays dirty, and is written once the spot is good. */
static void bad_spot_body(void *unused)
{
    (void)unused;
    enum { SIZE = 900000 };
    struct source source;
    cached_start_random(&source, SIZE);
    source.vague = rig_random() % 2;
    source.bad_from = rig_random() % SIZE / 4096 * 4096;
    source.bad_to = source.bad_from + 1;
    for (unsigned i = 0; i < 3; i++) {
        cached_put_whole(&source, 0, SIZE);
        uint64_t before = time_now_us();
        kassert(cache_flush(&source.cache, 0, UINT64_MAX) == -EIO);
        kassert(cache_dirty_pages() == 1 && cache_dirty_since_us(&source.cache) >= before);
        kassert(cache_flush(&source.cache, source.bad_from, source.bad_to) == -EIO);
        if (source.bad_from > 8192)
            kassert(cache_flush(&source.cache, 0, source.bad_from - 4096) == 0);
        memcpy(disk + source.bad_from, zeroes, 1); /* it was not written after all */
        cached_check(&source, 0, SIZE);
    }
    source.bad_to = source.bad_from;
    cached_finish(&source);
}

static void test_bad_spot(void **state)
{
    (void)state;
    rig_run(bad_spot_body, NULL, 30);
}

/* A device that is gone is not asked for each page. */
static void gone_body(void *unused)
{
    (void)unused;
    struct source source;
    cached_start(&source, 4096, 512, 1 << 20);
    source.bad_to = 1 << 20;
    source.error = -ENODEV;
    for (unsigned i = 0; i < 100; i++)
        cached_put_whole(&source, i * 8192, 4096);
    kassert(cache_flush(&source.cache, 0, UINT64_MAX) == -ENODEV);
    kassert(source.bad_writes <= 65 && cache_dirty_pages() == 100);
    source.bad_to = 0;
    cached_finish(&source);
}

static void test_gone(void **state)
{
    (void)state;
    rig_run(gone_body, NULL, 10);
}

/* ---- ranges and reads --------------------------------------------------------------------- */

/* A flush of a range writes the units that it touches, and no others. */
static void range_body(void *unused)
{
    (void)unused;
    enum { SIZE = 300000 };
    struct source source;
    cached_start_random(&source, SIZE);
    uint64_t unit = source.cache.write_unit_bytes;
    for (unsigned i = 0; i < 20; i++) {
        uint64_t from = rig_random() % SIZE, to = from + rig_random() % (SIZE - from) + 1;
        uint64_t first = from / unit * unit, end = (to + unit - 1) / unit * unit;
        cached_put_whole(&source, 0, SIZE);
        expect("flush", cache_flush(&source.cache, from, to), 0);
        end = min(end, (uint64_t)SIZE);
        kassert(cache_dirty_bytes(&source.cache) == SIZE - (end - first));
        kassert(memcmp(disk + first, model + first, end - first) == 0);
    }
    cached_finish(&source);
}

static void test_range(void **state)
{
    (void)state;
    rig_run(range_body, NULL, 20);
}

/* While the rest of a page is read, its dirty piece is written. */
static void reading_body(void *unused)
{
    (void)unused;
    struct source source;
    cached_start(&source, 512, 512, 10 * PAGE_BYTES);
    source.faulty->manner = FAULTY_LATE;
    cached_put_whole(&source, PAGE_BYTES + 512, 512);
    faulty_hold(source.faulty, true);
    cache_prefetch(&source.cache, 0, 3 * PAGE_BYTES);
    kassert(source.cache.ios == 1);
    faulty_hold(source.faulty, false);
    cached_flush(&source);
    kassert(source.faulty->reads == 1 && source.writes == 1);
    kassert(memcmp(disk, model, 10 * PAGE_BYTES) == 0);
    cached_check(&source, 0, 3 * PAGE_BYTES);
    kassert(source.faulty->reads == 1);
    cached_finish(&source);
}

static void test_reading(void **state)
{
    (void)state;
    rig_run(reading_body, NULL, 30);
}

/* ---- interrupted callers ------------------------------------------------------------------ */

/* A flush is interrupted while the device does not answer; so are a writer and a truncation that
 * wait for its pages. The writes are completed nevertheless. */
static void interrupt_body(void *unused)
{
    (void)unused;
    enum { SIZE = 300000 };
    struct source source;
    struct stopper stopper;
    cached_start(&source, 4096, 512, SIZE);
    source.faulty->manner = FAULTY_LATE;
    cached_put_whole(&source, 0, SIZE);

    faulty_hold(source.faulty, true);
    stopper_start(&stopper, 1000);
    kassert(cache_flush(&source.cache, 0, UINT64_MAX) == -EINTR);
    kassert(cache_write(&source.cache, 5000, zeroes, 5000) == -EINTR);
    kassert(cache_set_size(&source.cache, 1000) == -EINTR && source.cache.size_bytes == SIZE);
    stopper_end(&stopper);
    kassert(cache_dirty_bytes(&source.cache) == SIZE && source.writes == 1);

    faulty_hold(source.faulty, false);
    kassert(cache_settle(&source.cache) == 0);
    kassert(cache_dirty_bytes(&source.cache) == 0 && memcmp(disk, model, SIZE) == 0);
    cached_finish(&source);
}

static void test_interrupt(void **state)
{
    (void)state;
    rig_run(interrupt_body, NULL, 30);
}

/* ---- memory ------------------------------------------------------------------------------- */

/* When an allocation fails, a write accepts fewer bytes or none; a flush needs no memory. */
static void nth_body(void *unused)
{
    (void)unused;
    struct source source;
    cached_start_random(&source, 300001);
    bool more = true;
    for (unsigned long n = 1; more && n < 300; n++) {
        uint64_t offset = rig_random() % 200000;
        host_fail_nth_allocation(n);
        ssize_t done = cached_put(&source, offset, 1 + rig_random() % 100000);
        status_t flushed = cache_flush(&source.cache, 0, UINT64_MAX);
        status_t size = cache_set_size(&source.cache, 300001);
        more = host_failure_happened();
        host_fail_nth_allocation(0);

        kassert(done > 0 || done == -ENOMEM);
        kassert(flushed == 0 && size == 0 && cache_dirty_pages() == 0);
        cached_check(&source, 0, DISK_BYTES);
        kassert(memcmp(disk, model, 300001) == 0);
        (void)cache_reclaim(1000);
    }
    cached_finish(&source);
}

static void test_nth(void **state)
{
    (void)state;
    rig_run(nth_body, NULL, 3);
}

enum { MOST = 4096 };

/* What a test has allocated until there was no memory left. */
struct hoard {
    void *pages[MOST], *objects[MOST];
    unsigned page_count, object_count;
    size_t limit;
};

static void hoard_take(struct hoard *hoard)
{
    *hoard = (struct hoard){ .limit = page_total_count() * PAGE_BYTES };
    host_memory_limit(host_memory_used() + 64 * PAGE_BYTES);
    while (hoard->page_count < MOST && (hoard->pages[hoard->page_count] = page_alloc()))
        hoard->page_count++;
    while (hoard->object_count < MOST && (hoard->objects[hoard->object_count] = mem_alloc(64)))
        hoard->object_count++;
}

static void hoard_free(struct hoard *hoard)
{
    while (hoard->page_count)
        page_free(hoard->pages[--hoard->page_count]);
    while (hoard->object_count)
        mem_free(hoard->objects[--hoard->object_count]);
    host_memory_limit(hoard->limit);
}

/* All memory is in use, most of it by dirty pages: a flush writes them, with the memory that the
 * cache has reserved, and reclaim frees them then. */
static void exhausted_body(void *unused)
{
    (void)unused;
    enum { SIZE = 1 << 20 };
    static struct hoard hoard;
    struct source source;
    cached_start(&source, 4096, 512, SIZE);
    for (unsigned i = 0; i < SIZE / 8192; i++)
        cached_put_whole(&source, i * 8192, 4096);

    hoard_take(&hoard);
    kassert(cache_reclaim(10) == 0 && cache_dirty_pages() == SIZE / 8192);
    kassert(cache_write(&source.cache, 4096, zeroes, 4096) == -ENOMEM);
    cached_flush(&source);
    kassert(cache_reclaim(10) == 10);
    hoard_free(&hoard);
    cached_finish(&source);
}

struct nested {
    struct source source;
    _Atomic bool exhausted;
};

static void drive_main(void *argument)
{
    struct nested *nested = argument;
    while (!atomic_load(&nested->exhausted))
        thread_yield();
    expect("flush", cache_flush(&nested->source.cache, 0, UINT64_MAX), 0);
}

/* A drive that uses the reserved memory writes to its image, whose flush finds no memory: that one
 * fails, instead of waiting for the drive, which waits for it. */
static void nested_body(void *unused)
{
    (void)unused;
    static struct hoard hoard;
    struct nested nested = { .exhausted = false };
    struct source *source = &nested.source;
    struct cache image;
    cached_start(source, 4096, 512, 1 << 20);
    cache_init(&image, &source_ops, source, 4096, 1 << 20);
    cached_put_whole(source, 0, 4096);
    kassert(cache_write(&image, 8192, model + 8192, 4096) == 4096);
    source->faulty->manner = FAULTY_LATE;
    faulty_hold(source->faulty, true);
    struct thread *thread = thread_create("drive", PRIORITY_NORMAL, drive_main, &nested);

    hoard_take(&hoard);
    atomic_store(&nested.exhausted, true);
    while (!atomic_load(&source->writes))
        thread_yield();
    expect("flush", cache_flush(&image, 0, UINT64_MAX), -ENOMEM);
    hoard_free(&hoard);
    faulty_hold(source->faulty, false);
    thread_join(thread);
    expect("flush", cache_flush(&image, 0, UINT64_MAX), 0);
    cache_destroy(&image);
    cached_finish(source);
}

static void test_exhausted(void **state)
{
    (void)state;
    rig_run(exhausted_body, NULL, 10);
    if (run_is_simulated()) /* it waits for half a minute */
        rig_run(nested_body, NULL, 10);
}

/* ---- several at once ---------------------------------------------------------------------- */

struct team {
    struct source *source;
    _Atomic unsigned next, running;
    unsigned rounds;
    uint64_t size;
};

/* Writes bytes of its own: every WRITERS-th span of an odd length. */
enum { WRITERS = 3, SPAN = 777 };

static void writer_main(void *argument)
{
    struct team *team = argument;
    unsigned number = atomic_fetch_add(&team->next, 1);
    uint8_t bytes[SPAN];
    for (unsigned i = 0; i < team->rounds; i++) {
        uint64_t spans = team->size / SPAN / WRITERS;
        uint64_t offset = (rig_random() % spans * WRITERS + number) * SPAN;
        memset(bytes, (int)(rig_random() % 256), SPAN);
        kassert(cache_write(&team->source->cache, offset, bytes, SPAN) == SPAN);
        memcpy(model + offset, bytes, SPAN);
        kassert(cache_read(&team->source->cache, offset, bytes, SPAN) == SPAN);
        kassert(memcmp(model + offset, bytes, SPAN) == 0);
        expect("wait", cache_wait_below_limit(), 0);
    }
    atomic_fetch_sub(&team->running, 1);
}

static void flusher_main(void *argument)
{
    struct team *team = argument;
    while (atomic_load(&team->running)) {
        uint64_t from = rig_random() % team->size;
        status_t status = cache_flush(&team->source->cache, rig_random() % 2 ? from : 0,
                                      UINT64_MAX);
        kassert(status == 0 || status == -EIO);
        (void)cache_reclaim(rig_random() % 30);
        thread_yield();
    }
}

/* Reads everything, over and over: views and read-ahead meet the writers. */
static void reader_main(void *argument)
{
    struct team *team = argument;
    struct cache_view view;
    while (atomic_load(&team->running)) {
        uint64_t offset = rig_random() % team->size;
        for (unsigned i = 0; i < 20 && offset < team->size; i++) {
            ssize_t got = cache_view_open(&team->source->cache, offset, &view);
            kassert(got > 0);
            memcpy((uint8_t[PAGE_BYTES]){ 0 }, view.data, view.length_bytes);
            cache_view_close(&view);
            offset += (uint64_t)got;
        }
        thread_yield();
    }
}

static void together_body(void *unused)
{
    (void)unused;
    static void (*const mains[])(void *) = {
        writer_main, writer_main, writer_main, flusher_main, flusher_main, reader_main,
    };
    struct source source;
    struct thread *threads[ARRAY_LENGTH(mains)];
    struct team team = { .source = &source, .rounds = 60, .running = WRITERS, .size = 400001 };
    cached_start_random(&source, team.size);
    if (rig_random() % 2)
        source.faulty->fail_nth_write = 5;
    for (unsigned i = 0; i < ARRAY_LENGTH(mains); i++) {
        threads[i] = thread_create("team", PRIORITY_NORMAL, mains[i], &team);
        kassert(threads[i] != NULL);
    }
    for (unsigned i = 0; i < ARRAY_LENGTH(mains); i++)
        thread_join(threads[i]);
    cached_check(&source, 0, team.size);
    cached_finish(&source);
}

static void test_together(void **state)
{
    (void)state;
    for (unsigned i = 0; i < (run_is_simulated() ? 1 : 30); i++)
        rig_run(together_body, NULL, 60);
}

struct counter {
    struct source *source;
    _Atomic uint64_t written;
    _Atomic bool stops;
};

static void counter_main(void *argument)
{
    struct counter *counter = argument;
    static uint64_t words[2 * PAGE_BYTES / 8];
    for (uint64_t n = 1; !atomic_load(&counter->stops); n++) {
        for (unsigned i = 0; i < ARRAY_LENGTH(words); i++)
            words[i] = n;
        kassert(cache_write(&counter->source->cache, 0, words, sizeof(words)) == sizeof(words));
        atomic_store(&counter->written, n);
        thread_yield();
    }
}

/* What was dirty before a flush is on the device after it, even if a writer is replacing it. */
static void durable_body(void *unused)
{
    (void)unused;
    struct source source;
    cached_start(&source, 4096, 512, 0);
    struct counter counter = { .source = &source };
    struct thread *thread = thread_create("writer", PRIORITY_NORMAL, counter_main, &counter);
    for (unsigned i = 0; i < 20; i++) {
        uint64_t written = atomic_load(&counter.written), stored;
        expect("flush", cache_flush(&source.cache, 0, UINT64_MAX), 0);
        for (unsigned at = 0; at < 2 * PAGE_BYTES && run_is_simulated(); at += 512) {
            memcpy(&stored, disk + at, sizeof(stored));
            kassert(!written || stored >= written);
        }
        thread_yield();
    }
    atomic_store(&counter.stops, true);
    thread_join(thread);
    expect("flush", cache_flush(&source.cache, 0, UINT64_MAX), 0);
    tear_down(&source);
}

static void test_durable(void **state)
{
    (void)state;
    rig_run(durable_body, NULL, 100);
}

/* ---- the limits --------------------------------------------------------------------------- */

/* Two writers want to write more than memory: they wait for the flusher, and what is dirty stays
 * below the limit and what each of them writes at a time. */
static void limit_main(void *argument)
{
    struct team *team = argument;
    uint64_t from = atomic_fetch_add(&team->next, 1) ? DISK_BYTES / 2 : 0;
    size_t limit = page_total_count() / CACHE_LIMIT_SHARE;
    enum { STEP = 4 * PAGE_BYTES };
    for (uint64_t at = 0; at < DISK_BYTES / 2; at += STEP) {
        expect("wait", cache_wait_below_limit(), 0);
        kassert(cache_write(&team->source->cache, from + at, model + from + at, STEP) == STEP);
        kassert(cache_dirty_pages() <= limit + 2 * STEP / PAGE_BYTES);
    }
    atomic_fetch_sub(&team->running, 1);
}

static void limit_body(void *unused)
{
    (void)unused;
    struct source source;
    struct thread *threads[2];
    struct team team = { .source = &source, .running = 2 };
    cached_start(&source, 4096, 512, DISK_BYTES);
    memset(model, 0x5a, DISK_BYTES);
    size_t limit = page_total_count() * PAGE_BYTES;
    host_memory_limit(host_memory_used() + DISK_BYTES / 2);
    for (unsigned i = 0; i < 2; i++)
        threads[i] = thread_create("writer", PRIORITY_NORMAL, limit_main, &team);

    while (atomic_load(&team.running)) {
        if (cache_is_above_background())
            expect("flush", cache_flush(&source.cache, 0, UINT64_MAX), 0);
        thread_yield();
    }
    for (unsigned i = 0; i < 2; i++)
        thread_join(threads[i]);
    host_memory_limit(limit);
    cached_finish(&source);
}

static void test_limit(void **state)
{
    (void)state;
    rig_run(limit_body, NULL, 5);
}

/* A writer above the limit can be interrupted. */
static void limit_interrupt_body(void *unused)
{
    (void)unused;
    struct source source;
    struct stopper stopper;
    cached_start(&source, 4096, 512, DISK_BYTES);
    size_t limit = page_total_count() * PAGE_BYTES;
    cached_put_whole(&source, 0, 1 << 20);
    host_memory_limit(host_memory_used() + (1 << 20));
    stopper_start(&stopper, 1000);
    kassert(cache_is_above_background() && cache_wait_below_limit() == -EINTR);
    stopper_end(&stopper);
    cached_flush(&source);
    expect("wait", cache_wait_below_limit(), 0);
    host_memory_limit(limit);
    cached_finish(&source);
}

static void test_limit_interrupt(void **state)
{
    (void)state;
    rig_run(limit_interrupt_body, NULL, 5);
}

/* Pages that a device fails to write do not hold up the writers of others. */
static void limit_failed_body(void *unused)
{
    (void)unused;
    struct source source;
    cached_start(&source, 4096, 512, DISK_BYTES);
    size_t limit = page_total_count() * PAGE_BYTES;
    cached_put_whole(&source, 0, 1 << 20);
    host_memory_limit(host_memory_used() + (1 << 20));
    source.bad_to = 1 << 20;
    kassert(cache_flush(&source.cache, 0, UINT64_MAX) == -EIO);
    kassert(!cache_is_above_background());
    expect("wait", cache_wait_below_limit(), 0);

    source.bad_to = 0;
    cached_flush(&source);
    host_memory_limit(limit);
    cached_put_whole(&source, 0, 1 << 20); /* counts again */
    host_memory_limit(host_memory_used() + (1 << 20));
    kassert(cache_is_above_background());
    host_memory_limit(limit);
    cached_finish(&source);
}

static void test_limit_failed(void **state)
{
    (void)state;
    rig_run(limit_failed_body, NULL, 5);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),      cmocka_unit_test(test_bad_spot),
        cmocka_unit_test(test_gone),      cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_nth),       cmocka_unit_test(test_exhausted),
        cmocka_unit_test(test_together),  cmocka_unit_test(test_limit),
        cmocka_unit_test(test_durable),   cmocka_unit_test(test_limit_failed),
        cmocka_unit_test(test_range),     cmocka_unit_test(test_reading),
        cmocka_unit_test(test_limit_interrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
