/*
 * variables.h - a shell's variables: names with texts.
 *
 * A name is a letter or _ and then letters, digits and _. All zero is an empty set. The set belongs
 * to its shell; a stage of a pipe gets a copy.
 */
#ifndef SHELL_VARIABLES_H
#define SHELL_VARIABLES_H

#include "kernel/port.h"

struct variable {
    struct variable *next; /* in the order of the names */
    char *value;           /* stands behind the name, in the same memory */
    char name[];
};

struct variables {
    struct variable *first;
};

/* How many bytes of a name `text` begins with; 0: none. */
size_t variable_name_length(const char *text);

/* NULL when it is not set. */
const char *variables_get(const struct variables *variables, const char *name, size_t length);
status_t variables_set(struct variables *variables, const char *name, size_t length,
                       const char *value) MUST_CHECK;
bool variables_unset(struct variables *variables, const char *name); /* was it set? */
status_t variables_copy(const struct variables *from, struct variables *to) MUST_CHECK;
void variables_free(struct variables *variables);

#endif
