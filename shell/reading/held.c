/*
 * held.c - see held.h.
 */
#include "shell/reading/held.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"
#include "lib/text.h"

enum { PIECE_BYTES = 4000, FREE_BYTES = 64 * 1024 };

struct held_piece {
    struct held_piece *next;
    size_t from, to; /* what is still held: data[from..to) */
    size_t lines;    /* line ends among them */
    char data[PIECE_BYTES];
};

/* ---- letting go --------------------------------------------------------------------------- */

/* Of the first piece; a piece of which nothing is left is freed. */
static void release_bytes(struct held *held, size_t bytes)
{
    struct held_piece *piece = held->first;
    size_t lines = text_count(piece->data + piece->from, bytes, '\n');
    if (held->released)
        stream_write(held->released, piece->data + piece->from, bytes);
    piece->from += bytes;
    piece->lines -= lines;
    held->bytes -= bytes;
    held->lines -= lines;

    if (piece->from == piece->to) {
        held->first = piece->next;
        if (!held->first)
            held->last = NULL;
        mem_free(piece);
    }
}

/* How many bytes of the first piece are certainly before the last `amount` lines, when `surplus`
 * lines are too many. */
static size_t surplus_of_lines(const struct held_piece *piece, uint64_t surplus)
{
    if (piece->lines < surplus)
        return piece->to - piece->from;
    size_t at = piece->from;
    for (; surplus; surplus--) {
        const char *end = memchr(piece->data + at, '\n', piece->to - at);
        at = (size_t)(end - piece->data) + 1;
    }
    return at - piece->from;
}

/* Lets go of what comes before the last `amount`; of `lines` lines. */
static void release_surplus(struct held *held, uint64_t lines)
{
    while (held->first) {
        struct held_piece *piece = held->first;
        uint64_t count = held->count_bytes ? held->bytes : lines;
        if (count <= held->amount)
            return;

        uint64_t surplus = count - held->amount, before = held->lines;
        size_t bytes = piece->to - piece->from;
        if (!held->count_bytes)
            bytes = surplus_of_lines(piece, surplus);
        else if (surplus < bytes)
            bytes = (size_t)surplus;
        release_bytes(held, bytes);
        lines -= before - held->lines;
    }
}

void held_finish(struct held *held)
{
    if (!held->last)
        return;
    bool open = held->last->data[held->last->to - 1] != '\n';
    if (open && held->amount == 0) /* no line end that it could end at */
        held->count_bytes = true;
    release_surplus(held, held->lines + open);
}

/* ---- adding ------------------------------------------------------------------------------- */

static struct held_piece *piece_add(struct held *held)
{
    bool large = held->bytes >= FREE_BYTES;
    struct held_piece *piece =
        large && vfs_memory_is_short(1) ? NULL : mem_alloc(sizeof(*piece));
    if (!piece)
        return NULL;
    piece->next = NULL;
    piece->from = piece->to = piece->lines = 0;
    if (held->last)
        held->last->next = piece;
    else
        held->first = piece;
    held->last = piece;
    return piece;
}

status_t held_add(struct held *held, const char *data, size_t bytes)
{
    while (bytes) {
        struct held_piece *piece = held->last;
        if (!piece || piece->to == PIECE_BYTES)
            piece = piece_add(held);
        if (!piece)
            return -ENOMEM;

        size_t part = PIECE_BYTES - piece->to < bytes ? PIECE_BYTES - piece->to : bytes;
        size_t lines = text_count(data, part, '\n');
        memcpy(piece->data + piece->to, data, part);
        piece->to += part;
        piece->lines += lines;
        held->bytes += part;
        held->lines += lines;
        data += part;
        bytes -= part;

        release_surplus(held, held->lines);
    }
    return 0;
}

void held_write(const struct held *held, struct stream *out)
{
    for (const struct held_piece *piece = held->first; piece; piece = piece->next)
        stream_write(out, piece->data + piece->from, piece->to - piece->from);
}

void held_free(struct held *held)
{
    struct held_piece *next;
    for (struct held_piece *piece = held->first; piece; piece = next) {
        next = piece->next;
        mem_free(piece);
    }
    held->first = held->last = NULL;
}
