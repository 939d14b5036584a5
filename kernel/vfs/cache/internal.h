/*
 * internal.h - what the cache's files share: pages and their table (cache_pages.c), filling
 * them (fill.c), reading and read-ahead (cache.c).
 */
#ifndef KERNEL_VFS_CACHE_INTERNAL_H
#define KERNEL_VFS_CACHE_INTERNAL_H

#include "kernel/sched/sync.h"
#include "kernel/vfs/cache/cache.h"

enum { CACHE_PIECES = PAGE_BYTES / CACHE_PIECE_BYTES, CACHE_ALL_VALID = (1 << CACHE_PIECES) - 1 };

struct cache_page {
    struct cache *cache;
    uint64_t index; /* offset / PAGE_BYTES */
    uint8_t *data;
    unsigned pins;
    uint8_t valid; /* a bit a piece */
    bool busy;     /* a fill writes to pieces that are not valid */
    bool touched;    /* somebody looked at it */
    bool referenced; /* and again, later: it has a second chance */
    struct cache_page *bucket_next; /* in the table; or in the stock of descriptors */
    struct list cache_link, age_link;
};

/* All pages. `lock` guards this, every page, and the private part of every cache. */
struct cache_table {
    struct spin lock;
    struct cache_page **buckets;
    size_t bucket_mask;
    struct list by_age; /* front: to be looked at first */
    size_t count;
    struct cache_page *stock; /* descriptors without a page, to be used again */
    unsigned stock_count;
    struct wait_queue changed; /* a page stopped being busy, or a fill ended */
};

extern struct cache_table cache_table;

/* Pages that follow each other lie in buckets that do. */
static inline struct cache_page **cache_page_bucket(const struct cache *cache, uint64_t index)
{
    return &cache_table.buckets[(cache->hash + index) & cache_table.bucket_mask];
}

/* NULL: not there. The caller holds the lock. */
static inline struct cache_page *cache_page_find(const struct cache *cache, uint64_t index)
{
    struct cache_page *page = *cache_page_bucket(cache, index);
    while (page && (page->index != index || page->cache != cache))
        page = page->bucket_next;
    return page;
}

/* ---- cache_pages.c; the caller holds the lock unless it says otherwise ---------------------- */

void cache_page_insert(struct cache_page *page, struct cache *cache, uint64_t index); /* busy */
void cache_page_remove(struct cache_page *page);
void cache_page_destroy(struct cache_page *page);
/* So many pages that are in no table, fewer when memory is out; without the lock. */
unsigned cache_pages_create(struct cache_page **pages, unsigned count);

/* ---- fill.c; without the lock --------------------------------------------------------- */

/* Begins to fill [start, start + bytes), cut to the cache. With `result`, the caller gets a
 * reference to the fill. 0 when nothing was to do, too (*result is then NULL). */
status_t cache_fill_range(struct cache *cache, uint64_t start, uint64_t bytes,
                          struct cache_fill **result) MUST_CHECK;
/* Waits for it and puts the reference; NULL: nothing. */
status_t cache_fill_wait(struct cache_fill *fill) MUST_CHECK;

#endif
