/*
 * store.h - the source of a virtual drive's bytes.
 *
 * Model       A store moves bytes between memory and itself, at any offset within its size. Moving
 *             may sleep if the store `waits`: the drive then has a worker thread, which alone serves
 *             its transfers; else transfers are served where requests are submitted. Stores form
 *             a stack: a window on a file, an overlay on the window, faults on top.
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
};

/* Reads or writes a span. -EROFS if the store is not writable, or the store's error. */
status_t store_move(struct store *store, enum io_op op, const struct span *span,
                    uint32_t *done_bytes) MUST_CHECK;
/* For ops->move of a store that also has piece functions. */
status_t store_move_pieces(struct store *store, enum io_op op, const struct span *span,
                           uint32_t *done_bytes) MUST_CHECK;
/* These apply to the store and to all stores below it. */
status_t store_check(struct store *store) MUST_CHECK;
status_t store_flush(struct store *store) MUST_CHECK;
uint64_t store_memory(struct store *store);
void store_close(struct store *store); /* NULL: does nothing */
/* Move one piece of memory. */
status_t store_read(struct store *store, uint64_t offset_bytes, void *memory, uint32_t bytes,
                    bool interruptible) MUST_CHECK;
status_t store_write(struct store *store, uint64_t offset_bytes, const void *memory,
                     uint32_t bytes, bool interruptible) MUST_CHECK;

/* ---- kinds -------------------------------------------------------------------------------- */

/* `size_bytes` of zeroes; pages are taken when first written. -ENOMEM, -EINVAL. */
status_t store_ram_create(uint64_t size_bytes, struct store **store) MUST_CHECK;
/* A copy of a store in memory; `from` is closed, also when it fails. -EINTR when interrupted. */
status_t store_ram_load(struct store *from, struct virtual_progress *progress,
                        struct store **store) MUST_CHECK;
/* The caller's memory in place. */
status_t store_memory_create(void *memory, uint64_t size_bytes, struct store **store) MUST_CHECK;
/* A file, through the VFS, past its cache. The path is absolute. -EBUSY, -EMLINK. *device, if not
 * NULL: what holds the file's bytes; a reference, or NULL. */
status_t store_file_create(const char *path, bool writable, struct store **store,
                           struct device **device) MUST_CHECK;
/* Changes the last element of an absolute path[bytes] to the name that the directory has for it in
 * another case. -ENOENT: it has none. */
status_t store_file_fold(char *path, size_t bytes) MUST_CHECK;
/* Makes a writable file larger, or as small again. */
status_t store_file_grow(struct store *store, uint64_t size_bytes) MUST_CHECK;
/* The bytes from `offset_bytes` on. The window is within the store. -ENOMEM: `inner` is as it
 * was. */
status_t store_window_create(struct store *inner, uint64_t offset_bytes, uint64_t size_bytes,
                             struct store **store) MUST_CHECK;
/* Keeps in memory what is written, a page at a time. */
status_t store_overlay_create(struct store *inner, struct store **store) MUST_CHECK;
/* The first run of changed pages that reaches beyond `offset_bytes`; -ENOENT. */
status_t store_overlay_next(struct store *store, uint64_t offset_bytes, uint64_t *start,
                            uint64_t *length_bytes) MUST_CHECK;
/* Writes them to the store below, and forgets each when it is there. -EROFS. */
status_t store_overlay_commit(struct store *store, struct virtual_progress *progress) MUST_CHECK;
void store_overlay_discard(struct store *store);

/* Misbehaves on demand (virtual.h: enum virtual_fault_kind, down to FLIP). -ENOMEM: `inner` is as
 * it was. */
status_t store_fault_create(struct store *inner, uint32_t block_bytes,
                            struct store **store) MUST_CHECK;
status_t store_fault_set(struct store *store, const struct virtual_fault *fault) MUST_CHECK;
status_t store_fault_get(struct store *store, unsigned position,
                         struct virtual_fault *fault) MUST_CHECK;
unsigned store_fault_count(struct store *store);
/* Is that block one of those set to be bad? False for another store. */
bool store_fault_is_bad(struct store *store, uint64_t offset_bytes);
/* Is the next transfer served in the submitter's thread? It never waits then. */
bool store_fault_flips(struct store *store);

#endif
