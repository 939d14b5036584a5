/*
 * lexer.h - splits a text into tokens: words, as lists of parts, and operators.
 *
 * Model       The lexer has at most one token of lookahead: lexer_peek() reads it, lexer_take()
 *             takes it. Words keep no quotes: each part knows whether it was quoted (word.h). A
 *             newline token reads the here-documents that were begun in its line. An alias is a
 *             text that is put before the rest (input.h).
 * Errors      The first error is kept in `message`, and every token after it is TOKEN_END. `open`:
 *             the text ended within something that could continue, as in the line of a terminal.
 * Ownership   The text is borrowed while the lexer is used. Words belong to `tree`; the uses of
 *             aliases, in which several complete commands may end, to the lexer.
 * References  POSIX.1-2017, Shell Command Language, 2.3 Token Recognition.
 */
#ifndef SHELL_LANGUAGE_SYNTAX_LEXER_H
#define SHELL_LANGUAGE_SYNTAX_LEXER_H

#include "shell/language/syntax/aliases.h"
#include "shell/language/syntax/input.h"
#include "shell/language/depth.h"
#include "shell/language/syntax/tree.h"
#include "shell/words.h"

enum token {
    TOKEN_END,
    TOKEN_NEWLINE,
    TOKEN_WORD,
    TOKEN_NUMBER,      /* a digit directly before < or > */
    TOKEN_SEMICOLON,
    TOKEN_DOUBLE_SEMICOLON,
    TOKEN_AMPERSAND,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_PIPE,
    TOKEN_OPEN,        /* ( */
    TOKEN_CLOSE,       /* ) */
    TOKEN_READ,        /* < */
    TOKEN_WRITE,       /* > */
    TOKEN_CLOBBER,     /* >| */
    TOKEN_APPEND,      /* >> */
    TOKEN_READ_WRITE,  /* <> */
    TOKEN_JOIN_READ,   /* <& */
    TOKEN_JOIN_WRITE,  /* >& */
    TOKEN_HERE,        /* << */
    TOKEN_HERE_TABS,   /* <<- */
};

struct here {
    struct here *next;
    struct redirection *redirection;
    const char *delimiter;
    bool quoted; /* its text is literal */
    bool tabs;   /* <<-: leading tabs are removed */
};

enum { LEXER_MESSAGE_BYTES = 160 };

struct lexer {
    const char *at;
    unsigned line;
    struct tree *tree;
    struct depth *depth;
    const struct aliases *aliases; /* NULL: none */
    struct tree *alias_names;      /* the memory of their uses; NULL: none */
    bool alias_next;               /* the token that was read may be an alias */
    struct input input;            /* what `at` points into */
    const char *text_end;          /* of the whole text */
    struct here *here, **here_end; /* begun, and not read yet */
    bool partial;                  /* more text may follow: a here-document must be complete */

    bool peeked;
    enum token token;
    const char *token_text; /* for messages */
    size_t token_length;
    unsigned token_line;
    struct word *word;      /* of TOKEN_WORD */
    int number;             /* of TOKEN_NUMBER */

    /* Parses the commands of $(...) at lexer->at up to the ), or, with a text, all of that. */
    struct node *(*commands)(struct lexer *lexer, const char *text);

    struct buffer scratch;  /* text runs of the words that are being read */
    bool failed, open;
    status_t status;        /* -ENOMEM, -EOVERFLOW, or 0: a syntax error */
    char message[LEXER_MESSAGE_BYTES];
};

void lexer_init(struct lexer *lexer, const char *text, struct depth *depth,
                const struct aliases *aliases);
void lexer_free(struct lexer *lexer);

/* Skips empty lines and comments before a complete command. Returns whether the text has ended. */
bool lexer_skip_lines(struct lexer *lexer);
enum token lexer_peek(struct lexer *lexer);
void lexer_take(struct lexer *lexer);
/* If the word that was peeked is an alias, its text is read instead. Returns whether it is. */
bool lexer_replace_alias(struct lexer *lexer);
/* Frees the uses of aliases, if all have been read. Only between complete commands. */
void lexer_free_aliases(struct lexer *lexer);
/* Returns how far the text itself was read: within an alias, to after its name. */
const char *lexer_position(const struct lexer *lexer);
/* Notes a here-document, whose text follows the line. `delimiter`: the word after << */
void lexer_begin_here(struct lexer *lexer, struct redirection *redirection,
                      const struct word *delimiter, bool tabs);

/* Record an error, unless there is one. */
void lexer_fail(struct lexer *lexer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void lexer_fail_status(struct lexer *lexer, status_t status);
/* The text ended within something. */
void lexer_fail_open(struct lexer *lexer, const char *missing);
/* tree_alloc(), with the error recorded. */
void *lexer_alloc(struct lexer *lexer, size_t bytes);

#endif
