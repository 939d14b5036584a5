/*
 * virtio_target.h - a virtio-scsi device with disks over memory, on virtio_model.h.
 *
 * Model       Unit 0:0 is a disk over the image; 3:1 is another one over the same bytes, absent at
 *             first. A lost command is ended by an abort request, unless aborts are ignored.
 */
#ifndef TESTS_HOST_VIRTIO_TARGET_H
#define TESTS_HOST_VIRTIO_TARGET_H

#include "tests/host/virtio_model.h"

enum { VIRTIO_TARGET_CONTROL, VIRTIO_TARGET_EVENT, VIRTIO_TARGET_REQUEST };

enum { VIRTIO_TARGET_RESCAN = 1, VIRTIO_TARGET_REMOVED = 2 }; /* reasons of an event */

/* Offsets in the configuration. */
enum { VIRTIO_TARGET_PIECES_MAX = 4, VIRTIO_TARGET_SECTORS_MAX = 8, VIRTIO_TARGET_LAST = 30 };

struct virtio_target {
    struct virtio_model model;
    uint8_t *image;
    uint64_t bytes;
    _Atomic bool second;         /* 3:1 is present */
    _Atomic bool ignores_aborts;
    _Atomic unsigned aborts;     /* carried out so far */
};

void virtio_target_init(struct virtio_target *target, uint8_t *image, uint64_t bytes);
void virtio_target_configure(struct virtio_target *target, unsigned offset, unsigned bytes,
                             uint64_t value);
/* Sends an event about 3:1; with `missed`, others were lost before. */
void virtio_target_event(struct virtio_target *target, uint32_t reason, bool missed);

#endif
