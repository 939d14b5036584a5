/*
 * parameter.h - the values of parameters, and the parts of them that patterns remove.
 *
 * References  POSIX.1-2017, Shell Command Language, 2.5 Parameters and Variables.
 */
#ifndef SHELL_LANGUAGE_EXPANSION_PARAMETER_H
#define SHELL_LANGUAGE_EXPANSION_PARAMETER_H

#include "shell/language/syntax/tree.h"
#include "shell/shell.h"

enum { PARAMETER_NUMBER_BYTES = 24 };

/* Returns the value of a variable, of a positional or special parameter other than @ and *; NULL if
 * it is not set. Numbers are written to `number`. */
const char *parameter_value(const struct shell *shell, const char *name, size_t length,
                            char number[PARAMETER_NUMBER_BYTES]);
/* Returns what joins the parameters in "$*": a character of IFS, or none. */
const char *parameter_separator(const struct shell *shell, size_t *length);
/* Finds what remains of a text without the prefix or suffix that matches: text[*begin, *end).
 * -EINTR after ^C, -ENOMEM. */
status_t parameter_trim(enum parameter_operator operator, const char *pattern, const char *text,
                        size_t *begin, size_t *end) MUST_CHECK;
/* Returns the number of characters. */
size_t parameter_characters(const char *text);

#endif
