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

/* The end of a noun after this count: "s", but "" after 1. */
static inline const char *text_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* Copies as much of `from` as fits into to[bytes] and ends it with NUL (nothing is written when
 * bytes is 0). Returns the length of `from`: it was cut when that is >= bytes. */
size_t text_copy(char *to, size_t bytes, const char *from);

bool text_equal(const char *a, const char *b);
bool text_equal_n(const char *a, size_t a_bytes, const char *b, size_t b_bytes);
bool text_equal_fold(const char *a, const char *b); /* upper and lower case are the same */
bool text_starts(const char *text, const char *prefix);

char text_lower(char c);
/* The value of a hexadecimal digit in either case; -1: it is not one. */
int text_hex_digit(char c);

/* How many of text[bytes] are this one. */
size_t text_count(const char *text, size_t bytes, char c);

/*
 * Numbers. The whole text is one: what follows it makes it invalid, and so does a blank.
 *
 * Digits      decimal, or hexadecimal after 0x.
 * Unit        none, or K M G T P E in either case: powers of 1024. "iB" after it changes nothing,
 *             "B" makes it a power of 1000, as in GNU's tools: 1K, 1KiB, 1kB = 1000.
 * Errors      -EINVAL: not a number; -ERANGE: it does not fit. The result is written on 0 only.
 */
status_t text_parse_u64(const char *text, uint64_t *value) MUST_CHECK;
/* The same with a sign in front or not: *sign is '+', '-' or 0. */
status_t text_parse_signed(const char *text, char *sign, uint64_t *value) MUST_CHECK;
/* A time, "1.5" or with one of s m h d after it, in microseconds; what is less than one is cut. */
status_t text_parse_time(const char *text, uint64_t *us) MUST_CHECK;

#endif
