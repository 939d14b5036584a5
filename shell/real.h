/*
 * real.h - floating-point numbers as text, computed with integers.
 *
 * Model       The kernel does not use the registers for floating point. A number is a mantissa of
 *             at most 64 bits times a power of two, as in the 80-bit format that GNU's tools use.
 *             Both conversions are exact: a result is rounded once, a tie to the even neighbour.
 * Interface   real_parse() reads decimal and hexadecimal numbers, `inf` and `nan`; real_print()
 *             is %e, %f and %g of printf().
 * Ownership   Nothing is kept; both functions allocate about 20 KiB while they run.
 * References  ISO C 7.21.6.1 fprintf, 7.22.1.3 strtold.
 */
#ifndef SHELL_REAL_H
#define SHELL_REAL_H

#include "shell/words.h"

enum { REAL_BITS = 64 };

enum real_kind { REAL_FINITE, REAL_INFINITE, REAL_NAN };

struct real {
    enum real_kind kind;
    bool negative;
    uint64_t mantissa;
    int exponent; /* the value is mantissa * 2^exponent */
};

struct real_form {
    char letter;    /* e f g, or E F G */
    int precision;
    bool alternate; /* #: always a point, and %g keeps its zeroes */
};

/* Parses a number at the start of the text, after blanks, and rounds it to `bits` bits. *end is
 * what follows it. Returns 0, -EINVAL without a number, -ENOMEM, or -ERANGE: the value is infinite
 * or 0, and *end is set. */
status_t real_parse(const char *text, unsigned bits, const char **end,
                    struct real *value) MUST_CHECK;
/* Appends a number without its sign. -ENOMEM. */
status_t real_print(const struct real *value, const struct real_form *form,
                    struct buffer *text) MUST_CHECK;

#endif
