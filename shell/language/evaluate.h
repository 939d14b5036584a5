/*
 * evaluate.h - evaluates trees.
 *
 * Model       evaluate() returns the status of a node, which is also shell->status. While a command
 *             must not run any more (after `exit`, ^C, `break`, `return`; when the reader of the
 *             output has gone) evaluation returns without running anything: each step asks
 *             evaluate_must_stop(). It recurses by depth_call().
 *             `set -e` ends the script after a command that fails, except where the status is
 *             tested: in a condition, before && and ||, after ! (POSIX 2.14, set).
 *             Actions of traps run between commands.
 * References  POSIX.1-2017, Shell Command Language, 2.9.3 Lists, 2.9.4 Compound Commands, 2.11.
 */
#ifndef SHELL_LANGUAGE_EVALUATE_H
#define SHELL_LANGUAGE_EVALUATE_H

#include "shell/language/syntax/tree.h"
#include "shell/shell.h"

int evaluate(struct shell *shell, const struct node *node);
/* Evaluates a node, NULL for none, in a shell that ends with it. */
int evaluate_subshell(struct shell *shell, const struct node *node);
/* Runs the action of a trap for EXIT, once. Returns the status with which the shell ends. */
int evaluate_exit_trap(struct shell *shell);
bool evaluate_must_stop(const struct shell *shell);

#endif
