/*
 * virtual.h - virtual drives: the operations of the control device.
 *
 * drivers/storage/virtual publishes "virtual/control" below the tree's root. Each operation takes
 * one sized struct: `struct_bytes` is the caller's sizeof, and any other value is refused with
 * -EINVAL, so that a struct that grew is noticed. It is checked once, on entry; text must end
 * within its array.
 *
 * States      register -> REGISTERED -> unregister:
 *               VIRTUAL_IF_IDLE  gone at once; -EBUSY while it is open
 *               VIRTUAL_LAZY     DETACHING: it cannot be opened any more; gone at the last close
 *               VIRTUAL_NOW      HALTED: its store is withdrawn now. Old handles get -ENODEV;
 *                                gone at the last close
 *             Registering into a halted drive keeps its name. Older handles always get -ESTALE:
 *             its medium is another one. A drive that is not open is gone at once in each case.
 * Own handle  A drive answers VIRTUAL_GET_INFO and VIRTUAL_UNREGISTER itself too, with `device` ""
 *             (or its own alias): a caller that holds it needs no name. A halted drive still
 *             reports the image, store, size, geometry and flags it had.
 * Images      An image file cannot be written elsewhere while a drive shows it, nor opened while a
 *             drive may write it (-EBUSY). It may be a device's file.
 * Locking     From threads, with no lock held. Nothing is locked while images are opened, loaded
 *             or saved; two operations on one drive exclude each other by its state.
 * Errors      -EINVAL    a field is invalid: a block size, a geometry with a zero, a window
 *                        beyond the image, a field of another store
 *             -ENODATA   the image, or its window, is smaller than one block
 *             -EOVERFLOW a geometry or a window whose size does not fit 64 bits
 *             -EROFS     to write, or to grow, what is read-only
 *             -EBUSY     in use, see above; register: the drive is not halted
 *             -ELOOP     the image is on the drive itself, directly or not
 *             -EMLINK    the image is too deep in other images (VIRTUAL_LEVEL_MAX)
 *             -EALREADY  it is being removed already
 *             -ENODEV    no such drive          -ENOMEM, -ENOSPC   too little memory
 *             -EINTR     the thread was interrupted; nothing has changed
 *             or the error of opening or reading the image.
 */
#ifndef KERNEL_DEV_VIRTUAL_H
#define KERNEL_DEV_VIRTUAL_H

#include "kernel/dev/device.h"
#include "kernel/dev/geometry.h"

#define VIRTUAL_CONTROL "virtual/control"

enum {
    VIRTUAL_REGISTER = 0x100, /* struct virtual_register */
    VIRTUAL_UNREGISTER,       /* struct virtual_unregister */
    VIRTUAL_GET_INFO,         /* struct virtual_info */
    VIRTUAL_LIST,             /* struct virtual_list */
    VIRTUAL_SAVE,             /* struct virtual_save: the drive's bytes into a file */
    VIRTUAL_DIFF,             /* struct virtual_diff: what an overlay holds */
    VIRTUAL_COMMIT,           /* struct virtual_change: an overlay's bytes into the image below */
    VIRTUAL_DISCARD,          /* struct virtual_change: forget what an overlay holds */
    VIRTUAL_FAULT,            /* struct virtual_fault: make the drive misbehave */
    VIRTUAL_GET_FAULT,        /* struct virtual_fault: how it misbehaves */
};

enum {
    VIRTUAL_IMAGE_BYTES = 4096,
    VIRTUAL_BLOCK_BYTES = 512,     /* the default for disks; 2048 for CDs */
    VIRTUAL_LEVEL_MAX = 8,
    VIRTUAL_HOLDERS_MAX = 8,   /* devices that the files of one image may be on */
    VIRTUAL_REASON_BYTES = 200,
};

/* Called repeatedly during long operations, in the caller's thread. */
struct virtual_progress {
    void (*report)(struct virtual_progress *progress, uint64_t done_bytes, uint64_t total_bytes);
};

/* ---- coming ------------------------------------------------------------------------------- */

enum virtual_store {
    VIRTUAL_RAM,       /* `size_bytes` of zeroes; memory is taken where it is written */
    VIRTUAL_FILE,      /* the file `image`, in place */
    VIRTUAL_RAM_IMAGE, /* a copy of `image` in memory, read whole before anything else happens */
    VIRTUAL_OVERLAY,   /* `image` in place; what is written stays in memory */
    VIRTUAL_MEMORY,    /* `size_bytes` at `memory`, which stays the caller's: a boot module */
};

enum {
    VIRTUAL_TEMPORARY = 1, /* made for a mount: goes when its last handle is closed, and the monitor
                              leaves it alone */
    VIRTUAL_WRITABLE = 2,  /* FILE: may be written. OVERLAY: what it holds can be committed. RAM and
                              RAM_IMAGE always may */
    VIRTUAL_CD = 4,        /* class CD: blocks of 2048, read-only; else a disk */
    VIRTUAL_GEOMETRY = 8,  /* `geometry` gives block and size, instead of the two fields: a larger
                              writable FILE grows, a read-only one is refused with -EROFS */
    VIRTUAL_NO_MOUNT = 16, /* the monitor leaves it alone */
};

enum { VIRTUAL_REGISTER_MAGIC = 0x56445256 }; /* "VRDV", lowest byte first */

