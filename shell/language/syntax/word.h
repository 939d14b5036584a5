/*
 * word.h - parses a word into its parts: text, quoted text, $NAME, ${...}, $(...), `...`, $((...)).
 *
 * References  POSIX.1-2017, Shell Command Language, 2.2 Quoting, 2.6.2 Parameter Expansion, 2.6.3
 *             Command Substitution, 2.6.4 Arithmetic Expansion, 2.7.4 Here-Document.
 */
#ifndef SHELL_LANGUAGE_SYNTAX_WORD_H
#define SHELL_LANGUAGE_SYNTAX_WORD_H

#include "shell/language/syntax/lexer.h"

/* Returns whether this character ends an unquoted word. */
bool word_ends_at(char c);
/* Parses the word at lexer->at, and moves past it. NULL after an error. */
struct word *word_parse(struct lexer *lexer);
/* Parses the text of a here-document, in which only $ ` and \ have a meaning. */
struct word *word_parse_here(struct lexer *lexer, const char *text);
/* Returns a word that is this text, quoted. NULL after an error. */
struct word *word_of_text(struct lexer *lexer, const char *text);
/* Returns the text of a word without its quotes, with $ and ` as they are: a delimiter. *quoted:
 * some of it was quoted. NULL after an error. */
const char *word_delimiter(struct lexer *lexer, const struct word *word, bool *quoted);

#endif
