/* seen.c - see seen.h. */
#include "kernel/shell/seen.h"
#include "lib/hash.h"

enum { ROOM_FIRST = 64 };

static uint64_t *seen_slot(const struct seen *seen, uint64_t key)
{
    size_t mask = seen->room - 1, at = hash_u64(key) & mask;
    while (seen->keys[at] && seen->keys[at] != key)
        at = (at + 1) & mask;
    return &seen->keys[at];
}

static status_t seen_grow(struct seen *seen)
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
            *seen_slot(seen, old[i]) = old[i];
    mem_free(old);
    return 0;
}

status_t seen_add(struct seen *seen, uint64_t key)
{
    key++; /* 0 means free */
    if (2 * seen->count >= seen->room && seen_grow(seen))
        return -ENOMEM;
    uint64_t *slot = seen_slot(seen, key);
    if (*slot)
        return -ELOOP;
    *slot = key;
    seen->count++;
    return 0;
}

void seen_destroy(struct seen *seen)
{
    mem_free(seen->keys);
    *seen = (struct seen){ 0 };
}
