/*
 * run.c - runs a text line by line: check it, then read and run one pipeline after another.
 */
#include "shell/language/run.h"
#include "lib/macros.h"
#include "shell/language/parse.h"
#include "shell/language/pipeline.h"

bool shell_must_stop(const struct shell *shell)
{
    return shell->leaving || shell_interrupted() || shell->out->status == -EPIPE;
}

/* Runs a pipeline that was read with `status`, and returns its exit status. */
static int run_pipeline(struct shell *shell, struct pipeline *pipeline, status_t status)
{
    /* These messages are the shell's own, not a command's. */
    shell->command = NULL;
    int result = status == -EOVERFLOW ? shell_complain(shell, "argument list too long")
                 : status             ? shell_fail(shell, NULL, status)
                                      : pipeline_run(shell, pipeline);

    /* The output of one command appears before the next one runs. */
    IGNORE(stream_flush(shell->out));
    return shell_interrupted() ? SHELL_INTERRUPTED : result;
}

/* Runs a line that parse_check() has accepted. Returns an errno if the rest cannot be read. */
static status_t run_line(struct shell *shell, const char *line, struct pipeline *pipeline)
{
    struct parser parser = { .at = line };
    enum token_kind before = TOKEN_NEWLINE, end;

    do {
        /* `a && b || c`: && and || have the same precedence (POSIX 2.9.3), so the status so far
         * decides about each. A skipped pipeline is read, to find its end, but not expanded. */
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
    struct pipeline *pipeline = mem_alloc(sizeof(*pipeline)); /* large for a kernel stack */
    status_t status = 0;
    shell->command = NULL;

    if (!pipeline)
        return shell->status = shell_fail(shell, NULL, -ENOMEM);

    do {
        /* Check the whole line first, so that a syntax error at its end runs nothing of it. */
        const char *line = text, *error = parse_check(line, &text);
        if (error) {
            shell->command = NULL;
            shell_complain(shell, "syntax error: %s", error);
            shell->status = SHELL_USAGE;
            break;
        }
        status = run_line(shell, line, pipeline);
    } while (!status && *text && !shell_must_stop(shell));

    mem_free(pipeline);
    return shell->status;
}
