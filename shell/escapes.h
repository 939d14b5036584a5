/*
 * escapes.h - the escape sequences of printf and echo -e.
 *
 * Sequences   \a \b \e \f \n \r \t \v \\ \NNN (octal) \xHH \uHHHH \UHHHHHHHH; \c ends all output.
 *             In a format, \" too. In an operand, of %b or of echo, a 0 may be before NNN. Anything
 *             else is kept with its backslash.
 * References  POSIX.1-2017, printf; GNU's printf and echo.
 */
#ifndef SHELL_ESCAPES_H
#define SHELL_ESCAPES_H

#include "shell/words.h"

enum escape_result {
    ESCAPE_DONE,
    ESCAPE_STOP,    /* \c */
    ESCAPE_MISSING, /* \x, \u or \U without its digits, which was kept */
};

/* Appends the bytes of the sequence whose backslash is before *at, and moves *at after it. */
enum escape_result escape_put(const char **at, bool operand, struct buffer *text);

#endif
