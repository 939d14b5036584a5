/*
 * shown.h - what was shown: by a shell, or on the console.
 *
 * All of it is one text, of any thread's; a test clears it and compares.
 */
#ifndef TESTS_HOST_SHOWN_H
#define TESTS_HOST_SHOWN_H

#include "shell/shell.h"

void shown_clear(void);
const char *shown_text(void);
void shown_add(const char *text, size_t bytes); /* a console's write */
/* Panics when anything else is shown; `what` says where. */
void shown_must_be(const char *what, const char *wanted);

/* The stack and a shell over it whose two streams are shown; and their end. */
void shown_shell_start(struct shell *shell);
void shown_shell_stop(struct shell *shell);

/* In /t: a b.c "c d" .hidden, sub/one sub/two.c; in / scripts for the tests, and an empty /r. */
void shown_make_tree(void);

#endif
