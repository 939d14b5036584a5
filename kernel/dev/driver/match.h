/*
 * match.h - which driver a device has.
 *
 * Model       A device without a driver is offered to the drivers in their order, by one thread at
 *             a time; device->driver is `offered` meanwhile. A driver that is registered while a
 *             device is being offered is asked about it too.
 * Locking     Threads, with no lock held.
 */
#ifndef KERNEL_DEV_DRIVER_MATCH_H
#define KERNEL_DEV_DRIVER_MATCH_H

#include "kernel/dev/internal.h"

/* Offers a published device to the drivers. */
void match_device(struct device *device);
/* Offers a published device to one driver, which the caller keeps registered. */
void match_driver(const struct driver *driver, struct device *device);
/* Takes the root back from the drivers that accepted it. */
void match_release_root(struct device *root);
/* Takes a device without children back from its driver. */
void match_release(struct device *device);

#endif
