/*
 * unpack.c - reads gzip files, and others as they are; see unpack.h.
 */
#include "shell/commands/archives/unpack.h"

status_t unpack_begin(struct unpack *unpack, struct input *input, bool required)
{
    *unpack = (struct unpack){ .input = input, .required = required };
    unpack->gunzip = mem_zalloc(sizeof(*unpack->gunzip));
    if (!unpack->gunzip)
        return -ENOMEM;
    gunzip_begin(unpack->gunzip);
    return 0;
}

void unpack_end(struct unpack *unpack)
{
    mem_free(unpack->gunzip);
    unpack->gunzip = NULL;
}

/* The input is not a gzip file: gives the byte before this piece, if there is one, and then the
 * piece. */
static ssize_t pass(struct unpack *unpack, const char **data)
{
    bool has_first = unpack->packed_bytes > unpack->piece_bytes;
    unpack->holds = has_first;
    unpack->first = (char)unpack->gunzip->header[0];
    *data = has_first ? &unpack->first : unpack->piece;
    unpack_end(unpack);
    return has_first ? 1 : (ssize_t)unpack->piece_bytes;
}

/* Reads the next piece of input. Returns 1, 0 at the end, or an errno. */
static int feed(struct unpack *unpack)
{
    ssize_t got = input_piece(unpack->input, &unpack->piece);
    if (got < 0)
        return (int)got;
    unpack->piece_bytes = (size_t)got;
    unpack->packed_bytes += (size_t)got;
    gunzip_feed(unpack->gunzip,
                (struct bytes){ (const uint8_t *)unpack->piece, unpack->piece_bytes });
    return got > 0;
}

ssize_t unpack_piece(struct unpack *unpack, const char **data)
{
    if (unpack->holds) {
        unpack->holds = false;
        *data = unpack->piece;
        return (ssize_t)unpack->piece_bytes;
    }
    if (!unpack->gunzip)
        return input_piece(unpack->input, data);

    int got = 1;
    while (got > 0 && (unpack->result = gunzip_run(unpack->gunzip)) == GUNZIP_MORE)
        got = feed(unpack);
    if (got < 0)
        return got;
    if (!got)
        unpack->result = gunzip_end(unpack->gunzip);

    switch (unpack->result) {
    case GUNZIP_OUTPUT:
        *data = (const char *)unpack->gunzip->output.data;
        return (ssize_t)unpack->gunzip->output.length;
    case GUNZIP_END:
    case GUNZIP_GARBAGE: return 0;
    case GUNZIP_FOREIGN: return unpack->required ? -EUCLEAN : pass(unpack, data);
    default:
        /* An empty file is not a gzip file, but may be something else. */
        return unpack->required || unpack->packed_bytes ? -EUCLEAN : 0;
    }
}
