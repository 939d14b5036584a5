/*
 * charset.h - names in older character sets, to UTF-8.
 *
 *   utf-8      checked
 *   latin1     ISO 8859-1
 *   cp437      the PC's first code page
 *   cp850      the PC's code page for Western Europe
 *   shift-jis  JIS X 0201 and 0208 as code page 932 has them
 *
 * In each of them the bytes 00 to 7F are ASCII's.
 *
 * References  ISO 8859-1; code pages 437, 850, 932; JIS X 0208.
 * Status      Private characters of code page 932 (leads F0 to F9) are invalid.
 */
#ifndef LIB_CHARSET_CHARSET_H
#define LIB_CHARSET_CHARSET_H

#include <stdbool.h>
#include "lib/bytes.h"

struct charset;

/* By its name, in either case, or one of its other usual names ("iso-8859-1", "sjis"); NULL when it
 * is not known. */
const struct charset *charset_find(const char *name, size_t length);
/* The name above. */
const char *charset_name(const struct charset *charset);

/* The first character of b into *code; returns the bytes it takes, or -1 when there is none or it
 * is invalid. */
int charset_decode(const struct charset *charset, struct bytes b, uint32_t *code);

/* Converts all of `from` to UTF-8 in text[bytes], not terminated; returns the length. Invalid bytes
 * become `_`, which sets *replaced. What does not fit is left out, whole characters. */
size_t charset_to_utf8(const struct charset *charset, struct bytes from, char *text, size_t bytes,
                       bool *replaced);

#endif
