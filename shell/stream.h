/*
 * stream.h - where a command's output goes: the console, a file, a pipe, the host's stdout.
 *
 * Model       A stream collects bytes in a buffer and passes them to its sink. A piece that is as
 *             large as the buffer goes to the sink directly. The first error of the sink is kept,
 *             and everything after it is dropped; its owner checks `status` at the end.
 * Locking     A stream belongs to one thread.
 * Ownership   The large buffer is borrowed for as long as the stream is used.
 */
#ifndef SHELL_STREAM_H
#define SHELL_STREAM_H

#include <stdarg.h>
#include "kernel/port.h"

enum { STREAM_BYTES = 512, STREAM_LARGE_BYTES = 4096 };

struct stream {
    status_t (*sink)(struct stream *stream, const char *text, size_t bytes);
    void *context;       /* belongs to the sink */
    bool at_line_start;  /* the last byte was LF, or none was written */
    status_t status;     /* the first error of the sink, or 0 */
    char *large;         /* used instead of `buffer`, unless NULL */
    size_t used;
    char buffer[STREAM_BYTES];
};

void stream_init(struct stream *stream,
                 status_t (*sink)(struct stream *stream, const char *text, size_t bytes),
                 void *context);
/* Sets a larger buffer, for a sink to which each piece is expensive. Before the first byte. */
void stream_use_large(struct stream *stream, char buffer[STREAM_LARGE_BYTES]);
void stream_write(struct stream *stream, const char *text, size_t bytes);
void stream_text(struct stream *stream, const char *text);
void stream_format(struct stream *stream, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void stream_format_v(struct stream *stream, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
/* Writes text from a medium: bytes below 0x20, 0x7f and the backslash as \xHH, so that no name can
 * control the terminal. With for_path, also the `>` of " -> " as \x3E (see `manifest`). */
void stream_escaped(struct stream *stream, const char *text, bool for_path);
/* Passes what was collected to the sink. Returns the stream's status. */
status_t stream_flush(struct stream *stream);

#endif
