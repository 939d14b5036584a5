/*
 * words.h - lists of words, and text that grows.
 *
 * Ownership   A list owns its words; `list` ends with NULL as soon as there is one. All zero is an
 *             empty list, and an empty buffer.
 * Errors      -ENOMEM, and -EOVERFLOW for more than WORDS_MAX words or WORDS_BYTES_MAX bytes.
 */
#ifndef SHELL_WORDS_H
#define SHELL_WORDS_H

#include "kernel/port.h"

/* May a list in memory grow by `bytes` more? Each time that it has grown by 64 KiB, the last eighth
 * of memory must still be free (vfs_memory_is_short()): a short list can always be made. *unchecked
 * is the list's own count, 0 at first. */
bool list_may_grow(size_t *unchecked, size_t bytes);

enum { WORDS_MAX = 65536, WORDS_BYTES_MAX = 4 << 20 };

struct words {
    char **list;
    int count, room;
    size_t bytes, unchecked;
};

status_t words_add(struct words *words, const char *text, size_t length) MUST_CHECK;
/* A copy of the list, not of its words, for shell_run_command(), which takes the options out of it.
 * Free it with mem_free(). NULL: no memory. The words are at least one. */
char **words_copy_list(const struct words *words);
/* Sorts bytewise, from the word of this number on, and removes words equal to the one before. */
void words_sort(struct words *words, int from);
void words_free(struct words *words);

struct buffer {
    char *text; /* ends with NUL; NULL while nothing was put */
    size_t length, room;
    status_t status; /* -ENOMEM once something could not be put */
};

void buffer_put(struct buffer *buffer, const char *text, size_t length);
void buffer_clear(struct buffer *buffer); /* keeps its memory */
void buffer_free(struct buffer *buffer);

#endif
