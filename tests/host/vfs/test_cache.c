/*
 * test_cache.c - promise: readers of a cache get the bytes of the device or its error, with several
 * readers, without memory, and when the device fails (cache.h). For both back ends.
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

static uint8_t buffer[DISK_BYTES];

/* ---- blocks and sizes --------------------------------------------------------------------- */

static const uint32_t blocks[] = { 512, 2048, 4096, 8192, 128 * 1024 };

enum { BLOCK_KINDS = ARRAY_LENGTH(blocks) };

static uint64_t size_of_kind(uint32_t block, unsigned kind)
{
    const uint64_t sizes[] = { 0, 1, 511, 512, block - 1, block, block + 1, 3 * block + 777,
                               700001, 1 << 20 };
    return kind < ARRAY_LENGTH(sizes) ? sizes[kind] : UINT64_MAX;
}

static void sizes_body(void *unused)
{
    (void)unused;
    struct source source;
    uint32_t block = blocks[rig_random() % BLOCK_KINDS];
    for (unsigned kind = 0; size_of_kind(block, kind) != UINT64_MAX; kind++) {
        uint64_t size = size_of_kind(block, kind);
        set_up(&source, block, size, FAULTY_MIXED);
        kassert(view_checked(&source, size) == 0 && view_checked(&source, size + 5) == 0);
        for (unsigned i = 0; i < 20 && size; i++) {
            uint64_t offset = rig_random() % size;
            kassert(view_checked(&source, offset) > 0);
            size_t bytes = rig_random() % 100000, left = (size_t)(size - offset);
            kassert(read_checked(&source, offset, bytes) == (ssize_t)(bytes < left ? bytes : left));
        }
        kassert(read_checked(&source, 0, size + 9) == (ssize_t)size);
        tear_down(&source);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < (run_is_simulated() ? 1 : 10); i++)
        rig_run(sizes_body, NULL, 12);
}

/* A sequential reader, by pages or by pieces of any length, causes reads of 32 KiB up to 512 KiB,
 * none past the end, and none twice. */
static void sequential_body(void *unused)
{
    (void)unused;
    struct source source;
    uint32_t block = blocks[rig_random() % BLOCK_KINDS];
    bool by_page = rig_random() % 2;
    set_up(&source, block, 2 << 20, FAULTY_MIXED);
    for (uint64_t at = 0; at < source.cache.size_bytes;) {
        ssize_t got = by_page ? view_checked(&source, at)
                              : read_checked(&source, at, 1 + rig_random() % 50000);
        kassert(got > 0);
        at += (uint64_t)got;
    }
    kassert(source.faulty->bytes == 2 << 20 && source.faulty->reads <= 8);
    unsigned long reads = source.faulty->reads;
    kassert(read_checked(&source, 0, 2 << 20) == 2 << 20 && source.faulty->reads == reads);
    tear_down(&source);
}

static void test_sequential(void **state)
{
    (void)state;
    rig_run(sequential_body, NULL, 12);
}

/* ---- failures ----------------------------------------------------------------------------- */

/* A bad spot fails reads of its block and no others, as long as it is bad. */
static void bad_spot_body(void *unused)
{
    (void)unused;
    struct source source;
    uint32_t block = blocks[rig_random() % BLOCK_KINDS];
    uint64_t size = 600001, spot = rig_random() % size / 512 * 512;
    set_up(&source, block, size, FAULTY_MIXED);
    source.faulty->scribbles = true;
    source.faulty->bad_from = spot;
    source.faulty->bad_to = spot + 1;
    uint64_t bad_start = spot / block * block, bad_end = bad_start + block;
    for (unsigned i = 0; i < 60; i++) {
        uint64_t offset = i % 3 ? rig_random() % size : bad_start - bad_start % PAGE_BYTES + i * 64;
        if (offset >= size)
            continue;
        bool touches = offset >= bad_start && offset < bad_end;
        ssize_t got = view_checked(&source, offset);
        kassert(touches ? got == -EIO : got > 0);
    }
    ssize_t before = read_checked(&source, 0, size);
    kassert(before == (bad_start ? (ssize_t)bad_start : -EIO));
    if (bad_end < size)
        kassert(read_checked(&source, bad_end, size) == (ssize_t)(size - bad_end));
    source.faulty->bad_to = source.faulty->bad_from = 0;
    kassert(read_checked(&source, 0, size) == (ssize_t)size);
    tear_down(&source);
}

static void test_bad_spot(void **state)
{
    (void)state;
    for (unsigned i = 0; i < (run_is_simulated() ? 1 : 50); i++)
        rig_run(bad_spot_body, NULL, 50);
}

/* A page has two blocks, and the second is bad. A view of the first block does not change, even
 * though the device overwrites the memory that it fails to read into. */
