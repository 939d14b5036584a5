/*
 * width.h - how many columns characters take on a terminal.
 *
 * References  Unicode's EastAsianWidth.txt (W and F) and general categories Mn and Me, as ranges
 *             that are sufficient for names. Terminals do not agree on all characters either.
 */
#ifndef LIB_WIDTH_H
#define LIB_WIDTH_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0 for a combining mark, 2 for a wide character, else 1. */
unsigned character_width(uint32_t code);

/* Returns the length of the character at text[at..length), and its columns in *width. A byte of
 * invalid UTF-8 is a character of one column. */
size_t character_at(const char *text, size_t length, size_t at, unsigned *width);

/* Returns the columns of a text. */
size_t text_width(const char *text, size_t length);

#endif
