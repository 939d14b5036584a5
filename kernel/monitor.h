/*
 * monitor.h - the threads that mount what appears and dismount what goes.
 *
 * They wait for device events and ask removable drives about their media once a second. One thread
 * waits; while it handles an event, another one waits in its place. So a drive with a bad disc
 * does not delay others. Events of one drive are handled one after another. Start-up
 * is settled when every device that was there was asked once. Then one medium becomes /System:
 *
 *   the device of `system=`, if given (one warning when it cannot be mounted); else the disc whose
 *   /boot/spindle.id is our build id (physical before virtual, then lowest number); else the first
 *   CD that can be mounted; else nothing, and one line in the log.
 *
 * Every other medium goes to /Drives/<class name>. Later on only a medium with our build id becomes
 * /System again.
 *
 * Locking     monitor_start, monitor_wait_settled and monitor_stop: the main thread.
 *             monitor_wait_idle: any thread but the monitor's, with no lock held. A device's
 *             state of the monitor belongs to the thread that handles its event.
 */
#ifndef KERNEL_MONITOR_H
#define KERNEL_MONITOR_H

#include "kernel/dev/device.h"

struct monitor_options {
    const char *build_id;    /* of this kernel */
    const char *system_name; /* class name; NULL: choose */
};

/* The options are borrowed permanently. */
status_t monitor_start(const struct monitor_options *options) MUST_CHECK;
/* 0, or -ETIMEDOUT at the deadline: some device has not answered. */
status_t monitor_wait_settled(uint64_t deadline_us) MUST_CHECK;
/* Waits until the monitor has handled all events of this device: what can be mounted is mounted,
 * what was removed is unmounted. 0 at once where no monitor runs; -ETIMEDOUT, -EINTR. */
status_t monitor_wait_idle(struct device *device, uint64_t deadline_us) MUST_CHECK;
/* Ends the threads; mounts stay (host tests). */
void monitor_stop(void);

#endif
