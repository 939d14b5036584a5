/*
 * modules.h - modules that the boot loader loaded with the kernel.
 */
#ifndef KERNEL_MODULES_H
#define KERNEL_MODULES_H

#include "boot/boot_info.h"

/* Loads each module that is a driver object. Publishes each other as a virtual drive over
 * its memory: a CD if it holds an ISO 9660 volume, else a disk. Failures are logged. Called after
 * device_start() and before monitor_start(), so that an image of the boot disc can become /System
 * on a machine without a drive. */
void modules_start(const struct boot_info *boot);

#endif
