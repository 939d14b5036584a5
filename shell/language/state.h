/*
 * state.h - what the language keeps of a shell between its commands.
 *
 * Ownership   Belongs to its shell; a subshell has a copy (shell_copy()), in which traps are reset
 *             and jobs are not known.
 * References  POSIX.1-2017, Shell Command Language, 2.12 Shell Execution Environment.
 */
#ifndef SHELL_LANGUAGE_STATE_H
#define SHELL_LANGUAGE_STATE_H

#include "shell/language/syntax/aliases.h"
#include "shell/language/depth.h"
#include "shell/language/functions.h"
#include "shell/language/jobs.h"
#include "shell/language/signals.h"
#include "shell/variables.h"
#include "shell/words.h"

/* set -e and so on. */
enum {
    FLAG_ALLEXPORT = 1 << 0, /* -a */
    FLAG_NOTIFY = 1 << 1,    /* -b */
    FLAG_NOCLOBBER = 1 << 2, /* -C */
    FLAG_ERREXIT = 1 << 3,   /* -e */
    FLAG_NOGLOB = 1 << 4,    /* -f */
    FLAG_MONITOR = 1 << 5,   /* -m */
    FLAG_NOEXEC = 1 << 6,    /* -n */
    FLAG_NOUNSET = 1 << 7,   /* -u */
    FLAG_VERBOSE = 1 << 8,   /* -v */
    FLAG_XTRACE = 1 << 9,    /* -x */
    FLAG_PIPEFAIL = 1 << 10,
    FLAG_IGNOREEOF = 1 << 11,
    FLAG_NOLOG = 1 << 12,
    FLAG_INTERACTIVE = 1 << 13, /* -i: the shell reads its lines from a person */
};

/* Why the commands that follow do not run. */
enum skip { SKIP_NONE, SKIP_BREAK, SKIP_CONTINUE, SKIP_RETURN };

struct shell;

struct parameters {
    struct words words;
    int shifted; /* the first `shifted` words are gone */

    /* getopts: OPTIND, while no script has assigned it, and the next letter within the word before
     * that; 0: a new word. */
    int option_index;
    unsigned option_at;
};

struct language {
    unsigned flags;
    struct functions functions;
    struct aliases aliases;
    struct parameters parameters; /* $1 and so on */
    char *name;                   /* $0; owned */

    enum skip skip;
    unsigned skip_loops;     /* that `break N` and `continue N` leave, this one included */
    unsigned loops;          /* around the running command, in this function */
    unsigned calls;          /* of functions around it: `local` has a meaning */
    unsigned tested;         /* > 0: `set -e` has no effect, since the status is tested */
    unsigned subshells;      /* around it */
    struct saved_variable *locals; /* of the running functions */
    bool by_command;         /* `command` runs a builtin: its errors do not end the shell */
    bool keeps_redirections; /* `exec` was run without a command */
    int substituted;         /* the status of the last $(...) of a simple command */

    struct traps traps;
    struct language *main;   /* of the shell that $$ is; NULL: this one. It outlives its copies */
    struct jobs jobs;
    unsigned last_job;       /* $!; 0: none */
    bool exited;             /* `exit` was run, or `exec` of a command */

    struct depth depth;
    struct tree *tree; /* of the running command; borrowed */

    /* The evaluator, for what it calls itself, and the parser for traps: run.c sets them.
     * run_subshell() evaluates a node, which may be NULL, in a shell that ends with it. */
    int (*evaluate)(struct shell *shell, const struct node *node);
    int (*run_subshell)(struct shell *shell, const struct node *node);
    int (*run_text)(struct shell *shell, const char *text);
};

/* Returns the number of positional parameters, and one of them (from 1), or NULL. */
static inline int parameters_count(const struct parameters *parameters)
{
    return parameters->words.count - parameters->shifted;
}

static inline const char *parameters_get(const struct parameters *parameters, int number)
{
    return number >= 1 && number <= parameters_count(parameters)
               ? parameters->words.list[parameters->shifted + number - 1] : NULL;
}

struct language *language_create(void);
/* Copies it for a subshell. */
struct language *language_copy(const struct language *language);
void language_free(struct language *language);
/* Returns the flags as $- shows them. */
void language_flags_text(unsigned flags, char text[16]);

/* The options of `set`, ended by a NULL name. */
struct language_option {
    char letter; /* 0: only by name */
    const char *name;
    unsigned flag;
};
extern const struct language_option language_options[];

#endif
