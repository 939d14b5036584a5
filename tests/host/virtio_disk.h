/*
 * virtio_disk.h - a virtio-blk device over memory, on virtio_model.h.
 */
#ifndef TESTS_HOST_VIRTIO_DISK_H
#define TESTS_HOST_VIRTIO_DISK_H

#include "tests/host/virtio_model.h"

struct virtio_disk {
    struct virtio_model model;
    uint8_t *image;
    uint64_t image_bytes;
    _Atomic unsigned flushes, discards, zeroings; /* counted */
};

/* Offsets in the configuration, for tests that change it. */
enum {
    VIRTIO_DISK_CAPACITY = 0,
    VIRTIO_DISK_PIECE_MAX = 8,
    VIRTIO_DISK_PIECES_MAX = 12,
    VIRTIO_DISK_BLOCK_BYTES = 20,
    VIRTIO_DISK_DISCARD_SECTORS = 36,
    VIRTIO_DISK_DISCARD_RANGES = 40,
    VIRTIO_DISK_DISCARD_ALIGN = 44,
    VIRTIO_DISK_ZERO_SECTORS = 48,
    VIRTIO_DISK_ZERO_RANGES = 52,
};

/* Fills a disk of blocks of that size: a queue of 64, indirect descriptors, all features. The image
 * is borrowed. */
void virtio_disk_init(struct virtio_disk *disk, uint8_t *image, uint64_t bytes,
                      uint32_t block_bytes);
/* Sets a field of the configuration. */
void virtio_disk_configure(struct virtio_disk *disk, unsigned offset, unsigned bytes,
                           uint64_t value);

#endif
