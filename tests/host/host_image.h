/*
 * host_image.h - images in files of the host, for programs of the host: fsck.fat, mtools, mkfs.
 *
 * Commands    are the shell's; $V is the image's path. What they print is shown if they fail.
 *             mtools accepts any geometry of a disk, and names are UTF-8.
 * Ownership   The file is in TMPDIR, or /tmp, and is removed by host_image_end().
 */
#ifndef TESTS_HOST_HOST_IMAGE_H
#define TESTS_HOST_HOST_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_image {
    char path[256];
    uint8_t *bytes; /* the file itself, mapped: programs see what is written here at once */
    uint64_t size;
};

/* Creates a file of zeroes, which takes room only where it is written. */
void host_image_begin(struct host_image *image, uint64_t size);
void host_image_end(struct host_image *image);
/* Returns whether the commands succeeded. */
bool host_image_run(const struct host_image *image, const char *commands);

/* Runs commands on a copy of the bytes in memory, which are replaced by what the copy is then.
 * Returns whether the commands succeeded. */
bool host_run(const char *commands, void *bytes, uint64_t size);

#endif
