/*
 * internal.h - types and functions that the cache's files share: pages and their table
 * (cache_pages.c), fills (fill.c), reading and read-ahead (cache.c).
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
    uint8_t valid;   /* a bit for each piece */
    bool busy;       /* a fill writes to pieces that are not valid */
    bool touched;    /* it was read */
    bool referenced; /* and again later: it gets a second chance */
    struct cache_page *bucket_next; /* in the table; or in the stock of descriptors */
    struct list cache_link, age_link;
};

/* All pages. `lock` guards this, every page, and the private part of every cache. */
struct cache_table {
    struct spin lock;
    struct cache_page **buckets;
    size_t bucket_mask;
    struct list by_age; /* front: the next to be visited by reclaim */
    size_t count;
    struct cache_page *stock; /* descriptors without data, for new pages */
    unsigned stock_count;
    struct wait_queue changed; /* a page stopped being busy, or a fill ended */
};

extern struct cache_table cache_table;

/* Consecutive pages are in consecutive buckets: a sequential reader walks along the table. */
static inline struct cache_page **cache_page_bucket(const struct cache *cache, uint64_t index)
{
    return &cache_table.buckets[(cache->hash + index) & cache_table.bucket_mask];
}

/* Returns the page, or NULL if it is missing. The caller holds the lock. */
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
/* Creates `count` pages that are not in the table, fewer when memory is exhausted; returns how
 * many. Without the lock. */
unsigned cache_pages_create(struct cache_page **pages, unsigned count);

/* ---- fill.c; without the lock --------------------------------------------------------- */

/* Starts filling [start, start + bytes), cut to the cache and to what can be filled now. With
 * `result`, the caller gets a reference to the fill. 0 also if there was nothing to fill: *result
 * is unchanged then. */
status_t cache_fill_range(struct cache *cache, uint64_t start, uint64_t bytes,
                          struct cache_fill **result) MUST_CHECK;
/* Waits for its end and puts the reference; NULL is allowed. Returns its status, or -EINTR. */
status_t cache_fill_wait(struct cache_fill *fill) MUST_CHECK;

#endif
