/*
 * spindle_sh.c - build/host/spindle-sh: Spindle's shell on the host, over one image.
 *
 *     spindle-sh IMAGE [-c "command; command"]
 *
 * IMAGE, a file or a block device, becomes virtual0, read-only, and is mounted at /System. Without
 * -c, commands are read from standard input; the prompt appears only on a terminal. Errors go to
 * standard error. The exit status is that of the last command, or poweroff's code; 125 if IMAGE
 * cannot be mounted, and then nothing runs.
 *
 * SPINDLE_MEMORY is the number of MiB that the file system and its caches may use (1024).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/image.h"
#include "shell/language/run.h"
#include "shell/shell.h"

enum { EXIT_NOT_MOUNTED = 125, MEMORY_MIB = 1024 };

/* ---- the shell ---------------------------------------------------------------------------- */

static status_t stdio_sink(struct stream *stream, const char *text, size_t bytes)
{
    FILE *file = stream->context;
    return fwrite(text, 1, bytes, file) == bytes && !fflush(file) ? 0 : -EIO;
}

/* The input of a command such as `cat` without operands. */
static ssize_t read_stdin(struct shell *shell, void *buffer, size_t bytes)
{
    (void)shell;
    ssize_t got = read(STDIN_FILENO, buffer, bytes);
    return got < 0 ? -EIO : got;
}

/* Runs the lines of standard input, up to its end or the command `exit`. */
static void run_stdin(struct shell *shell)
{
    bool terminal = isatty(STDIN_FILENO);
    char *line = NULL, prompt[512];
    size_t room = 0;

    for (;;) {
        if (terminal) {
            shell_prompt(shell, prompt, sizeof(prompt));
            fputs(prompt, stdout);
            fflush(stdout);
        }

        if (getline(&line, &room, stdin) < 0)
            break;
        shell_run_text(shell, line);
        if (shell->leaving)
            break;
    }
    free(line);
    if (terminal)
        putchar('\n');
}

static const char usage[] = "usage: spindle-sh IMAGE [-c \"command; command\"]\n";

static const char help[] =
    "Run Spindle's shell on this machine, with the CD image IMAGE (a file or a drive) mounted\n"
    "read-only at /System. Without -c, commands are read from standard input; `help` lists them.\n"
    "The exit status is that of the last command, or poweroff's code; 125 if IMAGE cannot be\n"
    "mounted. SPINDLE_MEMORY=N limits file systems and caches to N MiB (1024).\n";

static bool asks_for_help(int count, char **words)
{
    for (int i = 1; i < count; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return true;
        else if (strcmp(words[i], "-c") == 0)
            break; /* the next word is a command, not an option */
    return false;
}

int main(int count, char **words)
{
    static struct shell shell;
    if (asks_for_help(count, words))
        return printf("%s%s", usage, help) < 0;
    if (count != 2 && !(count == 4 && strcmp(words[2], "-c") == 0)) {
        fprintf(stderr, "%stry spindle-sh --help\n", usage);
        return SHELL_USAGE;
    }

    host_start(MEMORY_MIB);
    const char *why = host_mount(&(struct host_mount){ .image = words[1], .directory = "/System" });
    if (why) {
        fprintf(stderr, "spindle-sh: %s: %s\n", words[1], why);
        return EXIT_NOT_MOUNTED;
    }

    /* Commands may read standard input only if it does not contain the commands themselves. */
    status_t status = shell_init(&shell, stdio_sink, stdout, stderr);
    if (status)
        panic("shell: %s", status_text(status));
    if (count == 4) {
        shell.read = read_stdin;
        shell_run_text(&shell, words[3]);
    } else {
        run_stdin(&shell);
    }

    /* Not exit(): it would destroy what the threads of the stack still use. */
    fflush(stdout);
    _exit(shell.status);
}
