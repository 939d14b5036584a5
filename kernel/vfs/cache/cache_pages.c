/*
 * cache_pages.c - the pages of all caches: one hash table, one list for reclaim; and the life of a
 * cache.
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
    STOCK_MAX = 128,     /* free descriptors kept for new pages */
    RECLAIM_STEPS = 64,  /* pages visited before the lock is released */
    CREATE_BATCH = 32,
    SPARE_PAGES = 32,    /* left free for other users of memory */
};

struct cache_table cache_table = {
    .lock = SPIN_INIT(RANK_CACHE),
    .by_age = LIST_INIT(cache_table.by_age),
    .changed = WAIT_QUEUE_INIT(cache_table.changed),
};

/* ---- the table ---------------------------------------------------------------------------- */

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
    return 0;
}

static struct cache_page *stock_take(void)
{
    struct cache_page *page = cache_table.stock;
    if (page) {
        cache_table.stock = page->bucket_next;
        cache_table.stock_count--;
    }
    return page;
}

static void stock_drop(void)
{
    for (struct cache_page *page; (page = stock_take());)
        mem_free(page);
}

void cache_stop(void)
{
    kassert(!cache_table.count);
    stock_drop();
    mem_free(cache_table.buckets);
    cache_table.buckets = NULL;
}

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
    list_remove(&page->age_link);
    cache_table.count--;
}

size_t cache_page_count(void)
{
    return cache_table.count;
}

/* ---- life of a page ----------------------------------------------------------------------- */

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

/* Takes descriptors from the stock, then from the heap. */
static unsigned descriptors_take(void **descriptors, unsigned count)
{
    unsigned got = 0;

    spin_lock(&cache_table.lock);
    while (got < count && (descriptors[got] = stock_take()))
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
        left = min(left, 2 * cache_table.count + 1);
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
            stock_drop();
        spin_unlock(&cache_table.lock);
    }
    return freed;
}

/* ---- life of a cache ---------------------------------------------------------------------- */

void cache_init(struct cache *cache, const struct cache_ops *ops, void *owner,
                uint32_t block_bytes, uint64_t size_bytes)
{
    *cache = (struct cache){
        .ops = ops,
        .owner = owner,
        .block_bytes = block_bytes,
        .size_bytes = size_bytes,
        .hash = hash_u64((uint64_t)(uintptr_t)cache),
    };
    list_init(&cache->pages);
}

status_t cache_settle(struct cache *cache)
{
    status_t status = 0;
    spin_lock(&cache_table.lock);
    while (cache->fills && !status)
        status = wait_queue_wait_interruptible(&cache_table.changed, &cache_table.lock, TIME_NEVER);
    spin_unlock(&cache_table.lock);
    return status;
}

void cache_hold(struct cache *cache)
{
    spin_lock(&cache_table.lock);
    cache->fills++;
    spin_unlock(&cache_table.lock);
}

void cache_release(struct cache *cache)
{
    spin_lock(&cache_table.lock);
    cache->fills--;
    wait_queue_wake_all(&cache_table.changed);
    spin_unlock(&cache_table.lock);
}

void cache_destroy(struct cache *cache)
{
    if (!cache->ops)
        return;

    /* Read-ahead may still be in flight, and writes to these pages. */
    spin_lock(&cache_table.lock);
    while (cache->fills)
        IGNORE(wait_queue_wait(&cache_table.changed, &cache_table.lock, TIME_NEVER));

    /* No reader is left, so the pages cannot be pinned. */
    while (!list_empty(&cache->pages)) {
        struct cache_page *page = container_of(cache->pages.next, struct cache_page, cache_link);
        kassert(!page->pins && !page->busy);
        cache_page_remove(page);
        cache_page_destroy(page);
    }
    spin_unlock(&cache_table.lock);
}

bool cache_has_fills(struct cache *cache)
{
    spin_lock(&cache_table.lock);
    bool has = cache->ops && cache->fills;
    spin_unlock(&cache_table.lock);
    return has;
}

bool cache_is_idle(struct cache *cache)
{
    if (!spin_try_lock(&cache_table.lock))
        return false;
    bool idle = !cache->fills && list_empty(&cache->pages);
    spin_unlock(&cache_table.lock);
    return idle;
}
