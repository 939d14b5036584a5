/*
 * internal.h - types and functions that the cache's files share, from the lowest to the highest:
 * dirty_tree.c and table.c (pages, and where they are), write_back.c (one write-back), fill.c (one
 * fill), cache_pages.c (memory of pages, the life of a cache), dirty.c (how much is dirty), flush.c
 * (writing back), resize.c, cache.c (reading and read-ahead), write.c (writing into pages).
 *
 * A page is in use by at most one fill or writer (`busy`), and by any number of write-backs
 * (`writing`): a fill changes only pieces that are not valid, a write-back reads only valid ones,
 * and so both may use a page at the same time. A writer waits for both.
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
    uint8_t dirty;   /* the same; to be written back */
    uint8_t writing; /* the same; dirty, and in a write-back in flight */
    bool busy;       /* a fill or a writer changes pieces that are not valid */
    bool touched;    /* it was read */
    bool referenced; /* and again later: it gets a second chance */
    bool replaced;   /* it left the table while it was pinned: freed with the last pin */
    bool failed;     /* its last write-back failed: it does not count for the limits */
    bool alone;      /* and it may contain the bad block: the next one is of this page alone */
    struct cache_page *bucket_next; /* in the table; or in the stock of descriptors */
    struct list cache_link;
    union {
        struct list age_link;                         /* clean */
        struct { struct cache_page *lower, *higher; }; /* dirty: subtrees by index */
    };
};

/* All pages. `lock` guards this, every page, and the private part of every cache. */
struct cache_table {
    struct spin lock;
    struct cache_page **buckets;
    size_t bucket_mask;
    struct list by_age; /* the clean pages; front: the next to be visited by reclaim */
    size_t count;
    _Atomic size_t dirty_count, failed_count;
    struct cache_page *stock; /* descriptors without data, for new pages */
    unsigned stock_count;
    struct wait_queue changed; /* a page stopped being busy or dirty, or an io ended */
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

/* Returns the bits of the pieces that are in the bytes [from, to) of a page completely, if these
 * are multiples of a piece. */
static inline uint8_t cache_piece_mask(uint32_t from, uint32_t to)
{
    return (uint8_t)(((1u << (to / CACHE_PIECE_BYTES)) - 1) &
                     ~((1u << (from / CACHE_PIECE_BYTES)) - 1));
}

/* Returns how many pieces a mask has: the kernel is linked without the compiler's library. */
static inline unsigned cache_piece_count(uint8_t pieces)
{
    unsigned count = 0;
    for (; pieces; pieces &= pieces - 1u)
        count++;
    return count;
}

static inline bool cache_page_in_use(const struct cache_page *page)
{
    return page->busy || page->writing;
}

/* ---- dirty_tree.c; the caller holds the lock ------------------------------------------------ */

void cache_dirty_insert(struct cache_page *page);
void cache_dirty_remove(struct cache_page *page);
/* Returns the first dirty page at or after `index`; NULL if there is none. */
struct cache_page *cache_dirty_next(const struct cache *cache, uint64_t index);

/* ---- table.c; the caller holds the lock ----------------------------------------------------- */

void cache_page_insert(struct cache_page *page, struct cache *cache, uint64_t index); /* busy */
/* Removes a clean page. */
void cache_page_remove(struct cache_page *page);
/* Frees a page that is not in the table. */
void cache_page_destroy(struct cache_page *page);
/* Makes pieces dirty or clean. */
void cache_page_soil(struct cache_page *page, uint8_t pieces);
void cache_page_clean(struct cache_page *page, uint8_t pieces);
void cache_page_fail(struct cache_page *page);
/* Removes a page that is not in use, dirty or not, and destroys it with its last pin. */
void cache_page_drop(struct cache_page *page);
/* Inserts `page` in the place of one that is pinned, and not in use; it takes over what is dirty.
 * Its content is not copied. */
void cache_page_replace(struct cache_page *old, struct cache_page *page);

/* Takes a descriptor from the stock; NULL if it is empty. */
struct cache_page *cache_stock_take(void);
void cache_stock_drop(void);

/* Releases a pin. */
static inline void cache_page_unpin(struct cache_page *page)
{
    if (!--page->pins && page->replaced)
        cache_page_destroy(page);
}

/* ---- cache_pages.c; without the lock -------------------------------------------------------- */

/* Creates `count` pages that are not in the table, fewer when memory is exhausted; returns how
 * many. */
unsigned cache_pages_create(struct cache_page **pages, unsigned count);

/* ---- fill.c; without the lock --------------------------------------------------------- */

/* Starts filling [start, start + bytes), cut to the cache and to what can be filled now. With
 * `result`, the caller gets a reference to the fill. 0 also if there was nothing to fill: *result
 * is unchanged then. */
status_t cache_fill_range(struct cache *cache, uint64_t start, uint64_t bytes,
                          struct cache_fill **result) MUST_CHECK;
/* Waits for its end and puts the reference; NULL is allowed. Returns its status, or -EINTR. */
status_t cache_fill_wait(struct cache_fill *fill) MUST_CHECK;

/* ---- cache.c; without the lock ---------------------------------------------------------- */

/* Reads the block at `offset`, which is missing, and waits. 0: look again. */
status_t cache_fetch_block(struct cache *cache, uint64_t offset) MUST_CHECK;

/* ---- write_back.c --------------------------------------------------------------------- */

/* Allocates the memory for a write-back when there is no other. */
status_t cache_reserve_start(void) MUST_CHECK;
void cache_reserve_stop(void);
/* Starts to write the run at `start`, up to `limit`, and returns its end in *end: `start` if
 * another flush has taken it meanwhile. -EINTR; -ENOMEM if others use the reserve for too long. The
 * caller holds the lock, which is released meanwhile. */
status_t cache_write_back_start(struct cache *cache, uint64_t start, uint64_t limit,
                                uint64_t *end) MUST_CHECK;
/* Returns the number of the oldest write-back in flight. There must be one. The caller holds the
 * lock. */
uint64_t cache_write_back_oldest(const struct cache *cache);
/* The part of cache_io_done() for an io that cache_ops.write was given. */
void cache_write_back_done(struct cache_io *io, status_t status, uint64_t done_bytes, bool exact);

/* Returns the pieces that a write-back may take now. */
static inline uint8_t cache_page_ready(const struct cache_page *page)
{
    return page->dirty & page->valid & (uint8_t)~page->writing;
}

#endif
