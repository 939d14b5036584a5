/*
 * modules.h - modules that the boot loader loaded with the kernel.
 *
 * Model       A driver object is loaded if it fits a device, and its memory is freed. Any other
 *             module becomes a virtual drive over its memory: a CD if it holds an ISO 9660 volume,
 *             else a disk.
 */
#ifndef KERNEL_MODULES_H
#define KERNEL_MODULES_H

#include "boot/boot_info.h"
#include "kernel/dev/device.h"

/* Failures are logged. Called after device_start() and before monitor_start(), so that an image of
 * the boot disc can become /System on a machine without a drive. */
void modules_start(const struct boot_info *boot);
/* Returns whether the device is a drive over a module. */
bool modules_is_copy(const struct device *device);
/* Removes the drive over a module, and frees its memory: the disc that it is a copy of was found.
 * -ENOENT if the device is not such a drive, -EBUSY if it is in use; mounts of it do not count. */
status_t modules_release(struct device *device) MUST_CHECK;

#endif
