/*
 * script.c - see script.h.
 */
#include "kernel/shell/script.h"
#include "kernel/shell/crew.h"
#include "kernel/shell/parse.h"
#include "lib/string.h"

enum { CHUNK_BYTES = 1024 };

struct script {
    struct shell *shell;
    const char *name;
    struct file *file;
    struct crew crew;
    unsigned line_number;
    size_t at, got; /* in chunk */
    char chunk[CHUNK_BYTES];
    char line[SHELL_LINE_BYTES];
};

void script_say_where(const struct script *script, struct stream *stream)
{
    stream_escaped(stream, script->name, false);
    stream_format(stream, ":%u: ", script->line_number);
}

/* The next byte; 0 at the end, or an errno. */
static int next_byte(struct script *script, char *byte)
{
    if (script->at == script->got) {
        ssize_t got = file_read(script->file, script->chunk, CHUNK_BYTES);
        if (got <= 0)
            return (int)got;
        script->at = 0;
        script->got = (size_t)got;
    }
    *byte = script->chunk[script->at++];
    return 1;
}

/* 1 and a line; 0 at the end; -EILSEQ for a NUL: not text; -EOVERFLOW for a line
 * too long; or the error of reading the file. */
static int next_line(struct script *script)
{
    size_t length = 0;
    char byte = 0;
    int got;
    script->line_number++;
    while ((got = next_byte(script, &byte)) > 0) {
        if (byte == '\n') {
            if (!length || script->line[length - 1] != '\\')
                break;
            script->line_number++;
            length--;
        } else if (!byte) {
            return -EILSEQ;
        } else if (byte != '\r') {
            if (length + 1 == SHELL_LINE_BYTES)
                return -EOVERFLOW;
            script->line[length++] = byte;
        }
    }
    script->line[length] = '\0';
    return length && !got ? 1 : got;
}

static void say_error(struct script *script, status_t status)
{
    struct shell *shell = script->shell;
    shell->command = NULL;
    if (status == -EOVERFLOW) {
        shell_complain(shell, "the line is longer than %d bytes", SHELL_LINE_BYTES - 1);
        shell->status = SHELL_USAGE;
    } else if (status == -EILSEQ) {
        shell_complain(shell, "cannot execute binary file");
        shell->status = SHELL_USAGE;
    } else {
        shell->status = shell_fail(shell, NULL, status);
    }
}

static void run_lines(void *argument)
{
    struct script *script = argument;
    struct shell *shell = script->shell;
    const struct script *outer = shell->script;
    int got = 1;
    shell->status = SHELL_DONE;
    shell->script = script;
    shell->script_depth++;
    while (!shell_must_stop(shell) && (got = next_line(script)) > 0) {
        const char *next;
        bool wrong = parse_check(script->line, &next) != NULL;
        shell_run_text(shell, script->line);
        if (wrong)
            break;
    }
    if (got < 0)
        say_error(script, got);
    shell->leaving = false;
    shell->script_depth--;
    shell->script = outer;
    if (shell_interrupted())
        shell->status = SHELL_INTERRUPTED;
}

int shell_source(struct shell *shell, const char *path)
{
    const struct shell_command *command = shell->command;
    if (shell->script_depth == SCRIPT_DEPTH_MAX)
        return shell_complain(shell, "%s: scripts source each other too deeply", path);
    struct script *script = mem_zalloc(sizeof(*script));
    status_t status = script ? file_open(shell->directory, path, OPEN_READ, &script->file)
                             : -ENOMEM;
    if (!status) {
        script->shell = shell;
        script->name = path;
        crew_init(&script->crew);
        status = crew_start(&script->crew, "source", run_lines, script);
        crew_wait(&script->crew);
        file_close(script->file);
    }
    shell->command = command;
    mem_free(script);
    return status ? shell_fail(shell, path, status) : shell->status;
}
