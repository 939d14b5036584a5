/*
 * command_not_found.h - what to type here instead of a command that other systems have.
 */
#ifndef SHELL_COMMAND_NOT_FOUND_H
#define SHELL_COMMAND_NOT_FOUND_H

#include "shell/shell.h"

/* Reports that there is no such command, and what to use instead. Returns SHELL_NO_COMMAND. */
int command_not_found(struct shell *shell, const char *name);

#endif
