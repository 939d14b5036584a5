/*
 * frames.c - the buddy allocator, pages on top of it, and its start from the boot memory map. See
 * frames.h.
 */
#include "kernel/mm/frames.h"
#include "kernel/mm/memory.h"
#include "lib/macros.h"
#include "lib/string.h"

#define FOUR_GIB 0x100000000ull

enum {
    ORDERS = FRAME_ORDER_MAX + 1,
    RESERVED_MAX = BOOT_MODULES_MAX + 3,
    RECLAIM_BATCH = 16, /* pages to reclaim when one is wanted */
};

enum zone { ZONE_LOW, ZONE_HIGH, ZONES };

struct area {
    uint64_t start, end; /* physical bytes, page aligned */
};

static struct spin lock = SPIN_INIT(RANK_FRAMES);
static struct list free_blocks[ZONES][ORDERS]; /* of struct frame, by link */
static struct frame *frames;
static uint64_t frame_count; /* of the array */
static size_t free_pages, total_pages;
static uint64_t highest_physical;
static size_t (*reclaimer)(size_t pages);

static struct area reserved[RESERVED_MAX];
static unsigned reserved_count;

/* ---- blocks ------------------------------------------------------------------------------- */

static enum zone zone_of(uint64_t index)
{
    return index * PAGE_BYTES < FOUR_GIB ? ZONE_LOW : ZONE_HIGH;
}

static void put_block(uint64_t index, unsigned order)
{
    frames[index].state = FRAME_FREE;
    frames[index].order = (uint8_t)order;
    list_push_front(&free_blocks[zone_of(index)][order], &frames[index].link);
}

static void take_block(uint64_t index)
{
    frames[index].state = FRAME_NONE;
    list_remove(&frames[index].link);
}

/* Frees an aligned block and merges it with its buddy as long as that is free too. */
static void free_block(uint64_t index, unsigned order)
{
    free_pages += 1ul << order;

    /* The buddy is the other half of the next larger block: its index differs in one bit. */
    for (; order < FRAME_ORDER_MAX; order++) {
        uint64_t buddy = index ^ 1ull << order;
        if (buddy >= frame_count || frames[buddy].state != FRAME_FREE ||
            frames[buddy].order != order)
            break;
        take_block(buddy);
        index = min(index, buddy);
    }
    put_block(index, order);
}

/* Frees any run of frames, divided into the largest aligned blocks. */
static void free_run(uint64_t index, uint64_t count)
{
    while (count > 0) {
        /* A block's index is a multiple of its size; index 0 is a multiple of every size. */
        unsigned order = index != 0 ? (unsigned)__builtin_ctzll(index) : FRAME_ORDER_MAX;
        unsigned longest = 63 - (unsigned)__builtin_clzll(count);
        order = min(order, longest);
        order = min(order, FRAME_ORDER_MAX);

        free_block(index, order);
        index += 1ull << order;
        count -= 1ull << order;
    }
}

/* Allocates the smallest free block of at least `order` and frees the part that is not needed. */
static bool alloc_block(enum zone zone, unsigned order, uint64_t *index)
{
    unsigned found = order;

    while (found < ORDERS && list_empty(&free_blocks[zone][found]))
        found++;
    if (found == ORDERS)
        return false;

    /* Halve it until it has the right size; the upper halves stay free. */
    *index = (uint64_t)(container_of(free_blocks[zone][found].next, struct frame, link) - frames);
    take_block(*index);
    while (found > order) {
        found--;
        put_block(*index + (1ull << found), found);
    }
    free_pages -= 1ul << order;
    return true;
}

static void *alloc_run(size_t pages, bool low_only)
{
    unsigned order = pages > 1 ? 64 - (unsigned)__builtin_clzll(pages - 1) : 0;
    uint64_t index;

    if (order > FRAME_ORDER_MAX)
        return NULL;

    /* Low memory first: every device reaches it, so transfers need no bounce pages. */
    spin_lock(&lock);
    bool found = alloc_block(ZONE_LOW, order, &index) ||
                 (!low_only && alloc_block(ZONE_HIGH, order, &index));
    if (found) {
        /* The block has a power of two of pages: the rest is freed at once. */
        frames[index].state = FRAME_TAKEN;
        free_run(index + pages, (1ull << order) - pages);
    }
    spin_unlock(&lock);
    return found ? memory_at(index * PAGE_BYTES) : NULL;
}

void *frames_alloc(size_t pages)
{
    return alloc_run(pages, false);
}

