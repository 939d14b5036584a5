/* seen.c - see id_set.h. */
#include "shell/reading/id_set.h"
#include "lib/hash.h"

enum { ROOM_FIRST = 64 };

static uint64_t *id_set_slot(const struct id_set *seen, uint64_t key)
{
    size_t mask = seen->room - 1, at = hash_u64(key) & mask;
    while (seen->keys[at] && seen->keys[at] != key)
        at = (at + 1) & mask;
    return &seen->keys[at];
}

static status_t id_set_grow(struct id_set *seen)
{
    uint64_t *old = seen->keys;
    size_t old_room = seen->room, room = old_room ? old_room * 2 : ROOM_FIRST;
    uint64_t *grown = mem_zalloc(room * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    seen->keys = grown;
    seen->room = room;
    for (size_t i = 0; i < old_room; i++)
        if (old[i])
            *id_set_slot(seen, old[i]) = old[i];
    mem_free(old);
    return 0;
}

status_t id_set_add(struct id_set *seen, uint64_t key)
{
    key++; /* 0 means free */
    if (2 * seen->count >= seen->room && id_set_grow(seen))
        return -ENOMEM;
    uint64_t *slot = id_set_slot(seen, key);
    if (*slot)
        return -ELOOP;
    *slot = key;
    seen->count++;
    return 0;
}

void id_set_destroy(struct id_set *seen)
{
    mem_free(seen->keys);
    *seen = (struct id_set){ 0 };
}
