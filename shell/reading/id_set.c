/* id_set.c - see id_set.h. */
#include "shell/reading/id_set.h"
#include "lib/hash.h"

enum { ROOM_FIRST = 64 };

static uint64_t *id_set_slot(const struct id_set *set, uint64_t key)
{
    size_t mask = set->room - 1, at = hash_u64(key) & mask;
    while (set->keys[at] && set->keys[at] != key)
        at = (at + 1) & mask;
    return &set->keys[at];
}

static status_t id_set_grow(struct id_set *set)
{
    uint64_t *old = set->keys;
    size_t old_room = set->room, room = old_room ? old_room * 2 : ROOM_FIRST;
    uint64_t *grown = mem_zalloc(room * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
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
    key++; /* 0 means free */
    if (2 * set->count >= set->room && id_set_grow(set))
        return -ENOMEM;
    uint64_t *slot = id_set_slot(set, key);
    if (*slot)
        return -ELOOP;
    *slot = key;
    set->count++;
    return 0;
}

void id_set_destroy(struct id_set *set)
{
    mem_free(set->keys);
    *set = (struct id_set){ 0 };
}
