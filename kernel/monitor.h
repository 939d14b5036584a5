/*
 * monitor.h - the threads that mount media when they appear and unmount them when they disappear.
 *
 * Model       The threads wait for device events, and poll removable drives each POLL_MEDIUM_US.
 *             While a thread handles an event, another thread waits for the next, so that a drive
 *             with a bad disc does not delay others. The events of one drive are handled in turn.
 * Parts       If a medium has partitions, these are mounted instead of the whole.
 * Start-up    is settled when every device that is present was polled, and its medium mounted
 *             below /Drives; then one medium becomes /System (kernel/media.h). Drives are polled
 *             at the same time. One that does not answer is waited for DEADLINE_DRIVES_US; the
 *             media of the others are mounted meanwhile.
 *
 * Locking     monitor_start, monitor_wait_settled and monitor_stop: the main thread.
 *             monitor_wait_idle: any thread except the monitor's, with no lock held. The event
 *             flags of a device belong to the thread that handles its event.
 */
#ifndef KERNEL_MONITOR_H
#define KERNEL_MONITOR_H

#include "kernel/dev/device.h"

struct monitor_options {
    const char *build_id;    /* of this kernel */
    const char *system_name; /* class name; NULL: choose */
    /* Whether the drive has the boot loader's copy of a disc in memory; removes such a drive, or
     * returns an error. Both NULL: there are none. */
    bool (*is_copy)(const struct device *device);
    status_t (*release_copy)(struct device *device);
};

/* The options are borrowed permanently. */
status_t monitor_start(const struct monitor_options *options) MUST_CHECK;
/* Waits until start-up is settled. -ETIMEDOUT at the deadline: a device has not answered. */
status_t monitor_wait_settled(uint64_t deadline_us) MUST_CHECK;
/* Waits until the monitor has handled all events of this device (NULL: of all): its medium is
 * mounted if possible, and unmounted if it was removed. If no monitor runs, the caller publishes
 * the parts of this medium, other events are dropped, and nothing is mounted. -ETIMEDOUT,
 * -EINTR. */
status_t monitor_wait_idle(struct device *device, uint64_t deadline_us) MUST_CHECK;
/* Looks at a medium again that was written as a whole: finds its partitions, and mounts it below
 * /Drives unless it is mounted. Returns when that is done. -EBUSY while partitions are open;
 * -ETIMEDOUT, -EINTR. */
status_t monitor_look_again(struct device *device) MUST_CHECK;
/* Stops the threads; mounts remain (host tests). */
void monitor_stop(void);

#endif
