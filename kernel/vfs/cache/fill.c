/*
 * fill.c - fills: allocates pages, enters them into the table as busy, asks the owner to read into
 * them, and makes them valid.
 *
 * A page in the table may be partly valid already: its 512-byte pieces can belong to several
 * blocks. Readers may look at valid pieces at any time, so a fill never writes to them: it reads
 * into a spare page, and copies the missing pieces. Blocks larger than a page are always read
 * whole, even if some of their pages are valid; those pages only get a spare to read into.
 */
#include "kernel/vfs/cache/internal.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { CREATE_BATCH = 32 };

/* One page of a fill. */
struct fill_slot {
    struct cache_page *page;  /* in the table, busy; NULL: valid already, nothing to be filled */
    struct cache_page *spare; /* read into this one, if it is not NULL */
    uint16_t from, bytes;     /* the part of the page to be read */
};

struct cache_fill {
    struct cache_io io; /* first: the owner knows this part only */
    _Atomic int references; /* the reader's and the completion's */
    uint64_t end;  /* of the range, when it was created */
    uint64_t size; /* of the cache, when the pages were claimed */
    status_t status;
    bool exact; /* as in cache_io_done() */
    bool ended;
    struct wait_queue waiter; /* the reader, which the ends of other fills do not wake */
    unsigned slot_count;
    struct io_segment *segments; /* after the slots; the owner's context follows them */
    struct fill_slot slots[];
};

static uint64_t cache_end(const struct cache *cache)
{
    return (cache->size_bytes + cache->block_bytes - 1) / cache->block_bytes * cache->block_bytes;
}

static void fill_put(struct cache_fill *fill)
{
    if (atomic_fetch_sub(&fill->references, 1) == 1)
        mem_free(fill);
}

/* Frees the spare pages of the slots from `from` on. The caller holds the lock. */
static void fill_drop_spares(struct cache_fill *fill, unsigned from)
{
    for (unsigned i = from; i < fill->slot_count; i++)
        if (fill->slots[i].spare)
            cache_page_destroy(fill->slots[i].spare);
}

/* Allocates a page for each slot; fewer when memory is exhausted. */
static void fill_create_slots(struct cache_fill *fill, unsigned count)
{
    struct cache_page *pages[CREATE_BATCH];
    while (fill->slot_count < count) {
        unsigned wanted = min(count - fill->slot_count, (unsigned)CREATE_BATCH);

        unsigned got = cache_pages_create(pages, wanted);
        for (unsigned i = 0; i < got; i++)
            fill->slots[fill->slot_count++] =
                (struct fill_slot){ .spare = pages[i], .bytes = PAGE_BYTES };

        /* Memory is exhausted. A shorter fill still lets the reader continue. */
        if (got < wanted)
            break;
    }
}

/* Creates a fill of [start, end); shorter when memory is exhausted. */
static struct cache_fill *fill_create(struct cache *cache, uint64_t start, uint64_t end)
{
    unsigned count = (unsigned)((end + PAGE_BYTES - 1) / PAGE_BYTES - start / PAGE_BYTES);
    size_t head = sizeof(struct cache_fill) + count * sizeof(struct fill_slot);
    size_t context_at = head + count * sizeof(struct io_segment);

    /* One allocation: the fill, its slots, its segments, and the owner's context. */
    struct cache_fill *fill = mem_alloc(context_at + cache->ops->context_bytes);
    if (!fill)
        return NULL;

    memset(fill, 0, sizeof(*fill));
    atomic_init(&fill->references, 1);
    wait_queue_init(&fill->waiter);
    fill->io.cache = cache;
    fill->io.offset_bytes = start;
    fill->end = end;
    fill->io.context = (char *)fill + context_at;
    memset(fill->io.context, 0, cache->ops->context_bytes);
    fill->segments = (struct io_segment *)(void *)((char *)fill + head);

    /* the first page is read from `start` on, the last up to `end` */
    fill_create_slots(fill, count);
    if (fill->slot_count == count)
        fill->slots[count - 1].bytes -= (uint16_t)(-end % PAGE_BYTES);
    if (fill->slot_count) {
        fill->slots[0].from = (uint16_t)(start % PAGE_BYTES);
        fill->slots[0].bytes -= fill->slots[0].from;
    }
    return fill;
}

