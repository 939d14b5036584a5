/*
 * hints.h - what to type here instead of what other shells have.
 */
#ifndef SHELL_HINTS_H
#define SHELL_HINTS_H

#include "shell/shell.h"

/* Says that there is no such command, and what there is instead; returns SHELL_NO_COMMAND. */
int hints_no_command(struct shell *shell, const char *name);

#endif
