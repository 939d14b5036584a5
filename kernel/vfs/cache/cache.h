/*
 * cache.h - the file cache: pages of bytes that come from something slower.
 *
 * A cache is a range of bytes [0, size) in blocks of `block_bytes`. Each vnode has one; a file
 * system has one more for the structures of its device. Pages of all caches live in one hash
 * table and on one list, from which reclaim takes clean, unpinned ones. A page that was looked at
 * again, after another one, has a second chance; what is only read along goes first.
 *
 * Validity    A page knows which of its 512-byte pieces are valid. Blocks are filled whole; bytes
 *             past `size` are zero before a page becomes valid. A block that failed is never
 *             cached, and fails only reads that touch it. Where the device knows which block of
 *             a window it was, a reader of that block is told so without asking again; else the
 *             reader's own block is asked for once more by itself.
 * Read-ahead  Sequential reading doubles the window up to CACHE_WINDOW_BYTES, or 1/16 of the
 *             memory that others leave, and keeps the next one in flight while one is consumed; a
 *             jump goes back to a block.
 * Interface   cache_view_open() gives the bytes in place, pinned; cache_read() copies. The owner
 *             provides fill(), which ends in cache_fill_done(), and check().
 * Stopping    A reader that is interrupted (thread_interrupt) gets -EINTR instead of waiting. The
 *             fill it began goes on alone; its pages and memory are its own until it ends.
 * Locking     One spin of rank CACHE guards every page; nothing is held while a fill is under
 *             way: the pages' busy bits guard them. Functions may wait, but cache_fill_done().
 * Ownership   The struct is embedded in the owner's; cache_destroy() waits for fills in flight.
 */
#ifndef KERNEL_VFS_CACHE_CACHE_H
#define KERNEL_VFS_CACHE_CACHE_H

#include "kernel/vfs/fsd.h"

enum {
    CACHE_PIECE_BYTES = 512,
    CACHE_BLOCK_MAX_BYTES = 128 * 1024,
    CACHE_WINDOW_BYTES = 512 * 1024,
};

struct cache_page;
struct cache_fill;

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

/* Pins the bytes from `offset` to the end of their page or of the cache. Returns how many (> 0),
 * 0 at or past the end, or an errno. */
ssize_t cache_view_open(struct cache *cache, uint64_t offset, struct cache_view *view) MUST_CHECK;
void cache_view_close(struct cache_view *view);

/* Copies. Returns bytes, fewer only at the end or where a later block failed; an errno when not
 * even the first byte could be had. */
ssize_t cache_read(struct cache *cache, uint64_t offset, void *buffer, size_t bytes) MUST_CHECK;

/* Begins to read what is not there of these bytes, and waits for nothing. A hint: where memory is
 * short, less is read or nothing. Threads only. */
void cache_prefetch(struct cache *cache, uint64_t offset, uint64_t bytes);
/* Is the byte at `offset` there, or being read? */
bool cache_has(struct cache *cache, uint64_t offset);

/* Called by the owner, from any thread, the completion thread included. */
void cache_fill_done(struct cache_fill *fill, status_t status, uint64_t done_bytes);
struct vfs_io *cache_fill_io(struct cache_fill *fill); /* what to read, and where to */

/* Waits until nothing is in flight: 0, or -EINTR. */
status_t cache_settle(struct cache *cache) MUST_CHECK;
/* Something that goes past the pages is in flight; it counts as a fill until it is released. */
void cache_hold(struct cache *cache);
void cache_release(struct cache *cache);
/* Would cache_destroy() have to wait? */
bool cache_has_fills(struct cache *cache);
/* Has it neither pages nor fills in flight? Try-lock only: false when that cannot be told. */
bool cache_is_idle(struct cache *cache);
/* Frees up to `pages` clean pages; try-lock only. Returns how many. */
size_t cache_reclaim(size_t pages);
size_t cache_page_count(void);

#endif
