/*
 * writable.h - how a file system that a command could not write is made writable.
 */
#ifndef SHELL_READING_WRITABLE_H
#define SHELL_READING_WRITABLE_H

#include "kernel/vfs/vfs.h"

/* Finds the device of the file system that contains `text`, which need not exist. Returns whether
 * it is mounted read-only and `mount -o rw NAME` may change that. */
bool writable_hint(struct path *start, const char *text, char name[DEVICE_NAME_BYTES]);

#endif
