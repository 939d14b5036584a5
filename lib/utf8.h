/*
 * utf8.h - UTF-8 and the case of letters.
 *
 * Decoding is strict: no overlong forms, no surrogates, nothing above U+10FFFF.
 *
 * References  RFC 3629; the Unicode Character Database's CaseFolding.txt, statuses C and S.
 * Status      Folding covers Latin, Greek, Cyrillic, Armenian, Deseret, letterlike symbols, Roman
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

/* Returns whether a byte continues a character: it is neither ASCII nor a character's first. */
static inline bool utf8_continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Decodes the first code point of text[bytes]. Returns its length in bytes (1..4), or -1 if there
 * is none or it is malformed; *code is then unchanged. */
int utf8_decode(const char *text, size_t bytes, uint32_t *code);

/* Encodes a code point. Returns the bytes written (1..4), or -1 if it is invalid. */
int utf8_encode(uint32_t code, char out[4]);

bool utf8_valid(const char *text, size_t bytes);

/* Returns the same letter, mostly the lower case one, for all cases of a letter. */
uint32_t unicode_fold(uint32_t code);

/* Compares without regard to case. Malformed bytes equal only themselves. */
bool utf8_equal_folded(const char *a, size_t a_bytes, const char *b, size_t b_bytes);

/* Returns a hash (lib/hash.h) that is the same for texts that differ only in case. */
uint64_t utf8_hash_folded(const char *text, size_t bytes, uint64_t seed);

#endif
