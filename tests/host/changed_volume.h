/*
 * changed_volume.h - a recorder, with what the tests of kernel/vfs/layout/changes.h need above it.
 */
#ifndef TESTS_HOST_CHANGED_VOLUME_H
#define TESTS_HOST_CHANGED_VOLUME_H

#include "kernel/vfs/layout/changes.h"
#include "tests/host/recorder.h"
#include "tests/host/rig.h"

enum { VOLUME_BLOCKS = 48, BLOCK_MAX = 4096 };

struct volume {
    struct snapshot empty;
    struct recorder *recorder;
    struct fsd fsd;
    struct cache cache;
    struct changes *changes;
    uint32_t block;
};

/* Start the stack with a disk of zeroes in blocks of this size, and stop it. */
void volume_begin(struct volume *volume, uint32_t block);
void volume_end(struct volume *volume);

/* The same above another disk, whose blocks are volume->block. */
void volume_attach(struct volume *volume, struct device *device);
void volume_detach(struct volume *volume);

#endif
