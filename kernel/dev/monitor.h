/*
 * monitor.h - the thread that mounts what appears and dismounts what goes.
 *
 * It waits for device events and asks removable drives about their media once a second. Start-up
 * is settled when every device that was there was asked once. Then one medium becomes /System:
 *
 *   the device of `system=`, if given (one warning when it cannot be mounted); else the disc whose
 *   /boot/spindle.id is our build id (physical before virtual, then lowest number); else the first
 *   CD that can be mounted; else nothing, and a line says why.
 *
 * Every other medium goes to /Drives/<class name>. Later on only a medium with our build id becomes
 * /System again.
 *
 * Locking     monitor_start, monitor_wait_settled and monitor_stop: the main thread.
 *             monitor_wait_idle: any thread but the monitor, with no lock held. All else happens
 *             on the monitor's own thread.
 */
#ifndef KERNEL_DEV_MONITOR_H
#define KERNEL_DEV_MONITOR_H

#include "kernel/port.h"

struct monitor_options {
    const char *build_id;    /* of this kernel */
    const char *system_name; /* class name; NULL: choose */
};

/* The options are borrowed for ever. */
status_t monitor_start(const struct monitor_options *options) MUST_CHECK;
/* 0, or -ETIMEDOUT at the deadline: some device has not answered. */
status_t monitor_wait_settled(uint64_t deadline_us) MUST_CHECK;
/* Until the monitor is done with all that has happened to devices up to now: what can be mounted
 * is, and what went is not any more. 0 at once where no monitor runs; -ETIMEDOUT, -EINTR. */
status_t monitor_wait_idle(uint64_t deadline_us) MUST_CHECK;
/* Ends the thread; mounts stay (host tests). */
void monitor_stop(void);

#endif
