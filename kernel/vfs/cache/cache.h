/*
 * cache.h - the file cache: pages of bytes whose source is slower than memory, written back later.
 *
 * A cache is a range of bytes [0, size) in blocks of `block_bytes`. Each vnode has one; a file
 * system has one more for the structures of its device. The cache knows neither vnodes nor
 * devices: it asks its owner to fill ranges of its pages, and to write them. Pages of all caches
 * are in one hash table, and the clean ones on one list, from which reclaim takes those that are
 * not pinned. Pages referenced again get a second chance; pages touched once by a sequential
 * reader are reclaimed first.
 *
 * Validity    A page records which of its 512-byte pieces are valid. Blocks are filled whole;
 *             bytes past `size` are zero before a page becomes valid. A failed block is never
 *             cached, and fails only reads that touch it. If the owner reports which block of a
 *             window failed, a reader of that block gets the error without another attempt;
 *             otherwise the reader's block is requested once more by itself.
 * Read-ahead  Sequential reading doubles the window up to CACHE_WINDOW_BYTES, or 1/16 of the
 *             available memory, and keeps the next window in flight while one is consumed. A
 *             non-sequential read resets the window to one block.
 * Writing     cache_write() copies into pages and makes them dirty, in units of write_unit_bytes.
 *             It reads a block first only if it replaces a unit in part, and not past the end.
 *             cache_flush() writes dirty units back, adjacent ones in one io of up to
 *             CACHE_WINDOW_BYTES, in file order. Units in flight do not change: a writer of their
 *             page waits. They are dirty until they are written; after a failure they remain so,
 *             and the next flush tries again. Reclaim skips dirty pages; it neither submits nor
 *             waits.
 * Limits      Who flushes when is the VFS's business (vfs/write). All caches together may have
 *             1/CACHE_LIMIT_SHARE of memory dirty: before each cache_write() of at most a few
 *             hundred KiB, a writer calls cache_wait_below_limit(). Pages that could not be written
 *             do not count: the VFS reports these to their own writers. A flush that finds no
 *             memory uses what was reserved at start, so that it makes progress.
 * Interface   To read in place, call cache_view_open(), then cache_view_close(); to copy, call
 *             cache_read() and cache_write(). The owner implements struct cache_ops, and ends each
 *             io that it is given with cache_io_done().
 * Interrupts  An interrupted caller (thread_interrupt) gets -EINTR instead of waiting. The ios it
 *             started continue; pages and memory of an io belong to it until it ends.
 * Locking     One spinlock of rank CACHE guards every page. It is not held while an io is in
 *             flight: the pages' busy and writing bits guard them. Every function except
 *             cache_io_done() may block.
 * Ownership   The struct is embedded in the owner's; cache_destroy() waits for ios in flight.
 * Status      Units that follow a bad block in its page are not written either.
 */
#ifndef KERNEL_VFS_CACHE_CACHE_H
#define KERNEL_VFS_CACHE_CACHE_H

#include "kernel/dev/io.h"

enum {
    CACHE_PIECE_BYTES = 512,
    CACHE_BLOCK_MAX_BYTES = 128 * 1024,
    CACHE_WINDOW_BYTES = 512 * 1024,
    CACHE_WRITE_CONTEXT_MAX = 1024,

    /* When dirty data is written back: at this age; or when it is more than this share of memory;
     * at more than that share, writers wait. */
    CACHE_AGE_US = 5 * 1000 * 1000,
    CACHE_BACKGROUND_SHARE = 16,
    CACHE_LIMIT_SHARE = 8,
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
    bool writes;   /* it was given to `write`: whole write units; else to `fill` */
};

struct cache_ops {
    size_t context_bytes; /* memory that the owner needs for each io, e.g. for its request */
    /* Starts reading the range into the segments. Must not block. Never NULL. */
    void (*fill)(struct cache *cache, struct cache_io *io);
    /* Returns 0 if bytes may be served, cached ones too, else an errno: -ESTALE after the disc was
     * changed. NULL: always. */
    status_t (*check)(struct cache *cache);
    /* Starts writing the segments, which do not change until the io ends. Must not block. NULL: the
     * cache is not written. context_bytes is at most CACHE_WRITE_CONTEXT_MAX then. */
    void (*write)(struct cache *cache, struct cache_io *io);
    /* A clean cache became dirty. Called by cache_write() under no lock. NULL: ignored. */
    void (*dirtied)(struct cache *cache);
};

