/*
 * fill.c - fills: pages made, entered into the table as busy, read into, made valid.
 */
#include "kernel/vfs/cache/internal.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { CREATE_BATCH = 32 };

/* A page of a fill: `bytes` of it from `from` on. With `spare` they are read to there: the page is
 * partly valid, and what readers may look at is not written to; or it is valid altogether and
 * `page` is NULL (blocks larger than a page are read whole). */
struct fill_slot {
    struct cache_page *page, *spare;
    uint16_t from, bytes;
};

struct cache_fill {
    struct cache_io io; /* first: the owner knows this part only */
    _Atomic int references; /* the reader's and the completion's */
    status_t status;
    bool exact; /* as in cache_io_done() */
    bool ended;
    unsigned slot_count;
    struct io_segment *segments; /* after the slots; the owner's context follows them */
    struct fill_slot slots[];
};

static uint8_t piece_mask(uint32_t from, uint32_t to)
{
    return (uint8_t)(((1u << (to / CACHE_PIECE_BYTES)) - 1) &
                     ~((1u << (from / CACHE_PIECE_BYTES)) - 1));
}

static uint64_t cache_end(const struct cache *cache)
{
    return (cache->size_bytes + cache->block_bytes - 1) / cache->block_bytes * cache->block_bytes;
}

static void fill_put(struct cache_fill *fill)
{
    if (atomic_fetch_sub(&fill->references, 1) == 1)
        mem_free(fill);
}

/* Throws away pages that nobody needs. The caller holds the lock. */
static void fill_drop_spares(struct cache_fill *fill, unsigned from)
{
    for (unsigned i = from; i < fill->slot_count; i++)
        if (fill->slots[i].spare)
            cache_page_destroy(fill->slots[i].spare);
}

/* A fresh page for each slot, for as many as there is memory for. */
static void fill_create_slots(struct cache_fill *fill, unsigned count)
{
    struct cache_page *pages[CREATE_BATCH];
    while (fill->slot_count < count) {
        unsigned left = count - fill->slot_count;
        unsigned wanted = left < CREATE_BATCH ? left : CREATE_BATCH;
        unsigned got = cache_pages_create(pages, wanted);
        for (unsigned i = 0; i < got; i++)
            fill->slots[fill->slot_count++] =
                (struct fill_slot){ .spare = pages[i], .bytes = PAGE_BYTES };
        if (got < wanted)
            break;
    }
}

/* A fill of [start, end); shorter when memory runs out. */
static struct cache_fill *fill_create(struct cache *cache, uint64_t start, uint64_t end)
{
    unsigned count = (unsigned)((end + PAGE_BYTES - 1) / PAGE_BYTES - start / PAGE_BYTES);
    size_t head = sizeof(struct cache_fill) + count * sizeof(struct fill_slot);
    size_t context_at = head + count * sizeof(struct io_segment);
    struct cache_fill *fill = mem_alloc(context_at + cache->ops->context_bytes);
    if (!fill)
        return NULL;

    memset(fill, 0, sizeof(*fill));
    atomic_init(&fill->references, 1);
    fill->io.cache = cache;
    fill->io.offset_bytes = start;
    fill->io.context = (char *)fill + context_at;
    memset(fill->io.context, 0, cache->ops->context_bytes);
    fill->segments = (struct io_segment *)(void *)((char *)fill + head);

    fill_create_slots(fill, count);
    if (fill->slot_count == count) /* the last page is asked for up to the end, */
        fill->slots[count - 1].bytes -= (uint16_t)(-end % PAGE_BYTES);
    if (fill->slot_count) { /* and the first one from the start on */
        fill->slots[0].from = (uint16_t)(start % PAGE_BYTES);
        fill->slots[0].bytes -= fill->slots[0].from;
    }
    return fill;
}

/* Enters slot i into the table. False: the page is busy, or there is nothing to fill in it. */
static bool fill_claim_slot(struct cache_fill *fill, unsigned i)
{
    struct cache *cache = fill->io.cache;
    struct fill_slot *slot = &fill->slots[i];
    uint64_t index = fill->io.offset_bytes / PAGE_BYTES + i;
    struct cache_page *page = cache_page_find(cache, index);
    if (!page) {
        cache_page_insert(slot->spare, cache, index);
        slot->page = slot->spare;
        slot->spare = NULL;
        return true;
    }
    if (page->busy)
        return false;
    uint8_t mask = piece_mask(slot->from, slot->from + slot->bytes);
    if ((page->valid & mask) == mask)
        return cache->block_bytes > PAGE_BYTES; /* read again, into the spare */
    page->busy = true;
    slot->page = page; /* what it lacks comes by way of the spare */
    return true;
}

/* Claims slots from the front for as long as they are free to be filled, in whole blocks. */
static void fill_claim(struct cache_fill *fill)
{
    struct cache *cache = fill->io.cache;
    unsigned block_pages = cache->block_bytes / PAGE_BYTES, claimed = 0;
    spin_lock(&cache_table.lock);
    while (claimed < fill->slot_count && fill_claim_slot(fill, claimed))
        claimed++;
    if (block_pages > 1)
        for (; claimed % block_pages; claimed--) { /* half a block cannot be read */
            struct cache_page *page = fill->slots[claimed - 1].page;
            if (page && !page->valid && !fill->slots[claimed - 1].spare) {
                cache_page_remove(page);
                fill->slots[claimed - 1].spare = page;
            }
            if (page)
                page->busy = false;
            fill->slots[claimed - 1].page = NULL;
        }
    if (claimed)
        cache->fills++;
    fill_drop_spares(fill, claimed);
    fill->slot_count = claimed;
    spin_unlock(&cache_table.lock);
}

