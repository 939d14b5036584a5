/*
 * disk_conform.h - what every disk has to do, whichever driver it has: for tests over the models of
 * controllers.
 */
#ifndef TESTS_HOST_DISK_CONFORM_H
#define TESTS_HOST_DISK_CONFORM_H

#include "kernel/dev/device.h"

/* Opens the disk, and keeps several requests of random places, lengths and memory in flight:
 * aligned or not, in one piece or in many. Panics unless each ends once with the right bytes, and
 * the disk's image at the end has what was written. Also checks what a disk refuses. The image has
 * DISK_CONFORM_BYTES, which is the size of the disk. */
void disk_conform(const char *alias, const uint8_t *image, unsigned rounds);

/* Moves bytes by one request. */
status_t disk_move(const char *alias, enum io_op op, uint64_t offset_bytes, void *memory,
                   uint64_t length_bytes);

enum { DISK_CONFORM_BYTES = 4 << 20 };

#endif
