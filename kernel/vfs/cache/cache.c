/*
 * cache.c - reading through a cache, and what is read ahead.
 */
#include "kernel/vfs/cache/internal.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    WINDOW_START_BYTES = 32 * 1024, /* the first window of a sequential reader */
    WINDOWS = 16,                   /* that the cache has room for, at least */
    RUN_PAGES = 16,                 /* what cache_read() pins at a time */
    FAILURE_FRESH_US = 5 * 1000 * 1000, /* so long a failure is news to a reader */
};

/* Pages that follow each other, pinned. */
struct run {
    struct cache_page *pages[RUN_PAGES];
    unsigned count;
    size_t bytes; /* from the offset that was asked for; all but the last page to their ends */
};

/* ---- what to ask for ---------------------------------------------------------------------- */

static uint32_t cache_unit(const struct cache *cache)
{
    return cache->block_bytes > PAGE_BYTES ? cache->block_bytes : PAGE_BYTES;
}

/* Is this page where a sequential reader would look next, or not far behind it? Or still the one
 * where he was? */
static bool cache_goes_on(const struct cache *cache, uint64_t offset)
{
    uint64_t page_end = offset / PAGE_BYTES * PAGE_BYTES + PAGE_BYTES;
    return page_end >= cache->expected &&
           page_end - cache->expected <= PAGE_BYTES + (uint64_t)cache->slack_bytes;
}

/* What is being read can be neither used nor given back: so it is a small part of what others leave
 * of the memory. The caller holds the lock. */
static uint32_t window_max(void)
{
    uint32_t window = CACHE_WINDOW_BYTES;
    size_t room = cache_table.count + page_free_count();
    while (window > WINDOW_START_BYTES && window / PAGE_BYTES > room / WINDOWS)
        window /= 2;
    return window;
}

/* The window that follows one of `bytes`, of a reader who goes on; at least a block. */
static uint32_t window_next(const struct cache *cache, uint32_t bytes)
{
    uint32_t most = window_max(), unit = cache_unit(cache);
    uint32_t window = bytes < WINDOW_START_BYTES ? WINDOW_START_BYTES : bytes * 2;
    window = min(window, most);
    return window > unit ? window : unit;
}

/* How much to ask for at `offset`, which is not there: by how the cache was read so far. */
static uint64_t cache_plan_window(struct cache *cache, uint64_t offset)
{
    uint32_t unit = cache_unit(cache);
    bool sequential = offset < PAGE_BYTES || cache_goes_on(cache, offset);
    cache->window_bytes = sequential ? window_next(cache, cache->window_bytes) : unit;
    cache->ahead_end = offset / unit * unit + cache->window_bytes;
    return cache->window_bytes;
}

/* Returns how many bytes from ahead_end on to launch now that a reader has come to `offset`: his
 * page is there or under way, so that the drive goes on while he waits for it or uses it. */
static uint32_t cache_plan_ahead(struct cache *cache, uint64_t offset)
{
    if (!cache_goes_on(cache, offset) || cache->window_bytes < 2 * WINDOW_START_BYTES)
        return 0;
    if (cache->ahead_end <= offset || cache->ahead_end >= cache->size_bytes)
        return 0;
    if (cache->ahead_end - offset > cache->window_bytes ||
        !cache_page_find(cache, offset / PAGE_BYTES))
        return 0;
    cache->window_bytes = window_next(cache, cache->window_bytes);
    cache->ahead_end += cache->window_bytes;
    return cache->window_bytes;
}

/* The same, launched. A hint: what fails is asked for again by the reader. The caller holds the
 * lock, and is without it while something is launched. */
static void cache_read_ahead(struct cache *cache, uint64_t offset)
{
    uint32_t bytes = cache_plan_ahead(cache, offset);
    uint64_t start = cache->ahead_end - bytes;
    if (!bytes)
        return;
    spin_unlock(&cache_table.lock);
    IGNORE(cache_fill_range(cache, start, bytes, NULL));
    spin_lock(&cache_table.lock);
}

/* ---- pinning ------------------------------------------------------------------------------ */

/* One who goes on where he was looks at the same page again and again; that counts once. */
static void page_note_use(struct cache *cache, struct cache_page *page)
{
    if (page->touched && cache->last_index != page->index)
        page->referenced = true;
    page->touched = true;
    cache->last_index = page->index;
}

/* The page at `offset` when the piece there is valid; *bytes: of valid ones from there on. */
static struct cache_page *page_valid_at(struct cache *cache, uint64_t offset, size_t *bytes)
{
    struct cache_page *page = cache_page_find(cache, offset / PAGE_BYTES);
    unsigned in_page = (unsigned)(offset % PAGE_BYTES), piece = in_page / CACHE_PIECE_BYTES;
    if (!page || !(page->valid & (1u << piece)))
        return NULL;
    /* the first that is not valid behind it; behind the last of a page there is none */
    unsigned missing = ~(unsigned)page->valid >> piece << piece;
    unsigned end = (unsigned)__builtin_ctz(missing) * CACHE_PIECE_BYTES;
    uint64_t left = cache->size_bytes - offset;
    *bytes = end - in_page < left ? end - in_page : (size_t)left;
    return page;
}

