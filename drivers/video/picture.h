/*
 * picture.h - small pictures among the characters of the screen.
 *
 * A picture that is shown is kept, and each cell that shows a part of it holds a code point of the
 * private planes: number and tile. So pictures scroll, are looked back at and are overwritten as
 * text is. After PICTURES_MAX others its place is used again.
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
    PICTURE_CODE_FIRST = 0x10f000, /* plane 16, for private use: no font has it */
    PICTURE_CODE_END = PICTURE_CODE_FIRST + PICTURES_MAX * PICTURE_TILES,
};

/* The code point of the picture's first tile; the others follow, row by row. 0: no memory. */
uint32_t picture_keep(const struct console_picture *picture);
/* The colour of a pixel of a tile, by its column and its row of CONSOLE_PICTURE_ROW; 0 is clear. */
unsigned picture_pixel(uint32_t code, unsigned x, unsigned y);

#endif
