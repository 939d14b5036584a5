/*
 * save.h - saves a drive's bytes in a file.
 */
#ifndef DRIVERS_STORAGE_VIRTUAL_SAVE_H
#define DRIVERS_STORAGE_VIRTUAL_SAVE_H

#include "kernel/dev/virtual.h"

/* Creates the file, or replaces it once all bytes are written. The drive cannot be written
 * meanwhile. */
status_t save_device(struct device *device, const char *path,
                     struct virtual_progress *progress) MUST_CHECK;

#endif
