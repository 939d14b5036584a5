/*
 * mounts.h - from what a person types for a device to what is mounted of it.
 *
 * A device is named by its class name ("cdrom0"), by its path in the device tree, or by its file
 * below /System/Devices.
 */
#ifndef SHELL_READING_MOUNTS_H
#define SHELL_READING_MOUNTS_H

#include "shell/shell.h"

/* Is this path a device's file? Then its path below the device tree. */
bool mounts_device_name(struct path *path, char *name, size_t bytes);

/* A reference, or NULL. */
struct device *mounts_find_device(struct shell *shell, const char *word);

/* The last mount of the device that `word` names. -ENODEV: it names none (a path that is no
 * device's file goes before a class name); -ENOENT: the device is not mounted. */
status_t mounts_of_device(struct shell *shell, const char *word,
                          struct mount_info *info) MUST_CHECK;

#endif
