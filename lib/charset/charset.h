/*
 * charset.h - converts names in legacy character sets to UTF-8.
 *
 *   utf-8      checked
 *   latin1     ISO 8859-1
 *   cp437      the PC's first code page
 *   cp850      the PC's code page for Western Europe
 *   shift-jis  JIS X 0201 and 0208, as in code page 932
 *
 * In all of them the bytes 00 to 7F are ASCII.
 *
 * References  ISO 8859-1; code pages 437, 850, 932; JIS X 0208.
 * Status      Private characters of code page 932 (leads F0 to F9) are invalid.
 */
#ifndef LIB_CHARSET_CHARSET_H
#define LIB_CHARSET_CHARSET_H

#include <stdbool.h>
#include "lib/bytes.h"

struct charset;

/* Returns the charset of this name, in either case, or of another usual name ("iso-8859-1",
 * "sjis"); NULL if it is unknown. */
const struct charset *charset_find(const char *name, size_t length);
/* Returns the name in the list above. */
const char *charset_name(const struct charset *charset);

/* Decodes the first character of b. Returns its length in bytes, or -1 if there is none or it is
 * invalid. */
int charset_decode(const struct charset *charset, struct bytes b, uint32_t *code);

/* Converts all of `from` to UTF-8 in text[bytes], not terminated. Returns the length. Invalid bytes
 * become `_` and set *replaced. Characters that do not fit are dropped. */
size_t charset_to_utf8(const struct charset *charset, struct bytes from, char *text, size_t bytes,
                       bool *replaced);

#endif
