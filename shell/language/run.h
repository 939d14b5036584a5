/*
 * run.h - runs a text: its complete commands, one after another.
 *
 * Model       Each complete command is parsed, and then evaluated. A syntax error gives
 *             SHELL_USAGE: nothing of that command runs, nor anything after it.
 * References  POSIX.1-2017, Shell Command Language, 2.1 Shell Introduction.
 */
#ifndef SHELL_LANGUAGE_RUN_H
#define SHELL_LANGUAGE_RUN_H

#include "shell/shell.h"

/* Lets a new shell reach the evaluator and the parser, whatever runs first in it. The functions
 * below do it themselves. */
void shell_run_prepare(struct shell *shell);
/* Runs `text` (borrowed) and returns the last status, which is also shell->status. */
int shell_run_text(struct shell *shell, const char *text);
/* Returns whether the text is a command that further lines could complete. */
bool shell_text_is_open(struct shell *shell, const char *text);
/* Ends the shell: runs the action of a trap for EXIT. Returns the status of the shell. */
int shell_end(struct shell *shell);

#endif
