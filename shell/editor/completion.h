/*
 * completion.h - what a word that was begun could become.
 *
 * Where a command stands: the commands' names. After it: paths, and what the words of the command's
 * usage line say besides - class names of devices for DEVICE, of virtual drives for DRIVE,
 * directories alone for DIRECTORY, commands for COMMAND, variables for VARIABLE, the parts of a
 * command of several; after a dash its options. After $ variables, after < and > paths.
 * Reads directories, so it may wait for a disc; ^C (thread_interrupt) ends that.
 */
#ifndef SHELL_EDITOR_COMPLETION_H
#define SHELL_EDITOR_COMPLETION_H

#include "shell/shell.h"
#include "shell/words.h"

struct completion {
    struct words candidates; /* sorted */
    size_t typed;            /* so many bytes of each stand there already */
    size_t common;           /* so many bytes are the same in all */
    char quote;              /* the cursor stands in one of these: ' or ", else NUL */
    const char *after;       /* to be put behind the only candidate: a slash or a blank */
};

/* For text[0..cursor). */
status_t completion_find(struct shell *shell, const char *text, size_t cursor,
                         struct completion *completion) MUST_CHECK;
/* What to insert: what is common, with quotes or backslashes where the line needs them. */
void completion_text(const struct completion *completion, struct buffer *buffer);
void completion_free(struct completion *completion);

#endif
