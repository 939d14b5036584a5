/*
 * text_ring.h - the last texts of many, in a fixed piece of memory: history, what was cut.
 *
 * Texts are numbered from 1 on; [first, end) are still there. A new one pushes out the oldest.
 */
#ifndef SHELL_EDITOR_TEXT_RING_H
#define SHELL_EDITOR_TEXT_RING_H

#include <stddef.h>

struct text_ring {
    char *bytes; /* the texts one after another, each with its NUL, the oldest first */
    size_t size, used;
    unsigned first, end;
};

#define TEXT_RING_INIT(memory) \
    { .bytes = (memory), .size = sizeof(memory), .first = 1, .end = 1 }

/* A text that is longer than the whole memory is not kept. */
void text_ring_add(struct text_ring *ring, const char *text, size_t length);
void text_ring_drop_last(struct text_ring *ring);
/* Valid until the next change; NULL for a number that is not there. */
const char *text_ring_get(const struct text_ring *ring, unsigned number);

#endif
