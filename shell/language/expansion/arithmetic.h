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
/* Parses a number at the start of a text, after blanks: decimal, octal after 0, hexadecimal after
 * 0x, with a sign. *end: what follows it. -EINVAL without digits, when *end is the text; -ERANGE,
 * with the nearest number. `is_signed`: of 64 bits with a sign; else -1 is the greatest number. */
status_t arithmetic_scan(const char *text, bool is_signed, const char **end,
                         int64_t *value) MUST_CHECK;
/* Parses a signed number that is all of a text, except blanks around it. -EINVAL, -ERANGE. */
status_t arithmetic_number(const char *text, int64_t *value) MUST_CHECK;

#endif
