/*
 * trace.h - set -x: shows a simple command before it runs.
 *
 * Model       A line contains the value of PS4, in which parameters are expanded, the assignments
 *             with their values, and the fields without quotes, as in dash.
 * References  POSIX.1-2017, Shell Command Language, 2.5.3 Shell Variables, PS4; 2.14 set.
 */
#ifndef SHELL_LANGUAGE_TRACE_H
#define SHELL_LANGUAGE_TRACE_H

#include "shell/shell.h"
#include "shell/words.h"

/* Writes the line to `err`. `assigned`: NAME=VALUE and a blank for each assignment. */
void trace_command(struct shell *shell, struct stream *err, const struct buffer *assigned,
                   const struct words *fields);

#endif
