/*
 * text_kind.h - are bytes text, and how is it encoded?
 *
 * Bytes are given a piece at a time, in order; characters may be split between pieces.
 *
 * Model       Text holds no control characters except BEL, BS, TAB, LF, VT, FF, CR, ESC (and NEL in
 *             ISO 8859), as file(1) has it. ASCII is UTF-8; what is not UTF-8 is ISO 8859 when the
 *             bytes 80-9F do not occur, else "extended ASCII". A byte order mark starts UTF-16.
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

/* Start with a zeroed *kind. */
void text_kind_add(struct text_kind *kind, const uint8_t *bytes, size_t count);
/* After the last piece; `whole`: the end of the text was seen, so a cut character is invalid. */
void text_kind_end(struct text_kind *kind, bool whole);
/* "ASCII text", "Unicode text, UTF-8 text", "ISO-8859 text", ... or NULL for data. */
const char *text_kind_name(const struct text_kind *kind);
/* "us-ascii", "utf-8", "iso-8859-1", "utf-16le", "unknown-8bit", or "binary". */
const char *text_kind_charset(const struct text_kind *kind);
/* ", with CRLF line terminators" and the like; "" for LF alone. */
void text_kind_lines(const struct text_kind *kind, char *text, size_t bytes);

#endif
