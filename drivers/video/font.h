/*
 * font.h - glyphs: a PC screen font, which the Makefile includes in the kernel.
 *
 * PSF version 1: 256 or 512 glyphs, 8 pixels wide, one byte for each row, and a table of the code
 * points of each glyph. Debian's console fonts have up to 32 rows.
 */
#ifndef DRIVERS_VIDEO_FONT_H
#define DRIVERS_VIDEO_FONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FONT_COLUMNS = 8, FONT_ROWS_MAX = 32, FONT_GLYPHS_MAX = 512 };

/* Reads a font, which is borrowed permanently. Returns false if it is not a valid one. */
bool font_read(const uint8_t *font, size_t bytes);

unsigned font_rows(void);
unsigned font_glyph_count(void);
/* Returns the glyph of a code point; that of '?' if the font has none. */
unsigned font_find(uint32_t code);
/* Returns font_rows() bytes; the highest bit is the leftmost pixel. */
const uint8_t *font_glyph(unsigned glyph);

#endif
