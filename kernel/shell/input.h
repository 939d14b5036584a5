/*
 * input.h - what a reading command reads: its files one after another, or standard input.
 *
 * Model       An input gives its bytes in pieces, in place where they lie in the file cache, or
 *             line by line. `-` and no words at all mean standard input.
 * Lines       have no LF and end with NUL. They have no length limit but the memory: a line is
 *             given whole or not at all. Commands that need no whole line use pieces.
 * Errors      0 at the end, -EINTR after ^C, -ENOMEM for a line that would take the last eighth of
 *             memory, else the error of reading.
 * Ownership   Pieces and lines are borrowed until the next call.
 */
#ifndef KERNEL_SHELL_INPUT_H
#define KERNEL_SHELL_INPUT_H

#include "kernel/shell/shell.h"

struct input {
    struct shell *shell;
    const char *name;      /* for messages */
    struct file *file;     /* NULL: standard input */
    char *buffer;          /* of standard input */
    struct cache_view view;
    bool viewing;
    const char *rest;      /* of the piece, for lines */
    size_t rest_bytes;
    char *line;
    size_t line_bytes;
    bool line_ended;       /* did the last line have its LF? */
};

status_t input_open(struct shell *shell, const char *name, struct input *input) MUST_CHECK;
ssize_t input_piece(struct input *input, const char **data) MUST_CHECK;
/* 1 and a line, 0, or an errno. */
int input_line(struct input *input, char **line, size_t *bytes) MUST_CHECK;
void input_close(struct input *input);

/* Calls body for each of words[first..count), or for standard input when there is none. What body
 * returns first that is not 0 is said of its input and the rest goes on; but for -EINTR and -EPIPE
 * (`out` takes no more). Returns the command's status. */
int input_each(struct shell *shell, int first, int count, char **words,
               status_t (*body)(struct input *input, void *context), void *context);

#endif