void frames_free(void *memory, size_t pages)
{
    struct frame *frame = frame_of(memory);

    /* Freeing twice, or a pointer into a block, finds another state here. Poison is written before
     * the lock is taken, since it may take long. */
    kassert(frame->state > FRAME_FREE);
    if (MEMORY_DEBUG)
        memset(memory, MEMORY_POISON, pages * PAGE_BYTES);

    spin_lock(&lock);
    frame->state = FRAME_NONE;
    free_run((uint64_t)(frame - frames), pages);
    spin_unlock(&lock);
}

bool frames_contain(const void *memory)
{
    return (uint64_t)memory >= MEMORY_DIRECT_MAP &&
           ((uint64_t)memory - MEMORY_DIRECT_MAP) / PAGE_BYTES < frame_count;
}

struct frame *frame_of(const void *memory)
{
    kassert(frames_contain(memory));
    return &frames[((uint64_t)memory - MEMORY_DIRECT_MAP) / PAGE_BYTES];
}

void *frame_memory(const struct frame *frame)
{
    return memory_at((uint64_t)(frame - frames) * PAGE_BYTES);
}

/* ---- the page functions of kernel/port.h --------------------------------------------------- */

void mem_set_reclaim(size_t (*reclaim)(size_t pages))
{
    reclaimer = reclaim;
}

size_t frames_reclaim(size_t pages)
{
    return reclaimer ? reclaimer(max(pages, RECLAIM_BATCH)) : 0;
}

static void *alloc_page(bool low_only)
{
    void *page;

    /* Ends when the reclaimer finds nothing more. Another thread may take what it freed. */
    do
        page = alloc_run(1, low_only);
    while (!page && frames_reclaim(1) > 0);
    if (page)
        frame_of(page)->state = FRAME_PAGE;
    return page;
}

void *page_alloc(void)
{
    return alloc_page(false);
}

/* Allocates pages from one zone in the largest blocks that are free and fit, so that they are
 * contiguous where possible. Returns how many. */
static size_t take_pages(enum zone zone, void *pages[], size_t count)
{
    size_t got = 0;
    uint64_t index;

    if (count == 0)
        return 0;

    unsigned order = 63 - (unsigned)__builtin_clzll(count);
    for (;;) {
        /* The order only decreases: if there is no block of one size now, there is none later. */
        while (1ul << order > count - got || !alloc_block(zone, order, &index))
            if (order-- == 0)
                return got;

        /* Each page is freed on its own later, so each gets a state of its own. */
        for (uint64_t end = index + (1ull << order); index < end; index++) {
            frames[index].state = FRAME_PAGE;
            pages[got++] = memory_at(index * PAGE_BYTES);
        }
        if (got == count)
            return got;
    }
}

size_t page_alloc_many(void *pages[], size_t count)
{
    size_t got = 0;

    /* What was allocated so far is kept while the reclaimer works. */
    do {
        spin_lock(&lock);
        for (unsigned zone = 0; zone < ZONES; zone++)
            got += take_pages(zone, pages + got, count - got);
        spin_unlock(&lock);
    } while (got < count && frames_reclaim(count - got + RECLAIM_BATCH) > 0);
    return got;
}

void *page_alloc_low(void)
{
    return alloc_page(true);
}

void page_free(void *page)
{
    if (!page)
        return;

    /* The heap's pages and runs are not freed here, even if they start at the same address. */
    kassert((uint64_t)page % PAGE_BYTES == 0);
    if (frame_of(page)->state != FRAME_PAGE)
        panic("page_free: %p is not an allocated page", page);
    frames_free(page, 1);
}

size_t page_free_count(void)
{
    return free_pages;
}

size_t page_total_count(void)
{
    return total_pages;
}

uint64_t mem_highest_physical(void)
{
    return highest_physical;
}

/* ---- the boot memory map ------------------------------------------------------------------- */

static void reserve(uint64_t start, uint64_t end)
{
    kassert(reserved_count < RESERVED_MAX);
    reserved[reserved_count++] = (struct area){
        start & ~(PAGE_BYTES - 1ull), (end + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1ull)
    };
}

/* Returns the reserved area with the lowest start among those that end after `at`, or NULL. */
static const struct area *next_reserved(uint64_t at)
{
    const struct area *next = NULL;

    for (unsigned i = 0; i < reserved_count; i++)
        if (reserved[i].end > at && (!next || reserved[i].start < next->start))
            next = &reserved[i];
    return next;
}

/* Finds the next part of a boot range, at or after *at, that is usable, not reserved, of whole
 * pages and below `limit`. Moves *at past it; returns false at the end of the range. */
static bool next_piece(const struct boot_range *range, uint64_t limit, uint64_t *at,
                       struct area *piece)
{
    uint64_t end = min(range->end, limit) & ~(PAGE_BYTES - 1ull);

    if (range->type != BOOT_MEMORY_USABLE)
        return false;

