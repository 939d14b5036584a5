/*
 * store.h - the source of a virtual drive's bytes.
 *
 * A store moves bytes between memory and itself at any offset within its size. If it `waits`,
 * that may sleep: the drive then has a worker thread, which alone calls it; else the drive calls it
 * where a request is submitted. Stores are stacked: a window on a file, an overlay on the window,
 * faults on all of it.
 *
 * Errors      0 and everything moved, or an errno and *done_bytes good ones.
 * Locking     The drive has one transfer under way at a time; check() and memory() may be called
 *             beside it.
 * Ownership   A store owns the one below it; store_close() frees both. Where creating one upon
 *             another fails, the other is closed too, except where noted.
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_STORE_STORE_H
#define DRIVERS_STORAGE_VIRTUAL_STORE_STORE_H

#include "kernel/dev/virtual.h"

struct store;

/* What is to be moved: between the store's bytes from `offset_bytes` and the segments. */
struct span {
    uint64_t offset_bytes;
    const struct io_segment *segments;
    unsigned segment_count;
    uint32_t length_bytes; /* what the segments hold together, or less */
    bool interruptible;    /* ^C ends the wait for a file with -EINTR, at the price of a copy. The
                              drive's worker, which is never interrupted, does without */
};

struct store_ops {
    status_t (*read)(struct store *store, const struct span *span, uint32_t *done_bytes);
    /* NULL: read-only. -ENOSPC: no memory for it. */
    status_t (*write)(struct store *store, const struct span *span, uint32_t *done_bytes);
    /* What was written is safe when it returns 0. NULL: it always is. */
    status_t (*flush)(struct store *store);
    /* Is what the store is on unchanged? 0, -ESTALE ... NULL: it is on nothing. */
    status_t (*check)(struct store *store);
    /* Memory that it has taken, without the stores below. NULL: none. */
    uint64_t (*memory)(struct store *store);
    /* Frees what is the store's own; the one below is closed next. Never NULL. */
    void (*close)(struct store *store);
};

struct store {
    const struct store_ops *ops;
    struct store *below; /* owned; NULL: none */
    uint64_t size_bytes;
    unsigned level; /* of the drive on it: Book, chapter 6 */
    bool waits;
};

/* For stores that are on one another: the same of the store below. */
status_t store_check(struct store *store) MUST_CHECK;
status_t store_flush(struct store *store) MUST_CHECK;
uint64_t store_memory(struct store *store);
void store_close(struct store *store); /* NULL: nothing */
/* One piece of memory. */
status_t store_read(struct store *store, uint64_t offset_bytes, void *memory, uint32_t bytes,
                    bool interruptible) MUST_CHECK;
status_t store_write(struct store *store, uint64_t offset_bytes, const void *memory,
                     uint32_t bytes, bool interruptible) MUST_CHECK;

/* Calls `move` with each piece of memory of the span in turn, until one fails. */
status_t span_each(const struct span *span, uint32_t *done_bytes,
                   status_t (*move)(void *context, uint64_t offset_bytes, uint8_t *memory,
                                    uint32_t bytes, uint32_t *done_bytes),
                   void *context) MUST_CHECK;

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
