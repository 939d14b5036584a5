/*
 * pipeline.h - commands joined by |, each with its words and its files, ready to run.
 *
 * One command alone runs on the thread of its shell, and may change it. Each of several gets a
 * thread and a copy of the shell, with streams of its own: what it changes is gone afterwards.
 * A stage whose reader has gone is interrupted when it writes, and ends without a word.
 *
 * The files of all stages are opened before the first of them runs, and closed after the last has
 * ended: so it does not depend on the stages' speed whether a file that one of them writes can be
 * read by another (output_file.h).
 *
 * What redirects takes effect from the left: `> FILE 2>&1` brings both to the file, `2>&1 > FILE`
 * the errors to where the output went before. `time` before several stages times them all.
 */
#ifndef SHELL_LANGUAGE_PIPELINE_H
#define SHELL_LANGUAGE_PIPELINE_H

#include "shell/language/parse.h"
#include "shell/shell.h"
#include "shell/words.h"

/* Where the stage's output and errors lead: where they would without a word, or to its files. */
enum target { TARGET_OUT, TARGET_ERR, TARGET_FILE };

struct stage {
    struct words assignments; /* NAME=value */
    struct words words;
    char *input;              /* of <; NULL: none; owned */
    struct {
        char *name;           /* of > or 2>; NULL: none; owned */
        bool append;
    } files[2];
    unsigned targets[2];      /* enum target; TARGET_FILE + n: files[n] */

    /* while it runs */
    struct file *input_file;
    struct output_file *outputs[2];
    status_t status;          /* of opening them */
    const char *failed;       /* the name that was not opened; borrowed */
};

struct pipeline {
    unsigned count;
    struct stage stages[PIPE_STAGES_MAX];
};

/* Reads a pipeline up to the operator that ends it, which goes to *end. What stands in it is
 * expanded, unless the pipeline will not run: then it is only passed. */
status_t pipeline_read(struct shell *shell, struct parser *parser, bool runs,
                       struct pipeline *pipeline, enum token_kind *end) MUST_CHECK;
/* Returns the last stage's status. */
int pipeline_run(struct shell *shell, struct pipeline *pipeline);
void pipeline_free(struct pipeline *pipeline);

#endif
