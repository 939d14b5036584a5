/*
 * cache_pages.c - the memory of pages, reclaim, and the life of a cache.
 *
 * Reclaim visits the pages of the list in turn (the clock algorithm). A page that was referenced
 * again since the last visit is spared once, so that reading a file from end to end does not
 * displace the pages in use.
 */
#include "kernel/vfs/cache/internal.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    BUCKETS_MIN = 256,
    RECLAIM_STEPS = 64,  /* pages visited before the lock is released */
    CREATE_BATCH = 32,
    SPARE_PAGES = 32,    /* left free for other users of memory */
};

/* ---- start and stop ----------------------------------------------------------------------- */

status_t cache_start(void)
{
    /* If all memory were pages of the cache, a bucket would hold two on average. */
    size_t buckets = BUCKETS_MIN;
    while (buckets < page_total_count() / 2)
        buckets *= 2;

    cache_table.buckets = mem_zalloc(buckets * sizeof(*cache_table.buckets));
    if (!cache_table.buckets)
        return -ENOMEM;
    cache_table.bucket_mask = buckets - 1;

    status_t status = cache_reserve_start();
    if (status) {
        mem_free(cache_table.buckets);
        cache_table.buckets = NULL;
    }
    return status;
}

void cache_stop(void)
{
    kassert(!cache_table.count);
    cache_reserve_stop();
    cache_stock_drop();
    mem_free(cache_table.buckets);
    cache_table.buckets = NULL;
}

size_t cache_page_count(void)
{
    return cache_table.count;
}

/* ---- life of a page ----------------------------------------------------------------------- */

/* Takes descriptors from the stock, then from the heap. */
static unsigned descriptors_take(void **descriptors, unsigned count)
{
    unsigned got = 0;

    spin_lock(&cache_table.lock);
    while (got < count && (descriptors[got] = cache_stock_take()))
        got++;
    spin_unlock(&cache_table.lock);
    return got + (unsigned)mem_alloc_many(sizeof(struct cache_page), descriptors + got,
                                          count - got);
}

/* Makes a cache page of each piece of data; frees the data that there is no descriptor for. */
static unsigned pages_describe(struct cache_page **pages, void **data, unsigned count)
{
    void *descriptors[CREATE_BATCH];
    unsigned got = descriptors_take(descriptors, count);

    for (unsigned i = 0; i < got; i++) {
        pages[i] = descriptors[i];
        *pages[i] = (struct cache_page){ .data = data[i] };
    }

    for (unsigned i = got; i < count; i++)
        page_free(data[i]);
    return got;
}

/* Visits the next page: takes it out of the table for the caller if it is not needed, else returns
 * NULL. The list must not be empty. */
static struct cache_page *victim_next(void)
{
    struct cache_page *page =
        container_of(list_pop_front(&cache_table.by_age), struct cache_page, age_link);
    bool spare = page->busy || page->pins || page->referenced;
    list_push_back(&cache_table.by_age, &page->age_link);

    /* The visit consumes the second chance, and a spared page is visited again only after all
     * others. */
    page->referenced = false;
    if (spare)
        return NULL;
    cache_page_remove(page);
    return page;
}

/* When memory is nearly exhausted, takes the pages that were unused longest and uses them directly:
 * pages that are neighbours in memory stay together, so that transfers keep few segments. */
static unsigned pages_recycle(struct cache_page **pages, unsigned count)
{
    unsigned got = 0;
    if (page_free_count() >= count + SPARE_PAGES)
        return 0;

    /* A bounded number of visits: other readers wait for this lock. */
    spin_lock(&cache_table.lock);
    for (unsigned i = 0; i < RECLAIM_STEPS && got < count; i++) {
        if (list_empty(&cache_table.by_age))
            break;
        struct cache_page *page = victim_next();
        if (page)
            pages[got++] = page;
    }
    spin_unlock(&cache_table.lock);

    for (unsigned i = 0; i < got; i++)
        *pages[i] = (struct cache_page){ .data = pages[i]->data };
    return got;
}

