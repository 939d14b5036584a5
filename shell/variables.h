/*
 * variables.h - a shell's variables.
 *
 * Model       A hash table of names. A name is a letter or _, followed by letters, digits and _. A
 *             variable may be exported, read-only, or known without a value. A set of zeroes is
 *             empty.
 *             variables_save() puts a variable aside and leaves a copy in its place, for a
 *             function's `local` and for assignments before a command; variables_restore() puts all
 *             back.
 * Ownership   A set belongs to its shell; each subshell gets a copy.
 * References  POSIX.1-2017, Base Definitions, 3.235 Name; Shell Command Language, 2.5.3.
 */
#ifndef SHELL_VARIABLES_H
#define SHELL_VARIABLES_H

#include "kernel/port.h"

enum { VARIABLE_BUCKETS = 32 };

enum {
    VARIABLE_EXPORTED = 1,
    VARIABLE_READ_ONLY = 2,
    VARIABLE_KEPT = 4, /* it was not assigned since this was set */
};

struct variable {
    struct variable *next; /* in its bucket */
    char *value;           /* owned; NULL: none */
    size_t room;           /* bytes of its memory */
    unsigned flags;
    size_t name_length;
    char name[];
};

struct variables {
    struct variable *buckets[VARIABLE_BUCKETS];
};

/* A variable that was put aside. */
struct saved_variable {
    struct saved_variable *next; /* saved before this one */
    struct variable *variable;   /* owned; NULL: there was none */
    size_t name_length;
    char name[];
};

/* Returns the length of the name at the start of `text`; 0 if there is none. */
size_t variable_name_length(const char *text);

struct variable *variables_find(const struct variables *variables, const char *name,
                                size_t length);
/* Returns the value, valid until the set changes; NULL if the variable has none. */
const char *variables_get(const struct variables *variables, const char *name, size_t length);
/* -EPERM if the variable is read-only. `value` may be a part of the old value. */
status_t variables_set(struct variables *variables, const char *name, size_t length,
                       const char *value) MUST_CHECK;
/* Sets flags of a variable, which is created without a value if there is none. */
status_t variables_mark(struct variables *variables, const char *name, size_t length,
                        unsigned flags) MUST_CHECK;
/* Removes a variable. Not finding it is not an error. -EPERM if it is read-only. */
status_t variables_unset(struct variables *variables, const char *name) MUST_CHECK;
/* Visits all variables, in no order. */
void variables_each(const struct variables *variables,
                    void (*visit)(const struct variable *variable, void *context), void *context);

status_t variables_save(struct variables *variables, const char *name, size_t length,
                        struct saved_variable **saved) MUST_CHECK;
/* Restores the variables that were saved since *saved was `until`. */
void variables_restore(struct variables *variables, struct saved_variable **saved,
                       struct saved_variable *until);

status_t variables_copy(const struct variables *from, struct variables *to) MUST_CHECK;
void variables_free(struct variables *variables);

#endif
