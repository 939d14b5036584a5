/*
 * text_kind.h - whether bytes are text, and in which encoding.
 *
 * Bytes are passed a piece at a time, in order; characters may be split between pieces.
 *
 * Model       Text holds no control characters except BEL, BS, TAB, LF, VT, FF, CR, ESC (and NEL in
 *             ISO 8859), as in file(1). ASCII is UTF-8; text that is not UTF-8 is ISO 8859 if it
 *             has no bytes 80-9F, else "extended ASCII". UTF-16 begins with a byte order mark.
 */
#ifndef LIB_TEXT_KIND_H
#define LIB_TEXT_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_kind {
    bool control, high, c1, not_utf8; /* seen: a control character, a byte above 7F, 80-9F */
    bool mark;                        /* it begins with the byte order mark of UTF-8 */
    unsigned utf16;                   /* 1: little-endian, 2: big-endian */
    uint64_t lf, crlf, cr;            /* line ends */
    uint64_t bytes;
    uint8_t last;
    unsigned pending;                 /* bytes of a character at the end of the last piece */
    char partial[4];
};

/* Adds a piece. The first call needs a zeroed *kind. */
void text_kind_add(struct text_kind *kind, const uint8_t *bytes, size_t count);
/* Ends the text. If it is `whole`, an incomplete character at its end is invalid. */
void text_kind_end(struct text_kind *kind, bool whole);
/* Returns "ASCII text", "Unicode text, UTF-8 text", "ISO-8859 text", ... or NULL for data. */
const char *text_kind_name(const struct text_kind *kind);
/* Returns "us-ascii", "utf-8", "iso-8859-1", "utf-16le", "unknown-8bit", or "binary". */
const char *text_kind_charset(const struct text_kind *kind);
/* Stores ", with CRLF line terminators" and the like; "" for LF alone. */
void text_kind_lines(const struct text_kind *kind, char *text, size_t bytes);

#endif
