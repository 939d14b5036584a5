/*
 * video.h - the screen as a console.
 *
 *   terminal.c     interprets the bytes: cells, cursor, history
 *   font.c         glyphs of code points
 *   picture.c      small pictures between the characters
 *   screen.c       the console; draws changed cells
 *   framebuffer.c  a display of pixels
 *   vga.c          a display of character cells, for machines in text mode
 *
 * Model       Writing changes cells in memory only. A separate thread compares them with the cells
 *             on the display and draws the differences, about thirty times a second at most, so
 *             that fast output costs no more drawing than slow output. The display is never read,
 *             which would be slow. After a panic each write draws at once. A framebuffer shows 80
 *             columns, which the shell assumes of every terminal, scaled by the largest whole
 *             number that fits.
 * Locking     One spinlock of rank LOG for the cells; only the thread uses the display.
 * Status      No blinking; a framebuffer always has 80 columns. In text mode, a font of 512 glyphs
 *             uses the attribute bit of bright colours.
 */
#ifndef DRIVERS_VIDEO_VIDEO_H
#define DRIVERS_VIDEO_VIDEO_H

#include "kernel/framebuffer.h"
#include "kernel/port.h"

enum { VIDEO_COLUMNS = 80 };

/* A display of cells. */
struct video_display {
    unsigned columns, rows;
    /* Draws `count` cells (terminal.h) from a position on. */
    void (*draw)(unsigned row, unsigned column, const uint32_t *cells, unsigned count);
    bool shows_pictures; /* it can draw tiles of pictures (picture.h) */
};

/* Registers the console. Returns false if there is no display. After thread_start(). */
bool video_start(const struct framebuffer *framebuffer);

/* Each returns NULL if the screen is not of its kind. */
const struct video_display *framebuffer_start(const struct framebuffer *framebuffer);
const struct video_display *vga_start(const struct framebuffer *framebuffer);

#endif
