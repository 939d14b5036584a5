/*
 * diff_tree.h - pairs of files in two directories, for diff.
 */
#ifndef SHELL_COMMANDS_EDIT_DIFF_TREE_H
#define SHELL_COMMANDS_EDIT_DIFF_TREE_H

#include "shell/shell.h"

struct diff_tree {
    struct shell *shell;
    bool recurses, adds_missing, keeps_links; /* -r, -N, --no-dereference */
    /* Compares two files; a name that is NULL is an empty file. Returns the status of diff. */
    int (*compare)(void *context, const char *one, const char *two, const char *shown_one,
                   const char *shown_two);
    void *context;
};

/* Compares all files of two directories, in the order of their names. Returns the largest status.
 * */
int diff_trees(const struct diff_tree *tree, const char *one, const char *two);

/* Returns "DIRECTORY/NAME", which the caller frees; NULL without memory. */
char *diff_join(const char *directory, const char *name);
/* Returns whether both are directories; with -N, one of them may be missing. */
bool diff_are_directories(struct shell *shell, const char *const names[2],
                          const bool directories[2]);
/* Reports that one of two files is a directory. Returns SHELL_FAILED. */
int diff_types_differ(struct shell *shell, const char *const names[2], unsigned directory);
/* Returns false if no file has this name (-ENOENT). `-` always exists. */
bool diff_exists(struct shell *shell, const char *name);
/* --no-dereference: returns whether one of two files is a link. *result: they were compared, a link
 * by its target. */
bool diff_links(struct shell *shell, const char *const names[2], int *result);
/* Prints "diff OPTIONS FILE FILE", as GNU's does before the differences of a directory's files. */
void diff_print_title(const struct shell *shell, const char *one, const char *two);

#endif
