/*
 * faulty.h - a disk over a memory image that fails as a test demands.
 *
 * Model       Transfers are completed synchronously in start(), asynchronously by a thread of the
 *             device, or either way at random. Each transfer is checked against the limits that the
 *             device published. Settings may be changed at any time and take effect with the next
 *             transfer.
 * Ownership   The image is borrowed. faulty_destroy() removes the device and stops its thread. The
 *             struct is freed with the last reference to the device.
 */
#ifndef TESTS_HOST_FAULTY_H
#define TESTS_HOST_FAULTY_H

#include "kernel/dev/device.h"
#include "kernel/sched/sync.h"

enum faulty_manner { FAULTY_SYNC, FAULTY_LATE, FAULTY_MIXED };

struct faulty {
    struct device *device;
    enum faulty_manner manner;
    _Atomic bool held;        /* late transfers wait until this is false; see faulty_hold() */
    unsigned long fail_nth;   /* the n-th read from now on (1: the next) fails once; 0: none */
    unsigned long fail_nth_write; /* the same for writes; nothing is written then */
    uint64_t bad_from, bad_to; /* reads of these bytes fail; the blocks before them are read */
    bool bad_writes;          /* so do writes of them */
    status_t error;           /* the status of failed reads; 0: -EIO */
    bool vague;               /* failed reads return no bytes and do not name the bad block */
    bool scribbles;           /* failed reads overwrite the memory with 0xee */
    _Atomic unsigned long bad_reads; /* reads of the bad bytes so far */
    _Atomic unsigned long reads, writes, flushes, bytes; /* counted so far */

    /* private to faulty.c */
    struct io_limits limits;
    struct spin lock;
    uint8_t *image; /* NULL: transfers succeed, and no bytes are copied */
    struct list transfers;
    struct wait_queue arrival;
    struct thread *worker;
    bool stopping;
    unsigned long flips;
};

/* Creates and publishes a device "faulty<n>" of the class disk, with a medium of `bytes`. */
struct faulty *faulty_create(unsigned n, void *image, uint64_t bytes, struct io_limits limits,
                             enum faulty_manner manner);
void faulty_destroy(struct faulty *faulty);
/* Makes the device read-only. */
void faulty_write_protect(struct faulty *faulty);
/* While held, asynchronous transfers are not completed. */
void faulty_hold(struct faulty *faulty, bool held);
/* Inserts another medium, or with NULL removes it. */
void faulty_change(struct faulty *faulty, void *image, uint64_t bytes);
/* Returns limits with blocks of 512 bytes and nothing else. */
struct io_limits faulty_limits(void);

#endif
