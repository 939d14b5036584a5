/*
 * driver.h - the drivers.
 *
 * A driver is a const descriptor. A driver that is built in is registered where it is defined:
 *
 *     static const struct driver driver_ide = {
 *         .name = "ide", .order = 20, .add_device = ide_add_device
 *     };
 *     DRIVER(driver_ide);
 *
 * A driver that is loaded later calls driver_register(). Both kinds are asked in rising order: the
 * members are described below.
 *
 * Locking     Threads, with no lock held; driver_next and driver_put also with locks below QUEUE.
 * Ownership   Descriptors are borrowed: those of the linker's table permanently, others until
 *             driver_unregister().
 * Status      A mounted file system does not count as a use of its driver: the caller of
 *             driver_unregister() unmounts first.
 */
#ifndef KERNEL_DEV_DRIVER_H
#define KERNEL_DEV_DRIVER_H

#include "kernel/port.h"
#include "lib/table.h"

struct device;
struct device_handle;
struct fsd;

/* How format_fs makes a file system. */
struct volume_format {
    const char *label;      /* UTF-8; "": none */
    uint32_t cluster_bytes; /* 0: what suits the size of the device */
};

/* What check_fs reports, one finding at a time. */
struct check_report {
    /* Takes a line of text without its end. `repaired`: the medium is correct in this by now. */
    void (*found)(struct check_report *report, const char *text, bool repaired);
    uint64_t files, directories;     /* answers: seen, */
    uint64_t used_bytes, free_bytes; /* and space of the volume */
};

struct driver {
    const char *name; /* unique */
    unsigned order;   /* drivers of equal order are asked in the order of their names */

    /* Offers a device that was published, or that no driver has when the driver is registered. A
     * device with data is offered whenever a medium arrives; parts of an earlier one were removed.
     * Returns 0 if the driver accepts it (it may have published children of the device), -ENODEV if
     * not; other errnos: it accepts the device but failed and has undone its work, which is logged;
     * no other driver is asked. The root of the tree is offered to every driver: those of
     * built-in buses publish their bus below it. NULL: the driver drives no devices. */
    status_t (*add_device)(struct device *device);

    /* Ends the driver's work with a device that it accepted: the device has left the tree, or the
     * driver is unregistered. The children of the device were removed before, except those of the
     * root, of which the driver removes its own. Called once for each device for which add_device
     * returned 0. NULL: nothing to do. */
    void (*remove_device)(struct device *device);

    /* Mounts the medium of the handle. Called for any medium, so it verifies the file system's
     * signature first. Returns 0 and *fsd; -EMEDIUMTYPE if it is another file system; other errnos
     * if it is this one but cannot be mounted. Copies the handle, which the VFS closes after
     * dismount. NULL: the driver is not a file system driver. */
    status_t (*mount_fs)(const struct device_handle *handle, const char *options,
                         struct fsd **fsd);

    /* Makes an empty file system of all of the device, which the caller has claimed; everything on
     * it is lost. Until the last write nothing on it can be mounted. -EINVAL for a label or a size
     * of clusters that the format cannot have, -ENOSPC or -EFBIG for a device that is too small or
     * too large for it. NULL: -EOPNOTSUPP. */
    status_t (*format_fs)(const struct device_handle *handle, const struct volume_format *format);

    /* Reads all structures of the file system and reports what is wrong. With `repair`, on a device
     * that the caller has claimed, it repairs what can be repaired without loss. Reports as found
     * what is wrong, and returns 0; -EMEDIUMTYPE if it is another file system, -EINTR, -ENOMEM, or
     * another errno if the check could not be completed. NULL: -EOPNOTSUPP. */
    status_t (*check_fs)(const struct device_handle *handle, bool repair,
                         struct check_report *report);
};

TABLE_DECLARE(drivers, struct driver);
#define DRIVER(object) TABLE_ENTRY(drivers, struct driver, object)

/* Adds a driver beside those of the table, and offers it the devices that no driver has. -EEXIST if
 * the name is in use, -ENOMEM. */
status_t driver_register(const struct driver *driver) MUST_CHECK;
/* Takes back the devices of a driver that was registered, and offers them to the others. -EBUSY
 * while one of its functions runs; -EOPNOTSUPP if it accepted the root and has no remove_device;
 * -ENOENT if it is not registered. */
status_t driver_unregister(const struct driver *driver) MUST_CHECK;

/* Called when the medium of a device with data arrived, changed or left: removes the parts of the
 * earlier medium, takes the device back from its driver, and offers it to the drivers if there is a
 * medium. Called by the thread that handles the device's events, which may wait for the device. */
void driver_offer_medium(struct device *device);

/* Returns the first driver after `previous` (NULL: the first of all), or NULL at the end. The
 * driver stays registered until it is passed to driver_next() as `previous`, or to driver_put(). */
const struct driver *driver_next(const struct driver *previous);
void driver_put(const struct driver *driver);

#endif
