/*
 * functions.h - the functions of a shell.
 *
 * Ownership   A function keeps the tree of the command that defined it.
 * References  POSIX.1-2017, Shell Command Language, 2.9.5 Function Definition Command.
 */
#ifndef SHELL_LANGUAGE_FUNCTIONS_H
#define SHELL_LANGUAGE_FUNCTIONS_H

#include "shell/language/syntax/tree.h"

struct function {
    struct function *next;
    const char *name; /* in the tree */
    struct tree *tree;
    const struct node *body;
};

/* All zero: none. */
struct functions {
    struct function *first;
};

const struct function *function_table_find(const struct functions *functions, const char *name);
/* Defines or replaces a function. */
status_t function_table_set(struct functions *functions, const char *name, struct tree *tree,
                       const struct node *body) MUST_CHECK;
/* Removes a function. Returns whether there was one. */
bool function_table_unset(struct functions *functions, const char *name);
status_t function_table_copy(const struct functions *from, struct functions *to) MUST_CHECK;
void function_table_free(struct functions *functions);

#endif
