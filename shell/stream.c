/*
 * stream.c - collects output and passes it to a sink; see stream.h.
 */
#include "shell/stream.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

void stream_init(struct stream *stream,
                 status_t (*sink)(struct stream *stream, const char *text, size_t bytes),
                 void *context)
{
    stream->sink = sink;
    stream->context = context;
    stream->at_line_start = true;
    stream->status = 0;
    stream->large = NULL;
    stream->used = 0;
}

void stream_use_large(struct stream *stream, char buffer[STREAM_LARGE_BYTES])
{
    stream->large = buffer;
}

static void stream_hand_over(struct stream *stream, const char *text, size_t bytes)
{
    if (bytes && !stream->status)
        stream->status = stream->sink(stream, text, bytes);
}

status_t stream_flush(struct stream *stream)
{
    /* After an error the bytes are dropped, so that a command without checks still ends. */
    stream_hand_over(stream, stream->large ? stream->large : stream->buffer, stream->used);
    stream->used = 0;
    return stream->status;
}

void stream_write(struct stream *stream, const char *text, size_t bytes)
{
    char *buffer = stream->large ? stream->large : stream->buffer;
    size_t room = stream->large ? STREAM_LARGE_BYTES : STREAM_BYTES;

    /* Nothing is written, so the position in the line is unchanged. */
    if (!bytes)
        return;

    stream->at_line_start = text[bytes - 1] == '\n';

    /* Flush the buffered bytes first if these do not fit after them. */
    if (bytes > room - stream->used)
        IGNORE(stream_flush(stream));

    /* A copy into the buffer would only delay a piece that fills it. */
    if (bytes >= room) {
        stream_hand_over(stream, text, bytes);
        return;
    }

    memcpy(buffer + stream->used, text, bytes);
    stream->used += bytes;
}

void stream_text(struct stream *stream, const char *text)
{
    stream_write(stream, text, strlen(text));
}

void stream_format_v(struct stream *stream, const char *format, va_list arguments)
{
    char line[256];

    /* A va_list can be used only once, and a long text is formatted twice. */
    va_list again;
    va_copy(again, arguments);
    int length = format_text_v(line, sizeof(line), format, arguments);

    /* A longer text is formatted again into memory of its own; without memory it is cut. */
    if ((size_t)length < sizeof(line)) {
        stream_write(stream, line, (size_t)length);
    } else {
        char *longer = mem_alloc((size_t)length + 1);
        if (longer)
            format_text_v(longer, (size_t)length + 1, format, again);
        stream_text(stream, longer ? longer : line);
        mem_free(longer);
    }
    va_end(again);
}

void stream_format(struct stream *stream, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    stream_format_v(stream, format, arguments);
    va_end(arguments);
}

void stream_escaped(struct stream *stream, const char *text, bool for_path)
{
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;

        /* In `manifest`, " -> " separates a link from its target, so a name must not contain it. */
        bool arrow = for_path && text_starts(at, " -> ");
        if (arrow) {
            stream_text(stream, " -\\x3E");
            at += 2;
        } else if (c < 0x20 || c == 0x7f || c == '\\') {
            stream_format(stream, "\\x%02X", c);
        } else {
            stream_write(stream, at, 1);
        }
    }
}
