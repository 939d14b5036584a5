/*
 * script.h - runs a file of commands.
 *
 * Model       The file is read as a whole, up to SCRIPT_BYTES_MAX; lines end with LF or CR LF, and
 *             a byte order mark is skipped. A syntax error ends the script. Messages name the
 *             script and the line.
 *             SCRIPT_ALONE: `exit` ends the script only, which has a trap for EXIT of its own. Else
 *             `exit` ends what contains it, and `return` the script (POSIX, dot).
 *             At most SCRIPT_DEPTH_MAX scripts may be nested.
 */
#ifndef SHELL_LANGUAGE_SCRIPT_H
#define SHELL_LANGUAGE_SCRIPT_H

#include "shell/shell.h"

enum { SCRIPT_DEPTH_MAX = 64, SCRIPT_BYTES_MAX = 4 << 20 };

enum script_kind { SCRIPT_PART, SCRIPT_ALONE };

/* Runs a file and returns the last status, or SHELL_FAILED if it cannot be read. words[0]: the
 * file. The words after it are the script's parameters, if there are any. */
int shell_source(struct shell *shell, enum script_kind kind, int count, char **words);

#endif
