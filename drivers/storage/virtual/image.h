/*
 * image.h - the content of a drive: a stack of stores, and the facts of its registration.
 *
 * Ownership   Image and facts are counted. The facts outlive the image, since a halted drive
 *             reports them.
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_IMAGE_H
#define DRIVERS_STORAGE_VIRTUAL_IMAGE_H

#include "drivers/storage/virtual/disc/ledger.h"
#include "drivers/storage/virtual/disc/sheet.h"

/* Properties of an image, as requested or found. Counted; constant once a drive has the image. */
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

/* Counted; closed with the last reference. */
struct image {
    _Atomic unsigned references;
    struct image_facts *facts;        /* a reference */
    struct store *store;              /* the top of the stack; owned */
    struct store *content;            /* the top without faults: constant, for looks */
    struct store *overlay;            /* in the stack, or NULL */
    struct store *_Atomic fault;      /* the top, or NULL */
    struct store *grown;              /* in the stack: a file that was enlarged, and is to get its
                                         size back; NULL: none */
    uint64_t grown_from_bytes;
    struct device *holders[VIRTUAL_HOLDERS_MAX]; /* of the image's bytes: references */
    unsigned holder_count;            /* 0: memory */
    struct ledger ledger;             /* of its CD sectors, if it has any */
    struct device_toc *toc;           /* of an image of CD sectors; NULL: none. Owned */
};

/* Opens and loads the image that the request describes, and stacks its stores. The request's texts
 * end within their arrays.
 * *image: one reference. Errors and request->reason: see virtual.h. */
status_t image_open(struct virtual_register *request, struct image **image) MUST_CHECK;
/* Does the same with files that `opener` opens. */
status_t image_open_from(struct virtual_register *request, const struct sheet_opener *opener,
                         struct image **image) MUST_CHECK;
struct image *image_get(struct image *image);
/* NULL: does nothing. The last put closes the stores, and sets `grown` back to its size. */
void image_put(struct image *image);
struct image_facts *image_facts_get(struct image_facts *facts);
void image_facts_put(struct image_facts *facts);
/* How a transfer is served: where it is submitted; there, if its store need not wait, else by the
 * worker; by the worker. */
enum image_service { IMAGE_AT_ONCE, IMAGE_TRY, IMAGE_LATER };
/* Called once per transfer. */
enum image_service image_service(const struct image *image, const struct io_transfer *transfer);
/* Puts a fault store on top, unless there is one. The caller holds the drive. -ENOMEM. */
status_t image_make_faulty(struct image *image) MUST_CHECK;

#endif
