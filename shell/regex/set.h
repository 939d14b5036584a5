/*
 * set.h - bracket expressions, [a-z[:digit:]], and which characters are part of a word.
 *
 * Model       A set stays text, between its brackets, and is parsed again for each character that
 *             is tested: sets are short, and a table of all characters would not be.
 *             Characters beyond ASCII count as letters of no case.
 * Ownership   A set points into the pattern's text.
 * References  POSIX.1-2017, Base Definitions, 9.3.5 RE Bracket Expression. Equivalence classes and
 *             collating symbols are not supported.
 */
#ifndef SHELL_REGEX_SET_H
#define SHELL_REGEX_SET_H

#include "kernel/port.h"

struct regex_set {
    const char *text, *end; /* the members */
    bool negated;
};

/* Parses the set whose `[` is before `at`, in a text that ends at `end` with NUL. Returns NULL and
 * the set, or the reason why it is invalid. */
const char *regex_set_parse(const char *at, const char *end, struct regex_set *set);
/* Returns whether the set contains a character, which is folded already with `fold`. */
bool regex_set_has(const struct regex_set *set, bool fold, uint32_t code);
/* Returns whether \w matches a character: a letter, a digit or _. */
bool regex_is_word(uint32_t code);

#endif