    /* Round inwards: the rest of a partial page may belong to a range of another type. */
    *at = max(*at, range->start);
    *at = (*at + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1ull);

    /* Skip reserved areas that cover the start. */
    const struct area *block;
    while ((block = next_reserved(*at)) && block->start <= *at)
        *at = block->end;
    if (*at >= end)
        return false;

    /* The piece ends where the next reserved area starts. */
    piece->start = *at;
    piece->end = block ? min(block->start, end) : end;
    *at = piece->end;
    return true;
}

static void add_pieces(const struct boot_info *boot, uint64_t from, uint64_t limit)
{
    for (unsigned i = 0; i < boot->range_count; i++) {
        uint64_t at = from;
        struct area piece;
        while (next_piece(&boot->ranges[i], limit, &at, &piece)) {
            uint64_t count = (piece.end - piece.start) / PAGE_BYTES;
            free_run(piece.start / PAGE_BYTES, count);
            total_pages += count;
            highest_physical = max(highest_physical, piece.end - 1);
        }
    }
}

static uint64_t find_highest_usable(const struct boot_info *boot)
{
    uint64_t highest = 0;

    for (unsigned i = 0; i < boot->range_count; i++)
        if (boot->ranges[i].type == BOOT_MEMORY_USABLE && boot->ranges[i].end > highest)
            highest = boot->ranges[i].end;
    return highest;
}

/* Finds room for the array of descriptors below 4 GiB, and reserves it. */
static bool place_descriptors(const struct boot_info *boot, uint64_t bytes)
{
    for (unsigned i = 0; i < boot->range_count; i++) {
        uint64_t at = 0;
        struct area piece;
        while (next_piece(&boot->ranges[i], FOUR_GIB, &at, &piece)) {
            if (piece.end - piece.start < bytes)
                continue;

            /* The boot page tables have the direct map at the final address, so the pointer remains
             * valid. */
            frames = memory_at(piece.start);
            reserve(piece.start, piece.start + bytes);
            return true;
        }
    }
    return false;
}

void frames_start(const struct boot_info *boot)
{
    for (unsigned zone = 0; zone < ZONES; zone++)
        for (unsigned order = 0; order < ORDERS; order++)
            list_init(&free_blocks[zone][order]);

    /* Page 0 stays unused, so that a physical address of 0 can mean "none". */
    reserve(0, PAGE_BYTES);
    reserve((uint64_t)__kernel_physical_start, (uint64_t)__kernel_physical_end);
    for (unsigned i = 0; i < boot->module_count; i++)
        reserve(boot->modules[i].start, boot->modules[i].end);

    /* If there is so much memory that its descriptors do not fit below 4 GiB, use less of it. */
    frame_count = find_highest_usable(boot) / PAGE_BYTES;
    while (frame_count > 0 && !place_descriptors(boot, frame_count * sizeof(*frames)))
        frame_count /= 2;
    if (frame_count == 0)
        panic("memory: not enough for the frame descriptors");

    /* All zero is FRAME_NONE: frames in holes of the map and in reserved areas keep that. */
    memset(frames, 0, frame_count * sizeof(*frames));
    add_pieces(boot, 0, min(frame_count * PAGE_BYTES, FOUR_GIB));
}

void frames_add_rest(const struct boot_info *boot)
{
    uint64_t start = memory_kernel_physical(__boot_only_start);
    uint64_t count = (uint64_t)(__boot_only_end - __boot_only_start) / PAGE_BYTES;

    /* The final page tables are in use: nothing refers to the boot tables, and memory above 4 GiB
     * is mapped. */
    spin_lock(&lock);
    free_run(start / PAGE_BYTES, count);
    total_pages += count;
    if (frame_count * PAGE_BYTES > FOUR_GIB)
        add_pieces(boot, FOUR_GIB, frame_count * PAGE_BYTES);
    spin_unlock(&lock);
}

void frames_add_module(const struct boot_info *boot, const struct boot_module *module)
{
    /* Whole pages only: another module may share the first or the last one. */
    uint64_t start = (module->start + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1ull);
    uint64_t end = min(module->end, frame_count * PAGE_BYTES) & ~(PAGE_BYTES - 1ull);

    /* The loader may have put it into memory that is not ours to use. */
    spin_lock(&lock);
    for (unsigned i = 0; i < boot->range_count; i++) {
        const struct boot_range *range = &boot->ranges[i];
        uint64_t from = max(start, range->start), to = min(end, range->end);
        if (range->type != BOOT_MEMORY_USABLE || from >= to || from % PAGE_BYTES)
            continue;
        uint64_t count = (to - from) / PAGE_BYTES;
        free_run(from / PAGE_BYTES, count);
        total_pages += count;
    }
    spin_unlock(&lock);
}
