/*
 * image.h - the content of a drive: a stack of stores, and the request that it was made from.
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_IMAGE_H
#define DRIVERS_STORAGE_VIRTUAL_IMAGE_H

#include "drivers/storage/virtual/disc/ledger.h"
#include "drivers/storage/virtual/disc/sheet.h"

/* Properties of an image, as requested or found: a drive reports them after the image is gone.
 * Counted; constant once a drive has the image. */
struct image_facts {
    _Atomic unsigned references;
    enum virtual_store kind;
    uint32_t flags, block_bytes, raw_sector_bytes;
    uint64_t offset_bytes, size_bytes, tail_bytes;
    struct device_geometry geometry;
    unsigned level;
    bool read_only;
    char path[]; /* "" for none */
};

/* Counted: it is closed with its last reference. */
struct image {
    _Atomic unsigned references;
    struct image_facts *facts;        /* a reference */
    struct store *store;              /* the top of the stack; owned */
    struct store *content;            /* the top without faults: constant, for those that look */
    struct store *overlay;            /* in the stack, or NULL */
    struct store *_Atomic fault;      /* the top, or NULL */
    struct store *grown;              /* in the stack: a file that was made larger for this; NULL:
                                         none, or it keeps its size */
    uint64_t grown_from_bytes;
    struct device *holders[VIRTUAL_HOLDERS_MAX]; /* of the image's bytes: references */
    unsigned holder_count;            /* 0: memory */
    struct ledger ledger;             /* of its CD sectors, if it has any */
    struct device_toc *toc;           /* of an image of CD sectors; NULL: none. Owned */
};

/* Opens, loads and stacks what the request asks for. The request's texts end within their arrays.
 * *image: one reference. Errors and request->reason: see virtual.h. */
status_t image_open(struct virtual_register *request, struct image **image) MUST_CHECK;
/* The same with files that are not the VFS's. */
status_t image_open_from(struct virtual_register *request, const struct sheet_opener *opener,
                         struct image **image) MUST_CHECK;
struct image *image_get(struct image *image);
/* NULL: nothing. The last one closes the stores; a file that was made larger gets its size back. */
void image_put(struct image *image);
struct image_facts *image_facts_get(struct image_facts *facts);
void image_facts_put(struct image_facts *facts);
/* May requests be served where they are submitted? */
bool image_serves_at_once(const struct image *image);
/* Puts a fault store on top, if there is none; the drive is held. -ENOMEM. */
status_t image_make_faulty(struct image *image) MUST_CHECK;

#endif
