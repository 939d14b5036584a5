/*
 * flush.c - write-back: writes dirty pieces to the cache's owner, adjacent ones in one io, in the
 * order of the file.
 *
 * Pieces in flight stay valid and dirty until they are written; page->writing has a bit for each,
 * and writers wait for these pages. A flush passes over its range once, so that it ends although
 * others dirty pages meanwhile; then it waits for the write-backs that were in flight at that time,
 * which may be another flush's.
 *
 * After a failed write-back, the pages that may contain the bad block are marked, and the second
 * pass writes each of them alone: a bad block keeps its page from being written, and no other.
 */
#include "kernel/vfs/cache/internal.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    RUN_PAGES_MAX = CACHE_WINDOW_BYTES / PAGE_BYTES,
    IN_FLIGHT_MAX = 64,     /* write-backs of one cache; then a flush waits until */
    IN_FLIGHT_LOW = 32,     /* this many are left */
    RESERVE_PAGES = 32,     /* of the write-back that needs no memory */
    RESERVE_BYTES = PAGE_BYTES,
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

status_t cache_flush_start(void)
{
    reserve.memory = mem_alloc(RESERVE_BYTES);
    return reserve.memory ? 0 : -ENOMEM;
}

void cache_flush_stop(void)
{
    mem_free(reserve.memory);
    reserve.memory = NULL;
}

/* Returns the reserve, waiting while it is used; NULL if interrupted. */
static void *reserve_take(void)
{
    status_t status = 0;
    spin_lock(&cache_table.lock);
    while (reserve.used && !status)
        status = wait_queue_wait_interruptible(&cache_table.changed, &cache_table.lock, TIME_NEVER);
    if (!status)
        reserve.used = true;
    spin_unlock(&cache_table.lock);
    return status ? NULL : reserve.memory;
}

/* Creates a write-back with room for `pages` pages, which it returns in page_count; fewer when
 * memory is exhausted. NULL if interrupted. */
static struct write_back *write_back_create(const struct cache *cache, unsigned pages)
{
    size_t page_bytes = sizeof(struct cache_page *) + sizeof(struct io_segment);
    struct write_back *back =
        mem_alloc(sizeof(*back) + pages * page_bytes + cache->ops->context_bytes);

    if (!back) {
        back = reserve_take();
        pages = min(pages, (unsigned)RESERVE_PAGES);
    }
    if (!back)
        return NULL;

    char *segments = (char *)back + sizeof(*back) + pages * sizeof(struct cache_page *);
    *back = (struct write_back){
        .io = { .writes = true, .context = segments + pages * sizeof(struct io_segment) },
        .page_count = pages,
        .segments = (struct io_segment *)(void *)segments,
    };
    memset(back->io.context, 0, cache->ops->context_bytes);
    return back;
}

/* The caller holds the lock. */
static void write_back_free(struct write_back *back)
{
    if (back != reserve.memory)
        mem_free(back);
    else
        reserve.used = false;
}

/* ---- runs of dirty pieces ----------------------------------------------------------------- */

/* Returns the pieces that a write-back may take now. */
static uint8_t page_ready(const struct cache_page *page)
{
    return page->dirty & page->valid & (uint8_t)~page->writing;
}

/* Returns how many pieces from `piece` on are ready. */
static unsigned ready_count(const struct cache_page *page, unsigned piece)
{
    return (unsigned)__builtin_ctz(~((unsigned)page_ready(page) >> piece));
}

/* Returns the end of the run of pieces at `start` that are ready, at most `pages` pages. The caller
 * holds the lock. */
