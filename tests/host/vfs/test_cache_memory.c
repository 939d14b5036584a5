/*
 * test_cache_memory.c - promise: the cache keeps the pages in use, returns the others under memory
 * pressure, and does not read ahead for random readers. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/log.h"
#include "tests/host/cache_source.h"

static uint8_t buffer[DISK_BYTES];

static void second_chance_body(void *unused)
{
    (void)unused;
    struct source source;
    set_up(&source, 4096, 64 * PAGE_BYTES, FAULTY_MIXED);
    kassert(read_checked(&source, 0, 64 * PAGE_BYTES) == 64 * PAGE_BYTES);
    size_t count = cache_page_count();
    kassert(count == 64 && cache_reclaim(1) == 1); /* every page has lost its first chance */
    uint64_t hot = (1 + rig_random() % 62) * PAGE_BYTES;
    unsigned long reads = source.faulty->reads;
    if (view_checked(&source, hot) <= 0 || source.faulty->reads != reads)
        hot += PAGE_BYTES; /* this was the one */
    kassert(view_checked(&source, hot) > 0);
    reads = source.faulty->reads;
    size_t left = cache_page_count();
    kassert(cache_reclaim(left - 2) == left - 2 && cache_page_count() == 2);
    kassert(view_checked(&source, hot) > 0 && source.faulty->reads == reads);
    kassert(cache_reclaim(1000) == 2 && cache_page_count() == 0);
    tear_down(&source);
}

static void test_second_chance(void **state)
{
    (void)state;
    rig_run(second_chance_body, NULL, 40);
}

/* Reads every third of the first pages. The second time, with others in between, makes them hot. */
static void look_at_hot(struct cache *cache)
{
    struct cache_view view;
    for (uint64_t page = 0; page < 48; page += 3) {
        kassert(cache_view_open(cache, page * PAGE_BYTES, &view) == PAGE_BYTES);
        cache_view_close(&view);
    }
}

/* Returns true if all hot pages are cached, without a reference to them. */
static bool hot_is_there(struct cache *cache)
{
    for (uint64_t page = 0; page < 48; page += 3)
        if (!cache_has(cache, page * PAGE_BYTES))
            return false;
    return true;
}

/* Reading a file of four times the memory once does not displace pages that are used meanwhile. Its
 * own pages are reclaimed. */
static void scan_body(void *unused)
{
    (void)unused;
    enum { STEP = 64 * PAGE_BYTES };
    struct source source;
    struct cache hot;
    set_up(&source, 4096, DISK_BYTES, FAULTY_MIXED);
    cache_init(&hot, &source_ops, &source, 4096, 64 * PAGE_BYTES);
    size_t limit = page_total_count() * PAGE_BYTES;
    look_at_hot(&hot);
    look_at_hot(&hot);
    host_memory_limit(host_memory_used() + (1 << 20));
    for (uint64_t at = 0; at < DISK_BYTES; at += STEP) {
        kassert(cache_read(&source.cache, at, buffer, STEP) == STEP);
        kassert(hot_is_there(&hot));
        look_at_hot(&hot);
    }
    unsigned long reads = source.faulty->reads;
    kassert(view_checked(&source, 0) > 0 && source.faulty->reads > reads);
    host_memory_limit(limit);
    cache_destroy(&hot);
    tear_down(&source);
}

static void test_scan(void **state)
{
    (void)state;
    rig_run(scan_body, NULL, 3);
}

/* Random reads read one page each. Only sequential readers get read-ahead. */
static void random_body(void *unused)
{
    (void)unused;
    struct source source;
    set_up(&source, 2048, DISK_BYTES, FAULTY_MIXED);
    unsigned count = 0;
    for (uint64_t page = DISK_BYTES / PAGE_BYTES - 1; page > 4; page -= 2 + rig_random() % 3) {
        kassert(read_checked(&source, page * PAGE_BYTES + 100, 300) == 300);
        count++;
    }
    kassert(source.faulty->reads == count && source.faulty->bytes == count * PAGE_BYTES);
    tear_down(&source);
}

static void test_random(void **state)
{
    (void)state;
    rig_run(random_body, NULL, 20);
}

