/*
 * text.h - bounded copying, comparing and parsing of text.
 *
 * Texts are terminated by NUL unless a length is passed with them. Only ASCII letters have cases
 * here; for others see utf8.h.
 */
#ifndef LIB_TEXT_H
#define LIB_TEXT_H

#include <stdbool.h>
#include "lib/status.h"

/* Returns the plural ending of a noun after this count: "s", or "" for 1. */
static inline const char *text_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* Copies as much of `from` as fits into to[bytes], terminated (if bytes is 0, writes nothing).
 * Returns the length of `from`, so it was truncated if that is >= bytes. */
size_t text_copy(char *to, size_t bytes, const char *from);
/* Copies a field of a device's data, which is padded with spaces, to to[bytes] (bytes >= 1):
 * without those at its ends, up to the first NUL. Bytes that are not printable ASCII become '?',
 * since the text may go to the log and to a console. */
void text_copy_field(char *to, size_t bytes, const uint8_t *field, size_t length);

bool text_equal(const char *a, const char *b);
bool text_equal_n(const char *a, size_t a_bytes, const char *b, size_t b_bytes);
bool text_equal_fold(const char *a, const char *b); /* ignores the case of letters */
bool text_starts(const char *text, const char *prefix);

char text_lower(char c);
char text_upper(char c);
/* Returns whether a character is a decimal digit. */
static inline bool text_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
/* Returns whether all of text[bytes] are decimal digits; true for an empty text. */
bool text_all_digits(const char *text, size_t bytes);
/* Returns the value of a hexadecimal digit in either case, -1 if it is not one. */
int text_hex_digit(char c);

/* Returns how many of text[bytes] are `c`. */
size_t text_count(const char *text, size_t bytes, char c);

/*
 * Numbers. The whole text must be one number: anything after it, even a blank, is an error.
 *
 * Digits      decimal, or hexadecimal after 0x.
 * Unit        none, or K M G T P E in either case: powers of 1024. "iB" after it changes nothing,
 *             "B" makes it a power of 1000, as in GNU's tools: 1K = 1KiB = 1024, 1kB = 1000.
 * Errors      -EINVAL if it is not a number; -ERANGE if it does not fit. The result is stored only
 *             on success.
 */
status_t text_parse_u64(const char *text, uint64_t *value) MUST_CHECK;
/* The same with an optional sign: *sign is '+', '-' or 0. */
status_t text_parse_signed(const char *text, char *sign, uint64_t *value) MUST_CHECK;
/* Parses a time such as "1.5" or "2h" (units s m h d) to microseconds, rounded down. */
status_t text_parse_time(const char *text, uint64_t *us) MUST_CHECK;

#endif
