/*
 * pipe.h - a bounded stream of bytes from one thread to another.
 *
 * Model       One thread reads. Several may write, in turn, so the bytes of one call stay together.
 *             A full pipe blocks the writer and an empty one the reader; both waits return -EINTR
 *             after ^C. When the reader has closed its end, writing gives -EPIPE. When the writer
 *             has closed its end, reading gives the remaining bytes and then 0.
 * Memory      PIPE_BYTES; a single page if less than an eighth of memory is free.
 * Ownership   Each end is closed exactly once; the second close frees the pipe.
 */
#ifndef SHELL_LANGUAGE_PIPE_H
#define SHELL_LANGUAGE_PIPE_H

#include "kernel/port.h"

enum { PIPE_BYTES = 16384 };

struct pipe;

/* Returns a pipe, or NULL if memory is exhausted. */
struct pipe *pipe_create(void);
/* Writes all bytes. -EPIPE, -EINTR. */
status_t pipe_write(struct pipe *pipe, const char *data, size_t bytes) MUST_CHECK;
/* Returns the number of bytes read, at least 1; 0 at the end; or -EINTR. */
ssize_t pipe_read(struct pipe *pipe, void *buffer, size_t bytes) MUST_CHECK;
/* Close an end; NULL does nothing. */
void pipe_close_writer(struct pipe *pipe);
void pipe_close_reader(struct pipe *pipe);

#endif
