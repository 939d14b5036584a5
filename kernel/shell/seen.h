/*
 * seen.h - a set of 64-bit keys: which directory contents a walk has entered already.
 *
 * Zeroed memory is an empty set. It only grows.
 */
#ifndef KERNEL_SHELL_SEEN_H
#define KERNEL_SHELL_SEEN_H

#include "kernel/port.h"

struct seen {
    uint64_t *keys; /* a hash table, 0 is free */
    size_t count, room;
};

/* 0 the first time, -ELOOP when the key is there already, -ENOMEM. */
status_t seen_add(struct seen *seen, uint64_t key) MUST_CHECK;
void seen_destroy(struct seen *seen);

#endif
