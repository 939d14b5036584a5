/*
 * command_not_found.h - what to type here instead of what other shells have.
 */
#ifndef SHELL_COMMAND_NOT_FOUND_H
#define SHELL_COMMAND_NOT_FOUND_H

#include "shell/shell.h"

/* Says that there is no such command, and what there is instead; returns SHELL_NO_COMMAND. */
int command_not_found(struct shell *shell, const char *name);

#endif
