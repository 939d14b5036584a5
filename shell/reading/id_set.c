/*
 * id_set.c - an open hash table with linear probing; see id_set.h.
 */
#include "shell/reading/id_set.h"
#include "lib/hash.h"
#include "shell/words.h"

enum { ROOM_FIRST = 64 };

/* Returns the key's slot, or the free slot where it belongs. */
static uint64_t *id_set_slot(const struct id_set *set, uint64_t key)
{
    /* `room` is a power of two, and at least half of the slots are free, so the loop ends. */
    size_t mask = set->room - 1, at = hash_u64(key) & mask;

    while (set->keys[at] && set->keys[at] != key)
        at = (at + 1) & mask;
    return &set->keys[at];
}

static status_t id_set_grow(struct id_set *set)
{
    uint64_t *old = set->keys;
    size_t old_room = set->room, room = old_room ? old_room * 2 : ROOM_FIRST;
    size_t bytes = room * sizeof(*old);

    uint64_t *grown = list_may_grow(&set->unchecked, bytes) ? mem_zalloc(bytes) : NULL;
    if (!grown)
        return -ENOMEM;

    /* Every key has another slot now. */
    set->keys = grown;
    set->room = room;
    for (size_t i = 0; i < old_room; i++)
        if (old[i])
            *id_set_slot(set, old[i]) = old[i];
    mem_free(old);
    return 0;
}

status_t id_set_add(struct id_set *set, uint64_t key)
{
    key++; /* 0 marks a free slot */
    if (set->room && *id_set_slot(set, key))
        return -ELOOP;

    /* At most half of the slots are used, so that probes stay short. */
    if (2 * set->count >= set->room && id_set_grow(set))
        return -ENOMEM;
    *id_set_slot(set, key) = key;
    set->count++;
    return 0;
}

void id_set_destroy(struct id_set *set)
{
    mem_free(set->keys);
    *set = (struct id_set){ 0 };
}
