/*
 * shell.h - a shell: its state, its messages, and what commands may ask of it.
 *
 * Model       A shell has a current directory, variables, ten file descriptors and the status of
 *             its last command. Commands are entries of the table `shell_commands`; a command gets
 *             the shell that runs it. Each stage of a pipe, and each subshell, has a shell of its
 *             own.
 * Interface   language/run.h runs text, language/script.h runs a file, editor/interact.h runs
 *             the lines that are typed at the console. A command writes to `out`, which `>` and `|`
 *             redirect, reports errors to `err`, which `2>` redirects, with shell_fail() and
 *             shell_complain(), and reads with shell_read().
 * Status      0 success, 1 failure or "no", 2 wrong usage or trouble, 126 interrupted, 127 no such
 *             command.
 * Stopping    ^C interrupts the thread that runs the command (kernel/port.h): waits for discs and
 *             pipes return -EINTR, and every loop that can be long calls shell_interrupted(). If
 *             the reader of a pipe closes it, the writer is interrupted in the same way.
 * Locking     None: a shell belongs to one thread at a time.
 * References  POSIX.1-2017, Shell Command Language, 2.8.2 Exit Status for Commands.
 */
#ifndef SHELL_SHELL_H
#define SHELL_SHELL_H

#include "kernel/code.h"
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
    SHELL_NOT_EXECUTABLE = 126, /* a file or a directory where a command should be */
    SHELL_NO_COMMAND = 127,

    SHELL_LINE_BYTES = 4096, /* of a typed line, with the NUL */
    SHELL_DESCRIPTORS = 10,
};

struct descriptor;
struct jobs;
struct language;

struct shell {
    struct path *directory; /* the current one; a reference */
    struct stream *out, *err; /* of descriptors 1 and 2 */
    int status;             /* of the last command: $? */
    const struct shell_command *command; /* the running command; NULL between commands */
    const struct options *options;       /* its options (options.h) */
    struct variables variables;

    /* language/descriptor.h; a reference each; NULL: closed */
    struct descriptor *descriptors[SHELL_DESCRIPTORS];
    struct stream closed; /* `out` or `err` while that descriptor is closed */

    struct language *language; /* language/state.h */
    bool leaving; /* `exit` was run: the script that contains it ends, or the whole text */
    const char *script_name; /* the script whose lines run, for messages; NULL: none */
    unsigned script_line;
    unsigned script_depth;
    struct stream *console;  /* where `out` leads when it is not redirected */
    struct descriptor *console_use; /* keeps it after `exec > FILE`; NULL in a copy */
};

struct shell_command {
    const char *name;
    const char *arguments; /* for the usage line: "[-a] PATH..." */
    const char *summary;   /* for `help`: one line */
    int arguments_min, arguments_max; /* without the name; max -1: any number */
    int (*run)(struct shell *shell, int count, char **words); /* words[0]: the name */
    const struct shell_option *options; /* options.h; NULL: only --help */
    unsigned option_rules;              /* OPTIONS_* of options.h */
    int trouble; /* the status of an error; 0: SHELL_FAILED. SHELL_TROUBLE where 1 means "no" */
    const char *failing; /* before the subject of an error, as GNU's: "cannot remove"; or NULL */
    bool special; /* POSIX 2.14: found before functions; its errors end a script */
    const char *group;                  /* heading in `help`; NULL: the shell's own */
    const struct shell_command *const *parts; /* options.h; NULL: none */
};

TABLE_DECLARE(shell_commands, struct shell_command);
#define SHELL_COMMAND(object) TABLE_ENTRY(shell_commands, struct shell_command, object)

/* Initializes a shell in `/` whose streams write to `sink`, with a context each for out and err. */
status_t shell_init(struct shell *shell,
                    status_t (*sink)(struct stream *stream, const char *text, size_t bytes),
                    void *out_context, void *err_context) MUST_CHECK;
/* Waits for background jobs, which is interruptible; a trap for EXIT has run before. */
void shell_destroy(struct shell *shell);
/* Copies a shell: the copy has its own directory, variables and so on, and uses the same
 * descriptors. shell_copy_for_thread(): as far as another thread may use them. */
