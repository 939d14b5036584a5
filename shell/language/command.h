/*
 * command.h - runs a command with its redirections: in steps, since the stages of a pipe wait for
 * each other between them.
 *
 * Model       command_expand() expands the words of a simple command; command_open() performs the
 *             redirections; command_execute() runs it; command_close() ends the redirections. After
 *             an error in a step, the ones after it do nothing.
 *             A name is looked up as a special builtin, a function, another command (POSIX
 *             2.9.1.1). NAME=value before a function or a command is in effect for it only, before
 *             a special builtin for good.
 * References  POSIX.1-2017, Shell Command Language, 2.9.1 Simple Commands, 2.9.5 Functions, 2.14
 *             Special Built-In Utilities.
 */
#ifndef SHELL_LANGUAGE_COMMAND_H
#define SHELL_LANGUAGE_COMMAND_H

#include "kernel/code.h"
#include "shell/language/redirect.h"
#include "shell/language/state.h"

struct command_run {
    const struct node *node;
    struct words fields;
    const struct shell_command *command; /* NULL: a function, none, or not found */
    status_t status;                     /* of shell_command_find() */
    struct code_use use;
    const struct function *function;     /* NULL: not one */
    bool words_known;  /* the fields are all that may name an output file */
    bool stopped;      /* an error: it does not run */
    struct stream *trace; /* set -x: where errors led before its redirections; NULL: off */
    int result;
    struct redirected redirected;
};

void command_expand(struct shell *shell, const struct node *node, struct command_run *run);
/* `words`: those that may name an output file; NULL if they are not known. */
void command_open(struct shell *shell, struct command_run *run, const struct output_words *words);
void command_execute(struct shell *shell, struct command_run *run);
/* Ends it and returns its status. `failed`: see redirect_end(). */
int command_close(struct shell *shell, struct command_run *run, bool failed);

/* All steps. */
int command_run(struct shell *shell, const struct node *node);
/* Calls work(argument), which stores the status in *result, in the redirections of a compound
 * command. */
void command_run_compound(struct shell *shell, const struct node *node,
                          void (*work)(void *argument), void *argument, int *result);

/* Reports why words could not be expanded, and returns the status. Errors of the language end the
 * script. */
int command_fail_expansion(struct shell *shell, status_t status);

/* Ends the script, or the line: after an error that POSIX 2.8.1 lets end a shell. */
void command_leave(struct shell *shell, int status);

#endif
