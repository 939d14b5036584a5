/*
 * pager.h - text a screenful at a time.
 *
 * On a terminal: a space goes on by a page, Enter by a line, q (or ^C) ends. Elsewhere the text
 * goes out as it is. Control characters are shown as ^X on a terminal, so that no text can steer
 * it.
 */
#ifndef SHELL_READING_PAGER_H
#define SHELL_READING_PAGER_H

#include "shell/reading/input.h"

struct pager {
    struct shell *shell;
    bool paging, ended;       /* the person has seen enough */
    unsigned columns, rows;   /* of the terminal; a row is kept for the question */
    unsigned column, left;    /* rows until the next question */
};

void pager_begin(struct pager *pager, struct shell *shell);
void pager_write(struct pager *pager, const char *text, size_t bytes);
/* A whole input. */
status_t pager_input(struct pager *pager, struct input *input) MUST_CHECK;

#endif
