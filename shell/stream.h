/*
 * stream.h - where a command's words go: the console, a file, the host's standard output.
 *
 * A stream gathers bytes and hands them to its sink in pieces; what is a piece by itself goes there
 * from where it lies. The first error of the sink is kept and everything after it dropped; who
 * opened the stream asks for it when closing.
 *
 * Locking     A stream belongs to one thread.
 * Ownership   The large buffer is borrowed, for as long as the stream is used.
 */
#ifndef SHELL_STREAM_H
#define SHELL_STREAM_H

#include <stdarg.h>
#include "kernel/port.h"

enum { STREAM_BYTES = 512, STREAM_LARGE_BYTES = 4096 };

struct stream {
    status_t (*sink)(struct stream *stream, const char *text, size_t bytes);
    void *context;       /* the sink's */
    bool at_line_start;  /* was LF the last byte written? True before the first */
    status_t status;     /* of the sink: 0 so far */
    char *large;         /* instead of `buffer`; NULL: none */
    size_t used;
    char buffer[STREAM_BYTES];
};

void stream_init(struct stream *stream,
                 status_t (*sink)(struct stream *stream, const char *text, size_t bytes),
                 void *context);
/* Gathers more in a piece, where each costs its sink something. Before the first byte. */
void stream_use_large(struct stream *stream, char buffer[STREAM_LARGE_BYTES]);
void stream_write(struct stream *stream, const char *text, size_t bytes);
void stream_text(struct stream *stream, const char *text);
void stream_format(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void stream_format_v(struct stream *stream, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
/* Text from a medium: bytes below 0x20, 0x7f and the backslash as \xHH, so that no name can steer
 * a terminal; for_path also shows the `>` of " -> " as \x3E. */
void stream_escaped(struct stream *stream, const char *text, bool for_path);
status_t stream_flush(struct stream *stream);

#endif
