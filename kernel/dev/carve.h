/*
 * carve.h - cuts the next transfer out of a request.
 *
 * A pure function of the request, the limits and the memory: no locks, no device. Where the memory
 * of a piece is out of the device's reach, or not aligned for it, the transfer is given the bounce
 * pages instead and the bytes are copied.
 *
 * Invariant   A transfer keeps the limits, is not longer than the rest of the request, and has
 *             whole blocks, unless it is the request's last. It has no bytes when the request's
 *             segments are so short that no block fits into limits->segment_count of them.
 */
#ifndef KERNEL_DEV_CARVE_H
#define KERNEL_DEV_CARVE_H

#include "kernel/dev/io.h"

struct carve_limits {
    const struct io_limits *device;
    uint32_t block_bytes;   /* of the medium at the moment */
    void *const *bounce;    /* pages for this transfer; NULL: the device reaches all memory */
    unsigned bounce_count;
};

/* Fills the transfer, whose `segments` has room for limits->device->segment_count, from where the
 * request stands. Copies the bytes of a bounced write. */
void carve(struct io_transfer *transfer, struct io_request *request,
           const struct carve_limits *limits);
/* Copies the first bytes of a bounced read to the request's memory. */
void carve_copy_back(const struct io_transfer *transfer, uint32_t bytes);
/* Advances the request's place in its memory. */
void carve_skip(struct io_request *request, uint64_t bytes);

#endif
