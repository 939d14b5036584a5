/*
 * arithmetic.h - evaluates the expression of $((...)).
 *
 * Model       64-bit signed numbers, which wrap around. The operators of C, except comma, sizeof,
 *             ++ and --. A name is a variable, with or without $; one without a value is 0.
 * References  POSIX.1-2017, Shell Command Language, 2.6.4 Arithmetic Expansion.
 */
#ifndef SHELL_LANGUAGE_EXPANSION_ARITHMETIC_H
#define SHELL_LANGUAGE_EXPANSION_ARITHMETIC_H

#include "shell/shell.h"

/* -ECANCELED after an error message. */
status_t arithmetic_evaluate(struct shell *shell, const char *text, int64_t *value) MUST_CHECK;
/* Parses a number: decimal, octal after 0, hexadecimal after 0x, with a sign. -EINVAL. */
status_t arithmetic_number(const char *text, int64_t *value) MUST_CHECK;

#endif
