/*
 * pages.h - pages by number, of which most are not there: what RAM and overlay stores keep.
 *
 * A table of tables, so that a drive of a terabyte of which a megabyte is used costs little more
 * than that. An eighth of memory is left to everybody else.
 *
 * Locking     One user at a time; only `count` may be read beside it.
 */
#ifndef DRIVERS_VIRTUAL_PAGES_H
#define DRIVERS_VIRTUAL_PAGES_H

#include "kernel/port.h"

struct pages {
    size_t leaves;
    _Atomic size_t count; /* pages that are there */
    uint8_t ***leaf;
};

/* For `bytes` bytes. -ENOMEM; -EINVAL for more than can be counted. */
status_t pages_init(struct pages *pages, uint64_t bytes) MUST_CHECK;
void pages_free(struct pages *pages);

/* The page, or NULL when it is not there. */
uint8_t *pages_get(struct pages *pages, uint64_t index);
/* The page, made of `template` (NULL: of zeroes) if it was not there; NULL: no memory. */
uint8_t *pages_make(struct pages *pages, uint64_t index, const uint8_t *template);
/* Takes over a page for a place where there is none. -ENOMEM: the caller still has it. */
status_t pages_put(struct pages *pages, uint64_t index, uint8_t *page) MUST_CHECK;
void pages_drop(struct pages *pages, uint64_t index);
/* The first page there at or after `index`; UINT64_MAX when there is none. */
uint64_t pages_next(struct pages *pages, uint64_t index);

#endif
