/*
 * spindle_sh.c - build/host/spindle-sh: Spindle's shell on the host, over one image.
 *
 *     spindle-sh [-i IMAGE]... [--host DIR [--write-host]] IMAGE [-c "command; command"]
 *
 * IMAGE, a file or a block device, becomes virtual0, read-only, and is mounted at /System. Without
 * -c, commands are read from standard input; the prompt appears only on a terminal. Errors go to
 * standard error. The exit status is that of the last command, or poweroff's code; 125 if an image
 * or the directory cannot be mounted, and then nothing runs.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/hostfs.h"
#include "host/image.h"
#include "shell/language/jobs.h"
#include "shell/language/run.h"
#include "shell/language/state.h"
#include "shell/shell.h"

enum { EXIT_NOT_MOUNTED = 125, MEMORY_MIB = 1024 };

/* ---- the shell ---------------------------------------------------------------------------- */

static status_t stdio_sink(struct stream *stream, const char *text, size_t bytes)
{
    FILE *file = stream->context;
    return fwrite(text, 1, bytes, file) == bytes && !fflush(file) ? 0 : -EIO;
}

/* The input of a command such as `cat` without operands. */
static ssize_t read_stdin(void *context, void *buffer, size_t bytes)
{
    (void)context;
    ssize_t got = read(STDIN_FILENO, buffer, bytes);
    return got < 0 ? -EIO : got;
}

/* Runs the lines of standard input, up to its end or the command `exit`. */
static void run_stdin(struct shell *shell)
{
    bool terminal = isatty(STDIN_FILENO), more = true;
    char *line = NULL, prompt[512];
    size_t room = 0;
    struct buffer command = { 0 };

    while (more) {
        if (terminal) {
            shell_prompt(shell, prompt, sizeof(prompt));
            fputs(command.length ? "> " : prompt, stdout);
            fflush(stdout);
        }

        /* A command may continue in further lines. */
        ssize_t length = getline(&line, &room, stdin);
        more = length >= 0;
        if (more)
            buffer_put(&command, line, (size_t)length);
        if (!command.length || (more && shell_text_is_open(shell, command.text)))
            continue;
        shell_run_text(shell, command.text);
        buffer_clear(&command);
        more = more && !(terminal ? shell->language->exited : shell->leaving);
    }
    buffer_free(&command);
    free(line);
    if (terminal)
        putchar('\n');
}

/* ---- the command line ----------------------------------------------------------------------- */

enum { IMAGES_MAX = 64 };

static const char usage[] =
    "usage: spindle-sh [-i IMAGE]... [--host DIR [--write-host]] IMAGE [-c \"command; command\"]\n";

static const char help[] =
    "Run Spindle's shell on this machine, with the CD image IMAGE (a file or a drive) mounted\n"
    "read-only at /System. Without -c, commands are read from standard input; `help` lists them.\n"
    "\n"
    "  -c COMMANDS    run these, and end\n"
    "  -i IMAGE       mount this image too, at /Drives/virtual1 and so on\n"
    "  --host DIR     show a directory of this machine, read-only, at /Host\n"
    "  --write-host   let commands change that directory\n"
    "\n"
    "The exit status is that of the last command, or poweroff's code; 125 if an image cannot be\n"
    "mounted. IMAGE may be an image in an image: outer.iso!/inner.iso. SPINDLE_MEMORY=N limits\n"
    "file systems and caches to N MiB (1024).\n";

static struct {
    const char *image, *commands, *host;
    const char *more[IMAGES_MAX];
    unsigned more_count;
    bool write_host, help;
} options;

/* Returns false if the words are not understood. */
static bool parse(int count, char **words)
{
    static const struct option long_options[] = {
        { "help", no_argument, NULL, 'h' },
        { "host", required_argument, NULL, 'H' },
        { "write-host", no_argument, NULL, 'W' },
        { 0 },
    };
    int letter;

    opterr = 0;
    while ((letter = getopt_long(count, words, "-hc:i:", long_options, NULL)) != -1) {
        switch (letter) {
        case 'h': options.help = true; return true;
        case 'c': options.commands = optarg; break;
        case 'H': options.host = optarg; break;
        case 'W': options.write_host = true; break;
        case 'i':
            if (options.more_count == IMAGES_MAX)
                return false;
            options.more[options.more_count++] = optarg;
            break;
        case 1:
            if (options.image)
                return false;
            options.image = optarg;
            break;
        default: return false;
        }
    }

    /* After "--". */
    for (; optind < count && !options.image; optind++)
        options.image = words[optind];
    return options.image && optind == count && (options.host || !options.write_host);
}

/* Mounts everything that the command line names. Returns false after a message. */
static bool mount_all(void)
{
    const char *image = options.image;
    const char *why = host_mount(&(struct host_mount){ .image = image, .directory = "/System" });
    for (unsigned i = 0; !why && i < options.more_count; i++) {
        image = options.more[i];
        why = host_mount(&(struct host_mount){ .image = image });
    }

    if (!why && options.host) {
        status_t status = hostfs_mount(options.host, options.write_host, "/Host");
        image = options.host;
        why = status ? strerror(-status) : NULL;
    }
    if (why)
        fprintf(stderr, "spindle-sh: %s: %s\n", image, why);
    return !why;
}

static void stderr_write(struct text_sink *sink, const char *text, size_t bytes)
{
    (void)sink;
    fwrite(text, 1, bytes, stderr);
}

/* Writes what the shell's commands have left in memory. Returns false after an error. */
static bool write_back(void)
{
    struct text_sink sink = { .write = stderr_write };
    return !vfs_finish(false, &sink);
}

int main(int count, char **words)
{
    static struct shell shell;
    bool understood = parse(count, words);
    if (options.help)
        return printf("%s%s", usage, help) < 0;
    if (!understood) {
        fprintf(stderr, "%stry spindle-sh --help\n", usage);
        return SHELL_USAGE;
    }

    const char *reason = host_start(MEMORY_MIB);
    if (reason) {
        fprintf(stderr, "spindle-sh: %s\n", reason);
        return SHELL_USAGE;
    }
    if (!mount_all())
        return EXIT_NOT_MOUNTED;

    /* Commands may read standard input only if it does not contain the commands themselves. */
    status_t status = shell_init(&shell, stdio_sink, stdout, stderr);
    if (status)
        panic("shell: %s", status_text(status));
    if (options.commands) {
        if (shell_set_input(&shell, read_stdin, NULL))
            panic("shell: out of memory");
        shell_run_text(&shell, options.commands);
    } else {
        run_stdin(&shell);
    }

    /* Background jobs have no process that would outlive this one. */
    shell.status = shell_end(&shell);
    jobs_finish(shell_jobs(&shell), false);

    /* Files that were written are still in memory. */
    if (!write_back())
        shell.status = SHELL_FAILED;

    /* Not exit(): it would destroy what the threads of the stack still use. */
    fflush(stdout);
    _exit(shell.status);
}
