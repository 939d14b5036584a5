/*
 * tail_buffer.h - the last N lines or bytes of a stream of unknown length, while it is read.
 *
 * Model       Bytes are added at the end and let go at the front, as soon as so many follow them
 *             that they cannot be part of the end. `tail` drops what is let go and writes what is
 *             left; `head -n -N` does the opposite.
 * Memory      In proportion to the end, in pieces of less than a page: never one large block. More
 *             than 64 KiB leave the last eighth of memory alone (vfs_memory_is_short()): -ENOMEM.
 * Lines       A last line without a line end counts as a line.
 */
#ifndef SHELL_READING_TAIL_BUFFER_H
#define SHELL_READING_TAIL_BUFFER_H

#include "shell/stream.h"

struct tail_buffer {
    uint64_t amount;   /* of lines, or of bytes */
    bool count_bytes;
    struct stream *released; /* takes what is let go; NULL: it is dropped */
    struct tail_buffer_piece *first, *last;
    uint64_t bytes, lines; /* line ends that are held */
};

/* -ENOMEM. */
status_t tail_buffer_add(struct tail_buffer *buffer, const char *data, size_t bytes) MUST_CHECK;
/* At the end of the stream: lets go of all but exactly the last `amount`. */
void tail_buffer_finish(struct tail_buffer *buffer);
void tail_buffer_write(const struct tail_buffer *buffer, struct stream *out);
void tail_buffer_free(struct tail_buffer *buffer);

#endif
