/*
 * crash_check.h - what checks find on a volume after a power failure, beside the model: the own
 * check of the file system, and a program of the host.
 *
 * Model       A power failure may leave clusters that belong to no file, a mark that the volume was
 *             in use, counts and copies that differ, and a file with two names that was being
 *             renamed. Anything else is wrong.
 * Locking     One thread.
 */
#ifndef TESTS_HOST_CRASH_CHECK_H
#define TESTS_HOST_CRASH_CHECK_H

#include "tests/host/recorder.h"

/* Returns the first finding that is wrong, in a static buffer, or NULL. `renames`: a file may have
 * two names. */
const char *crash_check(struct device *device, bool renames);

/* A file of the host that contains the volume while another program checks it. Only the blocks of a
 * log are copied to it, and restored afterwards. */
struct crash_file {
    char path[40];
    int file;
    uint8_t *base;
};

void crash_file_create(struct crash_file *file, const struct snapshot *base);
void crash_file_destroy(struct crash_file *file, const struct snapshot *base);
/* Returns whether the command succeeds for the volume of the replay; in it %s is the file. */
bool crash_file_check(const struct crash_file *file, const struct replay *replay,
                      const char *command);

#endif
