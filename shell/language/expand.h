/*
 * expand.h - expands a word as it was typed to what a command sees.
 *
 * In this order: ~ alone or before a slash, at the start of a word or of a variable's value,
 * becomes $HOME. $NAME, ${NAME} and $? become their values, which are split at blanks outside
 * quotes. A word that is then a pattern (pattern.h) becomes the names that it matches, or stays if
 * there are none. Quotes and backslashes are removed.
 *
 * References  POSIX.1-2017, Shell Command Language, 2.6 Word Expansions. There is no arithmetic
 *             expansion, no command substitution and no IFS.
 */
#ifndef SHELL_LANGUAGE_EXPAND_H
#define SHELL_LANGUAGE_EXPAND_H

#include "shell/shell.h"
#include "shell/words.h"

/* Adds the words, any number of them, to which a word from parser_next() expands. */
status_t expand_word(struct shell *shell, const char *word, size_t length,
                     struct words *words) MUST_CHECK;
/* Expands a word without splitting or matching, as for assignments and redirections. The caller
 * frees the text. NULL if memory is exhausted. */
char *expand_text(struct shell *shell, const char *word, size_t length);

#endif
