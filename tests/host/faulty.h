/*
 * faulty.h - a disk over a memory image that fails when it is told to.
 *
 * Model       Transfers are answered inside start(), or later by a thread of the device, or now
 *             so, now so. Each transfer is checked against the limits that the device published.
 *             All settings may be changed while it runs; they count from the next transfer on.
 * Ownership   The image is borrowed. faulty_destroy() removes the device and stops its thread; the
 *             struct itself goes with the device's last reference.
 */
#ifndef TESTS_HOST_FAULTY_H
#define TESTS_HOST_FAULTY_H

#include "kernel/dev/device.h"
#include "kernel/sched/sync.h"

enum faulty_manner { FAULTY_SYNC, FAULTY_LATE, FAULTY_MIXED };

struct faulty {
    struct device *device;
    enum faulty_manner manner;
    _Atomic bool held;        /* late transfers wait until this is false: faulty_hold() */
    unsigned long fail_nth;   /* the n-th read from now on (1: the next) fails, once; 0: none */
    unsigned long fail_nth_write; /* the same for writes, of which nothing is written then */
    uint64_t bad_from, bad_to; /* reads that touch these bytes fail, after those before */
    status_t error;           /* how reads fail; 0: -EIO */
    bool vague;               /* it does not say which block failed, nor what was good before */
    bool scribbles;           /* what could not be read is overwritten with 0xee */
    _Atomic unsigned long bad_reads; /* that touched the bad bytes, so far */
    _Atomic unsigned long reads, writes, flushes, bytes; /* so far */

    /* faulty.c's */
    struct io_limits limits;
    struct spin lock;
    uint8_t *image; /* NULL: nothing is copied */
    struct list transfers;
    struct wait_queue arrival;
    struct thread *worker;
    bool stopping;
    unsigned long flips;
};

/* A published device "faulty<n>" of the class disk, with a medium of `bytes`. */
struct faulty *faulty_create(unsigned n, void *image, uint64_t bytes, struct io_limits limits,
                             enum faulty_manner manner);
void faulty_destroy(struct faulty *faulty);
/* From now on the device is read-only. */
void faulty_write_protect(struct faulty *faulty);
/* While held, transfers that would be answered late wait. */
void faulty_hold(struct faulty *faulty, bool held);
/* Another medium; NULL: none. */
void faulty_change(struct faulty *faulty, void *image, uint64_t bytes);
/* Blocks of 512 bytes, no other limits. */
struct io_limits faulty_limits(void);

#endif
