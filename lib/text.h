/*
 * text.h - bounded copying, comparing and parsing of text.
 *
 * Texts end with NUL unless a length is given beside them. Letters are ASCII's here; utf8.h knows
 * the others.
 */
#ifndef LIB_TEXT_H
#define LIB_TEXT_H

#include <stdbool.h>
#include "lib/status.h"

/* Copies as much of `from` as fits into to[bytes] and ends it with NUL (nothing is written when
 * bytes is 0). Returns the length of `from`: it was cut when that is >= bytes. */
size_t text_copy(char *to, size_t bytes, const char *from);

bool text_equal(const char *a, const char *b);
bool text_equal_n(const char *a, size_t a_bytes, const char *b, size_t b_bytes);
bool text_starts(const char *text, const char *prefix);

char text_lower(char c);

/* How many of text[bytes] are this one. */
size_t text_count(const char *text, size_t bytes, char c);

/* The number that the whole text is: decimal, or hexadecimal after 0x, with one K, M, G or T
 * (either case: KiB and so on) after it if you like. 0; -EINVAL when it is no number (empty and
 * signs included), -ERANGE when it does not fit; *value is written on 0 only. */
status_t text_parse_u64(const char *text, uint64_t *value) MUST_CHECK;

#endif
