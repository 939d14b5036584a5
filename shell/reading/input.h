/*
 * input.h - what a reading command reads: its files one after another, or standard input.
 *
 * Model       An input gives its bytes in pieces, in place where they are in the file cache, or
 *             line by line. `-` and no words at all mean standard input.
 * Lines       have no LF and end with NUL. They may be of any length: input_line() needs memory for
 *             the whole line, input_part() does not. `line_end` may be set to another byte.
 * Errors      0 at the end, -EINTR after ^C, -ENOMEM for a line for which too little memory is left
 *             (vfs_memory_is_short()), else the error of reading.
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
    const char *rest;      /* of the piece, for lines */
    size_t rest_bytes;
    char *line;
    size_t line_bytes;
    bool line_ended;       /* did the last line or part have its LF? */
    char line_end;         /* LF */
};

status_t input_open(struct shell *shell, const char *name, struct input *input) MUST_CHECK;
ssize_t input_piece(struct input *input, const char **data) MUST_CHECK;
/* 1 and the next part of a line, in place; `line_ended` when it is the last. 0, or an errno. */
int input_part(struct input *input, const char **part, size_t *bytes) MUST_CHECK;
/* 1 and a line, 0, or an errno. */
int input_line(struct input *input, char **line, size_t *bytes) MUST_CHECK;
void input_close(struct input *input);

/* Calls body for each of words[first..count), or for standard input when there is none. An error
 * of body is reported with the name of its input, and the next input follows, except after -EINTR
 * and -EPIPE (`out` takes no more). Returns the command's status. */
int input_each(struct shell *shell, int first, int count, char **words,
               status_t (*body)(struct input *input, void *context), void *context);
/* The same of one name, and without a message: the error of opening it, or of body. */
status_t input_one(struct shell *shell, const char *name, const char **shown_name,
                   status_t (*body)(struct input *input, void *context), void *context) MUST_CHECK;

#endif
