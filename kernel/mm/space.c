/*
 * space.c - the regions of the address space: stacks, windows, runs and drivers. See space.h.
 */
#include "kernel/mm/space.h"
#include "kernel/mm/frames.h"
#include "kernel/mm/memory.h"
#include "kernel/mm/page_table.h"
#include "kernel/x86/cpu.h"
#include "lib/string.h"

#define STACKS 0xffffc00000000000ull
#define STACKS_END (STACKS + (uint64_t)STACK_SLOTS * SLOT_BYTES)
#define WINDOWS 0xffffc00040000000ull
#define WINDOWS_END 0xffffc00080000000ull
#define RUNS WINDOWS_END
#define RUNS_END 0xffffc000c0000000ull
#define DRIVERS 0xffffffffc0000000ull
#define DRIVERS_END 0xffffffffffe00000ull

enum {
    STACK_SLOTS = 4096,
    SLOT_BYTES = 2 * STACK_BYTES,
    STACK_PAGES = STACK_BYTES / PAGE_BYTES,
};

static struct spin lock = SPIN_INIT(RANK_HEAP);
static bool started;
static const struct boot_info *map;
static uint64_t slot_used[STACK_SLOTS / 64];
static uint64_t next_window = WINDOWS;

/* Addresses for runs of single pages; the search for free ones continues at `next`. */
struct region {
    uint64_t start, end, next;
};

static struct region runs = { RUNS, RUNS_END, RUNS };
static struct region drivers = { DRIVERS, DRIVERS_END, DRIVERS };

unsigned space_rights(uint64_t address)
{
    /* A panic during early start asks for the boot stack, which the boot tables map. */
    if (!started)
        return address - (uint64_t)__data_start < (uint64_t)(__data_end - __data_start)
                   ? SPACE_READ | SPACE_WRITE | SPACE_EXECUTE
                   : 0;

    /* page_table_find() ignores the upper 16 bits, which must repeat bit 47. */
    bool canonical = (uint64_t)((int64_t)(address << 16) >> 16) == address;
    const uint64_t *entry = canonical ? page_table_find(address) : NULL;

    if (!entry)
        return 0;
    return SPACE_READ | (*entry & ENTRY_WRITE ? SPACE_WRITE : 0) |
           (*entry & ENTRY_NX ? 0 : SPACE_EXECUTE);
}

/* ---- stacks ------------------------------------------------------------------------------- */

static bool take_slot(uint64_t *stack)
{
    for (unsigned i = 0; i < STACK_SLOTS / 64; i++) {
        if (slot_used[i] == UINT64_MAX)
            continue;

        /* The stack is the upper half of the slot; the lower half is its guard. */
        unsigned bit = (unsigned)__builtin_ctzll(~slot_used[i]);
        slot_used[i] |= 1ull << bit;
        *stack = STACKS + (i * 64ull + bit) * SLOT_BYTES + STACK_BYTES;
        return true;
    }
    return false;
}

static void free_slot(uint64_t stack)
{
    uint64_t slot = (stack - STACKS) / SLOT_BYTES;
    slot_used[slot / 64] &= ~(1ull << slot % 64);
}

/* Maps all pages of a stack, or none. */
static bool map_stack(uint64_t stack, void *const pages[STACK_PAGES])
{
    for (unsigned i = 0; i < STACK_PAGES; i++) {
        if (page_table_map(stack + i * PAGE_BYTES, memory_physical(pages[i]),
                           ENTRY_WRITE | ENTRY_NX))
            continue;

        /* No memory for a table. */
        while (i-- > 0)
            page_table_unmap(stack + i * PAGE_BYTES);
        return false;
    }
    return true;
}

static void *place_stack(void *const pages[STACK_PAGES])
{
    uint64_t stack = 0;

    spin_lock(&lock);
    if (take_slot(&stack) && !map_stack(stack, pages)) {
        free_slot(stack);
        stack = 0;
    }
    spin_unlock(&lock);
    return (void *)stack;
}

