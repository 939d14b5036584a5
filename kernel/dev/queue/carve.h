/*
 * carve.h - cuts the next transfer out of a request.
 *
 * A pure function of the request, the limits and the memory: no locks, no device. Where the memory
 * of a piece is out of the device's reach, not aligned for it, or so divided that no block fits
 * into the segments that it takes, the transfer is given bounce pages and the bytes are copied. A
 * transfer with bounce pages is not joined with another request.
 *
 * Invariant   A transfer keeps the limits, is not longer than the rest of the request, and has
 *             whole blocks, unless it is the request's last.
 */
#ifndef KERNEL_DEV_QUEUE_CARVE_H
#define KERNEL_DEV_QUEUE_CARVE_H

#include "kernel/dev/io.h"

struct carve_limits {
    const struct io_limits *device;
    uint32_t block_bytes;   /* of the medium at the moment */
    uint64_t base_bytes;    /* of the request's device on the drive */
    void *const *bounce;    /* the device's pages; NULL: it reaches all memory */
    uint32_t bounce_free;   /* a bit for each page that the transfer may take, */
    unsigned bounce_most;   /* but not more than these, at least 1 */
};

/* Fills the transfer, whose `segments` has room for limits->device->segment_count, from the
 * request's current place. Copies the bytes of a bounced write. -EAGAIN if the transfer needs
 * bounce pages and none is free; -EINVAL if no block fits into the segments, and the device has no
 * bounce pages. */
status_t carve(struct io_transfer *transfer, struct io_request *request,
               const struct carve_limits *limits) MUST_CHECK;
/* Appends as much of another request, which continues those of the transfer, as it has room for.
 * False: nothing fits, or the memory needs bounce pages; the transfer is unchanged. */
bool carve_join(struct io_transfer *transfer, const struct io_request *request,
                const struct carve_limits *limits) MUST_CHECK;
/* Copies the first bytes of a bounced read to the request's memory. */
void carve_copy_back(const struct io_transfer *transfer, const struct io_request *request,
                     uint32_t bytes);
/* Advances the request's place in its memory, if it has any. */
void carve_skip(struct io_request *request, uint64_t bytes);

#endif