/* The same, and waits while it is busy. NULL: not there, or interrupted. */
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
    page->pins++;
    page_note_use(cache, page);
    run->pages[run->count++] = page;
    run->bytes += bytes;
}

/* Pins what is there from `offset` on, up to `wanted` bytes, at most `most` pages. The caller holds
 * the lock, and lost it if the first had to be waited for. */
static void run_pin(struct run *run, struct cache *cache, uint64_t offset, size_t wanted,
                    unsigned most)
{
    size_t bytes;
    uint64_t at = offset;
    struct cache_page *page = page_await(cache, offset, &bytes);
    while (page) {
        run_add(run, cache, page, bytes);
        at += bytes;
        bool more = run->count < most && run->bytes < wanted && at % PAGE_BYTES == 0;
        page = more && at < cache->size_bytes ? page_valid_at(cache, at, &bytes) : NULL;
    }
    if (run->count)
        cache->expected = (at + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static void run_unpin(struct run *run)
{
    spin_lock(&cache_table.lock);
    for (unsigned i = 0; i < run->count; i++)
        run->pages[i]->pins--;
    spin_unlock(&cache_table.lock);
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Did a fill fail a moment ago with the block at `offset`, or perhaps with it? The caller holds the
 * lock. */
static bool failure_touches(const struct cache *cache, uint64_t offset)
{
    const struct cache_failure *failure = &cache->failure;
    uint64_t block = offset / cache->block_bytes * cache->block_bytes;
    uint64_t to = failure->exact ? failure->from + cache->block_bytes : failure->to;
    return failure->status && block >= failure->from && block < to &&
           time_now_us() - failure->when_us <= FAILURE_FRESH_US;
}

/* Takes note of such a failure: an errno when it is known that it was this block; else *block_only,
 * since it may be good. Each failure counts for one reader, and not for long: the next one asks the
 * drive again. The caller holds the lock. */
static status_t failure_take(struct cache *cache, uint64_t offset, bool *block_only)
{
    if (!failure_touches(cache, offset))
        return 0;
    struct cache_failure failure = cache->failure;
    cache->failure.status = 0;
    *block_only = true;
    return failure.exact ? failure.status : 0;
}

/* Reads what is missing at `offset` and waits: a window first; where that fails, the one block. */
static status_t cache_fetch(struct cache *cache, uint64_t offset, bool *block_only)
{
    spin_lock(&cache_table.lock);
    status_t known = failure_take(cache, offset, block_only);
    uint64_t unit = *block_only ? cache->block_bytes : cache_unit(cache);
    uint64_t start = offset / unit * unit, bytes = unit;
    if (!known && !*block_only)
        bytes = cache_plan_window(cache, offset);
    spin_unlock(&cache_table.lock);
    if (known)
        return known;
    struct cache_fill *fill = NULL;
    status_t status = cache_fill_range(cache, start, bytes, &fill);
    if (!status)
        status = cache_fill_wait(fill);
    if (status && status != -EINTR && *block_only) {
        spin_lock(&cache_table.lock);
        status_t noted = failure_take(cache, offset, block_only); /* that is this one */
        spin_unlock(&cache_table.lock);
        return noted ? noted : status;
    }
    *block_only |= status && status != -EINTR;
    return status == -EINTR ? status : 0;
}

/* A run of at least one page: its bytes, 0 at or past the end, or an errno. */
static ssize_t run_open(struct run *run, struct cache *cache, uint64_t offset, size_t wanted,
                        unsigned most)
{
    status_t status = 0;
    bool block_only = false;
    run->count = 0;
    run->bytes = 0;
    while (!status && !(cache->ops->check && (status = cache->ops->check(cache)))) {
        if (offset >= cache->size_bytes)
            return 0;
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
    view->page->pins--;
    spin_unlock(&cache_table.lock);
    view->page = NULL;
}

/* Copies the first `bytes` of a run that was opened at `offset`. */
static void run_copy(const struct run *run, uint64_t offset, char *to, size_t bytes)
{
    size_t in_page = offset % PAGE_BYTES;
    for (unsigned i = 0; bytes; i++, in_page = 0) {
        size_t count = PAGE_BYTES - in_page < bytes ? PAGE_BYTES - in_page : bytes;
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
        size_t count = (size_t)got < bytes - done ? (size_t)got : bytes - done;
        run_copy(&run, offset + done, (char *)buffer + done, count);
        run_unpin(&run);
        done += count;
    }
    return (ssize_t)done;
}

/* ---- without waiting ---------------------------------------------------------------------- */

void cache_prefetch(struct cache *cache, uint64_t offset, uint64_t bytes)
{
    spin_lock(&cache_table.lock);
    uint64_t most = window_max();
    bool failed = failure_touches(cache, offset); /* the reader will hear of it */
    spin_unlock(&cache_table.lock);
    if (failed)
        return;
    if (bytes > most) /* the rest when it is asked for */
        bytes = most;
    uint64_t block = cache->block_bytes, start = offset / block * block;
    uint64_t end = (offset + bytes + block - 1) / block * block;
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
