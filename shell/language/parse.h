/*
 * parse.h - splits a text into words, as they were typed, and operators.
 *
 * Words are separated by blanks, which quotes keep (lib/quote.h).
 * # begins a comment where a word could begin. Operators: ; newline && || | < > >> 2> 2>> 2>&1 >&2.
 * A newline ends a line, except after && || and |, where the command may be in the next line.
 *
 * Each line is parsed twice: parse_check() before anything of it runs, and again while it runs,
 * since the values of $NAME and * change from command to command. Words keep their quotes here;
 * expand.h makes of them what a command sees.
 *
 * References  POSIX.1-2017, Shell Command Language, 2.3 and 2.10: commands are separated by exactly
 *             one `;`, which never begins a list.
 */
#ifndef SHELL_LANGUAGE_PARSE_H
#define SHELL_LANGUAGE_PARSE_H

#include "kernel/port.h"

enum { PIPE_STAGES_MAX = 16 };

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_SEPARATOR, /* ; */
    TOKEN_NEWLINE,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_PIPE,
    TOKEN_READ,      /* < */
    TOKEN_WRITE,     /* > or 2> */
    TOKEN_APPEND,    /* >> or 2>> */
    TOKEN_JOIN,      /* 2>&1 or >&2 */
    TOKEN_ERROR,     /* parser.error is the reason */
};

struct parser {
    const char *at;
    const char *error;
    const char *word; /* of TOKEN_WORD: its place in the text, with its quotes */
    size_t word_length;
    unsigned stream; /* of TOKEN_WRITE, _APPEND, _JOIN: 1 output, 2 errors */
    unsigned other;  /* of TOKEN_JOIN: where that one goes */
    bool joining;    /* was the last token && || or |? A newline after it is a blank */
    bool open;       /* did the text end within quotes, or after a backslash? */
};

enum token_kind parser_next(struct parser *parser);
bool parse_is_redirection(enum token_kind kind);

/* Is the first line of the text well formed? NULL, and the next line is at *next; or the error. */
const char *parse_check(const char *text, const char **next);

/* Does the command continue in the line after the text? It does within quotes, and after && || | or
 * a backslash. */
bool parse_is_open(const char *text);

#endif
