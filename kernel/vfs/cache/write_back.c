/*
 * write_back.c - one write-back: an io of adjacent dirty pieces to the cache's owner, from its
 * start to its end.
 *
 * Pieces in flight stay valid and dirty until they are written; page->writing has a bit for each,
 * and writers wait for these pages. The pages that a write-back did not write have `failed`. Those
 * of them that may contain the bad block have `alone` as well: the next write-back of such a page
 * is of this page only, so that a bad block keeps no other page from being written.
 */
#include "kernel/vfs/cache/internal.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    RUN_PAGES_MAX = CACHE_WINDOW_BYTES / PAGE_BYTES,
    RESERVE_PAGES = 32, /* of the write-back that needs no memory */
    RESERVE_BYTES = PAGE_BYTES,
    RESERVE_WAIT_US = 30 * 1000 * 1000,
};

/* One io of adjacent dirty pieces. */
struct write_back {
    struct cache_io io; /* first: the owner knows this part only */
    struct list link;   /* in cache->write_backs, the oldest first */
    uint64_t number;    /* of the cache's write-backs */
    unsigned page_count;
    struct io_segment *segments; /* after the pages; the owner's context follows them */
    struct cache_page *pages[];
};

_Static_assert(sizeof(struct write_back) + CACHE_WRITE_CONTEXT_MAX +
               RESERVE_PAGES * (sizeof(struct cache_page *) + sizeof(struct io_segment))
               <= RESERVE_BYTES, "the reserve is large enough");

/* Memory for a write-back of up to RESERVE_PAGES when there is no other; guarded by the lock. */
static struct {
    void *memory;
    bool used;
} reserve;

/* ---- memory ------------------------------------------------------------------------------- */

status_t cache_reserve_start(void)
{
    reserve.memory = mem_alloc(RESERVE_BYTES);
    return reserve.memory ? 0 : -ENOMEM;
}

void cache_reserve_stop(void)
{
    mem_free(reserve.memory);
    reserve.memory = NULL;
}

/* Takes the reserve, and waits while it is used; not forever, since it may be used to write to a
 * drive whose image is in the cache that is flushed here. -ENOMEM, -EINTR. */
static status_t reserve_take(void)
{
    uint64_t deadline_us = time_now_us() + RESERVE_WAIT_US;
    status_t status = 0;

    spin_lock(&cache_table.lock);
    while (reserve.used && !status)
        status = wait_queue_wait_interruptible(&cache_table.changed, &cache_table.lock,
                                               deadline_us);
    if (!reserve.used)
        status = 0;
    if (!status)
        reserve.used = true;
    spin_unlock(&cache_table.lock);
    return status == -ETIMEDOUT ? -ENOMEM : status;
}

/* Creates a write-back with room for `pages` pages, which it returns in page_count; fewer when
 * memory is exhausted. -ENOMEM, -EINTR. */
static status_t write_back_create(const struct cache *cache, unsigned pages,
                                  struct write_back **result)
{
    size_t page_bytes = sizeof(struct cache_page *) + sizeof(struct io_segment);
    struct write_back *back =
        mem_alloc(sizeof(*back) + pages * page_bytes + cache->ops->context_bytes);

    if (!back) {
        status_t status = reserve_take();
        if (status)
            return status;
        back = reserve.memory;
        pages = min(pages, (unsigned)RESERVE_PAGES);
    }

    char *segments = (char *)back + sizeof(*back) + pages * sizeof(struct cache_page *);
    *back = (struct write_back){
        .io = { .writes = true, .context = segments + pages * sizeof(struct io_segment) },
        .page_count = pages,
        .segments = (struct io_segment *)(void *)segments,
    };
    memset(back->io.context, 0, cache->ops->context_bytes);
    *result = back;
    return 0;
}

/* The caller holds the lock. */
static void write_back_free(struct write_back *back)
{
    if (back != reserve.memory) {
        mem_free(back);
        return;
    }
    reserve.used = false;
    wait_queue_wake_all(&cache_table.changed);
}

/* ---- runs of dirty pieces ----------------------------------------------------------------- */

/* Returns how many pieces from `piece` on are ready. */
static unsigned ready_count(const struct cache_page *page, unsigned piece)
{
    return (unsigned)__builtin_ctz(~((unsigned)cache_page_ready(page) >> piece));
}

/* Returns the end of the run of pieces at `start` that are ready, up to `limit` and at most `pages`
 * pages. The caller holds the lock. */
static uint64_t run_end(const struct cache *cache, uint64_t start, uint64_t limit, unsigned pages)
{
    uint64_t end = start;
    do {
        const struct cache_page *page = cache_page_find(cache, end / PAGE_BYTES);
        if (!page || (page->alone && end > start))
            break;

        unsigned count = ready_count(page, (unsigned)(end % PAGE_BYTES) / CACHE_PIECE_BYTES);
        end += count * CACHE_PIECE_BYTES;
        if (!count || page->alone)
            break;
    } while (end % PAGE_BYTES == 0 && end < limit && --pages);
    return min(end, limit);
}

