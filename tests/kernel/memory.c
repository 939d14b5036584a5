/*
 * memory.c - self tests of frames, heap and address space: what is allocated is usable, what is
 * freed is free again. Each test ends with the counts of memory that it began with.
 */
#include "kernel/mm/frames.h"
#include "kernel/mm/memory.h"
#include "kernel/mm/space.h"
#include "kernel/port.h"
#include "kernel/selftest.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

struct counts {
    size_t free_pages, used_bytes;
};

static struct counts count_memory(void)
{
    return (struct counts){ page_free_count(), mem_used_bytes() };
}

static bool same_as(struct counts before)
{
    struct counts now = count_memory();
    return now.free_pages == before.free_pages && now.used_bytes == before.used_bytes;
}

/* Registers that a device reports there would let its driver overwrite memory. */
SELFTEST(registers_are_not_mapped_over_ram)
{
    void *page = page_alloc();
    SELFTEST_CHECK(page);
    uint64_t physical = mem_physical(page), image = (uint64_t)__kernel_physical_start;

    SELFTEST_CHECK(space_overlaps_ram(physical, 1) && space_overlaps_ram(physical - 1, 2));
    SELFTEST_CHECK(!space_map_mmio(physical, PAGE_BYTES) && !space_map_mmio(image, PAGE_BYTES));
    SELFTEST_CHECK(space_overlaps_ram(0, UINT64_MAX));
    SELFTEST_CHECK(!space_overlaps_ram(0xfee00000, PAGE_BYTES));
    page_free(page);
}

SELFTEST(page_alloc_and_free_keep_the_count)
{
    struct counts before = count_memory();
    void *page = page_alloc();

    SELFTEST_CHECK(page && (uint64_t)page % PAGE_BYTES == 0);
    SELFTEST_CHECK(page_free_count() == before.free_pages - 1);
    SELFTEST_CHECK(mem_physical(page) <= mem_highest_physical());
    SELFTEST_CHECK(memory_at(mem_physical(page)) == page);
    page_free(page);
    SELFTEST_CHECK(same_as(before));
}

SELFTEST(page_alloc_many_is_contiguous_and_freed_one_by_one)
{
    enum { COUNT = 45 };
    static void *pages[COUNT];
    struct counts before = count_memory();
    unsigned seams = 0;

    SELFTEST_CHECK(page_alloc_many(pages, 0) == 0);
    SELFTEST_CHECK(page_alloc_many(pages, COUNT) == COUNT);
    SELFTEST_CHECK(page_free_count() == before.free_pages - COUNT);
    for (unsigned i = 1; i < COUNT; i++)
        seams += (char *)pages[i] != (char *)pages[i - 1] + PAGE_BYTES;
    for (unsigned i = 0; i < COUNT; i++)
        page_free(pages[i * 7 % COUNT]);
    SELFTEST_CHECK(seams < COUNT / 2);
    SELFTEST_CHECK(same_as(before));
}

SELFTEST(page_alloc_low_is_below_4_gib)
{
    struct counts before = count_memory();
    void *page = page_alloc_low();

    SELFTEST_CHECK(page && mem_physical(page) < 0x100000000);
    page_free(page);
    SELFTEST_CHECK(same_as(before));
}

SELFTEST(mem_alloc_many_is_freed_one_by_one)
{
    enum { COUNT = 100, BYTES = 96 }; /* more than two pages of them */
    static void *objects[COUNT];
    struct counts before = count_memory();

    SELFTEST_CHECK(mem_alloc_many(BYTES, objects, 0) == 0);
    SELFTEST_CHECK(mem_alloc_many(BYTES, objects, COUNT) == COUNT);
    SELFTEST_CHECK(mem_used_bytes() == before.used_bytes + COUNT * BYTES);
    for (unsigned i = 0; i < COUNT; i++)
        memset(objects[i], (int)i, BYTES);
    for (unsigned i = 0; i < COUNT; i++)
        SELFTEST_CHECK(*(uint8_t *)objects[i] == i && ((uint8_t *)objects[i])[BYTES - 1] == i);
    for (unsigned i = 0; i < COUNT; i++)
        mem_free(objects[i * 7 % COUNT]);
    SELFTEST_CHECK(same_as(before));
}

SELFTEST(buddies_split_and_merge)
{
    struct counts before = count_memory();
    uint8_t *block = frames_alloc(8);

    SELFTEST_CHECK(block && mem_physical(block) % (8 * PAGE_BYTES) == 0);
    frames_free(block, 8);
    /* Freed page by page, in an order that merges late, the same block must exist again. */
    void *again = frames_alloc(8);
    SELFTEST_CHECK(again == block);
    for (unsigned i = 0; i < 8; i++)
        frame_of(block + i * PAGE_BYTES)->state = FRAME_TAKEN;
    static const uint8_t order[8] = { 3, 0, 7, 5, 1, 6, 4, 2 };
    for (unsigned i = 0; i < 8; i++)
        frames_free(block + order[i] * PAGE_BYTES, 1);
    SELFTEST_CHECK(same_as(before));
    again = frames_alloc(8);
    SELFTEST_CHECK(again == block);
    frames_free(again, 8);
}

