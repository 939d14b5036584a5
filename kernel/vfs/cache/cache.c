/*
 * cache.c - reads through a cache: which pages to ask for, how far to read ahead, and what a reader
 * of a failed block gets.
 */
#include "kernel/vfs/cache/internal.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    WINDOW_START_BYTES = 32 * 1024, /* the first window of a sequential reader */
    WINDOWS = 16,                   /* at least as many fit into the available memory */
    RUN_PAGES = 16,                 /* pinned at a time by cache_read() */
    FAILURE_FRESH_US = 5 * 1000 * 1000, /* a failure is returned to a reader for this long */
};

/* Consecutive pages, pinned. */
struct run {
    struct cache_page *pages[RUN_PAGES];
    unsigned count;
    size_t bytes; /* from the offset requested; every page except the last to its end */
};

/* ---- windows ------------------------------------------------------------------------------ */

static uint32_t cache_unit(const struct cache *cache)
{
    return max(cache->block_bytes, (uint32_t)PAGE_BYTES);
}

/* Returns whether a sequential reader would read this page next, or is still reading it. */
static bool cache_is_sequential(const struct cache *cache, uint64_t offset)
{
    uint64_t page_end = offset / PAGE_BYTES * PAGE_BYTES + PAGE_BYTES;
    return page_end >= cache->expected &&
           page_end - cache->expected <= PAGE_BYTES + (uint64_t)cache->slack_bytes;
}

/* Pages being read can be neither used nor reclaimed, so a window is a small part of the available
 * memory. The caller holds the lock. */
static uint32_t window_max(void)
{
    uint32_t window = CACHE_WINDOW_BYTES;
    size_t room = cache_table.count + page_free_count();
    while (window > WINDOW_START_BYTES && window / PAGE_BYTES > room / WINDOWS)
        window /= 2;
    return window;
}

/* Returns the window after one of `bytes`, for a sequential reader; at least a block. */
static uint32_t window_next(const struct cache *cache, uint32_t bytes)
{
    uint32_t most = window_max(), unit = cache_unit(cache);

    /* Doubled each time, so that a short file is not read far past its end, and a long one soon in
     * large transfers. */
    uint32_t window = bytes < WINDOW_START_BYTES ? WINDOW_START_BYTES : bytes * 2;
    window = min(window, most);
    return max(window, unit);
}

/* Returns how much to read at `offset`, which is missing, according to the reads before. */
static uint64_t cache_plan_window(struct cache *cache, uint64_t offset)
{
    uint32_t unit = cache_unit(cache);
    bool sequential = offset < PAGE_BYTES || cache_is_sequential(cache, offset);

    /* A jump goes back to one unit: a random reader would not use more. */
    cache->window_bytes = sequential ? window_next(cache, cache->window_bytes) : unit;
    cache->ahead_end = offset / unit * unit + cache->window_bytes;
    return cache->window_bytes;
}

/* Returns how many bytes from ahead_end on to read now that a reader is at `offset`, so that the
 * drive works while the reader waits for that page or uses it. */
static uint32_t cache_plan_ahead(struct cache *cache, uint64_t offset)
{
    /* a random reader, or one that has just begun: its second window may never be needed */
    if (!cache_is_sequential(cache, offset) || cache->window_bytes < 2 * WINDOW_START_BYTES)
        return 0;
    if (cache->ahead_end <= offset || cache->ahead_end >= cache->size_bytes)
        return 0;

    /* the next window starts when the reader has entered the last one that was started */
    if (cache->ahead_end - offset > cache->window_bytes ||
        !cache_page_find(cache, offset / PAGE_BYTES))
        return 0;
    cache->window_bytes = window_next(cache, cache->window_bytes);
    cache->ahead_end += cache->window_bytes;
    return cache->window_bytes;
}

/* Starts the read-ahead. A hint: the reader requests failed blocks again. The caller holds the
 * lock, which is released while the read is started. */
static void cache_read_ahead(struct cache *cache, uint64_t offset)
{
    uint32_t bytes = cache_plan_ahead(cache, offset);
    uint64_t start = cache->ahead_end - bytes;
    if (!bytes)
        return;

    /* A fill allocates memory, and reclaim needs this lock. */
    spin_unlock(&cache_table.lock);
    IGNORE(cache_fill_range(cache, start, bytes, NULL));
    spin_lock(&cache_table.lock);
}

/* ---- pinning ------------------------------------------------------------------------------ */

/* Returns the page at `offset` if the piece there is valid, and in *bytes how many valid bytes
 * follow in this page. */
static struct cache_page *page_valid_at(struct cache *cache, uint64_t offset, size_t *bytes)
{
    struct cache_page *page = cache_page_find(cache, offset / PAGE_BYTES);
    unsigned in_page = (unsigned)(offset % PAGE_BYTES), piece = in_page / CACHE_PIECE_BYTES;
    uint64_t size = cache->size_bytes;
    if (!page || !(page->valid & (1u << piece)) || offset >= size)
        return NULL;

