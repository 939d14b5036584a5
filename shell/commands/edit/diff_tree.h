/*
 * diff_tree.h - which files diff compares: those that it was given, and those of two directories.
 *
 * Model       Operands and entries of directories are compared by the same rules (GNU, POSIX):
 *             two names of one node are the same, two directories have their entries compared, two
 *             files their contents. Anything else is reported as a difference of types.
 *             With -N a missing name has the type of the other one, and no contents.
 */
#ifndef SHELL_COMMANDS_EDIT_DIFF_TREE_H
#define SHELL_COMMANDS_EDIT_DIFF_TREE_H

#include "shell/shell.h"

/* One of two names that are compared. */
struct diff_name {
    const char *text;  /* as it is shown, and from the shell's directory */
    const char *label; /* NULL: none was given */
    bool missing;      /* it is taken for an empty file, or a directory without entries */
};

struct diff_tree {
    struct shell *shell;
    const char *labels[2];                    /* -L */
    bool recurses, adds_missing, keeps_links; /* -r, -N, --no-dereference */
    /* Compares the contents of two files. inside: they are in directories. Returns the status of
     * diff. */
    int (*compare)(void *context, const struct diff_name names[2], bool inside);
    void *context;
};

/* Compares two operands: files, directories, or one of each. Returns the largest status. */
int diff_operands(const struct diff_tree *tree, const char *one, const char *two);

/* Prints BEFORE, both names or their labels, and AFTER. */
void diff_print_sentence(struct stream *out, const struct diff_name names[2], const char *before,
                         const char *after);
/* Prints "diff OPTIONS FILE FILE", as GNU's does before the differences of a directory's files. */
void diff_print_title(const struct shell *shell, const struct diff_name names[2]);

#endif