/* Where the pages' memory follows on, one segment is enough for many. */
static void fill_list_memory(struct cache_fill *fill)
{
    struct io_segment *last = NULL;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < fill->slot_count; i++) {
        struct fill_slot *slot = &fill->slots[i];
        struct cache_page *page = slot->spare ? slot->spare : slot->page;
        uint8_t *memory = page->data + slot->from;
        if (!last || (uint8_t *)last->address + last->length_bytes != memory) {
            last = last ? last + 1 : fill->segments;
            *last = (struct io_segment){ .address = memory };
        }
        last->length_bytes += slot->bytes;
        bytes += slot->bytes;
    }
    fill->io.length_bytes = bytes;
    fill->io.segment_count = last ? (unsigned)(last - fill->segments) + 1 : 0;
}

static void fill_start(struct cache_fill *fill)
{
    struct cache *cache = fill->io.cache;
    fill_list_memory(fill);
    fill->io.segments = fill->segments;
    cache->ops->fill(cache, &fill->io);
}

/* Makes what was read of a slot valid, with zeroes past the end of the cache. */
static void fill_validate_slot(struct cache_fill *fill, struct fill_slot *slot, uint64_t good_end)
{
    struct cache_page *page = slot->page;
    uint64_t page_start = page->index * PAGE_BYTES, size = fill->io.cache->size_bytes;
    uint64_t end = page_start + slot->from + slot->bytes;
    if (good_end < end)
        end = good_end;
    if (end <= page_start + slot->from)
        return;
    if (!slot->spare && end == page_start + PAGE_BYTES && end <= size && !slot->from) {
        page->valid = CACHE_ALL_VALID; /* as nearly always */
        return;
    }
    uint32_t to = (uint32_t)(end - page_start);
    uint8_t *data = slot->spare ? slot->spare->data : page->data;
    if (size <= end) {
        uint32_t live = size > page_start ? (uint32_t)(size - page_start) : 0;
        memset(data + live, 0, PAGE_BYTES - live);
        to = PAGE_BYTES;
    }
    uint8_t fresh = piece_mask(slot->from, to) & (uint8_t)~page->valid;
    for (uint32_t at = 0; slot->spare && at < PAGE_BYTES; at += CACHE_PIECE_BYTES)
        if (fresh & 1u << at / CACHE_PIECE_BYTES)
            memcpy(page->data + at, data + at, CACHE_PIECE_BYTES);
    page->valid |= fresh;
}

/* A reader that waits for one of these blocks need not ask for the whole window again, nor for a
 * block that failed alone. The caller holds the lock. */
static void fill_note_failure(struct cache_fill *fill, uint64_t good_end)
{
    struct cache_failure *failure = &fill->io.cache->failure;
    uint64_t from = fill->io.offset_bytes, to = from + fill->io.length_bytes;
    if (fill->status == -EIO)
        *failure = (struct cache_failure){ .status = -EIO, .exact = fill->exact,
                                           .from = good_end, .to = to, .when_us = time_now_us() };
    else if (failure->from >= from && failure->from < good_end)
        failure->status = 0; /* it could be read now */
}

void cache_io_done(struct cache_io *io, status_t status, uint64_t done_bytes, bool exact)
{
    struct cache *cache = io->cache;
    struct cache_fill *fill = container_of(io, struct cache_fill, io);
    fill->exact = exact;
    if (status && fill->io.offset_bytes + done_bytes >= cache->size_bytes)
        status = 0; /* the device ends inside the last block, but not before the bytes do */
    uint64_t good = status ? done_bytes - done_bytes % cache->block_bytes : fill->io.length_bytes;
    uint64_t good_end = fill->io.offset_bytes + good;
    fill->status = status;
    spin_lock(&cache_table.lock);
    fill_note_failure(fill, good_end);
    for (unsigned i = 0; i < fill->slot_count; i++) {
        struct fill_slot *slot = &fill->slots[i];
        if (!slot->page)
            continue;
        fill_validate_slot(fill, slot, good_end);
        slot->page->busy = false;
        if (slot->page->valid)
            continue;
        cache_page_remove(slot->page); /* what failed is not cached */
        cache_page_destroy(slot->page);
    }
    fill_drop_spares(fill, 0);
    cache->fills--; /* from here on the cache may go */
    fill->ended = true;
    wait_queue_wake_all(&cache_table.changed);
    spin_unlock(&cache_table.lock);
    fill_put(fill);
}

status_t cache_fill_range(struct cache *cache, uint64_t start, uint64_t bytes,
                          struct cache_fill **result)
{
    uint64_t end = start + bytes, last = cache_end(cache);
    end = min(end, last);
    struct cache_fill *fill = fill_create(cache, start, end);
    if (!fill)
        return -ENOMEM;
    uint64_t reach = start - start % PAGE_BYTES + fill->slot_count * (uint64_t)PAGE_BYTES;
    status_t status = reach >= start + cache->block_bytes ? 0 : -ENOMEM; /* not even a block */
    fill_claim(fill);
    if (!fill->slot_count) {
        fill_put(fill);
        return status;
    }
    if (result) {
        atomic_fetch_add(&fill->references, 1);
        *result = fill;
    }
    fill_start(fill);
    return 0;
}

status_t cache_fill_wait(struct cache_fill *fill)
{
    if (!fill)
        return 0;
    status_t status = 0;
    spin_lock(&cache_table.lock);
    while (!fill->ended && !status)
        status = wait_queue_wait_interruptible(&cache_table.changed, &cache_table.lock, TIME_NEVER);
    if (fill->ended)
        status = fill->status;
    spin_unlock(&cache_table.lock);
    fill_put(fill);
    return status;
}
