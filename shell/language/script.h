/*
 * script.h - runs a file of commands.
 *
 * Model       Each line is a text of its own (run.h), together with the following lines while its
 *             command continues there (parse_is_open()), up to SHELL_LINE_BYTES. A syntax error
 *             ends the script. Messages name the script and the first line of the text.
 *             The script runs on a thread of its own, so that scripts that source each other do not
 *             exhaust a kernel stack; at most SCRIPT_DEPTH_MAX of them may be nested.
 */
#ifndef SHELL_LANGUAGE_SCRIPT_H
#define SHELL_LANGUAGE_SCRIPT_H

#include "shell/shell.h"

enum { SCRIPT_DEPTH_MAX = 16 };

/* Runs the lines of a file and returns the last status, or SHELL_FAILED if the file cannot be
 * read. */
int shell_source(struct shell *shell, const char *path);

#endif
