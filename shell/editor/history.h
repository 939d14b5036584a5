/*
 * history.h - the lines that were typed at the prompt.
 *
 * In memory of its own, so that typing takes none of the heap's. A line equal to the one before it
 * is kept once, an empty one not at all. Changed by the thread that reads the prompt only, while no
 * command runs.
 */
#ifndef SHELL_EDITOR_HISTORY_H
#define SHELL_EDITOR_HISTORY_H

void history_add(const char *line);
/* The numbers of those still there: [first, end). */
unsigned history_first(void);
unsigned history_end(void);
const char *history_get(unsigned number); /* NULL: not there; valid until the next is added */

#endif
