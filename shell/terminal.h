/*
 * terminal.h - the terminal at the console: whether there is one, and its size.
 *
 * Model       At first the console is plain: it may be a log file or a program, and no escape
 *             sequence is sent. It becomes a terminal for good when a key arrives that only a
 *             terminal sends (editor/keys.h). Its size is 80 x 24 until it has reported another:
 *             the cursor is sent to the far corner and asked for its position. Several terminals
 *             may be connected to one console; the smallest size counts.
 * Locking     terminal_is_seen() and terminal_size(): any thread. The others: the thread that reads
 *             the console.
 * References  ECMA-48, 8.3.21 CUP, 8.3.35 DSR, 8.3.14 CPR; DECSC and DECRC of the VT100.
 */
#ifndef SHELL_TERMINAL_H
#define SHELL_TERMINAL_H

#include <stdbool.h>

bool terminal_is_seen(void);
void terminal_size(unsigned *columns, unsigned *rows);

/* Records that the console is a terminal, and asks for its size. */
void terminal_seen(void);
/* Asks for the size. The answer arrives as a key; its reader calls terminal_report(). */
void terminal_ask_size(void);
/* Takes the answer. Returns whether the size has changed. */
bool terminal_report(unsigned rows, unsigned columns);

#endif