void *space_stack_alloc(void)
{
    void *pages[STACK_PAGES];
    unsigned got = 0;
    void *stack = NULL;

    /* The pages first, outside the lock: page_alloc() may call the reclaimer. */
    while (got < STACK_PAGES && (pages[got] = page_alloc()))
        got++;

    /* The tables are allocated under the lock, where nothing may be reclaimed: that is done between
     * the attempts. */
    if (got == STACK_PAGES)
        do
            stack = place_stack(pages);
        while (!stack && frames_reclaim(1) > 0);
    while (!stack && got > 0)
        page_free(pages[--got]);
    return stack;
}

void space_stack_free(void *stack)
{
    uint64_t base = (uint64_t)stack;

    /* Unmap before the slot is free for another stack. */
    kassert(base >= STACKS && base < STACKS_END && base % SLOT_BYTES == STACK_BYTES);
    spin_lock(&lock);
    for (unsigned i = 0; i < STACK_PAGES; i++)
        page_free(memory_at(page_table_unmap(base + i * PAGE_BYTES)));
    free_slot(base);
    spin_unlock(&lock);
}

bool space_is_stack_guard(uint64_t address)
{
    if (address >= STACKS && address < STACKS_END)
        return (address - STACKS) % SLOT_BYTES < STACK_BYTES;
    return address - (uint64_t)boot_stack_guard < PAGE_BYTES;
}

/* ---- memory that is not RAM ------------------------------------------------------------------ */

static void unmap_pages(uint64_t start, uint64_t end)
{
    for (uint64_t at = start; at < end; at += PAGE_BYTES)
        page_table_unmap(at);
}

static bool map_pages(uint64_t start, uint64_t end, uint64_t physical, uint64_t rights)
{
    for (uint64_t at = start; at < end; at += PAGE_BYTES) {
        if (!page_table_map(at, physical + (at - start), rights)) {
            unmap_pages(start, at);
            return false;
        }
    }
    return true;
}

static void *map_window(uint64_t physical, size_t bytes, uint64_t rights)
{
    uint64_t offset = physical % PAGE_BYTES;
    uint64_t span = (offset + bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1ull);

    /* Addresses and lengths come from firmware and devices. */
    if (bytes == 0 || bytes > WINDOWS_END - WINDOWS || physical > ENTRY_ADDRESS - span)
        return NULL;

    /* Whole pages are mapped; the result is at the same offset in its page as the argument. */
    spin_lock(&lock);
    uint64_t start = next_window;
    bool mapped = span <= WINDOWS_END - start &&
                  map_pages(start, start + span, physical - offset, rights);
    if (mapped)
        next_window += span;
    spin_unlock(&lock);
    return mapped ? (void *)(start + offset) : NULL;
}

bool space_overlaps_ram(uint64_t physical, uint64_t bytes)
{
    for (unsigned i = 0; i < map->range_count; i++) {
        const struct boot_range *range = &map->ranges[i];
        if (range->type == BOOT_MEMORY_USABLE && physical < range->end &&
            (physical >= range->start || bytes > range->start - physical))
            return true;
    }
    return false;
}

void *space_map_mmio(uint64_t physical, size_t bytes)
{
    if (space_overlaps_ram(physical, bytes))
        return NULL;
    return map_window(physical, bytes, ENTRY_WRITE | ENTRY_UNCACHED | ENTRY_NX);
}

void *space_map_framebuffer(uint64_t physical, size_t bytes)
{
    uint64_t type = cpu_has_combining() ? ENTRY_COMBINING : ENTRY_UNCACHED;
    return map_window(physical, bytes, ENTRY_WRITE | type | ENTRY_NX);
}

const void *space_map_firmware(uint64_t physical, size_t bytes)
{
    return map_window(physical, bytes, ENTRY_NX);
}

/* Addresses are reused only if the newest window is unmapped first. There is 1 GiB of them, and few
 * windows. */
void space_unmap(const void *memory, size_t bytes)
{
    uint64_t start = (uint64_t)memory & ~(PAGE_BYTES - 1ull);
    uint64_t end = ((uint64_t)memory + bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1ull);

    kassert(start >= WINDOWS && end <= WINDOWS_END && start < end);
    spin_lock(&lock);
    unmap_pages(start, end);
    if (end == next_window)
        next_window = start;
    spin_unlock(&lock);
}

