/*
 * terminal.h - the terminal at the console: is there one, how large is it, and a line on it.
 *
 * Nothing here sends an escape sequence before terminal_seen(). What is sent is what every terminal
 * since the VT100 understands: cursor up and right, erase to the end of the row and the screen,
 * save and restore the cursor, and the question where it is, by which the size is learnt.
 *
 * Model       A line is its prompt and its text, from the row where the prompt stands on down. Rows
 *             end with CR LF behind their last column, so that a wider terminal (there may be two)
 *             shows the same. Of a line with more rows than the screen, those around the cursor
 *             are shown.
 * Locking     The thread that reads the console; the questions: any.
 */
#ifndef SHELL_EDITOR_TERMINAL_H
#define SHELL_EDITOR_TERMINAL_H

#include "kernel/port.h"

void terminal_seen(void);
bool terminal_is_seen(void);

/* Asks how large it is. The answer comes as a key, of which terminal_report() is told. */
void terminal_ask_size(void);
/* Is the size another than before? With several terminals the smallest counts. */
bool terminal_report(unsigned rows, unsigned columns);

struct terminal_line {
    size_t row; /* of the cursor, below the first row shown */
    size_t top; /* the first row shown */
};

/* The cursor stands behind what the plain terminal was sent: prompt and text. */
void terminal_line_adopt(struct terminal_line *line, const char *prompt, const char *text,
                         size_t length);
/* Shows all of it again, with the cursor before text[cursor]. */
void terminal_line_show(struct terminal_line *line, const char *prompt, const char *text,
                        size_t length, size_t cursor);
/* At the end of the text `bytes` more were typed, at text[length - bytes]: sends only these. False
 * when that is not enough to show them. */
bool terminal_line_append(struct terminal_line *line, const char *prompt, const char *text,
                          size_t length, size_t bytes);
void terminal_clear(struct terminal_line *line); /* the screen */

#endif
