/*
 * statistics.h - what a device's queue has done since the device was published: counts, depth, and
 * how long requests took.
 *
 * Model       Latency is the time from io_submit() to the end of the request, with the wait in the
 *             queue. It is counted in a histogram whose steps are a quarter of an octave, so a
 *             value that is read from it is up to a fifth too high. It needs no sorting and no
 *             memory, whatever the number of requests.
 * Invariant   Requests that were refused before they reached the driver are not counted.
 * Locking     Counting: the device's queue_lock is held. Reading: any context.
 */
#ifndef KERNEL_DEV_QUEUE_STATISTICS_H
#define KERNEL_DEV_QUEUE_STATISTICS_H

#include "kernel/dev/io.h"

enum { LATENCY_STEPS = 124 }; /* up to 36 minutes */

struct device_statistics {
    uint64_t requests; /* that ended; those that failed are included */
    uint64_t errors;   /* of them, that failed */
    uint64_t bytes;    /* read and written */
    uint64_t merges;   /* requests that joined the transfer of another one */
    unsigned depth;    /* transfers that the device takes at once, */
    unsigned highest;  /* that were in flight at once, at most, */
    unsigned in_flight; /* and that are now */
    uint64_t longest_us;
    uint32_t latency[LATENCY_STEPS];
};

/* -ENODEV for a device without a queue of its own: one without data, or a part. */
status_t device_statistics(struct device *device, struct device_statistics *now) MUST_CHECK;
/* Subtracts an earlier reading of the same device; longest_us becomes that of the difference. */
void statistics_subtract(struct device_statistics *now, const struct device_statistics *before);
/* Returns how many microseconds `percent` of the requests took at most; 0 without requests. */
uint64_t statistics_latency_us(const struct device_statistics *now, unsigned percent);

/* kernel/dev's: count a request that ended, and a transfer that started. */
void statistics_count_request(struct device_statistics *now, const struct io_request *request,
                              status_t status);
void statistics_count_start(struct device_statistics *now, const struct io_transfer *transfer);

#endif
