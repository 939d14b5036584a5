/*
 * shell.c - runs texts: pipelines, && and ||; and what commands say.
 */
#include "shell/shell.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/parse.h"
#include "shell/language/pipeline.h"
#include "shell/language/script.h"

/* ---- what commands say -------------------------------------------------------------------- */

bool shell_interrupted(void)
{
    return thread_interrupted();
}

static void error_begin(struct shell *shell)
{
    IGNORE(stream_flush(shell->out)); /* earlier output comes first */
    if (shell->out == shell->console) {
        if (!shell->out->at_line_start)
            stream_text(shell->err, "\n");
        shell->out->at_line_start = true;
    }
    stream_format(shell->err, "%s: ", shell->command ? shell->command->name : "spindle");
    if (!shell->command && shell->script)
        script_say_where(shell->script, shell->err);
}

static int trouble_of(const struct shell *shell)
{
    return shell->command && shell->command->trouble ? shell->command->trouble : SHELL_FAILED;
}

static status_t escaped_sink(struct stream *stream, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        stream_escaped(stream->context, (const char[]){ text[i], '\0' }, false);
    return 0;
}

int shell_complain(struct shell *shell, const char *format, ...)
{
    va_list arguments;
    struct stream escaped; /* the words may hold names from a medium */
    error_begin(shell);
    stream_init(&escaped, escaped_sink, shell->err);
    va_start(arguments, format);
    stream_format_v(&escaped, format, arguments);
    va_end(arguments);
    IGNORE(stream_flush(&escaped));
    stream_text(shell->err, "\n");
    IGNORE(stream_flush(shell->err));
    return trouble_of(shell);
}

int shell_fail(struct shell *shell, const char *subject, status_t status)
{
    if (status == -EINTR || shell_interrupted())
        return SHELL_INTERRUPTED;
    if (status == -EPIPE)
        return trouble_of(shell); /* the reader has gone: no report */
    if (subject && status == -ENOENT && text_starts(subject, "/dev/"))
        return shell_complain(shell, "%s: devices are in /System/Devices, `null` too", subject);
    error_begin(shell);
    if (subject) {
        stream_escaped(shell->err, subject, false);
        stream_text(shell->err, ": ");
    }
    stream_format(shell->err, "%s\n", status_text(status));
    IGNORE(stream_flush(shell->err));
    return trouble_of(shell);
}

int shell_usage(struct shell *shell)
{
    const struct shell_command *command = shell->command;
    IGNORE(stream_flush(shell->out));
    stream_format(shell->err, "usage: %s%s%s\n", command->name, *command->arguments ? " " : "",
                  command->arguments);
    IGNORE(stream_flush(shell->err));
    return SHELL_USAGE;
}

void shell_say_time(struct shell *shell, uint64_t begun_us)
{
    uint64_t ms = (time_now_us() - begun_us) / 1000;
    IGNORE(stream_flush(shell->out));
    stream_format(shell->err, "real %llu.%03llus\n", (unsigned long long)(ms / 1000),
                  (unsigned long long)(ms % 1000));
    IGNORE(stream_flush(shell->err));
}

const struct shell_command *shell_command_find(const char *name)
{
    table_each(entry, shell_commands, struct shell_command)
        if (text_equal((*entry)->name, name))
            return *entry;
    return NULL;
}

/* ---- what commands ask -------------------------------------------------------------------- */

ssize_t shell_read(struct shell *shell, void *buffer, size_t bytes)
{
    IGNORE(stream_flush(shell->out)); /* a question comes before its answer */
    if (shell_interrupted())
        return -EINTR;
    return shell->read ? shell->read(shell, buffer, bytes) : 0;
}

const char *shell_variable(const struct shell *shell, const char *name)
{
    return variables_get(&shell->variables, name, strlen(name));
}

/* ---- running ------------------------------------------------------------------------------ */

bool shell_must_stop(const struct shell *shell)
{
    return shell->leaving || shell_interrupted() || shell->out->status == -EPIPE;
}

static int run_pipeline(struct shell *shell, struct pipeline *pipeline, status_t status)
{
    shell->command = NULL;
    int result = status == -EOVERFLOW ? shell_complain(shell, "too many words")
                 : status             ? shell_fail(shell, NULL, status)
                                      : pipeline_run(shell, pipeline);
    IGNORE(stream_flush(shell->out));
    return shell_interrupted() ? SHELL_INTERRUPTED : result;
}

/* A line that parse_check() has passed. An error: no more of it can be read. */
static status_t run_line(struct shell *shell, const char *line, struct pipeline *pipeline)
{
    struct parser parser = { .at = line };
    enum token_kind before = TOKEN_NEWLINE, end;
    do {
        bool skip = (before == TOKEN_AND && shell->status) ||
                    (before == TOKEN_OR && !shell->status);
        status_t status = pipeline_read(shell, &parser, !skip, pipeline, &end);
        if (!skip)
            shell->status = run_pipeline(shell, pipeline, status);
        pipeline_free(pipeline);
        if (status)
            return status; /* the parser is in the middle of a command */
        before = end;
    } while (end != TOKEN_NEWLINE && end != TOKEN_END && !shell_must_stop(shell));
    return 0;
}

int shell_run_text(struct shell *shell, const char *text)
{
    struct pipeline *pipeline = mem_alloc(sizeof(*pipeline));
    status_t status = 0;
    shell->command = NULL;
    if (!pipeline)
        return shell->status = shell_fail(shell, NULL, -ENOMEM);
    do {
        const char *line = text, *error = parse_check(line, &text);
        if (error) {
            shell->command = NULL;
            shell_complain(shell, "%s", error);
            shell->status = SHELL_USAGE;
            break;
        }
        status = run_line(shell, line, pipeline);
    } while (!status && *text && !shell_must_stop(shell));
    mem_free(pipeline);
    return shell->status;
}

/* ---- life --------------------------------------------------------------------------------- */

void shell_destroy(struct shell *shell)
{
    variables_free(&shell->variables);
    path_put(shell->directory);
    shell->directory = NULL;
}

status_t shell_init(struct shell *shell,
                    status_t (*sink)(struct stream *stream, const char *text, size_t bytes),
                    void *out_context, void *err_context)
{
    *shell = (struct shell){ .status = SHELL_DONE };
    stream_init(&shell->console_out, sink, out_context);
    stream_init(&shell->console_err, sink, err_context);
    shell->out = shell->console = &shell->console_out;
    shell->err = &shell->console_err;
    shell->directory = path_root();
    status_t status = variables_set(&shell->variables, "HOME", 4, "/");
    if (!status)
        status = variables_set(&shell->variables, "PWD", 3, "/");
    if (status)
        shell_destroy(shell);
    return status;
}

status_t shell_copy(struct shell *shell, struct shell *copy)
{
    struct variables variables;
    status_t status = variables_copy(&shell->variables, &variables);
    if (status)
        return status;
    *copy = *shell;
    copy->variables = variables;
    copy->directory = path_get(shell->directory);
    stream_init(&copy->console_err, shell->err->sink, shell->err->context);
    copy->err = &copy->console_err;
    return 0;
}

void shell_prompt(const struct shell *shell, char *text, size_t bytes)
{
    size_t used = text_copy(text, bytes, "spindle:");
    used += path_text(shell->directory, text + used, bytes - used - 3);
    used = min(used, bytes - 3);
    text_copy(text + used, bytes - used, "$ ");
    for (char *at = text; *at; at++) /* a name from a medium moves no cursor */
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
}
