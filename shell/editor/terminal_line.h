/*
 * terminal_line.h - shows an edited line on the terminal.
 *
 * Model       A line is a prompt and a text. It occupies rows from the prompt's row downwards. Each
 *             full row ends with CR LF rather than with the terminal's own wrapping, so that a
 *             wider terminal on the same console shows the same rows. If the line has more rows
 *             than the screen, the rows around the cursor are shown.
 *             Only sequences that every terminal since the VT100 understands are sent: cursor up
 *             and right, erase to the end of the row or screen.
 * Locking     The thread that reads the console.
 * References  ECMA-48, 8.3.22 CUU, 8.3.20 CUF, 8.3.39 ED, 8.3.41 EL.
 */
#ifndef SHELL_EDITOR_TERMINAL_LINE_H
#define SHELL_EDITOR_TERMINAL_LINE_H

#include "kernel/port.h"

struct terminal_line {
    size_t row; /* of the cursor, below the first row shown */
    size_t top; /* the first row shown */
};

/* Adopts a line that was sent to a plain console: the cursor is after prompt and text. */
void terminal_line_adopt(struct terminal_line *line, const char *prompt, const char *text,
                         size_t length);
/* Shows the whole line again, with the cursor before text[cursor]. */
void terminal_line_show(struct terminal_line *line, const char *prompt, const char *text,
                        size_t length, size_t cursor);
/* Shows the last `bytes` bytes of the text, which were typed at its end, by sending only these.
 * Returns false, and sends nothing, if that would not show the line correctly. */
bool terminal_line_append(struct terminal_line *line, const char *prompt, const char *text,
                          size_t length, size_t bytes);
/* Clears the screen. */
void terminal_line_clear(struct terminal_line *line);

#endif
