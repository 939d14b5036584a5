/*
 * virtual.h - how virtual drives are asked for: operations of the control device.
 *
 * drivers/virtual publishes "virtual/control" below the tree's root. Its operations take one sized
 * struct each: `struct_bytes` is the caller's sizeof, and anything else is refused with -EINVAL, so
 * that a struct which grew is noticed. Text is copied in once and must end within its array.
 *
 * Errors      -EINVAL a field makes no sense or the image is smaller than a block; -ELOOP the image
 *             lies too deep in other images; -ENODEV no such drive; -EBUSY it is open; what
 *             opening the image said.
 * Status      First form: RAM and read-only files, removal only when nobody uses the drive.
 */
#ifndef KERNEL_DEV_VIRTUAL_H
#define KERNEL_DEV_VIRTUAL_H

#include "kernel/dev/device.h"

#define VIRTUAL_CONTROL "virtual/control"

enum {
    VIRTUAL_REGISTER = 0x100, /* struct virtual_register */
    VIRTUAL_UNREGISTER,       /* struct virtual_unregister */
};

enum virtual_store {
    VIRTUAL_RAM,  /* `size_bytes` of zeroes */
    VIRTUAL_FILE, /* the file `image`, read-only */
};

enum {
    VIRTUAL_IMAGE_BYTES = 4096,
    VIRTUAL_BLOCK_BYTES = 512, /* the default */
    VIRTUAL_LEVEL_MAX = 8,
};

enum {
    VIRTUAL_TEMPORARY = 1, /* made for a mount: goes when its last handle is closed, and the monitor
                              leaves it alone */
};

struct virtual_register {
    uint32_t struct_bytes;
    enum virtual_store store;
    uint32_t flags;
    uint32_t block_bytes; /* 512, 1024, 2048 or 4096; 0: the default */
    uint64_t size_bytes;  /* RAM: how large */
    char image[VIRTUAL_IMAGE_BYTES]; /* file: its absolute path */
    char device[DEVICE_NAME_BYTES];  /* answer: the drive's alias */
};

struct virtual_unregister {
    uint32_t struct_bytes;
    bool only_temporary; /* leave it alone if it was not made for a mount: -EINVAL */
    char device[DEVICE_NAME_BYTES];
};

#endif