SELFTEST(large_allocation_takes_only_its_pages)
{
    struct counts before = count_memory();
    uint8_t *memory = mem_alloc(5 * PAGE_BYTES + 1);

    SELFTEST_CHECK(memory);
    SELFTEST_CHECK(page_free_count() == before.free_pages - 6);
    SELFTEST_CHECK(mem_used_bytes() == before.used_bytes + 6 * PAGE_BYTES);
    SELFTEST_CHECK(mem_physical(memory + 5 * PAGE_BYTES) ==
                   mem_physical(memory) + 5 * PAGE_BYTES);
    memset(memory, 0x11, 5 * PAGE_BYTES + 1);
    mem_free(memory);
    SELFTEST_CHECK(same_as(before));
}

/* All of memory, in lists of pages of which no two are adjacent. */
enum { LISTS = 7 };
static struct listed_page {
    struct listed_page *next;
} *lists[LISTS];

static size_t give_back(size_t wanted)
{
    size_t freed = 0;
    for (unsigned i = 0; i < LISTS && freed < wanted; i++)
        while (lists[i] && freed < wanted) {
            struct listed_page *page = lists[i];
            lists[i] = page->next;
            page_free(page);
            freed++;
        }
    return freed;
}

/* Allocates all memory. The pages that give_back() frees afterwards are not contiguous. */
static void shatter(void)
{
    struct listed_page *page;

    while ((page = page_alloc())) {
        unsigned i = (unsigned)(mem_physical(page) / PAGE_BYTES % LISTS);
        page->next = lists[i];
        lists[i] = page;
    }
}

SELFTEST(large_allocation_works_in_fragmented_memory)
{
    enum { PAGES = 16 };
    struct counts before = count_memory();

    mem_set_reclaim(NULL);
    shatter();
    mem_set_reclaim(give_back);
    uint8_t *memory = mem_alloc(PAGES * PAGE_BYTES), *other = mem_alloc(5000);
    bool good = memory && other;
    for (unsigned i = 0; good && i < PAGES; i++)
        memset(memory + i * PAGE_BYTES, (int)i, PAGE_BYTES);
    for (unsigned i = 0; good && i < PAGES; i++) {
        const uint8_t *page = memory_at(mem_physical(memory + i * PAGE_BYTES));
        good = page[0] == i && page[PAGE_BYTES - 1] == i;
        good = good && mem_contiguous(memory + i * PAGE_BYTES + 1, PAGE_BYTES) == PAGE_BYTES - 1;
    }
    mem_free(memory);
    mem_free(other);
    (void)give_back(SIZE_MAX);
    mem_set_reclaim(vfs_reclaim);
    SELFTEST_CHECK(good);
    SELFTEST_CHECK(same_as(before));
}

SELFTEST(impossible_allocation_reclaims_little)
{
    struct counts before = count_memory();

    mem_set_reclaim(NULL);
    shatter();
    mem_set_reclaim(give_back);
    void *memory = mem_alloc(page_total_count() / 2 * PAGE_BYTES);
    size_t discarded = page_free_count();
    mem_free(memory);
    (void)give_back(SIZE_MAX);
    mem_set_reclaim(vfs_reclaim);
    SELFTEST_CHECK(!memory);
    SELFTEST_CHECK(discarded <= page_total_count() / 8 + 64);
    SELFTEST_CHECK(same_as(before));
}

SELFTEST(heap_objects_are_aligned_and_do_not_overlap)
{
    enum { COUNT = 96 };
    static uint8_t *objects[COUNT];
    struct counts before = count_memory();

    for (unsigned i = 0; i < COUNT; i++) {
        size_t bytes = i * 43 + 1;
        objects[i] = mem_alloc(bytes);
        SELFTEST_CHECK(objects[i] && (uint64_t)objects[i] % 16 == 0);
        memset(objects[i], (int)i, bytes);
    }
    for (unsigned i = 0; i < COUNT; i++)
        for (size_t at = 0; at < i * 43 + 1; at++)
            SELFTEST_CHECK(objects[i][at] == i);
    for (unsigned i = 0; i < COUNT; i++)
        mem_free(objects[(i * 37) % COUNT]);
    SELFTEST_CHECK(same_as(before));
}

SELFTEST(zalloc_clears_reused_memory)
{
    struct counts before = count_memory();
    uint8_t *memory = mem_alloc(300);

    SELFTEST_CHECK(memory);
    memset(memory, 0xff, 300);
    mem_free(memory);
    memory = mem_zalloc(300);
    SELFTEST_CHECK(memory);
    for (unsigned i = 0; i < 300; i++)
        SELFTEST_CHECK(memory[i] == 0);
    mem_free(memory);
    mem_free(NULL);
    SELFTEST_CHECK(same_as(before));
}