static void half_page_body(void *unused)
{
    (void)unused;
    struct source source;
    struct cache_view view;
    uint64_t page = (1 + rig_random() % 20) * PAGE_BYTES;
    set_up(&source, 2048, 1 << 20, FAULTY_MIXED);
    source.faulty->scribbles = true;
    source.faulty->bad_from = page + 2048;
    source.faulty->bad_to = page + 4096;
    kassert(cache_view_open(&source.cache, page, &view) == 2048);
    for (unsigned i = 0; i < 3; i++) {
        kassert(view_checked(&source, page + 2048 + i) == -EIO);
        kassert(memcmp(view.data, disk + page, 2048) == 0);
        kassert(view_checked(&source, page + i) > 0);
    }
    source.faulty->bad_from = page; /* now the first half could not be read again */
    source.faulty->bad_to = page + 2048;
    kassert(view_checked(&source, page + 2048) == 2048);
    kassert(memcmp(view.data, disk + page, 2048) == 0);
    cache_view_close(&view);
    kassert(read_checked(&source, page, 4096) == 4096);
    tear_down(&source);
}

/* CB15. */
static void test_half_page(void **state)
{
    (void)state;
    rig_run(half_page_body, NULL, 60);
}

/* A single failure is retried. If an allocation fails, so may the read, but with -ENOMEM. */
static void nth_body(void *unused)
{
    (void)unused;
    struct source source;
    uint32_t block = blocks[rig_random() % BLOCK_KINDS];
    set_up(&source, block, 300001, FAULTY_MIXED);
    for (unsigned long n = 1; n < 8; n++) {
        source.faulty->fail_nth = n;
        kassert(cache_read(&source.cache, 0, buffer, 300001) == 300001);
        kassert(memcmp(buffer, disk, 300001) == 0);
        (void)cache_reclaim(1000);
    }
    source.faulty->fail_nth = 0;
    bool more = true;
    for (unsigned long n = 1; more && n < 1000; n++) {
        host_fail_nth_allocation(n);
        ssize_t got = cache_read(&source.cache, 0, buffer, 300001);
        more = host_failure_happened();
        host_fail_nth_allocation(0);
        kassert(got == -ENOMEM || (got >= 0 && memcmp(buffer, disk, (size_t)got) == 0));
        kassert(more || got == 300001);
        kassert(read_checked(&source, 0, 300001) == 300001);
        (void)cache_reclaim(1000);
    }
    tear_down(&source);
}

static void test_nth(void **state)
{
    (void)state;
    rig_run(nth_body, NULL, 4);
}

/* Without memory for one block there is an error, and later reads succeed. */
static void no_memory_body(void *unused)
{
    (void)unused;
    for (unsigned kind = 0; kind < BLOCK_KINDS; kind++)
        for (size_t spare = 0; spare < 4 * PAGE_BYTES; spare += 1024) {
            struct source source;
            uint8_t byte;
            set_up(&source, blocks[kind], 1 << 20, FAULTY_MIXED);
            size_t limit = page_total_count() * PAGE_BYTES;
            host_memory_limit(host_memory_used() + spare);
            ssize_t got = cache_read(&source.cache, 5 * PAGE_BYTES, &byte, 1);
            host_memory_limit(limit);
            kassert(got == -ENOMEM || (got == 1 && byte == disk[5 * PAGE_BYTES]));
            kassert(spare || got == -ENOMEM);
            kassert(read_checked(&source, 0, 100000) == 100000);
            tear_down(&source);
        }
}

static void test_no_memory(void **state)
{
    (void)state;
    rig_run(no_memory_body, NULL, 1);
}

/* ---- several at once ---------------------------------------------------------------------- */

struct reader {
    struct source *source;
    unsigned rounds;
    bool fails; /* errors are to be expected */
};

static void reader_main(void *argument)
{
    struct reader *reader = argument;
    uint64_t size = reader->source->cache.size_bytes, at = 0;
    for (unsigned i = 0; i < reader->rounds; i++) {
        if (i % 8 == 0)
            at = rig_random() % size;
        ssize_t got = i % 3 ? view_checked(reader->source, at)
                            : read_checked(reader->source, at, rig_random() % 20000);
        kassert(got >= 0 || (got == -EIO && reader->fails));
        at += got > 0 ? (uint64_t)got : PAGE_BYTES;
    }
}

static void reclaimer_main(void *argument)
{
    struct reader *reader = argument;
    for (unsigned i = 0; i < reader->rounds; i++) {
        (void)cache_reclaim(rig_random() % 20);
        thread_yield();
    }
}

