/*
 * slow.h - a disk whose transfers stay in flight until the test ends them, and requests to it.
 *
 * There is one at a time. slow_create() starts io and the device tree; slow_destroy() stops them.
 */
#ifndef TESTS_HOST_SLOW_H
#define TESTS_HOST_SLOW_H

#include "kernel/dev/device.h"

enum { BLOCK = 512, DISK_BLOCKS = 4096, MANY = 300 };

struct slow {
    struct device *device;
    struct spin lock; /* all below */
    struct io_transfer *in_flight[IO_DEPTH_MAX]; /* by index */
    unsigned count, started;

    uint64_t bad_block;
    bool names_bad;  /* failed transfers name it */
    status_t error;
    uint64_t longest, last_end; /* blocks of the longest transfer; the end of the last one */
};

extern struct slow slow;
extern const struct device_ops slow_ops;
extern struct io_request requests[MANY];
extern struct io_segment segments[MANY]; /* of the requests: a page each */

void slow_create(struct io_limits limits);
void slow_destroy(void);
/* Ends one of the transfers in flight, if there is one with an index from `from` on. */
bool slow_end(unsigned from);
/* Ends transfers until none is left. */
void slow_end_all(void);

/* Allocate and free the requests' memory. */
void requests_create(void);
void requests_destroy(void);
/* Submits the n-th request; submit() a read. */
void submit_op(enum io_op op, unsigned n, uint64_t block, uint32_t blocks);
void submit(unsigned n, uint64_t block, uint32_t blocks);
/* The callback of all requests, for wait_for(). */
void request_complete(struct io_request *request);
/* Waits until that many more requests have ended. */
void wait_for(unsigned count);

#endif
