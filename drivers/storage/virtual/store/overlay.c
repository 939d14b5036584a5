/*
 * overlay.c - copy on write: written pages stay in memory; all others are read from the store
 * below, which does not change until the overlay is committed.
 */
#include "drivers/storage/virtual/store/store.h"
#include "kernel/vfs/cache/pages.h"
#include "lib/macros.h"
#include "lib/string.h"

struct overlay_store {
    struct store store;
    struct pages pages;
};

static struct overlay_store *overlay_of(struct store *store)
{
    return (struct overlay_store *)(void *)store;
}

/* Returns how many bytes of the page are within the store: the last page may be shorter. */
static uint32_t page_bytes_in(const struct store *store, uint64_t index)
{
    uint64_t rest = store->size_bytes - index * PAGE_BYTES;
    return rest < PAGE_BYTES ? (uint32_t)rest : PAGE_BYTES;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Returns the page at `offset` if it was changed, else NULL. *run_bytes: how many bytes from there
 * on are in that page, or in unchanged pages. */
static const uint8_t *overlay_look(struct overlay_store *overlay, uint64_t offset, uint32_t bytes,
                                   uint32_t *run_bytes)
{
    uint64_t index = offset / PAGE_BYTES;
    const uint8_t *page = pages_get(&overlay->pages, index);
    uint64_t end = page ? index + 1 : pages_next(&overlay->pages, index);

    /* The run ends at the next page that differs in kind, or with the bytes that are wanted. */
    bool beyond = end > (offset + bytes) / PAGE_BYTES;
    *run_bytes = beyond ? bytes : (uint32_t)(end * PAGE_BYTES - offset);
    return page;
}

static status_t overlay_read_piece(struct store *store, uint64_t offset, uint8_t *memory,
                                   uint32_t bytes, uint32_t *done_bytes)
{
    struct overlay_store *overlay = overlay_of(store);
    status_t status = 0;
    for (uint32_t count; bytes && !status; bytes -= count, memory += count, offset += count) {
        /* Changed pages are in memory. A run of unchanged ones is a single read of the
         * store below. */
        const uint8_t *page = overlay_look(overlay, offset, bytes, &count);
        if (page)
            memcpy(memory, page + offset % PAGE_BYTES, count);
        else
            status = store_read(overlay->store.below, offset, memory, count, false);

        *done_bytes += status ? 0 : count;
    }
    return status;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Returns the page for writing. A page that is written for the first time is copied from the store
 * below. */
static status_t overlay_make_page(struct overlay_store *overlay, uint64_t index, uint8_t **page)
{
    if ((*page = pages_get(&overlay->pages, index)))
        return 0;

    /* Only a part of the page may be written, so it needs all of its old bytes first. */
    uint8_t *was = mem_zalloc(PAGE_BYTES);
    if (!was)
        return -ENOSPC;

    status_t status = store_read(overlay->store.below, index * PAGE_BYTES, was,
                                 page_bytes_in(&overlay->store, index), false);
    if (!status && !(*page = pages_make(&overlay->pages, index, was)))
        status = -ENOSPC;

    /* pages_make() has copied it. */
    mem_free(was);
    return status;
}

static status_t overlay_write_piece(struct store *store, uint64_t offset, const uint8_t *memory,
                                    uint32_t bytes, uint32_t *done_bytes)
{
    while (bytes) {
        uint32_t at = (uint32_t)(offset % PAGE_BYTES);
        uint32_t count = min(bytes, PAGE_BYTES - at);
        uint8_t *page;

        /* Page by page: each page that is complete counts, if memory ends in the middle. */
        status_t status = overlay_make_page(overlay_of(store), offset / PAGE_BYTES, &page);
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

static status_t overlay_move(struct store *store, enum io_op op, const struct span *span,
                             uint32_t *done_bytes)
{
    /* A read of unchanged pages goes straight to the caller's memory. */
    uint64_t changed = pages_next(&overlay_of(store)->pages, span->offset_bytes / PAGE_BYTES);
    if (op == IO_READ && changed > (span->offset_bytes + span->length_bytes - 1) / PAGE_BYTES)
        return store_move(store->below, op, span, done_bytes);
    return store_move_pieces(store, op, span, done_bytes);
}

/* Frees the changed pages that are completely in a discarded range, which then has the bytes of the
 * store below: any bytes may be read there. Zeroes must be written. */
static status_t overlay_trim(struct store *store, enum io_op op, uint64_t offset, uint64_t bytes)
{
    struct pages *pages = &overlay_of(store)->pages;
    uint64_t index = (offset + PAGE_BYTES - 1) / PAGE_BYTES, end = (offset + bytes) / PAGE_BYTES;
    if (op != IO_DISCARD)
        return -EOPNOTSUPP;
    for (; (index = pages_next(pages, index)) < end; index++)
        pages_drop(pages, index);
    return 0;
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
    .move = overlay_move,
    .read_piece = overlay_read_piece,
    .write_piece = overlay_write_piece,
    .trim = overlay_trim,
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

    /* Writable, whatever the store below is: nothing is written there before a commit. */
    overlay->store = (struct store){
        .ops = &overlay_ops,
        .below = inner,
        .size_bytes = inner->size_bytes,
        .level = inner->level,
        .waits = inner->waits,
        .writable = true,
    };
    *store = &overlay->store;
    return 0;
}

/* ---- changed pages ------------------------------------------------------------------------ */

status_t store_overlay_next(struct store *store, uint64_t offset_bytes, uint64_t *start,
                            uint64_t *length_bytes)
{
    struct pages *pages = &overlay_of(store)->pages;
    if (offset_bytes >= store->size_bytes)
        return -ENOENT;

    uint64_t first = pages_next(pages, offset_bytes / PAGE_BYTES), end = first;
    if (first == UINT64_MAX)
        return -ENOENT;

    /* The run lasts as long as one changed page follows another. */
    while (end * PAGE_BYTES < store->size_bytes && pages_get(pages, end))
        end++;

    /* In bytes: the first page may begin before the offset, the last one may end
     * after the store. */
    uint64_t from = first * PAGE_BYTES, to = end * PAGE_BYTES;
    *start = from < offset_bytes ? offset_bytes : from;
    *length_bytes = (to < store->size_bytes ? to : store->size_bytes) - *start;
    return 0;
}

status_t store_overlay_commit(struct store *store, struct virtual_progress *progress)
{
    struct pages *pages = &overlay_of(store)->pages;
    uint64_t total = overlay_memory(store), done = 0;

    /* A page is dropped when it is written, so a commit that fails or is interrupted can be
     * repeated: it continues with the rest. */
    status_t status = store->below->writable ? 0 : -EROFS;
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

    /* Durable before it is reported: the pages are no longer in memory. */
    return status ? status : store_flush(store->below);
}

void store_overlay_discard(struct store *store)
{
    pages_cut(&overlay_of(store)->pages, 0);
}
