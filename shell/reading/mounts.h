/*
 * mounts.h - finds the device that a word names, and where it is mounted.
 *
 * A device is named by its class name ("cdrom0"), by its path in the device tree, or by its file
 * below /System/Devices. An existing path takes precedence over a class name.
 */
#ifndef SHELL_READING_MOUNTS_H
#define SHELL_READING_MOUNTS_H

#include "shell/shell.h"

/* Returns whether this path is a device's file, and the device's path in the device tree. */
bool mounts_device_name(struct path *path, char *name, size_t bytes);

/* Returns a reference to the device, or NULL. */
struct device *mounts_find_device(struct shell *shell, const char *word);

/* Finds the last mount of the device that `word` names. -ENODEV if it names none, -ENOENT if the
 * device is not mounted. */
status_t mounts_of_device(struct shell *shell, const char *word,
                          struct mount_info *info) MUST_CHECK;

#endif
