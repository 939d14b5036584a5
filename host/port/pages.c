/*
 * pages.c - where the pages of port_common.c come from.
 *
 * Pages are blocks of malloc(), so that ASan checks each of them; or, after pages_reserve(), pieces
 * of one large mapping, which costs the host far fewer page faults and no calls. Low pages, for
 * emulated devices with 32 address bits, are pieces of a mapping below 4 GiB.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host/port/backend.h"

/* A mapping whose pages are given out in order, and then those that were given back. */
struct pool {
    pthread_mutex_t lock;
    uint8_t *start;
    size_t pages, next; /* pages from `next` on were never given out */
    void *free;         /* each free page begins with the address of another one */
};

static struct pool reserve = { .lock = PTHREAD_MUTEX_INITIALIZER };
static struct pool low = { .lock = PTHREAD_MUTEX_INITIALIZER };

enum { LOW_PAGES = 1024 };

static uint8_t *map(uintptr_t hint, size_t bytes)
{
    void *start = mmap((void *)hint, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        abort();
    return start;
}

/* Returns NULL if the pool is empty. */
static void *pool_take(struct pool *pool)
{
    void *page = NULL;
    pthread_mutex_lock(&pool->lock);
    if (pool->free) {
        page = pool->free;
        memcpy(&pool->free, page, sizeof(pool->free));
    } else if (pool->next < pool->pages) {
        page = pool->start + pool->next++ * PAGE_BYTES;
    }
    pthread_mutex_unlock(&pool->lock);
    return page;
}

/* Returns false if the page is not one of the pool. */
static bool pool_give(struct pool *pool, void *page)
{
    pthread_mutex_lock(&pool->lock);
    bool mine = (uintptr_t)page - (uintptr_t)pool->start < pool->pages * PAGE_BYTES;
    if (mine) {
        memcpy(page, &pool->free, sizeof(pool->free));
        pool->free = page;
    }
    pthread_mutex_unlock(&pool->lock);
    return mine;
}

void *pages_take(void)
{
    void *page = pool_take(&reserve);
    if (page)
        return page;
    page = aligned_alloc(PAGE_BYTES, PAGE_BYTES);
    if (!page)
        abort();
    return memset(page, HOST_FILL_BYTE, PAGE_BYTES);
}

/* The first 4 GiB are free on most hosts, but not everywhere in them. */
static void low_map(void)
{
    for (uintptr_t hint = 0x30000000; hint < 0xf0000000; hint += 0x10000000) {
        uint8_t *start = map(hint, LOW_PAGES * PAGE_BYTES);
        if ((uintptr_t)start < 0xf0000000) {
            low.start = start;
            low.pages = LOW_PAGES;
            return;
        }
        munmap(start, LOW_PAGES * PAGE_BYTES);
    }
    abort();
}

void *pages_take_low(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, low_map);
    void *page = pool_take(&low);
    if (!page)
        abort();
    return page;
}

void pages_give(void *page)
{
    if (!pool_give(&reserve, page) && !pool_give(&low, page))
        free(page);
}

void pages_reserve(size_t bytes)
{
#ifdef __SANITIZE_ADDRESS__
    return; /* it checks blocks of malloc() only */
#endif
    reserve.start = map(0, bytes);
    reserve.pages = bytes / PAGE_BYTES;
#ifdef MADV_HUGEPAGE
    (void)madvise(reserve.start, bytes, MADV_HUGEPAGE);
#endif
}
