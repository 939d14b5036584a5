/*
 * unpack.h - the bytes of an input in pieces, unpacked if it is a gzip file.
 *
 * Errors      -EUCLEAN for a file that is damaged, or is not a gzip file although it is required to
 *             be one: `result` has the reason (gunzip_text()). What was given until then is only a
 *             part of the content. Other errors are those of reading.
 * End         Something else after the last member ends the content as well: unpack_piece() then
 *             returns 0, and `result` is GUNZIP_GARBAGE.
 * Ownership   Pieces are borrowed until the next call.
 */
#ifndef SHELL_COMMANDS_ARCHIVES_UNPACK_H
#define SHELL_COMMANDS_ARCHIVES_UNPACK_H

#include "lib/deflate/gunzip.h"
#include "shell/reading/input.h"

struct unpack {
    struct input *input;
    bool required;             /* a file in another format is an error */
    struct gunzip *gunzip;     /* NULL: the input is not packed */
    enum gunzip_result result;
    const char *piece;         /* of the input, in use by `gunzip`, or still to be given */
    size_t piece_bytes;
    bool holds;                /* the piece is still to be given */
    char first;                /* byte of the input, if the piece begins with the second */
    uint64_t packed_bytes;     /* read so far */
};

status_t unpack_begin(struct unpack *unpack, struct input *input, bool required) MUST_CHECK;
/* Returns the length of the next piece, 0 at the end, or an errno. */
ssize_t unpack_piece(struct unpack *unpack, const char **data) MUST_CHECK;
void unpack_end(struct unpack *unpack);

#endif
