/*
 * cache.h - the file cache: pages of bytes whose source is slower than memory.
 *
 * A cache is a range of bytes [0, size) in blocks of `block_bytes`. Each vnode has one; a file
 * system has one more for the structures of its device. The cache knows neither vnodes nor
 * devices: it asks its owner to fill ranges of its pages. Pages of all caches are in one hash
 * table and on one list, from which reclaim takes clean, unpinned ones. Pages referenced again get
 * a second chance; pages touched once by a sequential reader are reclaimed first.
 *
 * Validity    A page records which of its 512-byte pieces are valid. Blocks are filled whole;
 *             bytes past `size` are zero before a page becomes valid. A failed block is never
 *             cached, and fails only reads that touch it. If the owner reports which block of a
 *             window failed, a reader of that block gets the error without another attempt;
 *             otherwise the reader's block is requested once more by itself.
 * Read-ahead  Sequential reading doubles the window up to CACHE_WINDOW_BYTES, or 1/16 of the
 *             available memory, and keeps the next window in flight while one is consumed. A
 *             non-sequential read resets the window to one block.
 * Interface   To read in place, call cache_view_open(), then cache_view_close(); to copy, call
 *             cache_read(). The owner implements struct cache_ops, and ends each io that it is
 *             given with cache_io_done().
 * Interrupts  An interrupted reader (thread_interrupt) gets -EINTR instead of waiting. The io it
 *             started continues; pages and memory of the io belong to it until it ends.
 * Locking     One spinlock of rank CACHE guards every page. It is not held while an io is in
 *             flight: the pages' busy bits guard them. Every function except cache_io_done() may
 *             block.
 * Ownership   The struct is embedded in the owner's; cache_destroy() waits for ios in flight.
 * Status      Read only. Write-back will hand struct cache_io to a second operation, `write`, and
 *             will end it with the same cache_io_done().
 */
#ifndef KERNEL_VFS_CACHE_CACHE_H
#define KERNEL_VFS_CACHE_CACHE_H

#include "kernel/dev/io.h"

enum {
    CACHE_PIECE_BYTES = 512,
    CACHE_BLOCK_MAX_BYTES = 128 * 1024,
    CACHE_WINDOW_BYTES = 512 * 1024,
};

struct cache;
struct cache_page;
struct cache_fill;

/* ---- what an owner implements ------------------------------------------------------------- */

/* A range of the cache and the memory of its pages, from cache_ops.fill to cache_io_done(). */
struct cache_io {
    struct cache *cache;
    uint64_t offset_bytes, length_bytes; /* whole blocks; the last may extend past the size */
    const struct io_segment *segments;
    unsigned segment_count;
    void *context; /* cache_ops.context_bytes of the owner's own, aligned to 8, zero at first */
};

struct cache_ops {
    size_t context_bytes; /* memory that the owner needs for each io, e.g. for its request */
    /* Starts reading the range into the segments. Must not block. Never NULL. */
    void (*fill)(struct cache *cache, struct cache_io *io);
    /* Returns 0 if bytes may be served, cached ones too, else an errno: -ESTALE after the disc was
     * changed. NULL: always. */
    status_t (*check)(struct cache *cache);
};

/* Ends an io, once. The first `done_bytes` are valid, or all if `status` is 0. `exact`: the block
 * after done_bytes is the one that failed; else any of the rest may be good. Any thread, the
 * completion thread included. */
void cache_io_done(struct cache_io *io, status_t status, uint64_t done_bytes, bool exact);

/* ---- caches ------------------------------------------------------------------------------- */

/* The latest fill that failed, until a reader takes note of it. */
struct cache_failure {
    status_t status;         /* 0: none */
    bool exact;              /* the block at `from` failed; else one or more up to `to` */
    uint64_t from, to;
    uint64_t when_us;
};

struct cache {
    const struct cache_ops *ops; /* NULL: not initialized; only cache_destroy() may be called */
    void *owner;
    uint32_t block_bytes;
    uint64_t size_bytes;
    uint32_t slack_bytes;    /* how far past `expected` a read still counts as sequential */
    /* private to kernel/vfs/cache */
    struct list pages;
    uint64_t hash;           /* of the first page's bucket */
    unsigned fills;          /* in flight */
    uint64_t expected;       /* the offset at which a sequential reader would continue */
    uint64_t ahead_end;      /* read-ahead was started up to here */
    uint64_t last_index;     /* of the page that was read last */
    uint32_t window_bytes;
    struct cache_failure failure;
};

/* Pinned bytes: they stay valid and unchanged until cache_view_close(). */
struct cache_view {
    const uint8_t *data;
    size_t length_bytes;
    struct cache_page *page;
};

/* Once, before the first cache_init(). */
status_t cache_start(void) MUST_CHECK;
void cache_stop(void);

/* block_bytes: a power of two from 512 to CACHE_BLOCK_MAX_BYTES. */
void cache_init(struct cache *cache, const struct cache_ops *ops, void *owner,
                uint32_t block_bytes, uint64_t size_bytes);
/* Drops every page. No view may be open. */
void cache_destroy(struct cache *cache);

/* Pins the bytes from `offset` to the end of their page or of the cache. Returns their number
 * (> 0), 0 at or past the end, or an errno. */
ssize_t cache_view_open(struct cache *cache, uint64_t offset, struct cache_view *view) MUST_CHECK;
void cache_view_close(struct cache_view *view);

/* Copies bytes. Returns their number, fewer only at the end or if a later block failed; an errno if
 * the first byte could not be read. */
ssize_t cache_read(struct cache *cache, uint64_t offset, void *buffer, size_t bytes) MUST_CHECK;

/* Starts reading the missing parts of this range, without blocking. A hint: when memory is
 * exhausted, less is read, or nothing. Threads only. */
void cache_prefetch(struct cache *cache, uint64_t offset, uint64_t bytes);
/* Returns whether the byte at `offset` is cached, or being read. */
bool cache_has(struct cache *cache, uint64_t offset);

/* Waits until no io is in flight: 0, or -EINTR. */
status_t cache_settle(struct cache *cache) MUST_CHECK;
/* Counts an operation that bypasses the pages as an io in flight, until it is released. */
void cache_hold(struct cache *cache);
void cache_release(struct cache *cache);
/* Returns whether cache_destroy() would have to wait. */
bool cache_has_fills(struct cache *cache);
/* Returns whether it has neither pages nor ios in flight. Try-lock only: false if the lock is
 * taken. */
bool cache_is_idle(struct cache *cache);
/* Frees up to `pages` clean pages; try-lock only. Returns how many. */
size_t cache_reclaim(size_t pages);
size_t cache_page_count(void);

#endif
