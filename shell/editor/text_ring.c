/*
 * text_ring.c - texts in a fixed amount of memory; see text_ring.h.
 */
#include "shell/editor/text_ring.h"
#include "lib/string.h"

static void drop_first(struct text_ring *ring)
{
    size_t bytes = strlen(ring->bytes) + 1;
    memmove(ring->bytes, ring->bytes + bytes, ring->used - bytes);
    ring->used -= bytes;
    ring->first++;
}

void text_ring_add(struct text_ring *ring, const char *text, size_t length)
{
    if (length + 1 > ring->size)
        return;

    /* Drop the oldest texts until this one fits. */
    while (ring->used + length + 1 > ring->size)
        drop_first(ring);

    memcpy(ring->bytes + ring->used, text, length);
    ring->bytes[ring->used + length] = '\0';
    ring->used += length + 1;
    ring->end++;
}

const char *text_ring_get(const struct text_ring *ring, unsigned number)
{
    if (number < ring->first || number >= ring->end)
        return NULL;

    /* Texts are found by counting: there are few, and only keys ask for them. */
    const char *at = ring->bytes;
    for (unsigned i = ring->first; i < number; i++)
        at += strlen(at) + 1;
    return at;
}

void text_ring_drop_last(struct text_ring *ring)
{
    const char *last = text_ring_get(ring, ring->end - 1);
    if (!last)
        return;
    ring->used = (size_t)(last - ring->bytes);
    ring->end--;
}