/* ---- runs of single pages ----------------------------------------------------------------- */

bool space_is_run(const void *memory)
{
    return (uint64_t)memory - RUNS < RUNS_END - RUNS;
}

uint64_t space_physical(const void *memory)
{
    const uint64_t *entry = page_table_find((uint64_t)memory);
    kassert(entry && !(*entry & ENTRY_LARGE));
    return (*entry & ENTRY_ADDRESS) + (uint64_t)memory % PAGE_BYTES;
}

uint64_t mem_physical(const void *memory)
{
    if (space_is_run(memory))
        return space_physical(memory);
    kassert(frames_contain(memory));
    return memory_physical(memory);
}

size_t mem_contiguous(const void *memory, size_t bytes)
{
    /* Only runs consist of pages from different places. */
    size_t rest = PAGE_BYTES - (uint64_t)memory % PAGE_BYTES;
    return space_is_run(memory) && rest < bytes ? rest : bytes;
}

/* Finds unmapped addresses for this number of pages and one more on either side. Returns 0 if there
 * are none. */
static uint64_t find_run(const struct region *region, size_t pages)
{
    uint64_t start = region->next, at = start;

    /* The search begins after the last run and wraps once. [start, at) is not mapped. A second
     * round finds an area that contains the point where the search began. */
    for (uint64_t looked = 0; looked < 2 * (region->end - region->start); looked += PAGE_BYTES) {
        if (at == region->end) {
            start = at = region->start;
        } else if (page_table_find(at)) {
            start = at += PAGE_BYTES;
        } else {
            at += PAGE_BYTES;
            if (at - start == (pages + 2) * PAGE_BYTES)
                return start + PAGE_BYTES;
        }
    }
    return 0;
}

/* Maps pages, which are linked through their first bytes. Maps none and returns 0 if addresses or
 * memory for tables are exhausted; the chain is unchanged then. */
static uint64_t map_run(struct region *region, size_t pages, void *chain)
{
    spin_lock(&lock);
    uint64_t start = find_run(region, pages), at = start;

    /* The links stay in the pages until their new owner overwrites them. */
    for (void **page = chain; start != 0 && page; at += PAGE_BYTES) {
        void **next = *page;
        if (!page_table_map(at, memory_physical(page), ENTRY_WRITE | ENTRY_NX)) {
            unmap_pages(start, at);
            start = 0;
        }
        page = next;
    }

    if (start != 0)
        region->next = at;
    spin_unlock(&lock);
    return start;
}

static void *alloc_run(struct region *region, size_t pages)
{
    void **chain = NULL;
    size_t got = 0;
    uint64_t run = 0;

    /* The pages are chained through themselves: a list of them would need memory too. */
    for (void **page; got < pages && (page = page_alloc()); got++) {
        *page = chain;
        chain = page;
    }

    /* As for stacks, memory is reclaimed between the attempts. */
    if (got == pages && pages < (region->end - region->start) / PAGE_BYTES - 1)
        do
            run = map_run(region, pages, chain);
        while (run == 0 && frames_reclaim(1) > 0);

    /* Free the pages again if no run was made. */
    while (run == 0 && chain) {
        void **next = *chain;
        page_free(chain);
        chain = next;
    }
    return (void *)run;
}

void *space_run_alloc(size_t pages)
{
    return alloc_run(&runs, pages);
}

size_t space_run_free(void *run)
{
    uint64_t at = (uint64_t)run;

    /* The pages are unmapped one after another, up to the unmapped page that ends the run. */
    spin_lock(&lock);
    do {
        page_free(memory_at(page_table_unmap(at)));
        at += PAGE_BYTES;
    } while (page_table_find(at));
    spin_unlock(&lock);
    return (at - (uint64_t)run) / PAGE_BYTES;
}

/* ---- drivers ------------------------------------------------------------------------------ */

void *code_alloc(size_t pages)
{
    void *memory = alloc_run(&drivers, pages);
    if (memory)
        memset(memory, 0, pages * PAGE_BYTES);
    return memory;
}