/* Enters slot i into the table. Returns false if the fill must end before it: the page is busy, or
 * valid. The caller holds the lock. */
static bool fill_claim_slot(struct cache_fill *fill, unsigned i)
{
    struct cache *cache = fill->io.cache;
    struct fill_slot *slot = &fill->slots[i];
    uint64_t index = fill->io.offset_bytes / PAGE_BYTES + i;
    struct cache_page *page = cache_page_find(cache, index);

    /* Missing: the spare becomes the page. It is busy until the fill ends, so readers wait for
     * it. */
    if (!page) {
        cache_page_insert(slot->spare, cache, index);
        slot->page = slot->spare;
        slot->spare = NULL;
        return true;
    }

    /* Another fill reads this page: this one ends before it, and readers wait for both. */
    if (page->busy)
        return false;

    uint8_t mask = cache_piece_mask(slot->from, slot->from + slot->bytes);
    if ((page->valid & mask) == mask)
        return cache->block_bytes > PAGE_BYTES; /* as a part of its block: into the spare */
    page->busy = true;
    slot->page = page; /* its missing pieces are copied from the spare */
    return true;
}

/* Gives up a claimed slot; a page that only this fill entered leaves the table. The caller holds
 * the lock. */
static void fill_release_slot(struct fill_slot *slot)
{
    struct cache_page *page = slot->page;
    if (page && !page->valid && !slot->spare) {
        cache_page_remove(page);
        slot->spare = page;
    }
    if (page)
        page->busy = false;
    slot->page = NULL;
}

/* Claims slots from the front as long as they can be filled; the fill is cut to those. */
static void fill_claim(struct cache_fill *fill)
{
    struct cache *cache = fill->io.cache;
    unsigned block_pages = max(cache->block_bytes / PAGE_BYTES, 1u), claimed = 0;

    /* The cache may have shrunk while pages were allocated: then there is nothing to claim, and the
     * reader looks again. */
    spin_lock(&cache_table.lock);
    fill->size = cache->size_bytes;
    bool fits = fill->end <= cache_end(cache);
    while (fits && claimed < fill->slot_count && fill_claim_slot(fill, claimed))
        claimed++;

    /* a part of a block cannot be read */
    for (; claimed % block_pages; claimed--)
        fill_release_slot(&fill->slots[claimed - 1]);

    /* Without a claimed page the owner is not asked, and nothing is in flight. */
    if (claimed)
        cache->ios++;
    fill_drop_spares(fill, claimed);
    fill->slot_count = claimed;
    spin_unlock(&cache_table.lock);
}

/* Lists the pages' memory. Neighbours share a segment: drives take few segments at a time. */
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
    struct io_assist assist;
    fill_list_memory(fill);
    fill->io.segments = fill->segments;

    /* usually this thread is going to wait for it */
    io_assist_begin(&assist);
    cache->ops->fill(cache, &fill->io);
    io_assist_end(&assist);
}

/* Makes the pieces of a slot valid that were read, up to `good_end`, with zeroes past the end that
 * the cache has, or had when the pages were claimed: what it grew by since begins as zeroes. The
 * caller holds the lock. */
static void fill_validate_slot(struct cache_fill *fill, struct fill_slot *slot, uint64_t good_end)
{
    struct cache_page *page = slot->page;
    uint64_t page_start = page->index * PAGE_BYTES, size = fill->io.cache->size_bytes;
    size = min(size, fill->size);
    uint64_t end = page_start + slot->from + slot->bytes;
    end = min(end, good_end);
    if (end <= page_start + slot->from)
        return;

    /* the usual case: a new page that was read completely */
    if (!slot->spare && end == page_start + PAGE_BYTES && end <= size && !slot->from) {
        page->valid = CACHE_ALL_VALID;
        return;
    }

    /* the piece in which the cache ends, and those after it, get zeroes */
    uint32_t to = (uint32_t)(end - page_start);
    uint8_t *data = slot->spare ? slot->spare->data : page->data;
    if (size <= end) {
        uint32_t live = size > page_start ? (uint32_t)(size - page_start) : 0;
        memset(data + live, 0, PAGE_BYTES - live);
        to = PAGE_BYTES;
    }

    /* pieces that are valid already may be in use: copy only the others */
    uint8_t fresh = cache_piece_mask(slot->from, to) & (uint8_t)~page->valid;
    for (uint32_t at = 0; slot->spare && at < PAGE_BYTES; at += CACHE_PIECE_BYTES)
        if (fresh & 1u << at / CACHE_PIECE_BYTES)
            memcpy(page->data + at, data + at, CACHE_PIECE_BYTES);
    page->valid |= fresh;
}

