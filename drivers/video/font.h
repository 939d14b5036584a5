/*
 * font.h - the pictures of characters: a PC screen font, taken into the kernel at build time.
 *
 * A font of version 1 (PSF1): 256 or 512 glyphs 8 pixels wide, a byte a row, and a table of the
 * code points that each shows. Debian's console fonts have up to 32 rows.
 */
#ifndef DRIVERS_VIDEO_FONT_H
#define DRIVERS_VIDEO_FONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FONT_COLUMNS = 8, FONT_ROWS_MAX = 32, FONT_GLYPHS_MAX = 512 };

/* Reads a font of `bytes` bytes, which stay the caller's. False: it is none. */
bool font_read(const uint8_t *font, size_t bytes);

unsigned font_rows(void);
unsigned font_glyph_count(void);
/* The glyph that shows a code point; '?' for those that the font does not know. */
unsigned font_find(uint32_t code);
/* font_rows() bytes, the leftmost pixel highest. */
const uint8_t *font_glyph(unsigned glyph);

#endif
