/*
 * aliases.h - names that stand for text at the start of a command.
 *
 * Model       A list ordered by name; a set of zeroes is empty. The parser replaces a command's
 *             name by its text while it reads, so a change takes effect from the next complete
 *             command.
 * References  POSIX.1-2017, Shell Command Language, 2.3.1 Alias Substitution.
 */
#ifndef SHELL_LANGUAGE_SYNTAX_ALIASES_H
#define SHELL_LANGUAGE_SYNTAX_ALIASES_H

#include "kernel/port.h"

struct alias {
    struct alias *next; /* ordered by name */
    const char *value;  /* follows the name, in the same allocation */
    char name[];
};

struct aliases {
    struct alias *first;
};

/* Returns the text of an alias, valid until the set changes, or NULL. */
const char *aliases_get(const struct aliases *aliases, const char *name);
status_t aliases_set(struct aliases *aliases, const char *name, size_t length,
                     const char *value) MUST_CHECK;
/* Removes an alias. Returns whether there was one. */
bool aliases_unset(struct aliases *aliases, const char *name);
status_t aliases_copy(const struct aliases *from, struct aliases *to) MUST_CHECK;
void aliases_free(struct aliases *aliases);

#endif
