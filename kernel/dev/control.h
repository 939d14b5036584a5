/*
 * control.h - the operations of every device with data, by device_control() on the device itself.
 *
 * Answers     Each operation fills one struct; FLUSH takes none. The argument's length must be
 *             exactly the struct's: anything else, or NULL, is -EINVAL and nothing is written.
 *             A device without data answers -EOPNOTSUPP.
 * Drivers     ops->control is called first, with a length that was checked. Where it returns
 *             -EOPNOTSUPP, the answer comes from the device's medium, class and limits.
 * No medium   GET_SIZE and both geometries fail as opening the device would (-ENOMEDIUM,
 *             -ENODEV); the other operations are about the drive and succeed. A halted virtual
 *             drive answers for its last image.
 * Locking     Threads, with no lock held. The caller has a reference to the device.
 */
#ifndef KERNEL_DEV_CONTROL_H
#define KERNEL_DEV_CONTROL_H

#include "kernel/dev/device.h"
#include "kernel/dev/geometry.h"

enum {
    DEVICE_CONTROL_GET_SIZE = 0x10,   /* struct device_size */
    DEVICE_CONTROL_GET_GEOMETRY,      /* struct device_geometry, as the driver gives it; else
                                         derived: geometry_derive() */
    DEVICE_CONTROL_GET_BIOS_GEOMETRY, /* struct device_geometry: geometry_bios() */
    DEVICE_CONTROL_GET_BIOS_DRIVE,    /* struct device_bios_drive */
    DEVICE_CONTROL_GET_STATUS,        /* struct device_status */
    DEVICE_CONTROL_GET_FLAGS,         /* struct device_flags */
    DEVICE_CONTROL_GET_ICON,          /* struct device_icon */
    DEVICE_CONTROL_FLUSH,             /* NULL, 0: all completed writes become durable */
};

struct device_size {
    uint64_t size_bytes; /* of the medium, which may end inside a block; a blank disc: 0 */
    uint32_t block_bytes;
};

/* The number that a BIOS gives such a drive: disks from 0x80, CDs from 0xE0, in the order of their
 * aliases (struct device_class). Virtual drives have a number that a BIOS never assigns. */
enum { DEVICE_BIOS_VIRTUAL = 0xf8 };

struct device_bios_drive {
    uint8_t drive;
};

struct device_status {
    status_t medium; /* 0; -ENOMEDIUM; -ENODEV: halted; -ESTALE: the disc below it was changed */
    bool readable, writable;
    uint32_t generation; /* of the medium */
    unsigned handles;    /* open ones */
};

struct device_flags {
    const struct device_class *device_class;
    bool is_virtual;
    bool removable;  /* the medium can be taken out */
    bool read_only;
    bool write_once; /* the medium can be written, but not rewritten */
};

/* Square pictures of `side` x `side` pixels. A pixel is a colour of the terminal's (ANSI's order,
 * 1 to 15) or ICON_CLEAR, where the background shows. */
enum { ICON_SMALL = 16, ICON_LARGE = 32, ICON_CLEAR = 0 };

struct device_icon {
    uint32_t side;                          /* set by the caller: ICON_SMALL or ICON_LARGE */
    uint8_t pixels[ICON_LARGE * ICON_LARGE]; /* answer: side * side of them, by row */
};

#endif
