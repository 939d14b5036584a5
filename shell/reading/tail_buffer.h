/*
 * tail_buffer.h - the last N lines or bytes of a stream of unknown length, while it is read.
 *
 * Model       Bytes are appended at the end, and released at the front once enough bytes follow
 *             that they cannot belong to the last N. `tail` drops released bytes and writes the
 *             rest; `head -n -N` does the opposite. A last line without LF counts as a line.
 * Memory      In proportion to what is kept, in pieces of less than a page. A buffer of more than
 *             64 KiB leaves the last eighth of memory free (vfs_memory_is_short()).
 */
#ifndef SHELL_READING_TAIL_BUFFER_H
#define SHELL_READING_TAIL_BUFFER_H

#include "shell/stream.h"

struct tail_buffer {
    uint64_t amount;   /* how many lines or bytes to keep */
    bool count_bytes;
    char line_end;     /* LF */
    struct stream *released; /* gets released bytes; NULL: they are dropped */
    struct tail_buffer_piece *first, *last;
    uint64_t bytes, lines; /* in the buffer; lines are counted by their LF */
};

/* Appends bytes. -ENOMEM. */
status_t tail_buffer_add(struct tail_buffer *buffer, const char *data, size_t bytes) MUST_CHECK;
/* Called at the end of the stream: releases everything except exactly the last `amount`. */
void tail_buffer_finish(struct tail_buffer *buffer);
void tail_buffer_write(const struct tail_buffer *buffer, struct stream *out);
void tail_buffer_free(struct tail_buffer *buffer);

#endif
