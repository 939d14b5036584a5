/*
 * id_set.h - a set of 64-bit keys: the directory contents that a walk has entered.
 *
 * Model       The set only grows. A set of zeroes is empty.
 * Memory      16 bytes a key or more. A large set leaves the last eighth of memory free, as every
 *             growing list does (words.h).
 */
#ifndef SHELL_READING_ID_SET_H
#define SHELL_READING_ID_SET_H

#include "kernel/port.h"

struct id_set {
    uint64_t *keys; /* a hash table; 0 is a free slot */
    size_t count, room, unchecked;
};

/* Adds a key: 0 the first time, -ELOOP if the set contains it, or -ENOMEM. */
status_t id_set_add(struct id_set *set, uint64_t key) MUST_CHECK;
void id_set_destroy(struct id_set *set);

#endif