/* Returns the pieces of the i-th page of the bytes [start, end). */
static uint8_t run_pieces(uint64_t start, uint64_t end, unsigned i)
{
    uint64_t page_start = start / PAGE_BYTES * PAGE_BYTES + (uint64_t)i * PAGE_BYTES;
    if (end <= page_start)
        return 0;
    uint64_t from = start > page_start ? start - page_start : 0, to = end - page_start;
    return cache_piece_mask((uint32_t)from, (uint32_t)min(to, (uint64_t)PAGE_BYTES));
}

/* ---- one write-back ----------------------------------------------------------------------- */

/* Takes the bytes [start, end) of the cache, and lists their memory. Neighbours share a segment.
 * The caller holds the lock. */
static void write_back_take(struct write_back *back, struct cache *cache, uint64_t start,
                            uint64_t end)
{
    struct io_segment *last = NULL;

    back->page_count = 0;
    for (uint64_t at = start; at < end; back->page_count++) {
        struct cache_page *page = cache_page_find(cache, at / PAGE_BYTES);
        page->writing |= run_pieces(start, end, back->page_count);
        back->pages[back->page_count] = page;

        uint64_t next = (at / PAGE_BYTES + 1) * PAGE_BYTES;
        next = min(next, end);
        uint8_t *memory = page->data + at % PAGE_BYTES;
        if (!last || (uint8_t *)last->address + last->length_bytes != memory) {
            last = last ? last + 1 : back->segments;
            *last = (struct io_segment){ .address = memory };
        }
        last->length_bytes += (uint32_t)(next - at);
        at = next;
    }

    back->io.cache = cache;
    back->io.offset_bytes = start;
    back->io.length_bytes = end - start;
    back->io.segments = back->segments;
    back->io.segment_count = (unsigned)(last - back->segments) + 1;
    back->number = ++cache->write_back_number;
    list_push_back(&cache->write_backs, &back->link);
    cache->write_back_count++;
    cache->ios++;
}

status_t cache_write_back_start(struct cache *cache, uint64_t start, uint64_t limit,
                                uint64_t *end)
{
    *end = run_end(cache, start, limit, RUN_PAGES_MAX);
    unsigned pages = (unsigned)((*end + PAGE_BYTES - 1) / PAGE_BYTES - start / PAGE_BYTES);
    struct write_back *back = NULL;

    /* An allocation may reclaim pages, which needs the lock. */
    spin_unlock(&cache_table.lock);
    status_t status = write_back_create(cache, pages, &back);
    spin_lock(&cache_table.lock);
    if (status)
        return status;

    *end = run_end(cache, start, limit, back->page_count);
    if (*end == start) {
        write_back_free(back);
        return 0;
    }

    /* The io may have ended when write() returns. */
    write_back_take(back, cache, start, *end);
    spin_unlock(&cache_table.lock);
    cache->ops->write(cache, &back->io);
    spin_lock(&cache_table.lock);
    return 0;
}

uint64_t cache_write_back_oldest(const struct cache *cache)
{
    return container_of(cache->write_backs.next, struct write_back, link)->number;
}

/* Makes the pages' pieces clean up to `good_end`; the others stay dirty. The caller holds the
 * lock. */
static void write_back_clean(struct write_back *back, uint64_t good_end, bool exact)
{
    uint64_t start = back->io.offset_bytes, end = start + back->io.length_bytes;
    for (unsigned i = 0; i < back->page_count; i++) {
        struct cache_page *page = back->pages[i];
        uint8_t pieces = run_pieces(start, end, i), good = run_pieces(start, good_end, i);

        page->writing &= (uint8_t)~pieces;
        cache_page_clean(page, good);
        if (good != pieces) {
            cache_page_fail(page);
            page->alone = !exact || page->index == good_end / PAGE_BYTES;
        }
    }
}

void cache_write_back_done(struct cache_io *io, status_t status, uint64_t done_bytes, bool exact)
{
    struct write_back *back = container_of(io, struct write_back, io);
    struct cache *cache = io->cache;

    spin_lock(&cache_table.lock);

    /* the device may end inside the last unit, but not before the cache's bytes do */
    if (status && io->offset_bytes + done_bytes >= cache->size_bytes)
        status = 0;
    uint64_t good = status ? done_bytes - done_bytes % cache->write_unit_bytes : io->length_bytes;

    write_back_clean(back, io->offset_bytes + good, exact);
    if (status) {
        cache->write_status = status;
        cache->write_failures++;
    }

    /* a block that could not be read has new bytes now */
    if (cache->failure.from >= io->offset_bytes && cache->failure.from < io->offset_bytes + good)
        cache->failure.status = 0;

    /* The cache may be freed once the lock is released. */
    list_remove(&back->link);
    cache->write_back_count--;
    cache->ios--;
    write_back_free(back);
    wait_queue_wake_all(&cache_table.changed);
    spin_unlock(&cache_table.lock);
}
