/*
 * script.c - reads a script line by line and runs each on a thread of its own; see script.h.
 */
#include "shell/language/script.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"
#include "shell/language/parse.h"
#include "shell/language/run.h"
#include "shell/language/thread_group.h"

enum { CHUNK_BYTES = 1024 };

struct script {
    struct shell *shell;
    const char *name;
    struct file *file;
    struct thread_group group;
    unsigned lines;      /* read so far */
    unsigned first_line; /* of the text that runs */
    size_t at, got; /* the bytes of the chunk that are left: [at, got) */
    char chunk[CHUNK_BYTES];
    char line[SHELL_LINE_BYTES];
};

/* Reads a byte. Returns 1, 0 at the end, or an errno. */
static int next_byte(struct script *script, char *byte)
{
    /* Files are read in chunks: each read is a call through the VFS. */
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

/* Appends a line without its end, LF or CR LF. Returns 1, 0 at the end of the file, -EILSEQ for a
 * NUL, which no text contains, -EOVERFLOW if the line is too long, or the error of reading. */
static int append_line(struct script *script, size_t *length)
{
    char byte = 0;
    int got;
    script->lines++;

    /* CR is left out, since lines can end with CR LF. */
    while ((got = next_byte(script, &byte)) > 0 && byte != '\n') {
        if (!byte)
            return -EILSEQ;
        if (byte == '\r')
            continue;
        if (*length + 1 == SHELL_LINE_BYTES)
            return -EOVERFLOW;
        script->line[(*length)++] = byte;
    }

    script->line[*length] = '\0';

    /* A byte order mark, which editors elsewhere put before UTF-8, is not part of the text. */
    if (script->lines == 1 && text_starts(script->line, UTF8_MARK)) {
        *length -= strlen(UTF8_MARK);
        memmove(script->line, script->line + strlen(UTF8_MARK), *length + 1);
    }
    return got;
}

/* Reads a line and those in which its command continues. Returns as append_line(). */
static int next_text(struct script *script)
{
    size_t length = 0;
    int got;
    script->first_line = script->lines + 1;

    while ((got = append_line(script, &length)) > 0 && parse_is_open(script->line)) {
        /* The line before ends within quotes or after an operator. The newline is part of the
         * text. */
        if (length + 1 == SHELL_LINE_BYTES)
            return -EOVERFLOW;
        script->line[length++] = '\n';
    }

    /* The file may end within a command. Run that, and let the parser report it. */
    return length && !got ? 1 : got;
}

static void report(struct script *script, status_t status)
{
    struct shell *shell = script->shell;
    shell->command = NULL;

    /* shell_complain() shows the script's name and the first line of the text. */
    if (status == -EOVERFLOW) {
        if (script->lines > script->first_line)
            shell_complain(shell, "command too long: it continues to line %u and exceeds "
                                  "%d bytes", script->lines, SHELL_LINE_BYTES - 1);
        else
            shell_complain(shell, "line too long: it exceeds %d bytes", SHELL_LINE_BYTES - 1);
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
    const char *outer_name = shell->script_name;
    unsigned outer_line = shell->script_line;
    int got = 1;

    /* A script without commands succeeds, whatever ran before it. */
    shell->status = SHELL_DONE;
    shell->script_name = script->name;
    shell->script_depth++;

    while (!shell_must_stop(shell) && (got = next_text(script)) > 0) {
        /* parse_check() here only finds out whether the script must end: shell_run_text() checks
         * again, and reports the error. */
        const char *next;
        shell->script_line = script->first_line;
        bool wrong = parse_check(script->line, &next) != NULL;

        shell_run_text(shell, script->line);
        if (wrong)
            break;
    }

    /* Errors of reading are reported for the text that could not be read. */
    shell->script_line = script->first_line;
    if (got < 0)
        report(script, got);

    /* `exit` leaves only the innermost script. */
    shell->leaving = false;
    shell->script_depth--;
    shell->script_name = outer_name;
    shell->script_line = outer_line;

    if (shell_interrupted())
        shell->status = SHELL_INTERRUPTED;
}

int shell_source(struct shell *shell, const char *path)
{
    const struct shell_command *command = shell->command;

    /* Scripts that source each other would otherwise run until memory is exhausted. */
    if (shell->script_depth == SCRIPT_DEPTH_MAX)
        return shell_complain(shell, "%s: scripts are nested too deeply", path);

    /* On the heap: a line and a chunk are larger than a frame may be. */
    struct script *script = mem_zalloc(sizeof(*script));
    status_t status = script ? file_open(shell->directory, path, OPEN_READ, &script->file)
                             : -ENOMEM;
    if (!status) {
        script->shell = shell;
        script->name = path;

        /* The caller waits, so the shell still belongs to one thread at a time. The group forwards
         * ^C to the script's thread. */
        thread_group_init(&script->group);
        status = thread_group_start(&script->group, "source", run_lines, script);
        thread_group_wait(&script->group);
        file_close(script->file);
    }

    shell->command = command;
    mem_free(script);
    return status ? shell_fail(shell, path, status) : shell->status;
}
