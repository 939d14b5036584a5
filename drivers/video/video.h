/*
 * video.h - the screen as a console.
 *
 *   terminal.c     what the bytes mean: cells, cursor, lines to look back at
 *   font.c         code points to pictures
 *   picture.c      small pictures among the characters
 *   screen.c       the console; brings what changed to the glass
 *   framebuffer.c  a glass of pixels
 *   vga.c          a glass of character cells, for machines in text mode
 *
 * Model       Writing changes cells in memory only. A thread of its own compares them with what
 *             stands on the glass and draws the difference, at most some thirty times a second: a
 *             listing that rushes by costs the screen no more than one that stands. The glass is
 *             never read, since that is slow. After a panic each write draws at once.
 *             A framebuffer shows 80 columns, as the shell assumes of every terminal, as large as
 *             whole multiples of the font allow.
 * Locking     One spin of rank LOG for the cells; the glass is the thread's.
 * Status      No blinking, no other widths than 80 columns in a framebuffer. In text mode the
 *             font takes the attribute bit of bright colours.
 */
#ifndef DRIVERS_VIDEO_VIDEO_H
#define DRIVERS_VIDEO_VIDEO_H

#include "kernel/framebuffer.h"
#include "kernel/port.h"

enum { VIDEO_COLUMNS = 80 };

/* Where cells are shown. */
struct video_glass {
    unsigned columns, rows;
    /* Shows `count` cells (terminal.h) from a place on. */
    void (*draw)(unsigned row, unsigned column, const uint32_t *cells, unsigned count);
    bool shows_pictures; /* cells may be tiles of pictures (picture.h) */
};

/* Registers the console, on whatever glass there is. Needs memory and threads. */
void video_start(const struct framebuffer *framebuffer);

/* NULL: not this kind of screen. */
const struct video_glass *framebuffer_start(const struct framebuffer *framebuffer);
const struct video_glass *vga_start(const struct framebuffer *framebuffer);

#endif
