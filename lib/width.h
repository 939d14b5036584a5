/*
 * width.h - how many columns a character takes on a terminal.
 *
 * References  Unicode's EastAsianWidth.txt (W and F) and the general categories Mn and Me, in
 *             ranges that are wide enough for names; terminals do not agree on the rest either.
 */
#ifndef LIB_WIDTH_H
#define LIB_WIDTH_H

#include <stddef.h>
#include <stdint.h>

/* 0 for what stands on the character before it, 1, or 2. */
unsigned character_width(uint32_t code);

/* The character at text[at..length): its bytes; its columns in *width. A byte that is no UTF-8 is
 * a character of one column. */
size_t character_at(const char *text, size_t length, size_t at, unsigned *width);

/* Columns of a whole text. */
size_t text_width(const char *text, size_t length);

#endif
