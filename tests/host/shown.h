/*
 * shown.h - keeps as one text what a shell wrote to both of its streams, or what was written to the
 * console, by any thread. A test clears it, acts, and compares.
 */
#ifndef TESTS_HOST_SHOWN_H
#define TESTS_HOST_SHOWN_H

#include "shell/shell.h"

void shown_clear(void);
const char *shown_text(void);
void shown_add(const char *text, size_t bytes); /* may be the write() of a console */
/* Panics with `what` if the text differs. */
void shown_must_be(const char *what, const char *wanted);

/* Start and stop the whole stack and a shell whose two streams are kept here. */
void shown_shell_start(struct shell *shell);
void shown_shell_stop(struct shell *shell);

/* Creates the files a, b.c, "c d", .hidden, sub/one and sub/two.c in /t, scripts for tests in /,
 * and the empty directory /r. */
void shown_make_tree(void);

#endif
