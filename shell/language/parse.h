/*
 * parse.h - splits a text into words, as they were typed, and operators.
 *
 * Model       Words are separated by blanks, and keep their quotes (lib/quote.h) here; expand.h
 *             removes them. # begins a comment where a word could begin. A newline ends a line,
 *             except after && || and |, where the command may continue in the next line.
 *             Operators are ; newline && || | < > >> 2> 2>> 2>&1 >&2.
 *             Each line is parsed twice: by parse_check() before anything of it runs, and again
 *             while it runs, because the values of $NAME and * change from command to command.
 * References  POSIX.1-2017, Shell Command Language, 2.3 Token Recognition and 2.10 Shell Grammar:
 *             commands are separated by exactly one `;`, which never begins a list.
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
    const char *word; /* of TOKEN_WORD: in the text, with its quotes */
    size_t word_length;
    unsigned stream; /* of TOKEN_WRITE, _APPEND, _JOIN: 1 for output, 2 for errors */
    unsigned other;  /* of TOKEN_JOIN: the stream whose target it gets */
    bool joining;    /* the last token was && || or |: a newline after it is a blank */
    bool open;       /* the text ended within quotes or after a backslash */
};

/* Returns the next token. */
enum token_kind parser_next(struct parser *parser);
bool parse_is_redirection(enum token_kind kind);

/* Checks the first line of the text. Returns NULL, with the next line at *next, or the error. */
const char *parse_check(const char *text, const char **next);

/* Returns whether the command continues in the line after the text: the text ends within quotes, or
 * after && || | or a backslash. */
bool parse_is_open(const char *text);

#endif
