/*
 * quote.h - the shell's quoting: words in quotes, and quote removal.
 *
 * 'Single quotes' keep every character. "Double quotes" keep every character except $ ` and a
 * backslash before one of " \ $ ` or a newline. Outside quotes a backslash keeps the next
 * character, and a backslash before a newline disappears with it. $'...' holds characters that
 * cannot be typed: \n \t \r \e \a \b \\ \' \" and \xHH.
 *
 * Model       A scan over a word carries the quote that is open: NUL for none, one of ' and ", or $
 *             for $'...'. There is no other state, and nothing is allocated.
 * Interface   quote_skip_blanks(), quote_skip_word() and quote_remove() in turn split a text into
 *             words without operators. The shell's parser, expansion and completion use the rest.
 * References  POSIX.1-2017, Shell Command Language, 2.2 Quoting and 2.6.7 Quote Removal.
 */
#ifndef LIB_QUOTE_H
#define LIB_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

/* Returns which quote is open after word[*at], when `quote` is open before it. Moves *at to the
 * last character of a quote that opens, which for $' is the second one. Backslashes are the
 * caller's: it never asks about an escaped character. */
char quote_turn(const char *word, size_t length, size_t *at, char quote);

/* Stores the character of $'...' at `at` and returns what follows it. \x00 is stored as NUL, which
 * the caller drops: no word can hold one. */
const char *quote_dollar_character(const char *at, char *c);

/* Returns whether a backslash in "double quotes" escapes this character. */
bool quote_double_escapes(char c);

/* Returns the first character at or after `text` that is neither a blank nor a newline. */
const char *quote_skip_blanks(const char *text);

/* Returns the end of the word that begins at `text`: the first blank or newline outside quotes, or
 * the end of the text. *open is the quote that is not closed, NUL for none. */
const char *quote_skip_word(const char *text, char *open);

/* Copies the word without its quotes, and with every $ and ` as it is, to text[bytes], terminated.
 * Returns false if it does not fit. */
bool quote_remove(const char *word, size_t length, char *text, size_t bytes);

#endif