    /* the bits above the last piece are 0, so there is always a piece that is not valid */
    unsigned missing = ~(unsigned)page->valid >> piece << piece;
    unsigned end = (unsigned)__builtin_ctz(missing) * CACHE_PIECE_BYTES;
    uint64_t left = size - offset;
    *bytes = end - in_page < left ? end - in_page : (size_t)left;
    return page;
}

/* The same, and waits while the page is busy. NULL: missing, or interrupted. */
static struct cache_page *page_await(struct cache *cache, uint64_t offset, size_t *bytes)
{
    struct cache_page *page;
    while (!(page = page_valid_at(cache, offset, bytes))) {
        page = cache_page_find(cache, offset / PAGE_BYTES);
        if (!page || !page->busy ||
            wait_queue_wait_interruptible(&cache_table.changed, &cache_table.lock, TIME_NEVER))
            return NULL;
    }
    return page;
}

static void run_add(struct run *run, struct cache *cache, struct cache_page *page, size_t bytes)
{
    /* a sequential reader touches the same page repeatedly: that counts as one reference */
    if (page->touched && cache->last_index != page->index)
        page->referenced = true;
    page->touched = true;
    cache->last_index = page->index;

    /* A pinned page is neither reclaimed nor recycled. */
    page->pins++;
    run->pages[run->count++] = page;
    run->bytes += bytes;
}

/* Pins valid pages from `offset` on, up to `wanted` bytes and at most `most` pages. The caller
 * holds the lock, which is released while the first page is waited for. */
