/*
 * command_not_found.h - what to type here instead of a command that other systems have.
 */
#ifndef SHELL_COMMAND_NOT_FOUND_H
#define SHELL_COMMAND_NOT_FOUND_H

#include "shell/shell.h"

/* Reports why shell_command_find() returned no command, with `status`; if there is none of this
 * name, also what to use instead. Returns SHELL_NO_COMMAND; SHELL_INTERRUPTED after ^C. */
int command_not_found(struct shell *shell, const char *name, status_t status);

#endif