struct virtual_register {
    uint32_t struct_bytes;
    uint32_t magic; /* VIRTUAL_REGISTER_MAGIC; else -EINVAL: it is another kind of struct */
    enum virtual_store store;
    uint32_t flags;
    uint32_t block_bytes;  /* 512, 1024, 2048 or 4096; 0: the default, and an image of whole CD
                              sectors is shown as the 2048 in each */
    uint64_t offset_bytes; /* of the image, before the drive's first byte */
    uint64_t size_bytes;   /* 0: all of the image from there; RAM and MEMORY: how large */
    struct device_geometry geometry;
    void *memory;
    struct virtual_progress *progress; /* while an image is loaded; NULL: silently */
    char image[VIRTUAL_IMAGE_BYTES];   /* its absolute path. A name that ends in .cue, .ccd or .toc
                                          is a sheet: the drive is a CD with the tracks that it
                                          describes, read-only except an OVERLAY, in blocks of
                                          2048, without a window */
    char reason[VIRTUAL_REASON_BYTES]; /* answer when a sheet is refused: its line and why; or "" */
    char device[DEVICE_NAME_BYTES];    /* "": a new drive, or the halted one that had this image;
                                          else this halted one. Answer: the drive's alias */
};

/* ---- going -------------------------------------------------------------------------------- */

enum virtual_removal { VIRTUAL_IF_IDLE, VIRTUAL_LAZY, VIRTUAL_NOW };

struct virtual_unregister {
    uint32_t struct_bytes;
    enum virtual_removal removal;
    char device[DEVICE_NAME_BYTES];
};

/* ---- looking ------------------------------------------------------------------------------ */

enum virtual_state { VIRTUAL_REGISTERED, VIRTUAL_DETACHING, VIRTUAL_HALTED };

struct virtual_info {
    uint32_t struct_bytes;
    char device[DEVICE_NAME_BYTES]; /* which; answer: its alias */
    /* answers; of a HALTED drive those of the image that was withdrawn from it */
    enum virtual_state state;
    enum virtual_store store;
    uint32_t flags;              /* as registered */
    uint32_t block_bytes;
    uint64_t size_bytes;         /* what the drive shows */
    uint64_t offset_bytes;
    uint64_t tail_bytes;         /* of size_bytes, after the last whole block: they can be read, but
                                    not written. Of CD sectors: after the last whole sector, and
                                    not shown */
    uint64_t memory_bytes;       /* taken for RAM, RAM_IMAGE and what an OVERLAY holds; HALTED: 0 */
    uint32_t raw_sector_bytes;   /* 2352, 2336, 2368 or 2448: an image of CD sectors; else 0 */
    uint32_t corrected_sectors;  /* of those that were read: by their ECC */
    uint32_t refused_sectors;    /* beyond correction, or without 2048 bytes of data */
    uint32_t generation;
    unsigned level;
    unsigned handles;            /* how often it is open: mounts and device files */
    unsigned faults;             /* how many are set */
    bool read_only;
    struct device_geometry geometry; /* as given; else derived: sectors 1, and heads the fewest
                                         that leave the cylinders within 32 bits */
    struct device_geometry bios_geometry; /* at most 1024 x 255 x 63, never 0 */
    char image[VIRTUAL_IMAGE_BYTES];
};

/* Drive after drive, by number: begin with position 0. -ENOENT past the last. */
struct virtual_list {
    uint32_t struct_bytes;
    unsigned position;
    char device[DEVICE_NAME_BYTES]; /* answer */
};

/* ---- bytes -------------------------------------------------------------------------------- */

/* `path` is made, or replaced once all is written (vfs.h, struct replacement): an end before that
 * leaves it as it was. */
struct virtual_save {
    uint32_t struct_bytes;
    struct virtual_progress *progress;
    char device[DEVICE_NAME_BYTES];
    char path[VIRTUAL_IMAGE_BYTES];
};

/* The first run of changed bytes at or after `offset_bytes`; -ENOENT when there is none. -EINVAL
 * for a drive without an overlay, here and in the next. */
struct virtual_diff {
    uint32_t struct_bytes;
    char device[DEVICE_NAME_BYTES];
    uint64_t offset_bytes;
    uint64_t length_bytes; /* answer */
};

/* COMMIT: -EROFS unless registered with VIRTUAL_WRITABLE. DISCARD: -EBUSY while it is open. */
struct virtual_change {
    uint32_t struct_bytes;
    struct virtual_progress *progress;
    char device[DEVICE_NAME_BYTES];
};

/* ---- misbehaving -------------------------------------------------------------------------- */

enum virtual_fault_kind {
    VIRTUAL_FAULT_NONE,      /* set: forget all faults */
    VIRTUAL_FAULT_BAD,       /* blocks [first, first + count) end in -EIO */
    VIRTUAL_FAULT_DELAY,     /* each transfer takes `count` milliseconds more, at most 10,000 */
    VIRTUAL_FAULT_SHORT,     /* each transfer ends in -EIO after `count` blocks */
    VIRTUAL_FAULT_FLIP,      /* transfers end by turns in the submitter and in a worker */
    VIRTUAL_FAULT_ATTENTION, /* once, now: as if the disc had been changed for itself */
    VIRTUAL_FAULT_SWAP,      /* once, now: the medium becomes the file `image` */
};

enum { VIRTUAL_FAULTS_MAX = 64 };

struct virtual_fault {
    uint32_t struct_bytes;
    enum virtual_fault_kind kind;
    unsigned position; /* GET_FAULT: which, from 0; -ENOENT past the last */
    uint64_t first, count;
    char device[DEVICE_NAME_BYTES];
    char image[VIRTUAL_IMAGE_BYTES];
};

#endif
