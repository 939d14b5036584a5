/*
 * pipe.h - a bounded stream of bytes from one thread to another.
 *
 * One thread reads; several may write, each in its turn, so that what one call writes stays
 * together. A full pipe makes the writer wait, an empty one the reader; both waits end with -EINTR
 * after ^C. Each end is closed once by its thread (or for it); the pipe goes with the second. Once
 * the reading end is closed writing gives -EPIPE; once the writing end is, reading gives what is
 * left and then 0.
 */
#ifndef SHELL_LANGUAGE_PIPE_H
#define SHELL_LANGUAGE_PIPE_H

#include "kernel/port.h"

enum { PIPE_BYTES = 16384 };

struct pipe;

struct pipe *pipe_create(void); /* NULL: no memory */
/* All bytes, or an errno. */
status_t pipe_write(struct pipe *pipe, const char *data, size_t bytes) MUST_CHECK;
/* At least one byte; 0: the end; or an errno. */
ssize_t pipe_read(struct pipe *pipe, void *buffer, size_t bytes) MUST_CHECK;
void pipe_close_writer(struct pipe *pipe); /* NULL: nothing */
void pipe_close_reader(struct pipe *pipe);

#endif
