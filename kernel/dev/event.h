/*
 * event.h - what happened to devices, for the monitor.
 *
 * Locking     event_post: any context; never fails: each device has room for one pending event of
 *             each kind, so a burst is folded. event_wait: one consumer, a thread.
 * Ownership   event_wait returns a device reference that the consumer puts.
 */
#ifndef KERNEL_DEV_EVENT_H
#define KERNEL_DEV_EVENT_H

#include "kernel/dev/device.h"

enum event_kind {
    EVENT_ADDED,
    EVENT_MEDIUM,  /* it came, went, or was changed */
    EVENT_DOOR,    /* the first file was opened */
    EVENT_REMOVED,
};

struct event {
    enum event_kind kind;
    struct device *device;
};

void event_post(enum event_kind kind, struct device *device);
/* 0, or -ETIMEDOUT at the deadline. */
status_t event_wait(struct event *event, uint64_t deadline_us) MUST_CHECK;
/* Until the consumer is done with all that was posted before: it waits for more. 0, -ETIMEDOUT at
 * the deadline, -EINTR. */
status_t event_wait_done(uint64_t deadline_us) MUST_CHECK;

#endif
