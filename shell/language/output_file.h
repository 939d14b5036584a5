/*
 * output_file.h - a file that a command's output is written to: by `>`, `>>`, `2>`, tee, sort -o.
 *
 * Model       Nothing is overwritten before its replacement exists, and no output is its own input:
 *             - While the file is open here it cannot be opened for reading, nor is it opened here
 *               while something reads it: -ETXTBSY, whatever command asks (OPEN_DENY_READ).
 *             - It is emptied when the first bytes arrive. If none arrive it is emptied at the end,
 *               but not if a reader was refused.
 *             - If the pipeline's words name the file, a command may write before it opens the file
 *               as its input (`cat /a /f > /f`). Then the new content is written to a file beside,
 *               which replaces the old one at the end: not if a reader was refused, and not if a
 *               command failed and wrote nothing (`toc /f > /f`). If it is not known what the words
 *               are, as of a compound command, a failure without output empties the file.
 *             Devices are written in place.
 * Durable     When the file is closed, a disk has its bytes, and an error of writing them is the
 *             command's. They are made durable, too (file_flush()): a person may switch off after
 *             the prompt. Not so in a loop or a function, where each flush of the disk, of some
 *             milliseconds, would be repeated a thousand times; Linux has none at all. There the
 *             flusher makes them durable within 5 s, or `sync`, or the unmount; an error of that is
 *             logged, and `sync` returns it. What a redirection replaces is kept on the medium
 *             until the new bytes are there, in both cases.
 * Locking     Several threads may write, one at a time: the stages of a pipe can share an output.
 */
#ifndef SHELL_LANGUAGE_OUTPUT_FILE_H
#define SHELL_LANGUAGE_OUTPUT_FILE_H

#include "shell/shell.h"
#include "shell/words.h"

struct output_file;

/* The words of the commands that may write or read the file. */
struct output_words {
    const struct words *const *lists;
    unsigned count;
};

enum output_file_end {
    OUTPUT_FILE_WRITTEN, /* it contains what was written */
    OUTPUT_FILE_KEPT,    /* it is unchanged, because a reader was refused */
    OUTPUT_FILE_DROPPED, /* it is unchanged, and output was lost for that reason */
};

/* Opens or creates the file. `words` are those that may name the file; NULL if they are not known:
 * then they may. */
status_t output_file_open(struct shell *shell, const struct output_words *words, const char *name,
                          bool append, struct output_file **output) MUST_CHECK;
struct stream *output_file_stream(struct output_file *output);
/* For `2>>`: if a reader is refused before anything was appended, the message about it goes to
 * `fallback` instead. No effect on a file that is not appended to. */
void output_file_set_fallback(struct output_file *output, struct stream *fallback);
/* Closes the file; NULL does nothing. `failed`: a command that could have written it has failed.
 * Returns the first error of writing. After ^C or an error, a new content beside is abandoned. */
status_t output_file_close(struct output_file *output, bool failed,
                           enum output_file_end *end) MUST_CHECK;
/* Closes the file unchanged, because the command did not run. NULL does nothing. */
void output_file_abandon(struct output_file *output);

#endif
