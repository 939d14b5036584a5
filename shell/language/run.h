/*
 * run.h - runs a text: pipelines joined by `;`, `&&`, `||` and newlines.
 *
 * References  POSIX.1-2017, Shell Command Language, 2.9.3 Lists.
 */
#ifndef SHELL_LANGUAGE_RUN_H
#define SHELL_LANGUAGE_RUN_H

#include "shell/shell.h"

/* Runs the lines of `text` (borrowed) and returns the last status, which is also shell->status. A
 * syntax error gives SHELL_USAGE: nothing of that line runs, nor any line after it. */
int shell_run_text(struct shell *shell, const char *text);

/* Returns whether what runs must stop: after `exit`, after ^C, or because the reader of its output
 * has closed the pipe. */
bool shell_must_stop(const struct shell *shell);

#endif
