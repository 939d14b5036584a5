/*
 * overlay.c - copy on write: what is written stays in memory, a page at a time; what was not is
 * read from the store below, which does not change.
 */
#include "drivers/storage/virtual/store/store.h"
#include "kernel/vfs/cache/pages.h"
#include "lib/string.h"

struct overlay_store {
    struct store store;
    struct pages pages;
};

static struct overlay_store *overlay_of(struct store *store)
{
    return (struct overlay_store *)(void *)store;
}

/* How much of the page the store has. */
static uint32_t page_bytes_in(const struct store *store, uint64_t index)
{
    uint64_t rest = store->size_bytes - index * PAGE_BYTES;
    return rest < PAGE_BYTES ? (uint32_t)rest : PAGE_BYTES;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* From `offset` on: the page there, if it was changed, and how far it or the unchanged go. */
static const uint8_t *overlay_look(struct overlay_store *overlay, uint64_t offset, uint32_t bytes,
                                   uint32_t *run_bytes)
{
    uint64_t index = offset / PAGE_BYTES;
    const uint8_t *page = pages_get(&overlay->pages, index);
    uint64_t end = page ? index + 1 : pages_next(&overlay->pages, index);
    bool beyond = end > (offset + bytes) / PAGE_BYTES;
    *run_bytes = beyond ? bytes : (uint32_t)(end * PAGE_BYTES - offset);
    return page;
}

static status_t overlay_read_piece(void *context, uint64_t offset, uint8_t *memory, uint32_t bytes,
                                   uint32_t *done_bytes)
{
    struct overlay_store *overlay = context;
    status_t status = 0;
    for (uint32_t count; bytes && !status; bytes -= count, memory += count, offset += count) {
        const uint8_t *page = overlay_look(overlay, offset, bytes, &count);
        if (page)
            memcpy(memory, page + offset % PAGE_BYTES, count);
        else
            status = store_read(overlay->store.below, offset, memory, count, false);
        *done_bytes += status ? 0 : count;
    }
    return status;
}

static status_t overlay_read(struct store *store, const struct span *span, uint32_t *done_bytes)
{
    uint64_t changed = pages_next(&overlay_of(store)->pages, span->offset_bytes / PAGE_BYTES);
    if (changed > (span->offset_bytes + span->length_bytes - 1) / PAGE_BYTES)
        return store->below->ops->read(store->below, span, done_bytes);
    return span_each(span, done_bytes, overlay_read_piece, store);
}

/* ---- writing ------------------------------------------------------------------------------ */

/* The page, as it is below if it was not changed before. */
static status_t overlay_make_page(struct overlay_store *overlay, uint64_t index, uint8_t **page)
{
    if ((*page = pages_get(&overlay->pages, index)))
        return 0;
    uint8_t *was = mem_zalloc(PAGE_BYTES);
    if (!was)
        return -ENOSPC;
    status_t status = store_read(overlay->store.below, index * PAGE_BYTES, was,
                                 page_bytes_in(&overlay->store, index), false);
    if (!status && !(*page = pages_make(&overlay->pages, index, was)))
        status = -ENOSPC;
    mem_free(was);
    return status;
}

static status_t overlay_write_piece(void *context, uint64_t offset, uint8_t *memory,
                                    uint32_t bytes, uint32_t *done_bytes)
{
    while (bytes) {
        uint32_t at = (uint32_t)(offset % PAGE_BYTES);
        uint32_t count = bytes < PAGE_BYTES - at ? bytes : PAGE_BYTES - at;
        uint8_t *page;
        status_t status = overlay_make_page(context, offset / PAGE_BYTES, &page);
        if (status)
            return status;
        memcpy(page + at, memory, count);
        *done_bytes += count;
        memory += count;
        offset += count;
        bytes -= count;
    }
    return 0;
}

static status_t overlay_write(struct store *store, const struct span *span, uint32_t *done_bytes)
{
    return span_each(span, done_bytes, overlay_write_piece, store);
}

static uint64_t overlay_memory(struct store *store)
{
    return pages_count(&overlay_of(store)->pages) * (uint64_t)PAGE_BYTES;
}

static void overlay_close(struct store *store)
{
    pages_cut(&overlay_of(store)->pages, 0);
    mem_free(store);
}

static const struct store_ops overlay_ops = {
    .read = overlay_read,
    .write = overlay_write,
    .memory = overlay_memory,
    .close = overlay_close,
};

status_t store_overlay_create(struct store *inner, struct store **store)
{
    struct overlay_store *overlay = mem_zalloc(sizeof(*overlay));
    if (!overlay) {
        store_close(inner);
        return -ENOMEM;
    }
    overlay->store = (struct store){
        .ops = &overlay_ops,
        .below = inner,
        .size_bytes = inner->size_bytes,
        .level = inner->level,
        .waits = inner->waits,
    };
    *store = &overlay->store;
    return 0;
}

/* ---- what it holds ------------------------------------------------------------------------ */

status_t store_overlay_next(struct store *store, uint64_t offset_bytes, uint64_t *start,
                            uint64_t *length_bytes)
{
    struct pages *pages = &overlay_of(store)->pages;
    if (offset_bytes >= store->size_bytes)
        return -ENOENT;
    uint64_t first = pages_next(pages, offset_bytes / PAGE_BYTES), end = first;
    if (first == UINT64_MAX)
        return -ENOENT;
    while (end * PAGE_BYTES < store->size_bytes && pages_get(pages, end))
        end++;
    uint64_t from = first * PAGE_BYTES, to = end * PAGE_BYTES;
    *start = from < offset_bytes ? offset_bytes : from;
    *length_bytes = (to < store->size_bytes ? to : store->size_bytes) - *start;
    return 0;
}

status_t store_overlay_commit(struct store *store, struct virtual_progress *progress)
{
    struct pages *pages = &overlay_of(store)->pages;
    uint64_t total = overlay_memory(store), done = 0;
    status_t status = store->below->ops->write ? 0 : -EROFS;
    for (uint64_t i = 0; !status && (i = pages_next(pages, i)) != UINT64_MAX; done += PAGE_BYTES) {
        if (progress)
            progress->report(progress, done, total);
        status = thread_interrupted() ? -EINTR
                                      : store_write(store->below, i * PAGE_BYTES,
                                                    pages_get(pages, i), page_bytes_in(store, i),
                                                    true);
        if (!status)
            pages_drop(pages, i);
    }
    if (progress && !status)
        progress->report(progress, total, total);
    return status ? status : store_flush(store->below);
}

void store_overlay_discard(struct store *store)
{
    pages_cut(&overlay_of(store)->pages, 0);
}
