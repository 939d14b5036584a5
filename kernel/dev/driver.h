/*
 * driver.h - the driver table.
 *
 * A driver is a const descriptor, registered where it is defined:
 *
 *     static const struct driver driver_ata = {
 *         .name = "ata", .order = 20, .add_device = ata_add
 *     };
 *     DRIVER(driver_ata);
 *
 * add_device   is asked for each device that is published, drivers in rising `order`: 0 "mine now"
 *              (it may have published children), -ENODEV "not mine", other errnos "mine, but
 *              failed" (logged; no other driver is asked). The tree's root is published first, and
 *              every driver is asked about it: those of built-in buses publish theirs below it.
 *              NULL: the driver drives no devices.
 * mount_fs     is asked by brute force whether the medium under `handle` is its file system, so it
 *              proves its claim first: 0 and *fsd, or -EMEDIUMTYPE "not mine, ask the next", or
 *              another errno "mine, but" . It copies the handle; the VFS closes it after dismount.
 *              NULL: the driver is no file system.
 */
#ifndef KERNEL_DEV_DRIVER_H
#define KERNEL_DEV_DRIVER_H

#include "kernel/port.h"
#include "lib/table.h"

struct device;
struct device_handle;
struct fsd;

struct driver {
    const char *name;
    unsigned order;
    status_t (*add_device)(struct device *device);
    status_t (*mount_fs)(const struct device_handle *handle, const char *options,
                         struct fsd **fsd);
};

TABLE_DECLARE(drivers, struct driver);
#define DRIVER(object) TABLE_ENTRY(drivers, struct driver, object)

/* The next driver after `previous` (NULL: the first) by (order, name); NULL at the end. */
const struct driver *driver_next(const struct driver *previous);

#endif
