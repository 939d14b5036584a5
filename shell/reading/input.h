/*
 * input.h - what a command reads: its files one after another, or standard input.
 *
 * Model       An input gives its bytes in pieces, in place if they are in the file cache, or line
 *             by line. `-`, and no operands at all, mean standard input.
 * Lines       are given without LF and terminated. They may have any length: input_line() needs
 *             memory for the whole line, input_part() does not. `line_end` may be set to another
 *             byte than LF.
 * Errors      -EINTR after ^C, -ENOMEM if too little memory is left for a line
 *             (vfs_memory_is_short()), else the error of reading. 0 at the end.
 * Ownership   Pieces and lines are borrowed until the next call.
 */
#ifndef SHELL_READING_INPUT_H
#define SHELL_READING_INPUT_H

#include "shell/shell.h"

struct input {
    struct shell *shell;
    const char *name;      /* for messages */
    struct file *file;     /* NULL: standard input */
    char *buffer;          /* of standard input */
    struct cache_view view;
    bool viewing;
    const char *rest;      /* of the piece that is being cut into lines */
    size_t rest_bytes;
    char *line;
    size_t line_bytes;
    bool line_ended;       /* the last line or part had its LF */
    char line_end;         /* LF */
};

status_t input_open(struct shell *shell, const char *name, struct input *input) MUST_CHECK;
ssize_t input_piece(struct input *input, const char **data) MUST_CHECK;
/* Returns 1 and the next part of a line, in place. `line_ended` is set if it is the last part. */
int input_part(struct input *input, const char **part, size_t *bytes) MUST_CHECK;
/* Returns 1 and a whole line. */
int input_line(struct input *input, char **line, size_t *bytes) MUST_CHECK;
void input_close(struct input *input);

/* Calls body for each of words[first..count), or for standard input if there is none. An error of
 * body is reported for its input, and the next input is processed, except after -EINTR and -EPIPE.
 * Returns the command's status. */
int input_each(struct shell *shell, int first, int count, char **words,
               status_t (*body)(struct input *input, void *context), void *context);
/* As input_each() for one name, without a message: returns the error of opening it, or of body. */
status_t input_one(struct shell *shell, const char *name, const char **shown_name,
                   status_t (*body)(struct input *input, void *context), void *context) MUST_CHECK;

#endif
