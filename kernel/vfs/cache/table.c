/*
 * table.c - the pages of all caches: one hash table, one list of the clean pages for reclaim, and
 * a tree of the dirty ones for each cache.
 */
#include "kernel/vfs/cache/internal.h"

enum { STOCK_MAX = 128 }; /* free descriptors kept for new pages */

struct cache_table cache_table = {
    .lock = SPIN_INIT(RANK_CACHE),
    .by_age = LIST_INIT(cache_table.by_age),
    .changed = WAIT_QUEUE_INIT(cache_table.changed),
};

/* ---- descriptors ----------------------------------------------------------------------------- */

struct cache_page *cache_stock_take(void)
{
    struct cache_page *page = cache_table.stock;
    if (page) {
        cache_table.stock = page->bucket_next;
        cache_table.stock_count--;
    }
    return page;
}

void cache_stock_drop(void)
{
    for (struct cache_page *page; (page = cache_stock_take());)
        mem_free(page);
}

void cache_page_destroy(struct cache_page *page)
{
    kassert(spin_is_held(&cache_table.lock));
    page_free(page->data);

    /* Keep the descriptor. The next fill needs one for each page, and takes them without the heap's
     * lock. */
    if (cache_table.stock_count == STOCK_MAX) {
        mem_free(page);
        return;
    }
    page->bucket_next = cache_table.stock;
    cache_table.stock = page;
    cache_table.stock_count++;
}

/* ---- the table ---------------------------------------------------------------------------- */

void cache_page_insert(struct cache_page *page, struct cache *cache, uint64_t index)
{
    struct cache_page **bucket = cache_page_bucket(cache, index);
    page->cache = cache;
    page->index = index;
    page->busy = true;
    page->bucket_next = *bucket;
    *bucket = page;

    /* At the back of the list, reclaim visits it last. */
    list_push_back(&cache->pages, &page->cache_link);
    cache->page_count++;
    list_push_back(&cache_table.by_age, &page->age_link);
    cache_table.count++;
}

void cache_page_remove(struct cache_page *page)
{
    struct cache_page **link = cache_page_bucket(page->cache, page->index);
    while (*link != page)
        link = &(*link)->bucket_next;
    *link = page->bucket_next;

    list_remove(&page->cache_link);
    page->cache->page_count--;
    list_remove(&page->age_link);
    cache_table.count--;
}

/* ---- dirty ----------------------------------------------------------------------------------- */

void cache_page_soil(struct cache_page *page, uint8_t pieces)
{
    bool was_clean = !page->dirty;
    pieces &= (uint8_t)~page->dirty;
    page->dirty |= pieces;
    page->cache->dirty_pieces += cache_piece_count(pieces);

    if (was_clean && page->dirty) {
        list_remove(&page->age_link);
        cache_dirty_insert(page);
        atomic_fetch_add(&cache_table.dirty_count, 1);
    }
}

void cache_page_clean(struct cache_page *page, uint8_t pieces)
{
    bool was_dirty = page->dirty;
    pieces &= page->dirty;
    page->dirty &= (uint8_t)~pieces;
    page->cache->dirty_pieces -= cache_piece_count(pieces);

    /* reclaim visits it after all other pages */
    if (was_dirty && !page->dirty) {
        cache_dirty_remove(page);
        list_push_back(&cache_table.by_age, &page->age_link);
        atomic_fetch_sub(&cache_table.dirty_count, 1);
        if (page->failed)
            atomic_fetch_sub(&cache_table.failed_count, 1);
        page->failed = page->alone = false;
    }
}

void cache_page_fail(struct cache_page *page)
{
    if (!page->failed)
        atomic_fetch_add(&cache_table.failed_count, 1);
    page->failed = true;
}

/* ---- leaving --------------------------------------------------------------------------------- */

void cache_page_replace(struct cache_page *old, struct cache_page *page)
{
    uint8_t dirty = old->dirty;
    bool failed = old->failed, alone = old->alone;

    /* A view of the old page stays as it is; nothing else refers to it any more. */
    cache_page_clean(old, dirty);
    cache_page_remove(old);
    old->replaced = true;

    cache_page_insert(page, old->cache, old->index);
    page->touched = old->touched;
    page->referenced = old->referenced;
    cache_page_soil(page, dirty);
    if (failed)
        cache_page_fail(page);
    page->alone = alone;
}

void cache_page_drop(struct cache_page *page)
{
    kassert(!cache_page_in_use(page));
    cache_page_clean(page, page->dirty);
    cache_page_remove(page);

    if (page->pins)
        page->replaced = true;
    else
        cache_page_destroy(page);
}
