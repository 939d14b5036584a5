/*
 * modules.h - what the boot loader brought beside the kernel.
 */
#ifndef KERNEL_MODULES_H
#define KERNEL_MODULES_H

#include "boot/boot_info.h"

/* Each module becomes a virtual drive over the memory it lies in: a CD when it holds an ISO 9660
 * volume, else a disk. What cannot become one is said in the log. After the devices, before the
 * monitor, so that an image of our disc can be /System when there is no drive. */
void modules_start(const struct boot_info *boot);

#endif
