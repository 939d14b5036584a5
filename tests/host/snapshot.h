/*
 * snapshot.h - an image of a disk that tests copy very often and change in few places.
 *
 * Model       The image is in a file of the host without a name. A copy is a private mapping of it:
 *             it takes memory only for the pages that are changed, and time only for the pages that
 *             are used.
 * Ownership   Copies end before the snapshot.
 */
#ifndef TESTS_HOST_SNAPSHOT_H
#define TESTS_HOST_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

struct snapshot {
    int file;
    size_t bytes;
};

/* Takes over an open file of the host. */
void snapshot_of_file(struct snapshot *snapshot, int file);
void snapshot_of_zeroes(struct snapshot *snapshot, size_t bytes);
void snapshot_destroy(struct snapshot *snapshot);

/* Returns a copy, which the caller ends with snapshot_unmap(). */
uint8_t *snapshot_map(const struct snapshot *snapshot);
void snapshot_unmap(const struct snapshot *snapshot, uint8_t *copy);

#endif
