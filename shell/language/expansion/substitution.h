/*
 * substitution.h - command substitution: runs the commands of $(...) in a subshell.
 *
 * References  POSIX.1-2017, Shell Command Language, 2.6.3 Command Substitution.
 */
#ifndef SHELL_LANGUAGE_EXPANSION_SUBSTITUTION_H
#define SHELL_LANGUAGE_EXPANSION_SUBSTITUTION_H

#include "shell/language/syntax/tree.h"
#include "shell/shell.h"
#include "shell/words.h"

/* Appends the output of the commands (NULL: none) to `output`, without NULs; language->substituted
 * is then their status. -EINTR after ^C, -ENOMEM. */
status_t substitution_run(struct shell *shell, const struct node *node,
                          struct buffer *output) MUST_CHECK;

#endif
