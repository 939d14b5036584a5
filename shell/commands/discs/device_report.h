/*
 * device_report.h - shows what a device answers (kernel/dev/control.h), as text and as icons.
 */
#ifndef SHELL_COMMANDS_DISCS_DEVICE_REPORT_H
#define SHELL_COMMANDS_DISCS_DEVICE_REPORT_H

#include "kernel/dev/device.h"
#include "shell/shell.h"

/* Writes one line for each operation that the device answers. */
void device_report(struct stream *out, struct device *device);
/* Writes the block size, medium and access of the device that stores a path's bytes. */
void device_report_medium(struct stream *out, struct path *path);
/* Draws the device's icon in both sizes, with its name and description beside it in two lines. The
 * console must show pictures. -ENOMEM. */
status_t device_show_icons(struct stream *out, struct device *device) MUST_CHECK;

#endif
