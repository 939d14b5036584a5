/*
 * completion.h - finds what a word that was begun could become.
 *
 * Model       Where a command is expected: the names of commands. After it: paths, and what the
 *             words of the command's usage line name: devices for DEVICE, virtual drives for DRIVE,
 *             only directories for DIRECTORY, commands for COMMAND, variables for VARIABLE; the
 *             subcommands of a command that has them. After a dash, the command's options; after
 *             $, variables; after < and >, paths.
 *             Directories are read, so this may wait for a disc; thread_interrupt() ends that.
 */
#ifndef SHELL_EDITOR_COMPLETION_H
#define SHELL_EDITOR_COMPLETION_H

#include "shell/shell.h"
#include "shell/words.h"

struct completion {
    struct words candidates; /* sorted */
    size_t typed;            /* how many bytes of each were typed */
    size_t common;           /* how many bytes are the same in all */
    char quote;              /* the quote that is open at the cursor: ', " or $, else NUL */
    const char *after;       /* follows a single candidate: a slash, a blank or } */
};

/* Finds the candidates for the word before text[cursor]. -ENOMEM, -EINTR. */
status_t completion_find(struct shell *shell, const char *text, size_t cursor,
                         struct completion *completion) MUST_CHECK;
/* Appends what to insert: the common part that was not typed, quoted as the line requires. */
void completion_text(const struct completion *completion, struct buffer *buffer);
void completion_free(struct completion *completion);

#endif
