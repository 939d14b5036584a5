/*
 * store.h - the source of a virtual drive's bytes.
 *
 * Model       A store moves bytes between memory and itself, at any offset within its size. Moving
 *             may sleep if the store `waits`: a worker thread of the drive then serves the
 *             transfers; else they are served where requests are submitted. Stores form a stack:
 *             a window on a file, an overlay on the window, faults on top.
 * Errors      0: all bytes were moved. An errno: *done_bytes were.
 * Locking     A drive has at most one transfer in flight. check() and memory() may be called beside
 *             it, from any thread.
 * Ownership   A store owns the store below it; store_close() frees both. If creating a store on
 *             another one fails, the other one is closed too, unless its comment differs.
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_STORE_STORE_H
#define DRIVERS_STORAGE_VIRTUAL_STORE_STORE_H

#include "kernel/dev/virtual.h"

struct store;

/* The bytes to move: those of the store from `offset_bytes`, and the segments' memory. */
struct span {
    uint64_t offset_bytes;
    const struct io_segment *segments;
    unsigned segment_count;
    uint32_t length_bytes; /* at most the length of all segments */
    bool at_once;          /* a read must not wait: -EAGAIN if it would. Stores with `tries` only */
    bool interruptible;    /* ^C ends the wait for a file with -EINTR, at the price of a copy. The
                              drive's worker, which is never interrupted, does without */
};

struct store_ops {
    /* Moves a whole span. NULL: the piece functions do it, one segment after the other. */
    status_t (*move)(struct store *store, enum io_op op, const struct span *span,
                     uint32_t *done_bytes);
    /* Move one piece, and add to *done_bytes. write_piece is called for writable stores only;
     * -ENOSPC if memory is exhausted. */
    status_t (*read_piece)(struct store *store, uint64_t offset_bytes, uint8_t *memory,
                           uint32_t bytes, uint32_t *done_bytes);
    status_t (*write_piece)(struct store *store, uint64_t offset_bytes, const uint8_t *memory,
                            uint32_t bytes, uint32_t *done_bytes);
    /* IO_DISCARD or IO_ZERO of a range: frees its memory. -EOPNOTSUPP if it cannot do this one.
     * NULL: it can do neither. */
    status_t (*trim)(struct store *store, enum io_op op, uint64_t offset_bytes, uint64_t bytes);
    /* Returns 0 once all bytes written before are durable. NULL: they always are. */
    status_t (*flush)(struct store *store);
    /* Returns 0 if the underlying file is unchanged, else an errno such as -ESTALE. NULL: the store
     * has no file. */
    status_t (*check)(struct store *store);
    /* Returns the bytes of memory allocated, without the stores below. NULL: none. */
    uint64_t (*memory)(struct store *store);
    /* Frees the store itself; the store below is closed next. Never NULL. */
    void (*close)(struct store *store);
};

struct store {
    const struct store_ops *ops;
    struct store *below; /* owned; NULL: none */
    uint64_t size_bytes;
    unsigned level; /* of the drive on it: Book, chapter 6 */
    bool waits, writable;
    bool tries; /* it waits, but not for all of its bytes: see struct span */
};

/* Reads or writes a span. -EROFS if the store is not writable, or the store's error. */
status_t store_move(struct store *store, enum io_op op, const struct span *span,
                    uint32_t *done_bytes) MUST_CHECK;
/* Moves a span by the piece functions: for ops->move of a store that also has those. */
status_t store_move_pieces(struct store *store, enum io_op op, const struct span *span,
                           uint32_t *done_bytes) MUST_CHECK;
/* Discards or zeroes a range (IO_DISCARD, IO_ZERO). A store that cannot discard ignores that; one
 * that cannot zero returns -EOPNOTSUPP, after which the bytes may be written. -EROFS. */
status_t store_trim(struct store *store, enum io_op op, uint64_t offset_bytes,
                    uint64_t bytes) MUST_CHECK;
/* These apply to the store and to all stores below it. */
status_t store_check(struct store *store) MUST_CHECK;
status_t store_flush(struct store *store) MUST_CHECK;
uint64_t store_memory(struct store *store);
void store_close(struct store *store); /* NULL: does nothing */
/* Read or write one piece of memory. */
status_t store_read(struct store *store, uint64_t offset_bytes, void *memory, uint32_t bytes,
                    bool interruptible) MUST_CHECK;
status_t store_write(struct store *store, uint64_t offset_bytes, const void *memory,
                     uint32_t bytes, bool interruptible) MUST_CHECK;

/* ---- kinds -------------------------------------------------------------------------------- */

/* Creates a store of zeroes; pages are allocated when first written. -ENOMEM, -EINVAL. */
status_t store_ram_create(uint64_t size_bytes, struct store **store) MUST_CHECK;
/* Copies a store into memory. `from` is closed, even on failure. -EINTR if interrupted. */
status_t store_ram_load(struct store *from, struct virtual_progress *progress,
                        struct store **store) MUST_CHECK;
/* Creates a store over the caller's memory, which must outlive it. */
status_t store_memory_create(void *memory, uint64_t size_bytes, struct store **store) MUST_CHECK;
/* Opens a file, by its absolute path, as a store that bypasses the file's cache. -EBUSY, -EMLINK.
 * *device, if not NULL: a reference to the device that holds the file's bytes; NULL for memory. */
status_t store_file_create(const char *path, bool writable, struct store **store,
                           struct device **device) MUST_CHECK;
/* Replaces the last element of an absolute path[bytes] by a name in its directory that differs only
 * in case. -ENOENT if there is none. */
status_t store_file_fold(char *path, size_t bytes) MUST_CHECK;
/* Sets the size of a writable file: larger, or as small as it was. */
status_t store_file_grow(struct store *store, uint64_t size_bytes) MUST_CHECK;
/* Creates a store of a part of `inner`. -ENOMEM: `inner` is unchanged. */
status_t store_window_create(struct store *inner, uint64_t offset_bytes, uint64_t size_bytes,
                             struct store **store) MUST_CHECK;
/* Creates a store that reads `inner` and keeps written pages in memory. */
status_t store_overlay_create(struct store *inner, struct store **store) MUST_CHECK;
/* Finds the first run of changed bytes at or after `offset_bytes`; -ENOENT if there is none. */
status_t store_overlay_next(struct store *store, uint64_t offset_bytes, uint64_t *start,
                            uint64_t *length_bytes) MUST_CHECK;
/* Writes the changed pages to the store below, and frees each one after that. -EROFS, -EINTR. */
status_t store_overlay_commit(struct store *store, struct virtual_progress *progress) MUST_CHECK;
void store_overlay_discard(struct store *store);

/* Creates a store that fails on request (virtual.h: enum virtual_fault_kind, up to FLIP). -ENOMEM:
 * `inner` is unchanged. */
status_t store_fault_create(struct store *inner, uint32_t block_bytes,
                            struct store **store) MUST_CHECK;
status_t store_fault_set(struct store *store, const struct virtual_fault *fault) MUST_CHECK;
status_t store_fault_get(struct store *store, unsigned position,
                         struct virtual_fault *fault) MUST_CHECK;
unsigned store_fault_count(struct store *store);
/* Returns whether the block at this offset is set to be bad. False for any other kind of store. */
bool store_fault_is_bad(struct store *store, uint64_t offset_bytes);
/* Returns whether the next transfer is to be served in the submitter's thread, without waiting. */
bool store_fault_flips(struct store *store);

#endif