static uint64_t run_end(const struct cache *cache, uint64_t start, unsigned pages)
{
    uint64_t end = start;
    do {
        const struct cache_page *page = cache_page_find(cache, end / PAGE_BYTES);
        if (!page || (page->failed && end > start))
            break;

        unsigned count = ready_count(page, (unsigned)(end % PAGE_BYTES) / CACHE_PIECE_BYTES);
        end += count * CACHE_PIECE_BYTES;
        if (!count || page->failed)
            break;
    } while (end % PAGE_BYTES == 0 && --pages);
    return end;
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

/* Starts to write the run at `start`, and returns its end in *end: `start` if another flush has
 * taken it meanwhile. -EINTR. The caller holds the lock, which is released meanwhile. */
static status_t write_back_start(struct cache *cache, uint64_t start, uint64_t *end)
{
    *end = run_end(cache, start, RUN_PAGES_MAX);
    unsigned pages = (unsigned)((*end + PAGE_BYTES - 1) / PAGE_BYTES - start / PAGE_BYTES);

    /* An allocation may reclaim pages, which needs the lock. */
    spin_unlock(&cache_table.lock);
    struct write_back *back = write_back_create(cache, pages);
    spin_lock(&cache_table.lock);
    if (!back)
        return -EINTR;

    *end = run_end(cache, start, back->page_count);
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

/* Makes the pages' pieces clean up to `good_end`; the others stay dirty. The caller holds the
 * lock. */
static void write_back_clean(struct write_back *back, uint64_t good_end, bool exact)
{
    uint64_t start = back->io.offset_bytes, end = start + back->io.length_bytes;
    for (unsigned i = 0; i < back->page_count; i++) {
        struct cache_page *page = back->pages[i];
        uint8_t pieces = run_pieces(start, end, i), good = run_pieces(start, good_end, i);

        page->writing &= (uint8_t)~pieces;
        if (good != pieces)
            page->failed = !exact || page->index == good_end / PAGE_BYTES;
        cache_page_clean(page, good);
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

    /* The cache may be freed once the lock is released. */
    list_remove(&back->link);
    cache->write_back_count--;
    cache->ios--;
    write_back_free(back);
    wait_queue_wake_all(&cache_table.changed);
    spin_unlock(&cache_table.lock);
}

/* ---- flushing ----------------------------------------------------------------------------- */

static status_t flush_wait(void)
{
    return wait_queue_wait_interruptible(&cache_table.changed, &cache_table.lock, TIME_NEVER);
}

/* Finds the first dirty piece in [at, end) that is not being written; UINT64_MAX if there is
 * none. Waits for pages into which a writer copies. The caller holds the lock. */
static status_t flush_next(const struct cache *cache, uint64_t at, uint64_t end, uint64_t *found)
{
    status_t status = 0;
    *found = UINT64_MAX;
    while (!status && at < end) {
        const struct cache_page *page = cache_dirty_next(cache, at / PAGE_BYTES);
        uint64_t start = page ? page->index * PAGE_BYTES : end;
        if (start >= end)
            break;

        if (page->dirty & ~page->valid) {
            status = flush_wait();
            continue;
        }

        uint32_t from = at > start ? (uint32_t)(at - start) : 0;
        unsigned ready = page_ready(page) & cache_piece_mask(from, PAGE_BYTES);
        if (ready) {
            *found = start + (unsigned)__builtin_ctz(ready) * CACHE_PIECE_BYTES;
            break;
        }
        at = start + PAGE_BYTES;
    }
    return status;
}

/* Waits until fewer than the most write-backs are in flight. The caller holds the lock. */
static status_t flush_throttle(const struct cache *cache)
{
    status_t status = 0;
    if (cache->write_back_count >= IN_FLIGHT_MAX)
        while (!status && cache->write_back_count > IN_FLIGHT_LOW)
            status = flush_wait();
    return status;
}

/* Waits for the write-backs that are in flight now. The caller holds the lock. */
static status_t flush_settle(const struct cache *cache)
{
    uint64_t newest = cache->write_back_number;
    status_t status = 0;
    while (!status && !list_empty(&cache->write_backs)) {
        const struct write_back *oldest =
            container_of(cache->write_backs.next, struct write_back, link);
        if (oldest->number > newest)
            break;
        status = flush_wait();
    }
    return status;
}

/* Writes what is dirty in [from, to) once. Returns the status of a write-back that failed in the
 * meantime, or -EINTR. */
static status_t flush_pass(struct cache *cache, uint64_t from, uint64_t to)
{
    spin_lock(&cache_table.lock);
    uint64_t failures = cache->write_failures, size = cache->size_bytes, start = 0;
    uint64_t end = min(to, size);

    /* What is dirty after a flush of everything is newer than it, or failed. */
    if (!from && end == size)
        cache->dirty_since_us = time_now_us();

    status_t status = 0;
    for (uint64_t at = from / PAGE_BYTES * PAGE_BYTES; !status && at < end;) {
        status = flush_throttle(cache);
        if (!status)
            status = flush_next(cache, at, end, &start);
        if (status || start == UINT64_MAX)
            break;
        status = write_back_start(cache, start, &at);

        /* A bad block does not keep the others from being written; a device that is gone does. */
        if (cache->write_failures != failures && cache->write_status != -EIO)
            break;
    }

    if (!status)
        status = flush_settle(cache);
    if (!status && cache->write_failures != failures)
        status = cache->write_status;
    spin_unlock(&cache_table.lock);
    return status;
}

status_t cache_flush(struct cache *cache, uint64_t from, uint64_t to)
{
    status_t status = flush_pass(cache, from, to);
    return status == -EIO ? flush_pass(cache, from, to) : status;
}