/* Ends an io, once. The first `done_bytes` are read or written, or all if `status` is 0. `exact`:
 * the block after done_bytes is the one that failed; else any of the rest may be good. Any thread,
 * the completion thread included. */
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
    uint32_t write_unit_bytes; /* what a write to the device consists of: a power of two from 512,
                                  the default, to 4096; set it before the first write */
    _Atomic uint64_t size_bytes;
    uint32_t slack_bytes;    /* how far past `expected` a read still counts as sequential */
    /* private to kernel/vfs/cache */
    struct list pages;
    size_t page_count;
    uint64_t hash;           /* of the first page's bucket */
    unsigned ios;            /* in flight: fills, write-backs, and those of cache_hold() */
    uint64_t expected;       /* the offset at which a sequential reader would continue */
    uint64_t ahead_end;      /* read-ahead was started up to here */
    uint64_t last_index;     /* of the page that was read last */
    uint32_t window_bytes;
    struct cache_failure failure;
    struct cache_page *dirty; /* the tree of the dirty pages */
    uint64_t dirty_pieces;
    uint64_t dirty_since_us;  /* no dirty piece is older */
    struct list write_backs;  /* in flight, the oldest first */
    unsigned write_back_count;
    uint64_t write_back_number; /* of the latest one that was started */
    uint64_t write_failures;  /* so far */
    status_t write_status;    /* of the latest failure */
};

/* Pinned bytes: they stay valid and unchanged until cache_view_close(). A write meanwhile replaces
 * the page and not these bytes. */
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
/* Drops every page. No view may be open, and nothing dirty: flush or discard it before. */
void cache_destroy(struct cache *cache);

/* Pins the bytes from `offset` to the end of their page or of the cache. Returns their number
 * (> 0), 0 at or past the end, or an errno. */
ssize_t cache_view_open(struct cache *cache, uint64_t offset, struct cache_view *view) MUST_CHECK;
void cache_view_close(struct cache_view *view);

/* Copies bytes. Returns their number, fewer only at the end or if a later block failed; an errno if
 * the first byte could not be read. */
ssize_t cache_read(struct cache *cache, uint64_t offset, void *buffer, size_t bytes) MUST_CHECK;

/* Copies bytes into the cache, whose size grows if they end past it, and makes them dirty. Returns
 * their number, fewer if an error came later; an errno if the first byte failed: -ENOMEM, -EINTR,
 * -EINVAL if `offset` is past the end, what check() returns, or what reading a block that is
 * replaced in part failed with. Any number of readers and writers at once. */
ssize_t cache_write(struct cache *cache, uint64_t offset, const void *buffer, size_t bytes)
    MUST_CHECK;
/* Writes the units of [from, to) that are dirty when it is called, and waits for them. If a write
 * fails with -EIO, tries once more, and pages that may contain the bad block one by one. Returns 0,
 * -EINTR, -ENOMEM if other flushes use the last memory for long, or the error of a write of this
 * cache that failed meanwhile; what was not written stays dirty. */
status_t cache_flush(struct cache *cache, uint64_t from, uint64_t to) MUST_CHECK;
/* Sets the size; no cache_write() may run meanwhile. If it shrinks, waits for ios past the new end,
 * and drops what is past it, dirty or not. If it grows, the owner must return zeroes for what was
 * past the end, or the caller writes them. -EINTR, -ENOMEM: the size is unchanged. */
status_t cache_set_size(struct cache *cache, uint64_t size) MUST_CHECK;
/* Replaces cached bytes, which are not dirty, without making them so: `data` has been written to
 * the device by other means. Open views keep the old bytes. Waits for reads in flight. */
void cache_update(struct cache *cache, uint64_t offset, uint64_t bytes, const void *data);
/* Drops dirty pages, after writes in flight have ended. Returns how many bytes were lost. */
uint64_t cache_discard(struct cache *cache);

/* Returns how many bytes are not written yet. */
uint64_t cache_dirty_bytes(struct cache *cache);
/* Returns the offset of the first of them; UINT64_MAX if there are none. */
uint64_t cache_first_dirty(struct cache *cache);
/* Returns a time no later than that of the oldest dirty byte; TIME_NEVER if there is none. After a
 * flush of everything failed, the time of the flush. */
uint64_t cache_dirty_since_us(struct cache *cache);
/* Returns how many pages of all caches are dirty. */
size_t cache_dirty_pages(void);
/* Returns whether those whose write-back did not fail are more than 1/CACHE_BACKGROUND_SHARE of
 * memory. */
bool cache_is_above_background(void);
/* Waits until they are at most 1/CACHE_LIMIT_SHARE of memory. 0 or -EINTR. */
status_t cache_wait_below_limit(void) MUST_CHECK;

/* Starts reading the missing parts of this range, without blocking. A hint: when memory is
 * exhausted, less is read, or nothing. Threads only. */
void cache_prefetch(struct cache *cache, uint64_t offset, uint64_t bytes);
/* Returns whether the byte at `offset` is cached, or being read or written. */
bool cache_has(struct cache *cache, uint64_t offset);

/* Waits until no io is in flight: 0, or -EINTR. */
status_t cache_settle(struct cache *cache) MUST_CHECK;
/* Counts an operation that bypasses the pages as an io in flight, until it is released. */
void cache_hold(struct cache *cache);
void cache_release(struct cache *cache);
/* Returns whether cache_destroy() would have to wait for ios. */
bool cache_has_fills(struct cache *cache);
/* Returns whether it has neither pages nor ios in flight. Try-lock only: false if the lock is
 * taken. */
bool cache_is_idle(struct cache *cache);
/* Frees up to `pages` clean pages; try-lock only. Returns how many. */
size_t cache_reclaim(size_t pages);
size_t cache_page_count(void);

#endif
