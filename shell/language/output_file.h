/*
 * output_file.h - the file of a redirection: `>`, `>>` or `2>`.
 *
 * Input is safe   While an output is open, its file cannot be opened for reading, and it is not
 *                 opened while it is read: -ETXTBSY, whichever command asks (OPEN_DENY_READ).
 *                 `>` empties the file when the first bytes come, or at the end: not if none came
 *                 and a reader was refused. Where the pipeline's words name the file, its new
 *                 content is written beside it and replaces it at the end, unless a reader was
 *                 refused: one command may write much before it asks for the file (`cat /a /f >
 *                 /f`).
 * Locking         One thread writes at a time: the stages of a pipe may share an output.
 */
#ifndef SHELL_LANGUAGE_OUTPUT_FILE_H
#define SHELL_LANGUAGE_OUTPUT_FILE_H

#include "shell/language/pipeline.h"

struct output_file;

/* What became of the file: it has what was written; it is as it was, since a reader was refused;
 * and something that was written was dropped for that. */
enum output_file_end { OUTPUT_FILE_WRITTEN, OUTPUT_FILE_KEPT, OUTPUT_FILE_DROPPED };

/* `pipeline`: whose words may name the file; NULL: not known, so they may. */
status_t output_file_open(struct shell *shell, const struct pipeline *pipeline, const char *name,
                     bool append, struct output_file **output) MUST_CHECK;
struct stream *output_file_stream(struct output_file *output);
/* NULL: nothing. What writing returned. The old content stays too when ^C came before anything was
 * written, and when ^C or an error came before a new content beside was complete. */
status_t output_file_close(struct output_file *output, enum output_file_end *end) MUST_CHECK;
/* The command did not run: the file is as it was. NULL: nothing. */
void output_file_abandon(struct output_file *output);

#endif
