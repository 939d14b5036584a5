/*
 * variables.h - a shell's variables.
 *
 * Model       A list ordered by name. A name is a letter or _, followed by letters, digits and _. A
 *             set of zeroes is empty.
 * Ownership   A set belongs to its shell; each stage of a pipe gets a copy.
 * References  POSIX.1-2017, Base Definitions, 3.235 Name.
 */
#ifndef SHELL_VARIABLES_H
#define SHELL_VARIABLES_H

#include "kernel/port.h"

struct variable {
    struct variable *next; /* ordered by name */
    char *value;           /* follows the name, in the same allocation */
    char name[];
};

struct variables {
    struct variable *first;
};

/* Returns the length of the name at the start of `text`; 0 if there is none. */
size_t variable_name_length(const char *text);

/* Returns the value, valid until the set changes; NULL if the variable is not set. */
const char *variables_get(const struct variables *variables, const char *name, size_t length);
status_t variables_set(struct variables *variables, const char *name, size_t length,
                       const char *value) MUST_CHECK;
/* Removes a variable. Returns whether it was set. */
bool variables_unset(struct variables *variables, const char *name);
status_t variables_copy(const struct variables *from, struct variables *to) MUST_CHECK;
void variables_free(struct variables *variables);

#endif
