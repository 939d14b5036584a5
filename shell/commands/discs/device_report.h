/*
 * device_report.h - what a device answers (kernel/dev/control.h), as lines and as pictures.
 */
#ifndef SHELL_COMMANDS_DISCS_DEVICE_REPORT_H
#define SHELL_COMMANDS_DISCS_DEVICE_REPORT_H

#include "kernel/dev/device.h"
#include "shell/shell.h"

/* All that the device answers, a line each. */
void device_report(struct stream *out, struct device *device);
/* Block, medium and access of the device that a path's bytes are on: a device's file, say. */
void device_report_medium(struct stream *out, struct path *path);
/* Two lines: name and description, after the device's icon in both sizes, on a screen. -ENOMEM. */
status_t device_show_icons(struct stream *out, struct device *device) MUST_CHECK;

#endif
