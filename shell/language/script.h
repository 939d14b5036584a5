/*
 * script.h - a file of lines that a shell runs: see shell_source().
 *
 * Each line is a text of its own, with the next one where its command continues there
 * (parse_is_open()), up to SHELL_LINE_BYTES. Messages name the first line of a text. A text that is
 * not well formed ends the script. At most SCRIPT_DEPTH_MAX scripts may source each other.
 */
#ifndef SHELL_LANGUAGE_SCRIPT_H
#define SHELL_LANGUAGE_SCRIPT_H

#include "shell/shell.h"

enum { SCRIPT_DEPTH_MAX = 16 };

struct script;

/* "FILE:LINE: " */
void script_say_where(const struct script *script, struct stream *stream);

#endif