unsigned cache_pages_create(struct cache_page **pages, unsigned count)
{
    unsigned created = 0;
    while (created < count) {
        void *data[CREATE_BATCH];
        unsigned wanted = min(count - created, (unsigned)CREATE_BATCH);
        unsigned got = pages_recycle(pages + created, wanted);

        if (got < wanted) {
            unsigned fresh = (unsigned)page_alloc_many(data, wanted - got);
            got += pages_describe(pages + created + got, data, fresh);
        }

        created += got;
        if (got < wanted)
            break;
    }
    return created;
}

/* ---- reclaim ------------------------------------------------------------------------------ */

size_t cache_reclaim(size_t wanted)
{
    size_t freed = 0, left = SIZE_MAX;

    /* twice through the list is enough: the first time takes all second chances away */
    while (left && freed < wanted) {
        /* Any allocation may call this, also one by a thread that holds the lock. */
        if (!spin_try_lock(&cache_table.lock))
            break;
        size_t clean = cache_table.count - atomic_load(&cache_table.dirty_count);
        left = min(left, 2 * clean + 1);
        for (unsigned i = 0; i < RECLAIM_STEPS && left && freed < wanted; i++, left--) {
            if (list_empty(&cache_table.by_age)) {
                left = 1;
                continue;
            }
            struct cache_page *page = victim_next();
            if (page) {
                cache_page_destroy(page);
                freed++;
            }
        }

        /* not enough pages: free the descriptors too */
        if (!left && freed < wanted)
            cache_stock_drop();
        spin_unlock(&cache_table.lock);
    }
    return freed;
}

/* ---- life of a cache ---------------------------------------------------------------------- */

void cache_init(struct cache *cache, const struct cache_ops *ops, void *owner,
                uint32_t block_bytes, uint64_t size_bytes)
{
    kassert(!ops->write || ops->context_bytes <= CACHE_WRITE_CONTEXT_MAX);
    *cache = (struct cache){
        .ops = ops,
        .owner = owner,
        .block_bytes = block_bytes,
        .write_unit_bytes = CACHE_PIECE_BYTES,
        .size_bytes = size_bytes,
        .hash = hash_u64((uint64_t)(uintptr_t)cache),
    };
    list_init(&cache->pages);
    list_init(&cache->write_backs);
}

status_t cache_settle(struct cache *cache)
{
    status_t status = 0;
    spin_lock(&cache_table.lock);
    while (cache->ios && !status)
        status = wait_queue_wait_interruptible(&cache_table.changed, &cache_table.lock, TIME_NEVER);
    spin_unlock(&cache_table.lock);
    return status;
}

void cache_hold(struct cache *cache)
{
    spin_lock(&cache_table.lock);
    cache->ios++;
    spin_unlock(&cache_table.lock);
}

void cache_release(struct cache *cache)
{
    spin_lock(&cache_table.lock);
    cache->ios--;
    wait_queue_wake_all(&cache_table.changed);
    spin_unlock(&cache_table.lock);
}

void cache_destroy(struct cache *cache)
{
    if (!cache->ops)
        return;

    /* Read-ahead may still be in flight, and writes to these pages. */
    spin_lock(&cache_table.lock);
    while (cache->ios)
        IGNORE(wait_queue_wait(&cache_table.changed, &cache_table.lock, TIME_NEVER));

    /* No reader is left, so the pages cannot be pinned. */
    while (!list_empty(&cache->pages)) {
        struct cache_page *page = container_of(cache->pages.next, struct cache_page, cache_link);
        kassert(!page->pins && !page->busy && !page->dirty);
        cache_page_remove(page);
        cache_page_destroy(page);
    }
    spin_unlock(&cache_table.lock);
}

bool cache_has_fills(struct cache *cache)
{
    spin_lock(&cache_table.lock);
    bool has = cache->ops && cache->ios;
    spin_unlock(&cache_table.lock);
    return has;
}

bool cache_is_idle(struct cache *cache)
{
    if (!spin_try_lock(&cache_table.lock))
        return false;
    bool idle = !cache->ios && list_empty(&cache->pages);
    spin_unlock(&cache_table.lock);
    return idle;
}