void code_protect(void *memory, size_t pages, enum code_rights rights)
{
    uint64_t start = (uint64_t)memory;
    uint64_t bits = rights == CODE_EXECUTABLE ? 0
                    : rights == CODE_WRITABLE ? ENTRY_NX | ENTRY_WRITE
                                              : ENTRY_NX;

    /* None of the three is both writable and executable. */
    kassert(start >= DRIVERS && start < DRIVERS_END);
    spin_lock(&lock);
    for (uint64_t at = start; at < start + pages * PAGE_BYTES; at += PAGE_BYTES)
        page_table_protect(at, bits);
    spin_unlock(&lock);
}

void code_free(void *memory, size_t pages)
{
    if (memory) {
        size_t freed = space_run_free(memory);
        kassert(freed == pages);
    }
}

/* ---- start -------------------------------------------------------------------------------- */

static void must(bool mapped)
{
    if (!mapped)
        panic("memory: not enough for the page tables");
}

static void map_direct(uint64_t physical, uint64_t end)
{
    while (physical < end) {
        uint64_t address = MEMORY_DIRECT_MAP + physical;

        /* Large pages take less memory for tables, and fewer of the processor's cached entries. */
        if (physical % LARGE_PAGE_BYTES == 0 && end - physical >= LARGE_PAGE_BYTES) {
            must(page_table_map_large(address, physical, ENTRY_WRITE | ENTRY_NX));
            physical += LARGE_PAGE_BYTES;
        } else {
            must(page_table_map(address, physical, ENTRY_WRITE | ENTRY_NX));
            physical += PAGE_BYTES;
        }
    }
}

/* The kernel's image is left out, or its text could be written through the direct map. */
static void map_ram(const struct boot_range *range)
{
    uint64_t start = (range->start + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1ull);
    uint64_t end = range->end & ~(PAGE_BYTES - 1ull);
    uint64_t image = (uint64_t)__kernel_physical_start;
    uint64_t image_end = memory_kernel_physical(__boot_only_start);

    if (start < image_end && end > image) {
        map_direct(start, image);
        map_direct(image_end > start ? image_end : start, end);
    } else {
        map_direct(start, end);
    }
}

/* A loader may place a module where the memory map has no whole page of usable RAM: QEMU puts the
 * last bytes of -initrd into the page in which RAM ends. */
static void map_module(const struct boot_module *module)
{
    uint64_t at = module->start & ~(PAGE_BYTES - 1ull);
    for (; at < module->end; at += PAGE_BYTES)
        if (!page_table_find(MEMORY_DIRECT_MAP + at))
            must(page_table_map(MEMORY_DIRECT_MAP + at, at, ENTRY_NX));
}

static void map_kernel(const char *start, const char *end, uint64_t rights)
{
    /* Without its guard page, an overflow of the boot stack would overwrite data silently. */
    for (const char *at = start; at < end; at += PAGE_BYTES)
        if (at != boot_stack_guard)
            must(page_table_map((uint64_t)at, memory_kernel_physical(at), rights));
}

void space_start(const struct boot_info *boot)
{
    cpu_hooks.is_stack_guard = space_is_stack_guard;
    map = boot;
    page_table_start();

    for (unsigned i = 0; i < boot->range_count; i++)
        if (boot->ranges[i].type == BOOT_MEMORY_USABLE)
            map_ram(&boot->ranges[i]);
    for (unsigned i = 0; i < boot->module_count; i++)
        map_module(&boot->modules[i]);
    map_kernel(__text_start, __text_end, 0);
    map_kernel(__rodata_start, __rodata_end, ENTRY_NX);
    map_kernel(__data_start, __data_end, ENTRY_WRITE | ENTRY_NX);

    /* Make the upper tables of these regions now: only the lowest tables are freed when they become
     * empty, and a test of leaks would count an upper table that appears later. */
    must(page_table_reserve(STACKS) && page_table_reserve(WINDOWS) && page_table_reserve(RUNS) &&
         page_table_reserve(DRIVERS));

    /* The code, the stack and the direct map have the same addresses as before. */
    page_table_load();
    started = true;
}
