/*
 * virtual.h - virtual drives: the operations of the control device.
 *
 * drivers/storage/virtual publishes "virtual/control" below the tree's root. Each operation takes
 * one struct, whose `struct_bytes` is the caller's sizeof: any other value is -EINVAL, so that a
 * caller built with an older struct is detected. Text must end within its array.
 *
 * States      register -> REGISTERED -> unregister:
 *               VIRTUAL_IF_IDLE  gone at once; -EBUSY while it is open
 *               VIRTUAL_LAZY     DETACHING: it can no longer be opened; gone at the last close
 *               VIRTUAL_NOW      HALTED: its image is withdrawn now. Existing handles get
 *                                -ENODEV; gone at the last close
 *             Registering into a halted drive keeps its name. Existing handles always get -ESTALE,
 *             because the medium has changed. A drive that is not open is gone at once in each
 *             case.
 * Own handle  A drive also answers VIRTUAL_GET_INFO and VIRTUAL_UNREGISTER itself, with `device` ""
 *             (or its own alias): a caller that has it open needs no name. A halted drive still
 *             reports the image, store, size, geometry and flags that it had.
 * Images      While a drive shows an image file, no other user can write the file; while a drive
 *             may write it, no other user can open it (-EBUSY). It may be a device's file.
 * Waiting     GET_INFO, LIST, GET_FAULT and UNREGISTER return within 100 ms, whatever the image's
 *             store does; all other operations may wait for it, until the thread is interrupted.
 * Locking     Called from threads, with no lock held. No lock is held while images are opened,
 *             loaded or saved; the drive's state excludes two operations on one drive.
 * Errors      -EINVAL    a field is invalid: a block size, a geometry with a zero, a window
 *                        beyond the image, a field of another store
 *             -ENODATA   the image, or its window, is smaller than one block
 *             -EOVERFLOW a geometry or a window whose size does not fit 64 bits
 *             -EROFS     the image is read-only, and is to be written or to grow
 *             -EBUSY     in use, see above; register: the drive is not halted
 *             -ELOOP     the image is on the drive itself, directly or through other drives
 *             -EMLINK    images are nested too deeply (VIRTUAL_LEVEL_MAX)
 *             -EALREADY  the drive is being removed already
 *             -ENODEV    no such drive          -ENOMEM, -ENOSPC   memory is exhausted
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
    VIRTUAL_DIFF,             /* struct virtual_diff: finds an overlay's changed bytes */
    VIRTUAL_COMMIT,           /* struct virtual_change: writes them to the image below */
    VIRTUAL_DISCARD,          /* struct virtual_change: frees them */
    VIRTUAL_FAULT,            /* struct virtual_fault: sets a fault */
    VIRTUAL_GET_FAULT,        /* struct virtual_fault: lists the faults that are set */
};

enum {
    VIRTUAL_IMAGE_BYTES = 4096,
    VIRTUAL_BLOCK_BYTES = 512,     /* the default for disks; 2048 for CDs */
    VIRTUAL_LEVEL_MAX = 8,
    VIRTUAL_HOLDERS_MAX = 8,       /* devices that the files of one image may be on */
    VIRTUAL_REASON_BYTES = 200,
};

/* Called repeatedly during long operations, in the caller's thread. */
struct virtual_progress {
    void (*report)(struct virtual_progress *progress, uint64_t done_bytes, uint64_t total_bytes);
};

/* ---- registering ---------------------------------------------------------------------------- */

enum virtual_store {
    VIRTUAL_RAM,       /* `size_bytes` of zeroes; memory is allocated when first written */
    VIRTUAL_FILE,      /* the file `image`, in place */
    VIRTUAL_RAM_IMAGE, /* a copy of `image` in memory, read completely when registered */
    VIRTUAL_OVERLAY,   /* `image` in place; written bytes stay in memory */
    VIRTUAL_MEMORY,    /* `size_bytes` at `memory`, which the caller owns: a boot module */
};

enum {
    VIRTUAL_TEMPORARY = 1, /* made for a mount: removed with its last handle; the monitor does not
                              mount it */
    VIRTUAL_WRITABLE = 2,  /* FILE: writable. OVERLAY: can be committed. RAM and RAM_IMAGE are
                              always writable */
    VIRTUAL_CD = 4,        /* class CD: blocks of 2048, read-only; else a disk */
    VIRTUAL_GEOMETRY = 8,  /* `geometry` replaces block_bytes and size_bytes: a smaller FILE grows,
                              or -EROFS if it is not writable */
    VIRTUAL_NO_MOUNT = 16, /* the monitor does not mount it */
};

enum { VIRTUAL_REGISTER_MAGIC = 0x56445256 }; /* "VRDV", lowest byte first */