/* Records a failure, so that a reader of one of these blocks need not ask for the whole window
 * again, nor for a block that is known to have failed. The caller holds the lock. */
static void fill_note_failure(struct cache_fill *fill, uint64_t good_end)
{
    struct cache_failure *failure = &fill->io.cache->failure;
    uint64_t from = fill->io.offset_bytes, to = from + fill->io.length_bytes;
    if (fill->status == -EIO)
        *failure = (struct cache_failure){ .status = -EIO, .exact = fill->exact,
                                           .from = good_end, .to = to, .when_us = time_now_us() };
    else if (failure->from >= from && failure->from < good_end)
        failure->status = 0; /* that block was read this time */
}

static void fill_done(struct cache_io *io, status_t status, uint64_t done_bytes, bool exact)
{
    struct cache *cache = io->cache;
    struct cache_fill *fill = container_of(io, struct cache_fill, io);
    fill->exact = exact;

    /* the device may end inside the last block, but not before the cache's bytes do */
    if (status && fill->io.offset_bytes + done_bytes >= cache->size_bytes)
        status = 0;

    /* Of a block that failed in part, no byte is used. */
    uint64_t good = status ? done_bytes - done_bytes % cache->block_bytes : fill->io.length_bytes;
    uint64_t good_end = fill->io.offset_bytes + good;
    fill->status = status;

    /* Validate all pages and wake all readers in one step, so that a reader does not see the
     * failure without the pages before it. */
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
        cache_page_remove(slot->page); /* a failed block is not cached */
        cache_page_destroy(slot->page);
    }

    fill_drop_spares(fill, 0);

    /* The cache may be freed once the lock is released. The fill has references of its own. */
    cache->ios--;
    fill->ended = true;
    wait_queue_wake_all(&fill->waiter);
    wait_queue_wake_all(&cache_table.changed);
    spin_unlock(&cache_table.lock);
    fill_put(fill);
}

void cache_io_done(struct cache_io *io, status_t status, uint64_t done_bytes, bool exact)
{
    if (io->writes)
        cache_write_back_done(io, status, done_bytes, exact);
    else
        fill_done(io, status, done_bytes, exact);
}

status_t cache_fill_range(struct cache *cache, uint64_t start, uint64_t bytes,
                          struct cache_fill **result)
{
    uint64_t end = start + bytes, last = cache_end(cache);
    end = min(end, last);
    if (start >= end) /* the cache has shrunk */
        return 0;

    struct cache_fill *fill = fill_create(cache, start, end);
    if (!fill)
        return -ENOMEM;

    /* not even a block's memory */
    uint64_t reach = start - start % PAGE_BYTES + fill->slot_count * (uint64_t)PAGE_BYTES;
    status_t status = reach >= start + cache->block_bytes ? 0 : -ENOMEM;

    fill_claim(fill);

    /* All pages are valid, or other fills read them: the caller looks again. */
    if (!fill->slot_count) {
        fill_put(fill);
        return status;
    }

    /* The reader's reference; the other one is the completion's. */
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
        status = wait_queue_wait_interruptible(&fill->waiter, &cache_table.lock, TIME_NEVER);

    /* An interrupted reader of a fill that has ended gets its data anyway. */
    if (fill->ended)
        status = fill->status;
    spin_unlock(&cache_table.lock);
    fill_put(fill);
    return status;
}
