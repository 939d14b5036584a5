/*
 * tail_buffer.c - a list of pieces that grows at the end and shrinks at the front; see
 * tail_buffer.h.
 */
#include "shell/reading/tail_buffer.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"
#include "lib/text.h"

enum { PIECE_BYTES = 4000, FREE_BYTES = 64 * 1024 };

struct tail_buffer_piece {
    struct tail_buffer_piece *next;
    size_t from, to; /* data[from..to) is in the buffer */
    size_t lines;    /* line ends among them */
    char data[PIECE_BYTES];
};

/* ---- releasing ---------------------------------------------------------------------------- */

/* Releases bytes of the first piece, and frees the piece if it is then empty. */
static void release_bytes(struct tail_buffer *buffer, size_t bytes)
{
    struct tail_buffer_piece *piece = buffer->first;

    /* Count the lines before the bytes are gone. */
    size_t lines = text_count(piece->data + piece->from, bytes, buffer->line_end);

    if (buffer->released)
        stream_write(buffer->released, piece->data + piece->from, bytes);

    piece->from += bytes;
    piece->lines -= lines;
    buffer->bytes -= bytes;
    buffer->lines -= lines;

    if (piece->from == piece->to) {
        buffer->first = piece->next;
        if (!buffer->first)
            buffer->last = NULL;
        mem_free(piece);
    }
}

/* Returns how many bytes at the start of a piece belong to the first `surplus` lines. */
static size_t surplus_of_lines(const struct tail_buffer_piece *piece, char line_end,
                               uint64_t surplus)
{
    if (piece->lines < surplus)
        return piece->to - piece->from;

    /* Find the end of the last surplus line, which is in this piece. */
    size_t at = piece->from;
    for (; surplus; surplus--) {
        const char *end = memchr(piece->data + at, line_end, piece->to - at);
        at = (size_t)(end - piece->data) + 1;
    }
    return at - piece->from;
}

/* Releases everything before the last `amount`, if the buffer contains `lines` lines. */
static void release_surplus(struct tail_buffer *buffer, uint64_t lines)
{
    while (buffer->first) {
        /* One piece at a time, from the front, until nothing is surplus. */
        struct tail_buffer_piece *piece = buffer->first;
        uint64_t count = buffer->count_bytes ? buffer->bytes : lines;

        if (count <= buffer->amount)
            return;

        uint64_t surplus = count - buffer->amount, before = buffer->lines;
        size_t bytes = piece->to - piece->from;
        if (!buffer->count_bytes)
            bytes = surplus_of_lines(piece, buffer->line_end, surplus);
        else if (surplus < bytes)
            bytes = (size_t)surplus;
        release_bytes(buffer, bytes);
        lines -= before - buffer->lines;
    }
}

void tail_buffer_finish(struct tail_buffer *buffer)
{
    if (!buffer->last)
        return;

    /* A last line without LF counts, but was not counted by its LF. To release it too, release all
     * bytes. */
    bool open = buffer->last->data[buffer->last->to - 1] != buffer->line_end;
    if (open && buffer->amount == 0)
        buffer->count_bytes = true;

    release_surplus(buffer, buffer->lines + open);
}

/* ---- adding ------------------------------------------------------------------------------- */

static struct tail_buffer_piece *piece_add(struct tail_buffer *buffer)
{
    /* A few pieces are always possible. More must leave memory for others. */
    bool large = buffer->bytes >= FREE_BYTES;
    struct tail_buffer_piece *piece =
        large && vfs_memory_is_short(1) ? NULL : mem_alloc(sizeof(*piece));

    if (!piece)
        return NULL;

    piece->next = NULL;
    piece->from = piece->to = piece->lines = 0;
    if (buffer->last)
        buffer->last->next = piece;
    else
        buffer->first = piece;
    buffer->last = piece;
    return piece;
}

status_t tail_buffer_add(struct tail_buffer *buffer, const char *data, size_t bytes)
{
    while (bytes) {
        /* Fill the last piece, then add others. */
        struct tail_buffer_piece *piece = buffer->last;
        if (!piece || piece->to == PIECE_BYTES)
            piece = piece_add(buffer);
        if (!piece)
            return -ENOMEM;

        size_t part = PIECE_BYTES - piece->to < bytes ? PIECE_BYTES - piece->to : bytes;
        size_t lines = text_count(data, part, buffer->line_end);
        memcpy(piece->data + piece->to, data, part);
        piece->to += part;
        piece->lines += lines;
        buffer->bytes += part;
        buffer->lines += lines;
        data += part;
        bytes -= part;

        /* Keep the buffer small while it is filled, so that memory holds the last lines only. */
        release_surplus(buffer, buffer->lines);
    }
    return 0;
}

void tail_buffer_write(const struct tail_buffer *buffer, struct stream *out)
{
    for (const struct tail_buffer_piece *piece = buffer->first; piece; piece = piece->next)
        stream_write(out, piece->data + piece->from, piece->to - piece->from);
}

void tail_buffer_free(struct tail_buffer *buffer)
{
    struct tail_buffer_piece *next;
    for (struct tail_buffer_piece *piece = buffer->first; piece; piece = next) {
        next = piece->next;
        mem_free(piece);
    }
    buffer->first = buffer->last = NULL;
}
