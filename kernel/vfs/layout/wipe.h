/*
 * wipe.h - erases what a device may be recognized by, before it gets a new file system.
 *
 * Model       File systems, partition tables and members of a RAID have signatures near the ends
 *             of their device (lib/identify/identify.h). A program that finds an old one beside the
 *             new volume takes the device for something else, or refuses it.
 */
#ifndef KERNEL_VFS_LAYOUT_WIPE_H
#define KERNEL_VFS_LAYOUT_WIPE_H

#include "kernel/dev/device.h"

/* Makes both ends of a device read as zeroes, and the `bytes` bytes from its beginning. The first
 * block becomes durable before the others, so that the old volume cannot be mounted half erased.
 * -EINTR, or an error of the device. */
status_t wipe_device(const struct device_handle *handle, uint64_t bytes) MUST_CHECK;

#endif
