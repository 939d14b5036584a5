/*
 * write.c - writes into a cache: copies bytes into pages, and makes them dirty.
 *
 * A writer claims up to RUN_PAGES consecutive pages: it makes them busy, and the pieces that it
 * replaces invalid, so that readers of these wait while it copies without the lock. A page that is
 * pinned by a view is replaced by a copy of it, and the view stays unchanged. The writer waits only
 * for its first page, and while it holds none.
 */
#include "kernel/vfs/cache/internal.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { RUN_PAGES = 16 };

/* A page that a writer has claimed. */
struct claim {
    struct cache_page *page;
    struct cache_page *old; /* pinned by this writer too: `page` gets a copy of it. NULL: none */
    uint8_t valid, dirty;   /* the pieces that become so when the bytes are copied */
    uint16_t from, to;      /* the bytes in the page that are replaced */
    bool ends;              /* the cache ends there: zeroes follow */
};

struct writer {
    struct cache *cache;
    struct claim claims[RUN_PAGES];
    unsigned claim_count;
    size_t bytes;                         /* that they cover */
    uint64_t missing;                     /* to be read first, if NEED_BLOCK */
    struct cache_page *spares[RUN_PAGES]; /* pages for claims. They are used in order: neighbours in
                                             the file are often neighbours in memory, which makes
                                             longer transfers */
    unsigned spare_next, spare_end;       /* those of `spares` that are left */
};

/* What a writer must do before it can claim a page. */
enum need { NEED_NOTHING, NEED_WAIT, NEED_BLOCK, NEED_PAGES };

/* ---- claiming ----------------------------------------------------------------------------- */

/* Returns the pieces of the units that the bytes [from, to) of a page touch. */
static uint8_t pieces_touched(const struct cache *cache, uint32_t from, uint32_t to)
{
    uint32_t unit = cache->write_unit_bytes;
    return cache_piece_mask(from / unit * unit, (to + unit - 1) / unit * unit);
}

/* Returns the pieces of a page that the bytes [from, to) do not replace completely. */
static uint8_t pieces_kept(uint32_t from, uint32_t to)
{
    uint32_t first = (from + CACHE_PIECE_BYTES - 1) / CACHE_PIECE_BYTES * CACHE_PIECE_BYTES;
    return (uint8_t)~cache_piece_mask(first, to);
}

/* Enters the page, NULL if it is missing, into the run. */
static void writer_add(struct writer *writer, struct cache_page *page, uint64_t index,
                       struct claim claim)
{
    claim.page = page;
    if (!page || page->pins)
        claim.page = writer->spares[writer->spare_next++];
    if (!page) {
        cache_page_insert(claim.page, writer->cache, index);
        claim.page->touched = true;
    } else if (page->pins) {
        claim.valid |= page->valid;
        claim.old = page;
        page->pins++;
        cache_page_replace(page, claim.page);
    }

    /* readers wait for the pieces that will change */
    claim.page->busy = true;
    claim.page->valid &= (uint8_t)~claim.valid;
    writer->claims[writer->claim_count++] = claim;
    writer->bytes += claim.to - claim.from;
}

/* Claims the page at `at` for up to `bytes`, or returns what is needed first. The caller holds the
 * lock. */
static enum need writer_claim_page(struct writer *writer, uint64_t at, size_t bytes)
{
    struct cache *cache = writer->cache;
    uint64_t index = at / PAGE_BYTES, start = index * PAGE_BYTES, size = cache->size_bytes;
    uint32_t from = (uint32_t)(at - start);
    uint32_t to = bytes < PAGE_BYTES - from ? from + (uint32_t)bytes : PAGE_BYTES;

    struct cache_page *page = cache_page_find(cache, index);
    if (page && cache_page_in_use(page))
        return NEED_WAIT;

    /* Past the end of the cache there are only zeroes: nothing to keep. */
    bool ends = start + to >= size;
    uint8_t valid = page ? page->valid : 0, touched = pieces_touched(cache, from, to);
    uint8_t missing = touched & pieces_kept(from, ends ? PAGE_BYTES : to) & (uint8_t)~valid;
    if (missing) {
        writer->missing = start + (unsigned)__builtin_ctz(missing) * CACHE_PIECE_BYTES;
        return NEED_BLOCK;
    }
    if ((!page || page->pins) && writer->spare_next == writer->spare_end)
        return NEED_PAGES;

    /* zeroes that are there need not be written again */
    uint8_t tail = ends ? cache_piece_mask(to, PAGE_BYTES) : 0;
    if (!(tail & ~valid))
        tail = 0;
    writer_add(writer, page, index, (struct claim){
        .valid = touched | tail, .dirty = touched,
        .from = (uint16_t)from, .to = (uint16_t)to, .ends = tail,
    });
    return NEED_NOTHING;
}