struct virtual_register {
    uint32_t struct_bytes;
    uint32_t magic; /* VIRTUAL_REGISTER_MAGIC; else -EINVAL: another kind of struct */
    enum virtual_store store;
    uint32_t flags;
    uint32_t block_bytes;  /* 512, 1024, 2048 or 4096; 0: the default, and an image of whole CD
                              sectors is shown as the 2048 in each */
    uint64_t offset_bytes; /* of the image, before the drive's first byte */
    uint64_t size_bytes;   /* 0: all of the image from there; RAM and MEMORY: how large */
    struct device_geometry geometry;
    void *memory;
    struct virtual_progress *progress; /* of loading an image; NULL: not reported */
    char image[VIRTUAL_IMAGE_BYTES];   /* its absolute path. A name that ends in .cue, .ccd or .toc
                                          is a sheet: the drive is a CD with the tracks that it
                                          describes, read-only except an OVERLAY, in blocks of
                                          2048, without a window */
    char reason[VIRTUAL_REASON_BYTES]; /* answer: why a sheet was refused, with its line; or "" */
    char device[DEVICE_NAME_BYTES];    /* "": a new drive, or the halted one that had this image;
                                          else this halted one. Answer: the drive's alias */
};

/* ---- unregistering -------------------------------------------------------------------------- */

enum virtual_removal { VIRTUAL_IF_IDLE, VIRTUAL_LAZY, VIRTUAL_NOW };

struct virtual_unregister {
    uint32_t struct_bytes;
    enum virtual_removal removal;
    char device[DEVICE_NAME_BYTES];
};

/* ---- information ---------------------------------------------------------------------------- */

enum virtual_state { VIRTUAL_REGISTERED, VIRTUAL_DETACHING, VIRTUAL_HALTED };

struct virtual_info {
    uint32_t struct_bytes;
    char device[DEVICE_NAME_BYTES]; /* the drive; answer: its alias */
    /* Answers. A HALTED drive reports the image that was withdrawn from it. */
    enum virtual_state state;
    enum virtual_store store;
    uint32_t flags;              /* as registered */
    uint32_t block_bytes;
    uint64_t size_bytes;         /* of the drive */
    uint64_t offset_bytes;       /* of the drive's first byte in the image */
    uint64_t tail_bytes;         /* after the last whole block: part of size_bytes; readable, not
                                    writable. CD sectors: after the last whole sector; not part of
                                    the drive */
    uint64_t memory_bytes;       /* allocated for RAM, RAM_IMAGE and OVERLAY; HALTED: 0 */
    uint32_t raw_sector_bytes;   /* 2352, 2336, 2368 or 2448: an image of CD sectors; else 0 */
    uint32_t corrected_sectors;  /* read sectors that their ECC corrected */
    uint32_t refused_sectors;    /* read sectors beyond correction, or without 2048 bytes of data */
    uint32_t generation;
    unsigned level;
    unsigned handles;            /* open handles: of mounts, files and other drives */
    unsigned faults;             /* number of faults set */
    bool read_only;
    struct device_geometry geometry; /* as registered; else derived: 1 sector per track, and the
                                         fewest heads with which the cylinders fit 32 bits */
    struct device_geometry bios_geometry; /* at most 1024 x 255 x 63, never 0 */
    char image[VIRTUAL_IMAGE_BYTES];
};

/* Returns the next drive by number: start with position 0. -ENOENT after the last. */
struct virtual_list {
    uint32_t struct_bytes;
    unsigned position;
    char device[DEVICE_NAME_BYTES]; /* answer */
};

/* ---- bytes ---------------------------------------------------------------------------------- */

/* `path` is created, or replaced once all bytes are written (vfs.h, struct replacement). On failure
 * it is unchanged. */
struct virtual_save {
    uint32_t struct_bytes;
    struct virtual_progress *progress;
    char device[DEVICE_NAME_BYTES];
    char path[VIRTUAL_IMAGE_BYTES];
};

/* Finds the first run of changed bytes at or after `offset_bytes`; -ENOENT if there is none.
 * Without an overlay: -EINVAL, also for struct virtual_change. */
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

/* ---- faults --------------------------------------------------------------------------------- */

enum virtual_fault_kind {
    VIRTUAL_FAULT_NONE,      /* clears all faults */
    VIRTUAL_FAULT_BAD,       /* blocks [first, first + count) fail with -EIO */
    VIRTUAL_FAULT_DELAY,     /* each transfer takes `count` milliseconds longer, at most 10,000 */
    VIRTUAL_FAULT_SHORT,     /* each transfer fails with -EIO after `count` blocks */
    VIRTUAL_FAULT_FLIP,      /* transfers end alternately in the submitter and in a worker */
    VIRTUAL_FAULT_ATTENTION, /* once, now: as if the disc had been replaced by the same disc */
    VIRTUAL_FAULT_SWAP,      /* once, now: the medium becomes the file `image` */
};

enum { VIRTUAL_FAULTS_MAX = 64 };

struct virtual_fault {
    uint32_t struct_bytes;
    enum virtual_fault_kind kind;
    unsigned position; /* GET_FAULT: of the fault, from 0; -ENOENT after the last */
    uint64_t first, count;
    char device[DEVICE_NAME_BYTES];
    char image[VIRTUAL_IMAGE_BYTES];
};

#endif
