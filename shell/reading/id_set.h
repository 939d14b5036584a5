/*
 * id_set.h - a set of 64-bit keys: which directory contents a walk has entered already.
 *
 * Zeroed memory is an empty set. It only grows.
 */
#ifndef SHELL_READING_ID_SET_H
#define SHELL_READING_ID_SET_H

#include "kernel/port.h"

struct id_set {
    uint64_t *keys; /* a hash table, 0 is free */
    size_t count, room;
};

/* 0 the first time, -ELOOP when the key is there already, -ENOMEM. */
status_t id_set_add(struct id_set *set, uint64_t key) MUST_CHECK;
void id_set_destroy(struct id_set *set);

#endif