SELFTEST(freed_memory_is_poisoned_in_debug_builds)
{
    uint8_t *keeper = mem_alloc(256), *object = mem_alloc(256);

    SELFTEST_CHECK(keeper && object);
    memset(object, 0x22, 256);
    mem_free(object);
    /* The keeper keeps the slab allocated, so that the freed bytes can be read. */
    uint8_t last = *(volatile uint8_t *)(object + 255);
    SELFTEST_CHECK(last == (MEMORY_DEBUG ? MEMORY_POISON : 0x22));
    mem_free(keeper);
}

SELFTEST(too_large_allocation_is_refused)
{
    struct counts before = count_memory();
    size_t bytes = (page_total_count() + 1) * PAGE_BYTES;

    SELFTEST_CHECK(!mem_alloc(bytes));
    __asm__ volatile("" : "=r"(bytes) : "0"(SIZE_MAX - 5));
    SELFTEST_CHECK(!mem_alloc(bytes));
    SELFTEST_CHECK(same_as(before));
}

/* Allocates all pages, chained through themselves. */
static size_t take_all_pages(void **chain)
{
    size_t count = 0;
    void **page;

    for (*chain = NULL; (page = page_alloc()); count++) {
        *page = *chain;
        *chain = page;
    }
    return count;
}

static void free_chain(void *chain)
{
    while (chain) {
        void *next = *(void **)chain;
        page_free(chain);
        chain = next;
    }
}

SELFTEST(exhausted_memory_fails_and_recovers)
{
    struct counts before = count_memory();
    void *chain;
    size_t taken = take_all_pages(&chain);
    void *small = mem_alloc(2000), *large = mem_alloc(100000), *stack = space_stack_alloc();

    free_chain(chain);
    SELFTEST_CHECK(taken >= before.free_pages);
    SELFTEST_CHECK(!stack && !large);
    mem_free(small); /* there may have been room in a slab */
    SELFTEST_CHECK(page_free_count() >= before.free_pages);
    SELFTEST_CHECK(mem_used_bytes() <= before.used_bytes);
}

SELFTEST(text_is_not_writable_and_data_not_executable)
{
    for (char *at = __text_start; at < __text_end; at += PAGE_BYTES)
        SELFTEST_CHECK(space_rights((uint64_t)at) == (SPACE_READ | SPACE_EXECUTE));
    for (char *at = __rodata_start; at < __rodata_end; at += PAGE_BYTES)
        SELFTEST_CHECK((space_rights((uint64_t)at) & ~SPACE_EXECUTE) == SPACE_READ);
    for (char *at = __data_start; at < __data_end; at += PAGE_BYTES)
        if (at != boot_stack_guard)
            SELFTEST_CHECK(space_rights((uint64_t)at) & SPACE_WRITE);
}

SELFTEST(no_execute_is_set_where_the_processor_has_it)
{
    void *page = page_alloc();
    unsigned none = SPACE_READ | SPACE_WRITE;

    SELFTEST_CHECK(page);
    unsigned heap = space_rights((uint64_t)page), data = space_rights((uint64_t)__data_start);
    unsigned constants = space_rights((uint64_t)__rodata_start);
    page_free(page);
    /* All three, or none on a processor without the bit. */
    SELFTEST_CHECK((heap == none && data == none && constants == SPACE_READ) ||
                   (heap & data & constants & SPACE_EXECUTE));
}

SELFTEST(nothing_is_mapped_that_should_not_be)
{
    SELFTEST_CHECK(space_rights(0) == 0);
    SELFTEST_CHECK(space_rights(0x100000) == 0);
    SELFTEST_CHECK(space_rights((uint64_t)boot_stack_guard) == 0);
    SELFTEST_CHECK(space_rights((uint64_t)memory_at(memory_kernel_physical(__text_start))) == 0);
    SELFTEST_CHECK(space_rights((uint64_t)memory_at(0xb8000)) == 0);
    SELFTEST_CHECK(space_rights(0x0000900000000000) == 0);
}

SELFTEST(device_window_shows_memory_until_unmapped)
{
    struct counts before = count_memory();
    const uint8_t *bios = space_map_firmware(0xfffff, 1);
    volatile uint16_t *screen = space_map_mmio(0xb8000, 4000);

    SELFTEST_CHECK(bios && screen);
    SELFTEST_CHECK(space_rights((uint64_t)bios) != 0);
    SELFTEST_CHECK((space_rights((uint64_t)bios) & SPACE_WRITE) == 0);
    SELFTEST_CHECK(space_rights((uint64_t)screen) & SPACE_WRITE);
    space_unmap((const void *)screen, 4000);
    space_unmap(bios, 1);
    SELFTEST_CHECK(space_rights((uint64_t)bios) == 0);
    SELFTEST_CHECK(same_as(before));
}
