/*
 * save.h - a drive's bytes into a file.
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_SAVE_H
#define DRIVERS_STORAGE_VIRTUAL_SAVE_H

#include "kernel/dev/virtual.h"

/* The file is made, or replaced once all is written. While that lasts nobody writes the drive. */
status_t save_device(struct device *device, const char *path,
                     struct virtual_progress *progress) MUST_CHECK;

#endif
