/*
 * words.h - lists of words, and text that grows.
 *
 * Ownership   A list owns its words, all of which are freed with it: pointers may be removed from
 *             `list`, which ends with NULL once there is a word. A list or a buffer of zeroes is
 *             empty.
 * Errors      -ENOMEM; -EOVERFLOW for more than WORDS_MAX words or WORDS_BYTES_MAX bytes.
 */
#ifndef SHELL_WORDS_H
#define SHELL_WORDS_H

#include "kernel/port.h"

/* Returns whether a list in memory may grow by `bytes`. Each time that it has grown by 64 KiB, an
 * eighth of memory must remain free (vfs_memory_is_short()), so short lists are always possible.
 * *unchecked counts the bytes of one list since its last check, 0 at first. */
bool list_may_grow(size_t *unchecked, size_t bytes);

enum { WORDS_MAX = 65536, WORDS_BYTES_MAX = 4 << 20 };

struct words_block;

struct words {
    char **list;
    int count, room;
    size_t bytes, unchecked;
    struct words_block *blocks; /* of the texts, and of a short list; the last one first */
};

status_t words_add(struct words *words, const char *text, size_t length) MUST_CHECK;
/* Copies the list, but not its words, for shell_run_command(), which removes options from it, if
 * the list is used again. There must be a word. Returns NULL without memory; freed with
 * mem_free(). */
char **words_copy_list(const struct words *words);
/* Sorts the words from number `from` on, bytewise, and removes duplicates. */
void words_sort(struct words *words, int from);
void words_free(struct words *words);

struct buffer {
    char *text; /* ends with NUL; NULL while the buffer is empty */
    size_t length, room;
    status_t status; /* -ENOMEM if something could not be appended */
};

/* Appends text. After an error the buffer no longer changes. */
void buffer_put(struct buffer *buffer, const char *text, size_t length);
void buffer_clear(struct buffer *buffer); /* keeps the memory */
void buffer_free(struct buffer *buffer);

#endif
