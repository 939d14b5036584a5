/*
 * terminal.h - a terminal emulator: converts bytes to cells, a cursor, and a history of lines.
 *
 * Model       Lines are in a ring; the last `rows` of them are the screen, the earlier ones the
 *             history. A cell is a code point and its colours in one word, so that cells can be
 *             compared as words. Writing the last column does not move the cursor to the next line;
 *             the next character does.
 * Interface   terminal_init() with memory of the caller's; terminal_write(); terminal_line() to
 *             read the cells.
 * Sequences   CR LF BS HT; ESC 7 8 c D E M; CSI A B C D E F G H d f (cursor), J K X (erase),
 *             @ P L M (insert, delete), m (colours, bold, inverse), s u (save, restore),
 *             ?25h ?25l (cursor shown), S T (scroll). Others are ignored, titles (OSC) too.
 *             Queries (CSI n, c) are not answered: a terminal on the serial line may answer them,
 *             and there must be one answer.
 * Locking     The caller's.
 * References  ECMA-48; the xterm control sequences.
 * Status      One cell for each character: wide characters take one cell too, combining ones are
 *             ignored.
 */
#ifndef DRIVERS_VIDEO_TERMINAL_H
#define DRIVERS_VIDEO_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A cell: code point, colours 0..15 (ANSI's order, 8 and above bright), and a bit that the screen
 * sets for the cursor. */
enum {
    CELL_CODE_MASK = 0x1fffff,
    CELL_FRONT_SHIFT = 21,
    CELL_BACK_SHIFT = 25,
    CELL_COLOUR_MASK = 15,
    CELL_CURSOR = 1 << 29,
};

enum {
    TERMINAL_PARAMETERS_MAX = 8,
    TERMINAL_COLUMNS_MAX = 256,
};

struct terminal_pen {
    uint8_t front, back;
    bool bold, inverse;
};

struct terminal_place {
    unsigned row, column;
    bool wrap; /* the last column was written: the next character starts a new line */
    struct terminal_pen pen;
};

struct terminal {
    unsigned columns, rows;
    unsigned line_count; /* of the ring; at least `rows` */
    unsigned first;      /* index in the ring of the screen's first line */
    unsigned history;    /* lines before it that contain text */
    uint32_t *cells;     /* line_count * columns; the caller's */
    struct terminal_place at, saved;
    bool cursor_hidden;

    /* The sequence or character that is being read. */
    uint8_t state;
    bool question; /* CSI ? */
    unsigned parameters[TERMINAL_PARAMETERS_MAX];
    unsigned parameter_count;
    char bytes[4];
    unsigned byte_count;
};

/* Makes an empty terminal with the cursor at the top. `cells` has room for lines * columns and is
 * borrowed; lines >= rows. */
void terminal_init(struct terminal *terminal, unsigned columns, unsigned rows, unsigned lines,
                   uint32_t *cells);
void terminal_write(struct terminal *terminal, const char *text, size_t bytes);
/* Returns the cells of a line: 0 is the screen's first one, -history the oldest. */
uint32_t *terminal_line(const struct terminal *terminal, int line);

#endif
