/*
 * history.h - the lines that were typed at the prompt.
 *
 * Model       Numbered from 1. A line equal to the one before it is kept once, an empty line not at
 *             all. The oldest lines are dropped.
 * Memory      Static, so typing works when memory is exhausted.
 * Locking     Changed only by the thread that reads the prompt, while no command runs.
 */
#ifndef SHELL_EDITOR_HISTORY_H
#define SHELL_EDITOR_HISTORY_H

void history_add(const char *line);
/* The lines [first, end) are kept. */
unsigned history_first(void);
unsigned history_end(void);
/* Returns a line, valid until the next one is added; NULL if it is not kept. */
const char *history_get(unsigned number);

#endif
