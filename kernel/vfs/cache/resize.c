/*
 * resize.c - changes of a cache that are not written back: bytes that its owner has written by
 * other means, and the size.
 */
#include "kernel/vfs/cache/internal.h"
#include "lib/macros.h"
#include "lib/string.h"

/* ---- bytes -------------------------------------------------------------------------------- */

void cache_update(struct cache *cache, uint64_t offset, uint64_t bytes, const void *data)
{
    const uint8_t *source = data;
    while (bytes) {
        uint32_t from = (uint32_t)(offset % PAGE_BYTES);
        uint32_t count = bytes < PAGE_BYTES - from ? (uint32_t)bytes : PAGE_BYTES - from;

        /* A fill in flight may have read the old bytes: wait until they are there. */
        struct cache_page *page;
        spin_lock(&cache_table.lock);
        while ((page = cache_page_find(cache, offset / PAGE_BYTES)) && cache_page_in_use(page))
            IGNORE(wait_queue_wait(&cache_table.changed, &cache_table.lock, TIME_NEVER));

        /* A view keeps the old bytes; the next reader reads the page again. */
        if (page && page->pins && !page->dirty)
            cache_page_drop(page);
        else if (page)
            memcpy(page->data + from, source, count);
        spin_unlock(&cache_table.lock);

        offset += count;
        source += count;
        bytes -= count;
    }
}

/* ---- the size ----------------------------------------------------------------------------- */

/* Returns a page that is in use, from `index` on; NULL if there is none. The caller holds the
 * lock. */
static const struct cache_page *page_in_use(const struct cache *cache, uint64_t index)
{
    list_each(link, &cache->pages) {
        const struct cache_page *page = container_of(link, struct cache_page, cache_link);
        if (page->index >= index && cache_page_in_use(page))
            return page;
    }
    return NULL;
}

/* Makes the bytes of the last page past the end zero. Returns false if it is pinned, and there is
 * no spare page to replace it. The caller holds the lock. */
static bool cut_page(struct cache *cache, uint64_t size, struct cache_page **spare)
{
    struct cache_page *page = cache_page_find(cache, size / PAGE_BYTES);
    uint32_t live = (uint32_t)(size % PAGE_BYTES), unit = cache->write_unit_bytes;
    if (!page || !live)
        return true;

    if (page->pins) {
        if (!*spare)
            return false;
        memcpy((*spare)->data, page->data, PAGE_BYTES);
        cache_page_replace(page, *spare);
        (*spare)->valid = page->valid;
        (*spare)->busy = false;
        page = *spare;
        *spare = NULL;
    }

    /* units past the end need not be written */
    memset(page->data + live, 0, PAGE_BYTES - live);
    cache_page_clean(page, cache_piece_mask((live + unit - 1) / unit * unit, PAGE_BYTES));
    page->valid |= cache_piece_mask(live + CACHE_PIECE_BYTES - 1, PAGE_BYTES);
    return true;
}

/* Drops the pages from `index` on. The caller holds the lock, which is released now and then. */
static void drop_pages(struct cache *cache, uint64_t index)
{
    enum { STEPS = 64 };
    size_t left = cache->page_count;

    for (unsigned step = 1; left && !list_empty(&cache->pages); left--, step++) {
        struct cache_page *page =
            container_of(list_pop_front(&cache->pages), struct cache_page, cache_link);
        list_push_back(&cache->pages, &page->cache_link);

        /* a page in use is of a fill that began with the new size: it contains zeroes */
        if (page->index >= index && !cache_page_in_use(page))
            cache_page_drop(page);

        if (step % STEPS == 0) {
            spin_unlock(&cache_table.lock);
            spin_lock(&cache_table.lock);
        }
    }
}

status_t cache_set_size(struct cache *cache, uint64_t size)
{
    uint64_t index = size / PAGE_BYTES;
    struct cache_page *spare = NULL;
    status_t status = 0;

    spin_lock(&cache_table.lock);
    while (!status && size < cache->size_bytes) {
        /* Memory of an io in flight belongs to the io. */
        if (page_in_use(cache, index)) {
            status = wait_queue_wait_interruptible(&cache_table.changed, &cache_table.lock,
                                                   TIME_NEVER);
            continue;
        }
        if (cut_page(cache, size, &spare))
            break;
        spin_unlock(&cache_table.lock);
        status = cache_pages_create(&spare, 1) ? 0 : -ENOMEM;
        spin_lock(&cache_table.lock);
    }

    bool shrinks = size < cache->size_bytes;
    if (!status)
        cache->size_bytes = size;
    if (!status && shrinks) {
        drop_pages(cache, index + (size % PAGE_BYTES != 0));
        wait_queue_wake_all(&cache_table.changed);
    }
    if (spare)
        cache_page_destroy(spare);
    spin_unlock(&cache_table.lock);
    return status;
}
