/*
 * sed_run.h - the state of a script that runs, and its input; see sed.h.
 */
#ifndef SHELL_COMMANDS_EDIT_SED_RUN_H
#define SHELL_COMMANDS_EDIT_SED_RUN_H

#include "shell/commands/edit/sed.h"

enum { QUEUE_MAX = 256 };

struct sed_run {
    struct sed *sed;
    char **names;
    int count, next;     /* the next input to open */
    struct input *input; /* NULL: none is open */
    bool has_ahead, ahead_ended;
    bool ahead_is_new_file;
    bool is_new_file;    /* the line is the first of its file */
    const char *name;    /* of the input of the line, for F */
    uint64_t line;       /* its number */
    bool replaced;       /* since the last line or t */
    bool quits;
    bool failed;         /* the script is invalid: files keep their content */
    int result;
    struct sed_output *out;
    struct replacement replacement; /* -i */
    struct stream *file_stream;
    struct sed_output file_output;
    struct sed_command *queue[QUEUE_MAX]; /* a, r and R, which write at the end of a cycle */
    unsigned queued;
};

/* Reads the next line into sed->ahead, unless one is there. Returns 1, 0 if there is none, or an
 * errno. `here`: only from the file that is open. */
int sed_read_ahead(struct sed_run *run, bool here);
/* Returns whether the line is the last one: of its file, with -s or -i. */
bool sed_is_last(struct sed_run *run);
/* Reads the next line into the pattern space, after what is there if `append`. Returns 1, 0 if
 * there is none, or an errno. */
int sed_read_line(struct sed_run *run, bool append);
/* Closes the input, and with -i replaces the file. */
void sed_close_input(struct sed_run *run);

#endif
