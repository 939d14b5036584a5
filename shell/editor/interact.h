/*
 * interact.h - the shell at the console: the prompt, the lines typed there, and input for commands.
 *
 * Locking     One thread, and one shell, reads the console.
 */
#ifndef SHELL_EDITOR_INTERACT_H
#define SHELL_EDITOR_INTERACT_H

#include "shell/shell.h"

/* Runs /System/etc/startup, if it exists, and then the text `run`, unless it is NULL. ^C ends
 * each. */
void shell_start_up(struct shell *shell, const char *run);
/* Reads and runs lines from the console; never returns. */
_Noreturn void shell_interact(struct shell *shell);

#endif
