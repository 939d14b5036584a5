/*
 * utf8.h - UTF-8 and the case of letters.
 *
 * Decoding is strict: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * References  RFC 3629; the Unicode Character Database's CaseFolding.txt, statuses C and S.
 * Status      Folding knows Latin, Greek, Cyrillic, Armenian, Deseret, letterlike symbols, Roman
 *             numerals, circled and full-width letters. One code point folds to one: ss and sharp s
 *             differ.
 */
#ifndef LIB_UTF8_H
#define LIB_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The byte order mark, which some editors write before a text. */
#define UTF8_MARK "\xef\xbb\xbf"

/* The first code point of text[bytes] into *code; returns the bytes it takes (1..4), or -1 when
 * there is none or it is not well formed (*code is then unchanged). */
int utf8_decode(const char *text, size_t bytes, uint32_t *code);

/* Returns the bytes written (1..4), or -1 for an invalid code point. */
int utf8_encode(uint32_t code, char out[4]);

bool utf8_valid(const char *text, size_t bytes);

/* What upper and lower case of a letter have in common (mostly the lower case). */
uint32_t unicode_fold(uint32_t code);

/* Equal but for case? Bytes that are not well formed equal only themselves. */
bool utf8_equal_folded(const char *a, size_t a_bytes, const char *b, size_t b_bytes);

/* A hash (lib/hash.h) that is the same for texts that are equal but for case. */
uint64_t utf8_hash_folded(const char *text, size_t bytes, uint64_t seed);

#endif
