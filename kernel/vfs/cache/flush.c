/*
 * flush.c - writes the dirty pieces of a range, in the order of the file.
 *
 * A flush passes over its range once, so that it ends although others dirty pages meanwhile; then
 * it waits for the write-backs that were in flight at that time, which may be another flush's. If
 * one of them failed, a second pass tries the pages that may contain the bad block alone
 * (write_back.c), and the others again.
 */
#include "kernel/vfs/cache/internal.h"
#include "lib/macros.h"

enum {
    IN_FLIGHT_MAX = 64, /* write-backs of one cache; then a flush waits until */
    IN_FLIGHT_LOW = 32, /* this many are left */
};

static status_t flush_wait(void)
{
    return wait_queue_wait_interruptible(&cache_table.changed, &cache_table.lock, TIME_NEVER);
}

/* Finds the first dirty piece in [at, end) that is not being written; UINT64_MAX if there is
 * none. Waits for pages into which a writer copies. The caller holds the lock. */
static status_t flush_next(const struct cache *cache, uint64_t at, uint64_t end, uint64_t *found)
{
    status_t status = 0;
    *found = UINT64_MAX;
    while (!status && at < end) {
        const struct cache_page *page = cache_dirty_next(cache, at / PAGE_BYTES);
        uint64_t start = page ? page->index * PAGE_BYTES : end;
        if (start >= end)
            break;

        if (page->dirty & ~page->valid) {
            status = flush_wait();
            continue;
        }

        uint32_t from = at > start ? (uint32_t)(at - start) : 0;
        uint32_t to = end - start < PAGE_BYTES ? (uint32_t)(end - start) : PAGE_BYTES;
        unsigned ready = cache_page_ready(page) & cache_piece_mask(from, to);
        if (ready) {
            *found = start + (unsigned)__builtin_ctz(ready) * CACHE_PIECE_BYTES;
            break;
        }
        at = start + PAGE_BYTES;
    }
    return status;
}

/* Waits until fewer than the most write-backs are in flight. The caller holds the lock. */
static status_t flush_throttle(const struct cache *cache)
{
    status_t status = 0;
    if (cache->write_back_count >= IN_FLIGHT_MAX)
        while (!status && cache->write_back_count > IN_FLIGHT_LOW)
            status = flush_wait();
    return status;
}

/* Waits for the write-backs that are in flight now. The caller holds the lock. */
static status_t flush_settle(const struct cache *cache)
{
    uint64_t newest = cache->write_back_number;
    status_t status = 0;
    while (!status && !list_empty(&cache->write_backs)) {
        if (cache_write_back_oldest(cache) > newest)
            break;
        status = flush_wait();
    }
    return status;
}

/* Writes what is dirty in [from, to) once. Returns the status of a write-back that failed in the
 * meantime, or -EINTR. */
static status_t flush_pass(struct cache *cache, uint64_t from, uint64_t to)
{
    spin_lock(&cache_table.lock);
    uint64_t failures = cache->write_failures, size = cache->size_bytes, start = 0;
    uint64_t unit = cache->write_unit_bytes, end = min(to, size);

    /* What is dirty after a flush of everything is newer than it, or failed. */
    if (!from && end == size)
        cache->dirty_since_us = time_now_us();

    /* No unit past the range: its owner may not be ready for it. */
    end = (end + unit - 1) / unit * unit;
    status_t status = 0;
    for (uint64_t at = from / unit * unit; !status && at < end;) {
        status = flush_throttle(cache);
        if (!status)
            status = flush_next(cache, at, end, &start);
        if (status || start == UINT64_MAX)
            break;
        status = cache_write_back_start(cache, start, end, &at);

        /* A bad block does not keep the others from being written; a device that is gone does. */
        if (cache->write_failures != failures && cache->write_status != -EIO)
            break;
    }

    if (!status)
        status = flush_settle(cache);
    if (!status && cache->write_failures != failures)
        status = cache->write_status;
    spin_unlock(&cache_table.lock);
    return status;
}

status_t cache_flush(struct cache *cache, uint64_t from, uint64_t to)
{
    status_t status = flush_pass(cache, from, to);
    return status == -EIO ? flush_pass(cache, from, to) : status;
}
