/*
 * input.h - the text that a lexer reads: the rest of it can be preceded by the texts of aliases.
 *
 * Model       lexer->at is the next character; a NUL ends the text. The text of an alias is put
 *             before the rest as if it had been typed, so a token may begin in it and end after it.
 *             For that the rest is copied once; later texts take the place of what was read since.
 *             An alias is in use until a token begins after its text: it is not replaced in it.
 * Ownership   The caller's text is borrowed. Pointers into it are valid until input_put() or
 *             input_join() copies or changes it: `changes` has then grown.
 * References  POSIX.1-2017, Shell Command Language, 2.2.1 Escape Character, 2.3.1 Alias
 *             Substitution.
 */
#ifndef SHELL_LANGUAGE_SYNTAX_INPUT_H
#define SHELL_LANGUAGE_SYNTAX_INPUT_H

#include "kernel/port.h"

struct lexer;

/* An alias whose text is read. */
struct alias_use {
    struct alias_use *outer;
    const char *name;
    size_t left;   /* bytes of the input after its text */
    bool next_too; /* it ends with a blank: the word after it may be an alias */
};

struct input {
    const char *end;         /* the NUL */
    char *own;               /* a copy of the rest of the text; NULL: it is the caller's */
    struct alias_use *alias; /* the innermost one that is read; NULL: none */
    unsigned changes;
    const char *at;          /* of a text that is put aside: where it continues */
};

/* Puts the text of an alias before the rest. Returns false after an error, which the lexer has
 * recorded. */
bool input_put(struct lexer *lexer, const char *name, const char *value);
/* Returns whether the text of this alias is being read. */
bool input_is_in(const struct lexer *lexer, const char *name);
/* Leaves the aliases whose texts end before the next token. Returns whether it may be an alias,
 * too, because one of them ended with a blank. */
bool input_leave(struct lexer *lexer);
/* Removes a backslash and a newline `offset` bytes after the next character. Returns whether they
 * were there. */
bool input_join(struct lexer *lexer, size_t offset);

/* Reads another text, up to input_end(). */
void input_begin(struct lexer *lexer, const char *text, struct input *outer);
void input_end(struct lexer *lexer, const struct input *outer);
/* Reads on, so that input_end() can return to this place, unless input_keep() keeps what was
 * read. */
void input_try(struct lexer *lexer, struct input *before);
void input_keep(struct lexer *lexer, const struct input *before);

#endif
