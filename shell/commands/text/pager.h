/*
 * pager.h - shows text a screenful at a time, with searching and paging back.
 *
 * Model       On a terminal, text becomes rows of the terminal's width. After a screenful the pager
 *             waits for a key; `h` lists the keys. The last rows, at most ROWS_MAX, are kept to be
 *             shown again. A search matches rows, and continues into text that was not shown yet.
 *             The pager ends with the text, or when the person has seen enough.
 *             Elsewhere the text is written unchanged.
 *             Control characters are shown as ^X, so that no text can control the terminal.
 * Ownership   pager_begin() allocates the pager, pager_end() frees it.
 * References  POSIX.1-2017, Utilities, more: its keys space, f, j, k, b, /, n, h and q. Searching
 *             uses basic regular expressions, as there.
 */
#ifndef SHELL_COMMANDS_TEXT_PAGER_H
#define SHELL_COMMANDS_TEXT_PAGER_H

#include "shell/reading/input.h"

struct pager;

/* -ENOMEM. */
status_t pager_begin(struct shell *shell, struct pager **pager) MUST_CHECK;
/* Shows a whole input; several follow each other. -EINTR, or the error of reading. */
status_t pager_input(struct pager *pager, struct input *input) MUST_CHECK;
/* Shows the last row, even if its line has no end, and frees the pager. */
void pager_end(struct pager *pager);

#endif
