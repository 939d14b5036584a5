/*
 * pipeline.h - commands joined by |, each with its words and files, ready to run.
 *
 * Model       A single command runs on the thread of its shell and may change that shell. Of
 *             several, each runs on a thread of its own in a copy of the shell, so its changes to
 *             directory and variables are lost. A stage that writes to a pipe whose reader has
 *             closed it is interrupted, and ends silently.
 *             The files of all stages are opened before the first one runs and closed after the
 *             last one has ended, so whether a file that one stage writes can be read by another
 *             (output_file.h) does not depend on their speed.
 *             Redirections take effect from left to right: `> FILE 2>&1` sends both streams to the
 *             file, `2>&1 > FILE` sends errors to where output went before. `time` before several
 *             stages measures all of them.
 * References  POSIX.1-2017, Shell Command Language, 2.7 Redirection, 2.9.1 Simple Commands, 2.9.2
 *             Pipelines.
 */
#ifndef SHELL_LANGUAGE_PIPELINE_H
#define SHELL_LANGUAGE_PIPELINE_H

#include "shell/language/parse.h"
#include "shell/shell.h"
#include "shell/words.h"

/* Where output and errors of a stage go: to its shell's streams, or to its files. */
enum target { TARGET_OUT, TARGET_ERR, TARGET_FILE };

struct stage {
    struct words assignments; /* NAME=value, as they were typed: expanded one after another */
    struct words words;
    char *input;              /* the file of <; NULL: none; owned */
    struct {
        char *name;           /* the file of > or 2>; NULL: none; owned */
        bool append;
    } files[2];
    unsigned targets[2];      /* enum target; TARGET_FILE + n: files[n] */

    /* while the pipeline runs */
    struct file *input_file;
    struct output_file *outputs[2];
    status_t status;          /* of opening the files */
    const char *failed;       /* the name that could not be opened; borrowed */
};

struct pipeline {
    unsigned count;
    struct stage stages[PIPE_STAGES_MAX];
};

/* Reads a pipeline up to the operator that ends it, which is stored in *end. Its words are expanded
 * if the pipeline `runs`; else they are skipped. Call pipeline_free() after errors too. */
status_t pipeline_read(struct shell *shell, struct parser *parser, bool runs,
                       struct pipeline *pipeline, enum token_kind *end) MUST_CHECK;
/* Runs a pipeline and returns the last stage's status. */
int pipeline_run(struct shell *shell, struct pipeline *pipeline);
void pipeline_free(struct pipeline *pipeline);

#endif