static void together_body(void *unused)
{
    (void)unused;
    enum { READERS = 3 };
    struct source source;
    struct thread *threads[READERS + 1];
    uint32_t block = blocks[rig_random() % BLOCK_KINDS];
    set_up(&source, block, 500001, FAULTY_MIXED);
    struct reader reader = { &source, 40, rig_random() % 2 };
    source.faulty->scribbles = true;
    if (reader.fails) {
        source.faulty->bad_from = rig_random() % 500000;
        source.faulty->bad_to = source.faulty->bad_from + 1000;
    }
    for (unsigned i = 0; i <= READERS; i++) {
        threads[i] = thread_create("reader", PRIORITY_NORMAL,
                                   i ? reader_main : reclaimer_main, &reader);
        kassert(threads[i] != NULL);
    }
    for (unsigned i = 0; i <= READERS; i++)
        thread_join(threads[i]);
    tear_down(&source);
}

static void test_together(void **state)
{
    (void)state;
    for (unsigned i = 0; i < (run_is_simulated() ? 1 : 20); i++)
        rig_run(together_body, NULL, 60);
}

/* ---- check and destroy -------------------------------------------------------------------- */

static void check_body(void *unused)
{
    (void)unused;
    struct source source;
    uint8_t byte;
    set_up(&source, 2048, 100000, FAULTY_MIXED);
    kassert(read_checked(&source, 0, 100000) == 100000);
    source.check = -ESTALE;
    for (uint64_t at = 0; at < 100000; at += 777) {
        kassert(view_checked(&source, at) == -ESTALE);
        kassert(cache_read(&source.cache, at, &byte, 1) == -ESTALE);
    }
    kassert(cache_read(&source.cache, 100000, &byte, 1) == -ESTALE); /* at the end, too */
    source.check = 0;
    kassert(read_checked(&source, 0, 100000) == 100000);
    tear_down(&source);
}

static void test_check(void **state)
{
    (void)state;
    rig_run(check_body, NULL, 10);
}

struct release {
    struct faulty *faulty;
    _Atomic bool released;
};

static void release_main(void *argument)
{
    struct release *release = argument;
    for (unsigned i = 0; i < 50; i++)
        thread_yield();
    atomic_store(&release->released, true);
    faulty_hold(release->faulty, false);
}

/* Destroying a cache waits for read-ahead in flight. */
static void destroy_body(void *unused)
{
    (void)unused;
    struct source source;
    uint64_t at = 0;
    set_up(&source, 2048, 2 << 20, FAULTY_LATE);
    while (source.cache.ios == 0 && at < source.cache.size_bytes) {
        ssize_t got = view_checked(&source, at);
        kassert(got > 0);
        at += (uint64_t)got;
    }
    struct release release = { .faulty = source.faulty };
    faulty_hold(source.faulty, true);
    struct thread *thread = thread_create("release", PRIORITY_NORMAL, release_main, &release);
    cache_destroy(&source.cache);
    kassert(source.cache.ios == 0);
    thread_join(thread);
    tear_down(&source);
}

static void test_destroy(void **state)
{
    (void)state;
    rig_run(destroy_body, NULL, 40);
}

/* The device ends inside a block of the cache. Then its medium changes. */
static void device_body(void *unused)
{
    (void)unused;
    struct source source;
    struct cache cache;
    struct fsd fsd = { 0 };
    uint64_t size = (1 + rig_random() % 900) * 512;
    set_up(&source, 512, 0, FAULTY_MIXED);
    faulty_change(source.faulty, disk, size);
    kassert(device_open(source.faulty->device, &fsd.device) == 0);
    device_cache_init(&cache, &fsd, 2048);
    kassert(cache_read(&cache, 0, buffer, DISK_BYTES) == (ssize_t)size);
    kassert(memcmp(buffer, disk, size) == 0);
    faulty_change(source.faulty, disk + 512, size);
    kassert(cache_read(&cache, 0, buffer, 100) == -ESTALE);
    faulty_change(source.faulty, NULL, 0);
    kassert(cache_read(&cache, 0, buffer, 100) == -ENOMEDIUM);
    device_remove(source.faulty->device);
    kassert(cache_read(&cache, 0, buffer, 100) == -ENODEV);
    cache_destroy(&cache);
    device_close(&fsd.device);
    tear_down(&source);
}

static void test_device(void **state)
{
    (void)state;
    rig_run(device_body, NULL, 40);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),     cmocka_unit_test(test_sequential),
        cmocka_unit_test(test_device),    cmocka_unit_test(test_together),
        cmocka_unit_test(test_nth),       cmocka_unit_test(test_destroy),
        cmocka_unit_test(test_bad_spot),  cmocka_unit_test(test_half_page),
        cmocka_unit_test(test_check),     cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