/* Reading four times the memory works, and pages with open views stay. */
static void limit_body(void *unused)
{
    (void)unused;
    enum { PINS = 16 };
    struct source source;
    struct cache_view pins[PINS];
    uint32_t block = 512u << 2 * (rig_random() % 3);
    set_up(&source, block, DISK_BYTES, FAULTY_MIXED);
    size_t limit = page_total_count() * PAGE_BYTES, used = host_memory_used();
    host_memory_limit(used + (1 << 20));
    for (unsigned i = 0; i < PINS; i++)
        kassert(cache_view_open(&source.cache, i * 17 * PAGE_BYTES + i, &pins[i]) > 0);
    for (unsigned i = 0; i < 2; i++)
        kassert(cache_read(&source.cache, 0, buffer, DISK_BYTES) == DISK_BYTES &&
                memcmp(buffer, disk, DISK_BYTES) == 0);
    kassert(cache_page_count() <= 256 && host_memory_used() <= used + (1 << 20));
    (void)cache_reclaim(1000);
    kassert(cache_page_count() >= PINS);
    for (unsigned i = 0; i < PINS; i++) {
        kassert(memcmp(pins[i].data, disk + i * 17 * PAGE_BYTES + i, pins[i].length_bytes) == 0);
        cache_view_close(&pins[i]);
    }
    (void)cache_reclaim(1000);
    (void)cache_reclaim(1000);
    host_memory_limit(limit);
    tear_down(&source);
}

static void test_limit(void **state)
{
    (void)state;
    rig_run(limit_body, NULL, 3);
}

/* Two readers with little free memory do not displace the pages that were read ahead for the
 * other. */
static void crowded_body(void *unused)
{
    (void)unused;
    enum { LEFT = 64, MOST = 4096, READ_BYTES = DISK_BYTES / 4 };
    static void *taken[MOST];
    struct source source;
    struct cache second;
    unsigned count = 0;
    set_up(&source, 2048, READ_BYTES, FAULTY_MIXED);
    cache_init(&second, &source_ops, &source, 2048, READ_BYTES);
    size_t limit = page_total_count() * PAGE_BYTES;
    host_memory_limit(host_memory_used() + MOST * PAGE_BYTES);
    while (page_free_count() > LEFT && (taken[count] = page_alloc()))
        count++;
    for (uint64_t at = 0; at < READ_BYTES; at += PAGE_BYTES) {
        kassert(view_checked(&source, at) == PAGE_BYTES);
        kassert(cache_read(&second, at, buffer, PAGE_BYTES) == PAGE_BYTES);
    }
    kassert(source.faulty->bytes < 3 * READ_BYTES);
    while (count)
        page_free(taken[--count]);
    host_memory_limit(limit);
    cache_destroy(&second);
    tear_down(&source);
}

static void test_crowded(void **state)
{
    (void)state;
    rig_run(crowded_body, NULL, 10);
}

/* An allocation succeeds as long as the cache has a page without an open view, even if all pages
 * have a second chance. */
static void last_page_body(void *unused)
{
    (void)unused;
    enum { PINS = 8, PAGES = 64, MOST = 256 };
    struct source source;
    struct cache_view pins[PINS];
    void *pages[MOST];
    unsigned count = 0;
    set_up(&source, 2048, PAGES * PAGE_BYTES, FAULTY_MIXED);
    for (unsigned i = 0; i < 2; i++)
        kassert(read_checked(&source, 0, PAGES * PAGE_BYTES) == PAGES * PAGE_BYTES);
    for (unsigned i = 0; i < PINS; i++)
        kassert(cache_view_open(&source.cache, i * 7 * PAGE_BYTES, &pins[i]) > 0);
    size_t limit = page_total_count() * PAGE_BYTES;
    host_memory_limit(host_memory_used() + PAGE_BYTES - 1); /* it is of whole pages */
    while (count < MOST && (pages[count] = page_alloc()))
        count++;
    kassert(count >= PAGES - PINS && count < MOST && cache_page_count() == PINS);
    while (count)
        page_free(pages[--count]);
    for (unsigned i = 0; i < PINS; i++)
        cache_view_close(&pins[i]);
    host_memory_limit(limit);
    tear_down(&source);
}

static void test_last_page(void **state)
{
    (void)state;
    rig_run(last_page_body, NULL, 5);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_chance), cmocka_unit_test(test_scan),
        cmocka_unit_test(test_random),        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_crowded),       cmocka_unit_test(test_last_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
