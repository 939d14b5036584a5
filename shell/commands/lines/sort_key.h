/*
 * sort_key.h - the parts of a line that `sort` compares, as POSIX describes them.
 *
 * Key         "F[.C][bdfhiMnrV][,F[.C][bdfhiMnrV]]": from character C of field F up to and
 *             including the second position, or to the end of the line. Fields are counted from 1.
 *             Without a separator a field begins with the blanks before it.
 * Order       of the bytes; 'n': of the numbers at the start; 'h': of sizes such as 10K; 'M': of
 *             months; 'V': of versions, in which digits are numbers; 'f': lower case letters as
 *             upper; 'd': blanks, letters and digits only; 'i': printable characters only; 'b':
 *             without blanks at the start; 'r': the opposite.
 * Numbers     are compared digit by digit: they have no limit.
 * References  POSIX.1-2017, sort.
 */
#ifndef SHELL_COMMANDS_TEXT_SORT_KEY_H
#define SHELL_COMMANDS_TEXT_SORT_KEY_H

#include "kernel/port.h"

struct sort_order {
    bool numeric, reverse, fold, dictionary, printable;
    bool sizes, months, versions;      /* 'h', 'M', 'V' */
    bool skip_blanks, skip_blanks_end; /* 'b' at the first and at the second position */
};

struct sort_key {
    struct sort_key *next;
    uint64_t first_field, first_char;   /* from 1 on */
    uint64_t last_field, last_char;     /* field 0: the end of the line; char 0: of the field */
    struct sort_order order;
    bool has_order; /* false: the order of the whole command applies */
};

/* Parses a key. -EINVAL if it is invalid: fields and characters are at least 1, except that the
 * last character may be 0. */
status_t sort_key_parse(const char *text, struct sort_key *key) MUST_CHECK;

/* Sets the order that one of the letters bdfhiMnrV stands for. Returns false for another letter. */
bool sort_order_letter(struct sort_order *order, char letter);

/* Returns the part of the line that the key names. `separator` is -1 if blanks separate fields. */
const char *sort_key_find(const struct sort_key *key, int separator, const char *line,
                          size_t bytes, size_t *key_bytes);

/* Returns whether the order has letters that exclude each other. */
bool sort_order_is_mixed(const struct sort_order *order);

/* Compare two texts in one of the orders (sort_kinds.c). */
int sort_compare_bytes(const char *a, size_t a_bytes, const char *b, size_t b_bytes);
int sort_compare_numbers(const char *a, size_t a_bytes, const char *b, size_t b_bytes);
int sort_compare_sizes(const char *a, size_t a_bytes, const char *b, size_t b_bytes);
int sort_compare_months(const char *a, size_t a_bytes, const char *b, size_t b_bytes);

/* Compares two parts: < 0, 0, > 0. Applies `reverse`. */
int sort_key_compare(const struct sort_order *order, const char *a, size_t a_bytes, const char *b,
                     size_t b_bytes);

#endif
