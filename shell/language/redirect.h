/*
 * redirect.h - performs the redirections of a command, and ends them.
 *
 * Model       Redirections take effect from left to right: `> FILE 2>&1` sends both streams to the
 *             file, `2>&1 > FILE` sends errors to where output went before. Files that are read are
 *             opened first: if one cannot be opened, no output file is created.
 * References  POSIX.1-2017, Shell Command Language, 2.7 Redirection.
 */
#ifndef SHELL_LANGUAGE_REDIRECT_H
#define SHELL_LANGUAGE_REDIRECT_H

#include "shell/language/output_file.h"
#include "shell/language/syntax/tree.h"

struct redirected_number {
    unsigned number;
    struct descriptor *before; /* to be restored */
    struct descriptor *opened; /* before it takes effect, and after redirect_detach() */
    char *name;                /* of its file; NULL: none */
};

/* The redirections of a command that are in effect. All zero: none. */
struct redirected {
    unsigned count;
    bool detached; /* the descriptors are restored already */
    struct redirected_number *list;
};

/* Performs redirections. `words`: see output_file_open(). Returns SHELL_DONE; or another status
 * after a message, and then none is in effect. */
int redirect_begin(struct shell *shell, const struct redirection *redirections,
                   const struct output_words *words, struct redirected *redirected);
/* Restores the descriptors and closes what was opened. `failed`: a command that could have written
 * the files has failed. Returns `result`, or the status of an error. */
int redirect_end(struct shell *shell, struct redirected *redirected, bool failed, int result);
/* The redirections stay in effect: what they have replaced is closed. */
void redirect_keep(struct shell *shell, struct redirected *redirected);
/* Restores the descriptors, but keeps the output files open for redirect_end(), which may then be
 * called with another shell on another thread. */
void redirect_detach(struct shell *shell, struct redirected *redirected);

#endif
