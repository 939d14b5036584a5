/*
 * event.h - events of devices, for the monitor.
 *
 * Model       Several threads may handle events, but those of a drive and its parts are handled one
 *             after another: from event_wait() to event_done() they belong to that thread. So the
 *             parts of a medium are unmounted before those of the next are mounted.
 * Locking     event_post: any context. It never fails: a device has one pending event of each kind,
 *             so that several of a kind become one. The others: threads.
 * Flags       device_event_flags() belong to the thread that handles the device's event.
 * Ownership   event_wait returns a device reference that event_done puts.
 */
#ifndef KERNEL_DEV_EVENT_H
#define KERNEL_DEV_EVENT_H

#include "kernel/dev/device.h"

enum event_kind {
    EVENT_ADDED,
    EVENT_MEDIUM,  /* the medium appeared, disappeared, or was changed */
    EVENT_PARTS,   /* the parts of the medium were asked for */
    EVENT_RETRY,   /* there are more file systems: the medium is mounted, unless it is already */
    EVENT_SYSTEM,  /* the medium was chosen to be /System */
    EVENT_DOOR,    /* the first file was opened */
    EVENT_POLL,    /* the drive is to be polled for its medium */
    EVENT_REMOVED,
};

struct event {
    enum event_kind kind;
    struct device *device;
};

void event_post(enum event_kind kind, struct device *device);
/* Waits for an event and takes it. -ETIMEDOUT at the deadline. */
status_t event_wait(struct event *event, uint64_t deadline_us) MUST_CHECK;
/* Ends the handling of an event. */
void event_done(struct event *event);
unsigned *device_event_flags(struct device *device); /* 0 at first */
/* Waits until no event of the device, or of its drive's other parts, is pending or being handled;
 * NULL: of any device.
 * -ETIMEDOUT at the deadline, -EINTR. */
status_t event_wait_done(struct device *device, uint64_t deadline_us) MUST_CHECK;

#endif
