/*
 * grammar.h - the rules of the grammar that contain no other commands, for parser.c.
 *
 * Each function that returns a pointer returns NULL after an error, which the lexer has kept.
 *
 * References  POSIX.1-2017, Shell Command Language, 2.10.2 Shell Grammar Rules.
 */
#ifndef SHELL_LANGUAGE_SYNTAX_GRAMMAR_H
#define SHELL_LANGUAGE_SYNTAX_GRAMMAR_H

#include "shell/language/syntax/lexer.h"

/* Records that the next token is unexpected. `expected`: what should be there; NULL: several
 * things. */
void grammar_fail_unexpected(struct lexer *lexer, const char *expected);
/* Returns whether a word is reserved: `if`, `{` and so on. */
bool grammar_is_reserved(const char *word);
/* Returns the next token where a command or a reserved word may be: an alias is replaced. */
enum token grammar_peek_command(struct lexer *lexer);
/* Returns whether the next token is this unquoted word; grammar_take_word() takes it then. */
bool grammar_next_is(struct lexer *lexer, const char *word);
bool grammar_take_word(struct lexer *lexer, const char *word);
/* Takes the next token if it is this one. Returns whether it was. */
bool grammar_take(struct lexer *lexer, enum token token);
/* Takes this word, or records an error. */
bool grammar_expect(struct lexer *lexer, const char *word);
void grammar_skip_newlines(struct lexer *lexer);
/* The same before a command: an alias may be replaced by newlines, or by nothing. */
void grammar_skip_to_command(struct lexer *lexer);
struct node *grammar_node(struct lexer *lexer, enum node_kind kind);

bool grammar_at_redirection(struct lexer *lexer);
/* Parses the redirections after a compound command. */
void grammar_parse_redirections(struct lexer *lexer, struct node *node);
/* Returns NAME=value as an assignment, or NULL if the word is not one. */
struct assignment *grammar_parse_assignment(struct lexer *lexer, struct word *word);
/* Parses a simple command whose first word may have been taken already. */
struct node *grammar_parse_simple(struct lexer *lexer, struct word *first);

#endif
