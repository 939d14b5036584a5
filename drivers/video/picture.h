/*
 * picture.h - small pictures between the characters on the screen.
 *
 * A picture is copied when it is shown. Each cell that shows a part of it contains a code point for
 * private use, which encodes the picture and the tile, so that pictures scroll and are overwritten
 * like text. After PICTURES_MAX others a picture's slot is reused.
 *
 * Locking     picture_keep(): threads. picture_pixel(): any context.
 */
#ifndef DRIVERS_VIDEO_PICTURE_H
#define DRIVERS_VIDEO_PICTURE_H

#include "kernel/console.h"

enum {
    PICTURES_MAX = 32,
    PICTURE_TILES = CONSOLE_PICTURE_SIDE_MAX / CONSOLE_PICTURE_COLUMN *
                    (CONSOLE_PICTURE_SIDE_MAX / CONSOLE_PICTURE_ROW),
    PICTURE_CODE_FIRST = 0x10f000, /* plane 16, for private use: not in any font */
    PICTURE_CODE_END = PICTURE_CODE_FIRST + PICTURES_MAX * PICTURE_TILES,
};

/* Copies a picture unless it is kept already. Returns the code point of its first tile; the others
 * follow, row by row. 0 if memory is exhausted. */
uint32_t picture_keep(const struct console_picture *picture);
/* Returns the colour of a pixel in a tile, by its column and its row of CONSOLE_PICTURE_ROW; 0 is
 * transparent. */
unsigned picture_pixel(uint32_t code, unsigned x, unsigned y);

#endif
