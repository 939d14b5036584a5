/*
 * builtins.h - what the commands that belong to the language have in common.
 */
#ifndef SHELL_LANGUAGE_BUILTINS_BUILTINS_H
#define SHELL_LANGUAGE_BUILTINS_BUILTINS_H

#include "shell/language/state.h"
#include "shell/options.h"
#include "shell/shell.h"

/* Reports an error of the running builtin. If it is a special one, that ends the script, unless
 * `command` runs it (POSIX 2.8.1). Returns SHELL_USAGE. */
int builtin_fail(struct shell *shell, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same after a message that was shown already. */
int builtin_leave(struct shell *shell);
/* Parses a decimal number that is not negative; -1 after builtin_fail(). */
int builtin_number(struct shell *shell, const char *text);
/* Returns the number of words that are left after the name and a leading `--`, and moves *words to
 * them. */
int builtin_operands(int count, char ***words);
/* Sets a variable. Returns SHELL_DONE, or another status after a message. */
int builtin_set(struct shell *shell, const char *name, size_t length, const char *value);
/* Writes a value in single quotes, so that it can be used as input. */
void builtin_print_quoted(struct stream *out, const char *value);
/* Writes the variables that have all of these flags, sorted, each after the prefix. */
void builtin_list_variables(struct shell *shell, unsigned flags, const char *prefix);

#endif
