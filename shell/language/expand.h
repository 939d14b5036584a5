/*
 * expand.h - from a word as it was typed to what a command sees.
 *
 * $NAME, ${NAME} and $? become their values; outside of quotes these are split at blanks, and what
 * is then a pattern (glob.h) becomes the names it matches, or stays when there are none. ~ alone or
 * before a slash, at the start of a word or of a variable's value, is $HOME. Quotes and backslashes
 * go.
 */
#ifndef SHELL_LANGUAGE_EXPAND_H
#define SHELL_LANGUAGE_EXPAND_H

#include "shell/shell.h"
#include "shell/words.h"

/* Adds any number of words, none included, for a word that parser_next() found. */
status_t expand_word(struct shell *shell, const char *word, size_t length,
                     struct words *words) MUST_CHECK;
/* The same as exactly one text, neither split nor matched; freed by the caller. NULL: no memory. */
char *expand_text(struct shell *shell, const char *word, size_t length);

#endif
