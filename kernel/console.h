/*
 * console.h - the person's terminal: bytes out to every console, bytes in from any.
 *
 * Drivers register a console and feed its input; the shell and the log use it. Output is bytes as
 * they shall stand on the wire but for LF, which becomes CR LF. Input is kept in a ring, so what is
 * typed ahead is not lost; when the ring is full, further bytes are dropped and counted.
 *
 * ^C          While a thread is set as interruptible, ^C interrupts it and enters no ring; what was
 *             typed before and after stays. While none is, ^C is a byte like others.
 * Locking     write, scroll, input: any context (interrupt handlers call them). read: threads.
 */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include "kernel/port.h"

/* A square picture of `side` pixels, 16 or 32. A pixel is a colour 1 to 15 of the terminal's, or 0
 * for clear. In lines of text it takes side / 8 columns and side / 16 rows. */
enum {
    CONSOLE_PICTURE_COLUMN = 8, /* pixels a cell */
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
    void (*scroll)(int half_screens);              /* any context; NULL: nothing to look back at */
    /* Writes a row of cells of a picture, as if it were text. Threads. -ENOMEM. NULL: has no
     * pixels. */
    status_t (*picture)(const struct console_picture *picture, unsigned row);
    struct list link;                              /* console.c's */
};

void console_register(struct console *console); /* borrowed permanently */
void console_write(const char *text, size_t bytes);
/* Writes a row of cells of a picture to each console that has pixels, where its next character
 * would go; the others show nothing. Threads. -EOPNOTSUPP when no console has any, -ENOMEM. */
status_t console_write_picture(const struct console_picture *picture, unsigned row) MUST_CHECK;
bool console_shows_pictures(void);
/* Shows what was written before, half a screen further back, or (negative) forward. */
void console_scroll(int half_screens);
void console_input(uint8_t byte);
/* A byte, or -ETIMEDOUT, or -EINTR when the thread was interrupted. */
int console_read(uint64_t deadline_us) MUST_CHECK;
/* From now on ^C interrupts this thread; one that already waits as the next byte to be read does so
 * at once. NULL: none. */
void console_set_interruptible(struct thread *thread);
uint64_t console_dropped_bytes(void);

#endif
