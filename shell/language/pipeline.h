/*
 * pipeline.h - commands joined by |.
 *
 * Model       Each stage runs on a thread of its own in a copy of the shell, so its changes to
 *             directory and variables are lost. A stage that writes to a pipe whose reader has
 *             closed it is interrupted, and ends silently.
 *             Simple stages wait for each other twice: all words are expanded before the first file
 *             is opened, and all files are opened before the first command runs. Output files are
 *             closed after the last stage has ended. So whether a file that one stage writes can be
 *             read by another (output_file.h) does not depend on their speed. A compound stage, or
 *             one that runs commands in its words, may read the pipe before, so it does not wait.
 * References  POSIX.1-2017, Shell Command Language, 2.9.2 Pipelines.
 */
#ifndef SHELL_LANGUAGE_PIPELINE_H
#define SHELL_LANGUAGE_PIPELINE_H

#include "shell/language/syntax/tree.h"
#include "shell/shell.h"

/* Runs the stages of a NODE_PIPELINE that has several. Returns the last one's status, or with `set
 * -o pipefail` the last one that is not 0. */
int pipeline_run(struct shell *shell, const struct node *pipeline);

#endif
