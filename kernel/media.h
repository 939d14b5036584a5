/*
 * media.h - the mounts of media: below /Drives, and at /System.
 *
 * Model       Each medium is mounted at /Drives/<class name>, and one of them then moves to
 *             /System: the device of `system=`, if given; else the disc whose /boot/spindle.id is
 *             the kernel's build id; else the first CD that can be mounted. Physical drives precede
 *             virtual ones, CDs precede others, then the lowest number. Until media_choose() every
 *             medium stays below /Drives; later, one with the kernel's build id becomes /System if
 *             nothing is there, or only the boot loader's copy of it in memory, not in use.
 * Locking     Functions with a device: the thread that handles an event of it, which its mount and
 *             its event flags belong to (kernel/dev/event.h). The others: the monitor's first
 *             thread.
 */
#ifndef KERNEL_MEDIA_H
#define KERNEL_MEDIA_H

#include "kernel/monitor.h"

/* The options are borrowed. */
void media_start(const struct monitor_options *options);
void media_stop(void);

/* Returns whether the device may have media to be mounted, and whether one is mounted. */
bool media_may_be_mounted(const struct device *device);
bool media_is_mounted(const struct device *device);
/* Mounts the device's medium, or leaves that to its parts if it has some. Failures are logged; that
 * the format is unknown only after media_report_failures(). */
void media_mount(struct device *device);
/* The drivers of the boot disc can be loaded by now, or there are none. */
void media_report_failures(void);
/* Unmounts the device's medium, and removes the directory that was made for it. */
void media_unmount(struct device *device);
/* Moves the mount of the device to /System, or logs why that failed. */
void media_become_system(struct device *device);

/* Returns a reference to the device that is to become /System, NULL if there is none. A warning is
 * logged if it is not the one that `system=` names. */
struct device *media_choose(void);
/* Returns whether a disc is mounted at /System. */
bool media_have_system(void);
/* Releases the boot loader's copies of the disc that is mounted at /System now. */
void media_release_copies(void);
/* Logs why nothing is mounted at /System. */
void media_report_none(void);

#endif
