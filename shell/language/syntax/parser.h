/*
 * parser.h - makes trees of a text, one complete command after another.
 *
 * Model       A complete command ends with its line, or with the line in which its last construct
 *             and here-document end. Each is parsed once, before it runs; an error in it means that
 *             nothing of it runs. Reserved words are recognized where a command begins.
 * Errors      parser.lexer.message, for which parser_line() is the line. PARSE_OPEN instead of
 *             PARSE_ERROR if more text could complete the command, for a caller that set `partial`.
 * Depth       The parser recurses by depth_call(), so nesting does not exhaust a stack.
 * References  POSIX.1-2017, Shell Command Language, 2.10 Shell Grammar.
 */
#ifndef SHELL_LANGUAGE_SYNTAX_PARSER_H
#define SHELL_LANGUAGE_SYNTAX_PARSER_H

#include "shell/language/syntax/lexer.h"

enum parse_result { PARSE_COMMAND, PARSE_END, PARSE_ERROR, PARSE_OPEN };

struct parser {
    struct lexer lexer;
};

/* The text must stay valid and unchanged until parser_free(). `aliases`: NULL for none. */
void parser_init(struct parser *parser, const char *text, struct depth *depth,
                 const struct aliases *aliases);
void parser_free(struct parser *parser);
/* Parses the next complete command. With PARSE_COMMAND the caller owns *tree. */
enum parse_result parser_next(struct parser *parser, struct tree **tree);
/* Returns the line of the token at which an error was found. */
unsigned parser_line(const struct parser *parser);

#endif
