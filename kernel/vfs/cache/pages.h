/*
 * pages.h - a sparse array of pages: the content of ramfs files, and of RAM and overlay stores.
 *
 * Model       A tree of tables of one page each, as high as the highest number needs: a single
 *             page 0 needs no table, and a drive of a terabyte of which a megabyte is in use costs
 *             little more than a megabyte. No allocation is larger than a page.
 * Memory      Pages and tables are not allocated from the last eighth of memory
 *             (vfs_memory_is_short()).
 * Locking     One thread uses it at a time; only pages_count() may be called concurrently.
 * Ownership   The tree owns its pages: pages_cut(pages, 0) frees everything.
 */
#ifndef KERNEL_VFS_CACHE_PAGES_H
#define KERNEL_VFS_CACHE_PAGES_H

#include "kernel/port.h"

/* Zero: empty. */
struct pages {
    void *top;            /* a table, or with height 0 the page 0 itself */
    unsigned height;
    _Atomic size_t count; /* pages present, without tables */
};

/* The number of bytes in a file or store must not need more: 2^64 bytes are 2^52 pages. */
#define PAGES_INDEX_MAX (((uint64_t)1 << 52) - 1)

/* Returns the page, or NULL if it is absent. */
uint8_t *pages_get(const struct pages *pages, uint64_t index);
/* Returns the page; if it is absent, inserts a copy of `template` (NULL: zeroes). NULL if
 * less than an eighth of memory is free. */
uint8_t *pages_make(struct pages *pages, uint64_t index, const uint8_t *template);
/* Inserts a page that is absent, and takes ownership; on -ENOMEM the caller keeps it. */
status_t pages_put(struct pages *pages, uint64_t index, uint8_t *page) MUST_CHECK;
/* Frees the page, if it is present. */
void pages_drop(struct pages *pages, uint64_t index);
/* Frees the pages from `index` on, and the tables that become empty. */
void pages_cut(struct pages *pages, uint64_t index);
/* Returns the first page present at or after `index`; UINT64_MAX if there is none. */
uint64_t pages_next(const struct pages *pages, uint64_t index);
size_t pages_count(const struct pages *pages);

#endif
