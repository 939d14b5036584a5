/*
 * shell.h - the shell: lines in, commands run, a status out.
 *
 * Interface   shell_run_text() runs a line (or several, separated by newlines), shell_source() a
 *             file; shell_interact() reads lines from the console until the end of the world.
 *             Commands are descriptors in the table `shell_commands`, one file a group, and get
 *             the shell with its two output streams: `out`, which `>` and `|` redirect, and `err`,
 *             which `2>` does; they read with shell_read().
 * Status      0 done, 1 failed, 2 wrong usage, 126 interrupted, 127 no such command.
 * Stopping    ^C interrupts the thread that runs the command (kernel/port.h): waits for discs and
 *             pipes end with -EINTR, and commands ask shell_interrupted(). A pipe whose reader has
 *             gone does the same to its writer.
 * Locking     A shell belongs to one thread at a time.
 */
#ifndef SHELL_SHELL_H
#define SHELL_SHELL_H

#include "kernel/vfs/vfs.h"
#include "lib/table.h"
#include "shell/stream.h"
#include "shell/variables.h"

enum {
    SHELL_DONE = 0,
    SHELL_FAILED = 1,
    SHELL_USAGE = 2,
    SHELL_TROUBLE = 2, /* of grep, cmp, sort: an error, as opposed to "no" */
    SHELL_INTERRUPTED = 126,
    SHELL_NO_COMMAND = 127,

    SHELL_LINE_BYTES = 4096, /* with the NUL */
};

struct shell {
    struct path *directory; /* the current one; a reference */
    struct stream *out, *err;
    int status;             /* of the last command: $? */
    const struct shell_command *command; /* the one that runs */
    const struct options *options;       /* what was given to it (options.h) */
    struct variables variables;

    /* standard input: see shell_read(). NULL: there is none */
    ssize_t (*read)(struct shell *shell, void *buffer, size_t bytes);
    void *input; /* the reader's */

    bool leaving; /* `exit` was run: what runs now ends, up to the script that it stands in */
    const struct script *script; /* the file whose lines run; NULL: none */
    unsigned script_depth;
    struct stream *console;      /* where `out` leads when it is not redirected */
    struct stream console_out, console_err;
};

struct shell_command {
    const char *name;
    const char *arguments; /* for the usage line: "[-a] PATH..." */
    const char *summary;   /* for `help`: one line */
    int arguments_min, arguments_max; /* without the name; max -1: any number */
    int (*run)(struct shell *shell, int count, char **words); /* words[0]: the name */
    const struct shell_option *options; /* options.h; NULL: none but --help */
    unsigned option_rules;              /* OPTIONS_* of options.h */
    int trouble; /* the status of an error; 0: SHELL_FAILED. SHELL_TROUBLE where 1 means "no" */
    const char *group;                  /* heading in `help`; NULL: the shell's own */
    const struct shell_command *const *parts; /* options.h; NULL: none */
};

TABLE_DECLARE(shell_commands, struct shell_command);
#define SHELL_COMMAND(object) TABLE_ENTRY(shell_commands, struct shell_command, object)

/* A shell at `/` whose streams end in `sink` with contexts for out and err. */
status_t shell_init(struct shell *shell,
                    status_t (*sink)(struct stream *stream, const char *text, size_t bytes),
                    void *out_context, void *err_context) MUST_CHECK;
void shell_destroy(struct shell *shell);
/* A copy for another thread, while the owner of the first waits: directory, variables and input are
 * the same; `out` is the first one's until somebody sets it. */
status_t shell_copy(struct shell *shell, struct shell *copy) MUST_CHECK;

/* Runs the lines of `text` (borrowed); returns the last status, which is shell->status too. A line
 * that is not well formed: SHELL_USAGE; nothing of it runs, and no line after it. */
int shell_run_text(struct shell *shell, const char *text);
/* Runs the lines of a file, on a thread of its own, since files may source files: the last status,
 * or SHELL_FAILED when it cannot be read. */
int shell_source(struct shell *shell, const char *path);
/* Must the running command stop: after `exit`, ^C, or because the reader of its output has gone? */
bool shell_must_stop(const struct shell *shell);
/* "spindle:/cwd$ " */
void shell_prompt(const struct shell *shell, char *text, size_t bytes);

/* ---- interact.c --------------------------------------------------------------------------- */

/* What comes before the first prompt: /System/etc/shell.rc, where there is one, and then `run`
 * (NULL: nothing). ^C ends either. */
void shell_start_up(struct shell *shell, const char *run);
/* Prompts, reads and runs lines from the console (kernel/console.h). Never returns. */
_Noreturn void shell_interact(struct shell *shell);
/* A sink that writes to the console, and a reader of lines from there. */
status_t shell_console_sink(struct stream *stream, const char *text, size_t bytes);
ssize_t shell_console_read(struct shell *shell, void *buffer, size_t bytes);

/* ---- for commands ------------------------------------------------------------------------- */

/* "name: SUBJECT: what went wrong" on err; returns the command's `trouble`, or SHELL_INTERRUPTED
 * for -EINTR. Subject NULL: left out; a
 * path in /dev, where nothing is: a hint instead. */
int shell_fail(struct shell *shell, const char *subject, status_t status);
/* The same with words of one's own. */
int shell_complain(struct shell *shell, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The usage line of the running command on err; returns SHELL_USAGE. */
int shell_usage(struct shell *shell);
/* "real 1.234s" on err: since `begun_us`. */
void shell_say_time(struct shell *shell, uint64_t begun_us);
/* Has ^C been typed? Commands ask in every loop that can be long. */
bool shell_interrupted(void);

const struct shell_command *shell_command_find(const char *name);
/* Runs the command that words[0] names: takes the options out (they stay in shell->options while
 * it runs), answers --help, checks how many words are left. words[count] is NULL. */
int shell_run_command(struct shell *shell, int count, char **words);

/* The command's standard input: what the command before it in a pipe writes; a file after `<`; else
 * the console, line by line, up to ^D at the start of a line (on the host: standard input with -c,
 * else the end of file). Bytes, 0 at the end, -EINTR after ^C, or an errno. */
ssize_t shell_read(struct shell *shell, void *buffer, size_t bytes) MUST_CHECK;
/* Does `out` go to the console, and was that seen to be a terminal? Then escape sequences may be
 * sent: progress bars, `more`. */
bool shell_out_is_terminal(const struct shell *shell);
void shell_terminal_size(unsigned *columns, unsigned *rows); /* 80 x 24 until it said otherwise */
/* The value of a variable, or NULL; valid until the shell's variables are changed. */
const char *shell_variable(const struct shell *shell, const char *name);

#endif
