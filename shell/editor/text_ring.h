/*
 * text_ring.h - the last of many texts, in a fixed amount of memory: history, cut text.
 *
 * Model       Texts are numbered from 1; [first, end) are kept. Adding one drops the oldest ones.
 */
#ifndef SHELL_EDITOR_TEXT_RING_H
#define SHELL_EDITOR_TEXT_RING_H

#include <stddef.h>

struct text_ring {
    char *bytes; /* the texts, each terminated, the oldest first */
    size_t size, used;
    unsigned first, end;
};

#define TEXT_RING_INIT(memory) \
    { .bytes = (memory), .size = sizeof(memory), .first = 1, .end = 1 }

/* Adds a text. One that is longer than the memory is ignored. */
void text_ring_add(struct text_ring *ring, const char *text, size_t length);
void text_ring_drop_last(struct text_ring *ring);
/* Returns a text, valid until the next change; NULL if it is not kept. */
const char *text_ring_get(const struct text_ring *ring, unsigned number);

#endif