/* Returns how many of the pages at [at, at + bytes) are missing, at least 1; at most a run's. */
static unsigned writer_count_missing(const struct writer *writer, uint64_t at, size_t bytes)
{
    uint64_t index = at / PAGE_BYTES, last = (at + bytes - 1) / PAGE_BYTES;
    unsigned count = 0;

    spin_lock(&cache_table.lock);
    for (unsigned i = 0; i < RUN_PAGES && index + i <= last; i++)
        count += !cache_page_find(writer->cache, index + i);
    spin_unlock(&cache_table.lock);
    return max(count, 1u);
}

/* Claims a run of at least one page from `at` on, up to `bytes`. */
static status_t writer_claim(struct writer *writer, uint64_t at, size_t bytes)
{
    status_t status = at <= writer->cache->size_bytes ? 0 : -EINVAL;
    enum need need;
    writer->claim_count = 0;
    writer->bytes = 0;

    spin_lock(&cache_table.lock);
    while (!status && (need = writer_claim_page(writer, at, bytes)) != NEED_NOTHING) {
        if (need == NEED_WAIT) {
            status = wait_queue_wait_interruptible(&cache_table.changed, &cache_table.lock,
                                                   TIME_NEVER);
            continue;
        }

        /* Reading and allocating need the lock. Look again afterwards. */
        spin_unlock(&cache_table.lock);
        if (need == NEED_BLOCK) {
            status = thread_interrupted() ? -EINTR
                                          : cache_fetch_block(writer->cache, writer->missing);
        } else {
            unsigned wanted = writer_count_missing(writer, at, bytes);
            writer->spare_next = 0;
            writer->spare_end = cache_pages_create(writer->spares, wanted);
            status = writer->spare_end ? 0 : -ENOMEM;
        }
        spin_lock(&cache_table.lock);
    }

    while (!status && writer->bytes < bytes && writer->claim_count < RUN_PAGES)
        if (writer_claim_page(writer, at + writer->bytes, bytes - writer->bytes) != NEED_NOTHING)
            break;
    spin_unlock(&cache_table.lock);
    return status;
}

/* ---- copying ------------------------------------------------------------------------------ */

/* Copies the run's bytes into the claimed pages, without the lock. */
static void writer_copy(const struct writer *writer, const uint8_t *bytes)
{
    for (unsigned i = 0; i < writer->claim_count; i++) {
        const struct claim *claim = &writer->claims[i];
        uint8_t *data = claim->page->data;
        size_t length = claim->to - claim->from;

        if (claim->old)
            memcpy(data, claim->old->data, PAGE_BYTES);
        memcpy(data + claim->from, bytes, length);
        if (claim->ends)
            memset(data + claim->to, 0, PAGE_BYTES - claim->to);
        bytes += length;
    }
}

/* Makes the claimed pages valid and dirty, and releases them. Returns whether the cache was
 * clean. */
static bool writer_release(struct writer *writer, uint64_t at)
{
    struct cache *cache = writer->cache;
    uint64_t end = at + writer->bytes;

    spin_lock(&cache_table.lock);
    bool was_clean = !cache->dirty;
    if (was_clean)
        cache->dirty_since_us = time_now_us();
    for (unsigned i = 0; i < writer->claim_count; i++) {
        struct claim *claim = &writer->claims[i];
        claim->page->valid |= claim->valid;
        claim->page->busy = false;
        cache_page_soil(claim->page, claim->dirty);
        if (claim->old)
            cache_page_unpin(claim->old);
    }

    /* Only now: a reader must not find the bytes past the old end before they are written. */
    if (cache->size_bytes < end)
        cache->size_bytes = end;
    wait_queue_wake_all(&cache_table.changed);
    spin_unlock(&cache_table.lock);
    return was_clean;
}

static void writer_drop_spares(struct writer *writer)
{
    if (writer->spare_next == writer->spare_end)
        return;
    spin_lock(&cache_table.lock);
    while (writer->spare_next < writer->spare_end)
        cache_page_destroy(writer->spares[writer->spare_next++]);
    spin_unlock(&cache_table.lock);
}

ssize_t cache_write(struct cache *cache, uint64_t offset, const void *buffer, size_t bytes)
{
    kassert(cache->ops->write);
    struct writer writer;
    writer.cache = cache;
    writer.spare_next = writer.spare_end = 0;
    status_t status = cache->ops->check ? cache->ops->check(cache) : 0;
    size_t done = 0;
    bool was_clean = false;

    while (!status && done < bytes) {
        status = writer_claim(&writer, offset + done, bytes - done);
        if (status)
            break;
        writer_copy(&writer, (const uint8_t *)buffer + done);
        was_clean |= writer_release(&writer, offset + done);
        done += writer.bytes;
    }

    writer_drop_spares(&writer);
    if (was_clean && cache->ops->dirtied)
        cache->ops->dirtied(cache);
    return done ? (ssize_t)done : status;
}
