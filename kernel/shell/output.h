/*
 * output.h - a file that `>`, `>>` or `2>` leads to.
 *
 * Input is safe   While an output is open, its file cannot be opened for reading, and it is not
 *                 opened while it is read: -ETXTBSY, whichever command asks (OPEN_DENY_READ).
 *                 `>` empties the file when the first bytes come, or at the end: not if a reader
 *                 was refused before. Where the pipeline's words name the file, its new content is
 *                 written beside it and replaces it at the end, so that one command may write much
 *                 before it asks for the file (`cat /a /f > /f`).
 * Locking         One thread writes at a time: the stages of a pipe may share an output.
 */
#ifndef KERNEL_SHELL_OUTPUT_H
#define KERNEL_SHELL_OUTPUT_H

#include "kernel/shell/pipeline.h"

struct output;

/* `pipeline`: whose words may name the file. */
status_t output_open(struct shell *shell, const struct pipeline *pipeline, const char *name,
                     bool append, struct output **output) MUST_CHECK;
struct stream *output_stream(struct output *output);
/* NULL: nothing. What writing said; *kept when a reader was refused, so the old content stays. It
 * stays too when ^C came before anything was written, or before a new content beside was whole. */
status_t output_close(struct output *output, bool *kept) MUST_CHECK;
/* The command did not run: the file is as it was. NULL: nothing. */
void output_abandon(struct output *output);

#endif