static void run_pin(struct run *run, struct cache *cache, uint64_t offset, size_t wanted,
                    unsigned most)
{
    size_t bytes;
    uint64_t at = offset;

    /* Wait for the first page only: with that one, the reader has something to copy meanwhile. */
    struct cache_page *page = page_await(cache, offset, &bytes);
    while (page) {
        run_add(run, cache, page, bytes);
        at += bytes;
        bool more = run->count < most && run->bytes < wanted && at % PAGE_BYTES == 0;
        page = more && at < cache->size_bytes ? page_valid_at(cache, at, &bytes) : NULL;
    }

    /* A sequential reader continues at the end of the last page (cache_is_sequential). */
    if (run->count)
        cache->expected = (at + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static void run_unpin(struct run *run)
{
    spin_lock(&cache_table.lock);
    for (unsigned i = 0; i < run->count; i++)
        cache_page_unpin(run->pages[i]);
    spin_unlock(&cache_table.lock);
}

/* ---- failures ----------------------------------------------------------------------------- */

/* Returns whether a recent fill failed with the block at `offset`, or perhaps with it. The caller
 * holds the lock. */
static bool failure_touches(const struct cache *cache, uint64_t offset)
{
    const struct cache_failure *failure = &cache->failure;
    uint64_t block = offset / cache->block_bytes * cache->block_bytes;
    uint64_t to = failure->exact ? failure->from + cache->block_bytes : failure->to;
    return failure->status && block >= failure->from && block < to &&
           time_now_us() - failure->when_us <= FAILURE_FRESH_US;
}

/* Consumes such a failure. Returns its errno if it is certain that this block failed; otherwise the
 * block may be good, and *block_only is set: read it alone. Each failure is returned to one reader,
 * and only while fresh: the next reader asks the drive again. The caller holds the lock. */
static status_t failure_take(struct cache *cache, uint64_t offset, bool *block_only)
{
    if (!failure_touches(cache, offset))
        return 0;

    struct cache_failure failure = cache->failure;
    cache->failure.status = 0;
    *block_only = true;
    return failure.exact ? failure.status : 0;
}

/* If the block at `start` has a page that is busy, waits for a change. */
static status_t block_await(struct cache *cache, uint64_t start)
{
    uint64_t end = start + cache->block_bytes;
    status_t status = 0;

    spin_lock(&cache_table.lock);
    for (uint64_t at = start; at < end; at += PAGE_BYTES) {
        const struct cache_page *page = cache_page_find(cache, at / PAGE_BYTES);
        if (page && page->busy) {
            status = wait_queue_wait_interruptible(&cache_table.changed, &cache_table.lock,
                                                   TIME_NEVER);
            break;
        }
    }
    spin_unlock(&cache_table.lock);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Reads missing bytes at `offset` and waits: a window first or, with *block_only, the one block.
 * 0: look again, with *block_only set if the window failed. */
static status_t cache_fetch(struct cache *cache, uint64_t offset, bool *block_only)
{
    /* Return a recent failure of this block without asking the drive again. */
    spin_lock(&cache_table.lock);
    status_t known = failure_take(cache, offset, block_only);
    uint64_t unit = *block_only ? cache->block_bytes : cache_unit(cache);
    uint64_t start = offset / unit * unit, bytes = unit;
    if (!known && !*block_only)
        bytes = cache_plan_window(cache, offset);
    spin_unlock(&cache_table.lock);
    if (known)
        return known;

    /* Wait for this fill. Without one, others use the pages. */
    struct cache_fill *fill = NULL;
    status_t status = cache_fill_range(cache, start, bytes, &fill);
    if (!status)
        status = fill ? cache_fill_wait(fill) : block_await(cache, start);
    if (!status || status == -EINTR)
        return status;

    /* the window failed: this block may be good */
    if (!*block_only) {
        *block_only = true;
        return 0;
    }

    /* the block failed: this reader gets the failure, so the next one need not */
    spin_lock(&cache_table.lock);
    status_t noted = failure_take(cache, offset, block_only);
    spin_unlock(&cache_table.lock);
    return noted ? noted : status;
}

status_t cache_fetch_block(struct cache *cache, uint64_t offset)
{
    bool block_only = true;
    return cache_fetch(cache, offset, &block_only);
}

/* Pins a run of at least one page, and reads it first if it is missing. Returns its bytes, 0 at or
 * past the end, or an errno. */
static ssize_t run_open(struct run *run, struct cache *cache, uint64_t offset, size_t wanted,
                        unsigned most)
{
    status_t status = 0;
    bool block_only = false;
    run->count = 0;
    run->bytes = 0;

    /* reclaim may take the page between the end of its fill and the pin: then it is read again */
    while (!status && !(cache->ops->check && (status = cache->ops->check(cache)))) {
        if (offset >= cache->size_bytes)
            return 0;

        /* Start the read-ahead before the wait, so that the drive has the next request when it is
         * done. */
        spin_lock(&cache_table.lock);
        cache_read_ahead(cache, offset);
        run_pin(run, cache, offset, wanted, most);
        spin_unlock(&cache_table.lock);
        if (run->count)
            return (ssize_t)run->bytes;
        status = thread_interrupted() ? -EINTR : cache_fetch(cache, offset, &block_only);
    }
    return status;
}

ssize_t cache_view_open(struct cache *cache, uint64_t offset, struct cache_view *view)
{
    struct run run;
    ssize_t got = run_open(&run, cache, offset, 1, 1);

    *view = (struct cache_view){ .page = NULL };
    if (got > 0)
        *view = (struct cache_view){
            .data = run.pages[0]->data + offset % PAGE_BYTES,
            .length_bytes = (size_t)got,
            .page = run.pages[0],
        };
    return got;
}

void cache_view_close(struct cache_view *view)
{
    spin_lock(&cache_table.lock);
    cache_page_unpin(view->page);
    spin_unlock(&cache_table.lock);
    view->page = NULL;
}

/* Copies the first `bytes` of a run that was opened at `offset`. */
static void run_copy(const struct run *run, uint64_t offset, char *to, size_t bytes)
{
    size_t in_page = offset % PAGE_BYTES;
    for (unsigned i = 0; bytes; i++, in_page = 0) {
        size_t count = min(PAGE_BYTES - in_page, bytes);
        memcpy(to, run->pages[i]->data + in_page, count);
        to += count;
        bytes -= count;
    }
}

ssize_t cache_read(struct cache *cache, uint64_t offset, void *buffer, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        struct run run;
        ssize_t got = run_open(&run, cache, offset + done, bytes - done, RUN_PAGES);
        if (got <= 0)
            return done ? (ssize_t)done : got;

        /* The run is pinned: copy without the lock, while other threads read and fill. */
        size_t count = min((size_t)got, bytes - done);
        run_copy(&run, offset + done, (char *)buffer + done, count);
        run_unpin(&run);
        done += count;
    }
    return (ssize_t)done;
}

/* ---- without blocking --------------------------------------------------------------------- */

void cache_prefetch(struct cache *cache, uint64_t offset, uint64_t bytes)
{
    spin_lock(&cache_table.lock);
    uint64_t most = window_max();
    bool failed = failure_touches(cache, offset);
    spin_unlock(&cache_table.lock);

    /* the reader gets that failure; asking a failing drive again takes seconds */
    if (failed)
        return;

    uint64_t block = cache->block_bytes, start = offset / block * block;
    bytes = min(bytes, most); /* the rest when it is read */
    uint64_t end = (offset + bytes + block - 1) / block * block;

    /* Only a hint: an error is reported to the reader that needs these bytes. */
    if (start < cache->size_bytes)
        IGNORE(cache_fill_range(cache, start, end - start, NULL));
}

bool cache_has(struct cache *cache, uint64_t offset)
{
    spin_lock(&cache_table.lock);
    const struct cache_page *page = cache_page_find(cache, offset / PAGE_BYTES);
    bool has = page && (page->busy || page->valid & 1u << offset % PAGE_BYTES / CACHE_PIECE_BYTES);
    spin_unlock(&cache_table.lock);
    return has;
}
