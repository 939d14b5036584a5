/*
 * console.h - the user's terminal: output to every console, input from any of them.
 *
 * Model       Drivers register consoles and deliver input; the shell and the log use both. Output
 *             is written unchanged, except that LF becomes CR LF. Input is buffered in a ring, so
 *             that input typed ahead is not lost; when the ring is full, bytes are dropped and
 *             counted.
 * ^C          While a thread is set as interruptible, ^C interrupts it and is not put into the
 *             ring; other input is kept. Otherwise ^C is an ordinary byte.
 * Locking     write, scroll, input: any context, interrupt handlers included. read: threads.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include "kernel/port.h"

/* A square picture with a side of 16 or 32 pixels. A pixel is one of the terminal's colours, 1 to
 * 15, or 0 for transparent. In a text it takes side / 8 columns and side / 16 rows. */
enum {
    CONSOLE_PICTURE_COLUMN = 8, /* pixels of a cell */
    CONSOLE_PICTURE_ROW = 16,
    CONSOLE_PICTURE_SIDE_MAX = 32,
};
struct console_picture {
    unsigned side;
    const uint8_t *pixels; /* row by row */
};

struct console {
    const char *name;
    void (*write)(const char *text, size_t bytes); /* any context; may poll the device */
    void (*scroll)(int half_screens);              /* any context; NULL: keeps no earlier output */
    /* Writes one row of cells of a picture, as if it were text. Threads. -ENOMEM. NULL if the
     * console has no pixels. */
    status_t (*picture)(const struct console_picture *picture, unsigned row);
    struct list link;                              /* owned by console.c */
};

void console_register(struct console *console); /* borrowed permanently */
void console_write(const char *text, size_t bytes);
/* Writes a row of cells of a picture to each console that has pixels, at the position of its next
 * character; the others show nothing. Threads. -EOPNOTSUPP if no console has pixels, -ENOMEM. */
status_t console_write_picture(const struct console_picture *picture, unsigned row) MUST_CHECK;
bool console_shows_pictures(void);
/* Scrolls back (positive) or forward (negative) through earlier output, by half screens. */
void console_scroll(int half_screens);
/* Delivers a byte of input. Any context. */
void console_input(uint8_t byte);
/* Waits for a byte and returns it. -ETIMEDOUT at the deadline; -EINTR if the thread was
 * interrupted. */
int console_read(uint64_t deadline_us) MUST_CHECK;
/* Makes ^C interrupt this thread from now on, or no thread (NULL). A ^C that is the next byte of
 * input interrupts it at once. */
void console_set_interruptible(struct thread *thread);
uint64_t console_dropped_bytes(void); /* input, since start */

#endif
