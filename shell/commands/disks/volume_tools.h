/*
 * volume_tools.h - what the commands that work on a whole file system share: format, check.
 */
#ifndef SHELL_COMMANDS_DISCS_VOLUME_TOOLS_H
#define SHELL_COMMANDS_DISCS_VOLUME_TOOLS_H

#include "kernel/dev/driver.h"
#include "shell/reading/mounts.h"

/* Returns the file system driver of this name, which is loaded if necessary; NULL if there is none.
 * The caller passes it to driver_put(). */
const struct driver *volume_driver(const char *name);

/* Finds the device that `word` names and opens it. Complains and returns false if it cannot be
 * opened; if it is mounted writable, since its bytes change; or, with `alone`, if it is mounted.
 * *device is a reference. */
bool volume_open(struct shell *shell, const char *word, bool alone, struct device **device,
                 struct device_handle *handle);
void volume_close(struct device *device, struct device_handle *handle);

/* Shows the device, its size and what is on it now, and asks whether all of that may be lost,
 * unless the option -y is given. Complains and returns false if not. */
bool volume_confirm_loss(struct shell *shell, const char *word,
                         const struct device_handle *handle);

#endif
