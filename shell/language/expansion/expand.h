/*
 * expand.h - expands words to what a command sees.
 *
 * In this order: ~; parameters, commands in $(...) and arithmetic; the results outside quotes are
 * split into fields at the characters of IFS; a field that is then a pattern (pattern.h) becomes
 * the names that it matches, or stays if there are none.
 *
 * Errors      -ECANCELED: the expansion failed, and a message was shown. -EINTR after ^C, -ENOMEM,
 *             -EOVERFLOW.
 * References  POSIX.1-2017, Shell Command Language, 2.6 Word Expansions.
 */
#ifndef SHELL_LANGUAGE_EXPANSION_EXPAND_H
#define SHELL_LANGUAGE_EXPANSION_EXPAND_H

#include "shell/language/syntax/tree.h"
#include "shell/shell.h"
#include "shell/words.h"

/* Adds the fields, any number of them, to which a list of words expands. */
status_t expand_words(struct shell *shell, const struct word *word,
                      struct words *fields) MUST_CHECK;
/* The same for the words of a command. NAME=VALUE after `export`, `readonly` or `local` is one
 * field, as in an assignment. */
status_t expand_command(struct shell *shell, const struct word *word,
                        struct words *fields) MUST_CHECK;
/* Expand a word without splitting and matching. The caller frees the text. expand_assignment():
 * also ~ after a colon. NULL words are empty. */
status_t expand_text(struct shell *shell, const struct word *word, char **text) MUST_CHECK;
status_t expand_assignment(struct shell *shell, const struct word *word, char **text) MUST_CHECK;
/* Expands a word to a pattern, in which characters that were quoted have a backslash. */
status_t expand_pattern(struct shell *shell, const struct word *word, char **pattern) MUST_CHECK;

#endif