status_t shell_copy(struct shell *shell, struct shell *copy) MUST_CHECK;
status_t shell_copy_for_thread(struct shell *shell, struct shell *copy) MUST_CHECK;
struct jobs *shell_jobs(struct shell *shell);

/* Makes a function the standard input. -ENOMEM. */
status_t shell_set_input(struct shell *shell,
                         ssize_t (*read)(void *context, void *buffer, size_t bytes),
                         void *context) MUST_CHECK;
/* Replaces a descriptor by `descriptor` (owned by the shell from now on; NULL: closed), and returns
 * the one before, which the caller owns. */
struct descriptor *shell_set_descriptor(struct shell *shell, unsigned number,
                                        struct descriptor *descriptor);

/* A sink that writes to the console (kernel/console.h). */
status_t shell_console_sink(struct stream *stream, const char *text, size_t bytes);
/* Writes the prompt, "spindle:/cwd$ ". Control characters in names are shown as '?'. */
void shell_prompt(const struct shell *shell, char *text, size_t bytes);

/* ---- for commands ------------------------------------------------------------------------- */

/* Reports "name: SUBJECT: Reason" on err, or "name: cannot remove 'SUBJECT': Reason" if the command
 * has such words (`failing`); without SUBJECT if that is NULL. Reports nothing for
 * -EINTR and -EPIPE: neither is an error of the command. Returns SHELL_INTERRUPTED after ^C, else
 * the command's `trouble`. */
int shell_fail(struct shell *shell, const char *subject, status_t status);
/* As shell_fail(), with formatted words for the subject: "name: failed to open 'x': Reason". */
int shell_fail_with(struct shell *shell, status_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* As shell_fail(), with a formatted message instead of an errno. */
int shell_complain(struct shell *shell, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Begins a message: writes "name: " and a text to err. */
void shell_write_message(struct shell *shell, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
/* Writes a question, which begins with the command's name, to err, and reads a line of standard
 * input. Returns 1 if that begins with y or Y, 0 for another answer or none, or an errno. */
int shell_ask(struct shell *shell, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes the usage line of the running command to err and returns SHELL_USAGE. */
int shell_usage(struct shell *shell);
/* Writes "real 1.234s", the time since `begun_us`, to err. */
void shell_print_time(struct shell *shell, uint64_t begun_us);
/* Returns whether ^C was typed. */
bool shell_interrupted(void);

/* Returns the command with this name, or NULL. Loads the driver object of the boot disc that has
 * it, unless it is built in or loaded. A command of a driver object stays until
 * code_use_end(use). Unless `status` is NULL, *status is 0, -ENOENT if no object has the command,
 * or why its object cannot be loaded (kernel/module/index.h). */
const struct shell_command *shell_command_find(const char *name, struct code_use *use,
                                               status_t *status);
/* Visits all commands: those built in, those of loaded driver objects, and those of objects of the
 * boot disc, which are not loaded for this. Of the last only name, summary and group are given, and
 * a command is visited again there if its object is loaded. */
void shell_command_each(void (*visit)(const struct shell_command *command, void *context),
                        void *context);
/* Runs the command that words[0] names: parses its options, which stay in shell->options while it
 * runs, answers --help, and checks the number of operands. words[count] must be NULL. */
int shell_run_command(struct shell *shell, int count, char **words);
/* The same for a command that was found already. */
int shell_run_found(struct shell *shell, const struct shell_command *command, int count,
                    char **words);

/* Reads standard input: the output of the stage before in a pipe; a file after `<`; else lines from
 * the console, until ^D at the start of a line. Returns the number of bytes, 0 at the end, -EINTR
 * after ^C, or another errno. */
ssize_t shell_read(struct shell *shell, void *buffer, size_t bytes) MUST_CHECK;
/* Returns whether `out` leads to a terminal, to which escape sequences may be sent. */
bool shell_out_is_terminal(const struct shell *shell);
/* Returns whether a descriptor is a terminal: of 0, whether a person can be asked. */
bool shell_is_terminal(const struct shell *shell, unsigned descriptor);
/* Returns the value of a variable, valid until the shell's variables change, or NULL. */
const char *shell_variable(const struct shell *shell, const char *name);

#endif
