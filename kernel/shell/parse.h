/*
 * parse.h - from a line to words and operators.
 *
 * Words are separated by blanks; 'single quotes' keep everything, "double quotes" everything but
 * \" \\ \$ and $?, a backslash the next character. # begins a comment where a word could begin.
 * Operators: ; newline && || > >>. `$?` becomes the last command's status when the command runs.
 */
#ifndef KERNEL_SHELL_PARSE_H
#define KERNEL_SHELL_PARSE_H

#include "kernel/port.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_SEPARATOR, /* ; or newline */
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_WRITE,     /* > */
    TOKEN_APPEND,    /* >> */
    TOKEN_ERROR,     /* parser.error says what */
};

struct parser {
    const char *at;
    int status;        /* what $? becomes */
    const char *error;
    char *word;        /* of TOKEN_WORD; room for word_bytes */
    size_t word_bytes, word_length;
};

/* The next token; a word's text, terminated, in parser->word. */
enum token_kind parser_next(struct parser *parser);

#endif
