/*
 * schedule.h - the order in which a device's waiting requests start.
 *
 * Model       The requests of a thread wait in a lane, first in, first out; threads share a lane
 *             only if more of them wait than there are lanes. The lanes take turns: a turn ends
 *             after 1 MiB, or after 16 transfers. A thread that reads a large file, or submits a
 *             hundred requests at once, therefore delays another one by a turn. The rest of a
 *             request that is longer than a transfer is the next of its lane.
 * Merging     Requests of a lane that continue each other start as one transfer, as far as the
 *             device's limits allow. Flushes that wait are one flush.
 * Locking     The device's queue_lock is held.
 */
#ifndef KERNEL_DEV_QUEUE_SCHEDULE_H
#define KERNEL_DEV_QUEUE_SCHEDULE_H

#include "kernel/dev/io.h"

enum { SCHEDULE_LANES = 16 };

struct schedule {
    struct list lanes[SCHEDULE_LANES]; /* struct io_request */
    const struct thread *owners[SCHEDULE_LANES]; /* only compared: the thread may have ended */
    unsigned requests;                 /* in all lanes */
    unsigned turn;                     /* the lane that starts requests now, */
    uint32_t turn_bytes;               /* until it has used these */
};

void schedule_init(struct schedule *schedule);
/* Queues a new request after the others of the running thread. */
void schedule_add(struct schedule *schedule, struct io_request *request);
/* Queues a request that was started before the others of its lane. */
void schedule_put_back(struct schedule *schedule, struct io_request *request);
/* Takes the next request out; NULL if none waits. */
struct io_request *schedule_next(struct schedule *schedule);
/* Counts a transfer that was started for the turn. */
void schedule_charge(struct schedule *schedule, uint32_t bytes);
/* Takes a request out that begins where `last` ends, and may be in the same transfer; or NULL. Only
 * the first requests of the lane are looked at. */
struct io_request *schedule_next_adjoining(struct schedule *schedule,
                                           const struct io_request *last);
/* Moves all requests of this device, which may be a part, to `taken`. */
void schedule_take_all(struct schedule *schedule, const struct device *device, struct list *taken);

#endif
