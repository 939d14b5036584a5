/*
 * dirty.c - how much is dirty, when that is too much, and dropping it.
 */
#include "kernel/vfs/cache/internal.h"
#include "lib/macros.h"

/* ---- how much ----------------------------------------------------------------------------- */

/* Returns how many bytes of the cache are in the dirty pieces of a page. */
static uint64_t page_dirty_bytes(const struct cache_page *page)
{
    uint64_t bytes = cache_piece_count(page->dirty) * (uint64_t)CACHE_PIECE_BYTES;
    uint64_t size = page->cache->size_bytes, start = page->index * PAGE_BYTES;

    /* the unit in which the cache ends has pieces past the end, or a part of one */
    for (unsigned i = 0; i < CACHE_PIECES; i++, start += CACHE_PIECE_BYTES)
        if (page->dirty & 1u << i && start + CACHE_PIECE_BYTES > size)
            bytes -= start < size ? start + CACHE_PIECE_BYTES - size : CACHE_PIECE_BYTES;
    return bytes;
}

uint64_t cache_dirty_bytes(struct cache *cache)
{
    spin_lock(&cache_table.lock);
    uint64_t bytes = cache->dirty_pieces * (uint64_t)CACHE_PIECE_BYTES, size = cache->size_bytes;

    /* the page in which the cache ends counts only up to there */
    const struct cache_page *last = size ? cache_page_find(cache, (size - 1) / PAGE_BYTES) : NULL;
    if (last && last->dirty)
        bytes += page_dirty_bytes(last) -
                 cache_piece_count(last->dirty) * (uint64_t)CACHE_PIECE_BYTES;
    spin_unlock(&cache_table.lock);
    return bytes;
}

uint64_t cache_first_dirty(struct cache *cache)
{
    uint64_t offset = UINT64_MAX;
    spin_lock(&cache_table.lock);
    const struct cache_page *page = cache_dirty_next(cache, 0);
    if (page)
        offset = page->index * PAGE_BYTES +
                 (unsigned)__builtin_ctz(page->dirty) * CACHE_PIECE_BYTES;
    spin_unlock(&cache_table.lock);
    return offset;
}

uint64_t cache_dirty_since_us(struct cache *cache)
{
    spin_lock(&cache_table.lock);
    uint64_t since = cache->dirty ? cache->dirty_since_us : TIME_NEVER;
    spin_unlock(&cache_table.lock);
    return since;
}

size_t cache_dirty_pages(void)
{
    return atomic_load_explicit(&cache_table.dirty_count, memory_order_relaxed);
}

/* ---- limits ------------------------------------------------------------------------------- */

/* Returns whether more than this share of memory is dirty. Pages that could not be written are not
 * counted: a device that fails does not hold up the writers of others. */
static bool dirty_is_above(unsigned share)
{
    size_t dirty = cache_dirty_pages(), failed = atomic_load(&cache_table.failed_count);
    return dirty > failed && dirty - failed > page_total_count() / share;
}

bool cache_is_above_background(void)
{
    return dirty_is_above(CACHE_BACKGROUND_SHARE);
}

status_t cache_wait_below_limit(void)
{
    status_t status = 0;
    if (!dirty_is_above(CACHE_LIMIT_SHARE))
        return 0;

    spin_lock(&cache_table.lock);
    while (!status && dirty_is_above(CACHE_LIMIT_SHARE))
        status = wait_queue_wait_interruptible(&cache_table.changed, &cache_table.lock, TIME_NEVER);
    spin_unlock(&cache_table.lock);
    return status;
}

/* ---- dropping ----------------------------------------------------------------------------- */

uint64_t cache_discard(struct cache *cache)
{
    uint64_t bytes = 0;
    struct cache_page *page;

    spin_lock(&cache_table.lock);
    while ((page = cache_dirty_next(cache, 0))) {
        /* A write-back in flight may still succeed. */
        if (cache_page_in_use(page)) {
            IGNORE(wait_queue_wait(&cache_table.changed, &cache_table.lock, TIME_NEVER));
            continue;
        }
        bytes += page_dirty_bytes(page);
        cache_page_drop(page);
    }
    wait_queue_wake_all(&cache_table.changed);
    spin_unlock(&cache_table.lock);
    return bytes;
}
