/*
 * said.c - a shell whose output and errors are kept and compared: see said.h.
 */
#include "tests/host/said.h"
#include <string.h>
#include "shell/language/run.h"
#include "tests/host/rig.h"

struct said out, err;
struct shell shell;

static status_t said_sink(struct stream *stream, const char *text, size_t bytes)
{
    struct said *said = stream->context;
    kassert(said->used + bytes < SAID_BYTES);
    memcpy(said->text + said->used, text, bytes);
    said->used += bytes;
    said->text[said->used] = '\0';
    return 0;
}

void start(void)
{
    rig_start();
    kassert(shell_init(&shell, said_sink, &out, &err) == 0);
}

void stop(void)
{
    shell_destroy(&shell);
    rig_stop();
}

void run(const char *line, int status, const char *on_out, const char *on_err)
{
    out.used = err.used = 0;
    out.text[0] = err.text[0] = '\0';
    int got = shell_run_text(&shell, line);
    if (got != status)
        panic("%s: status %d, not %d; %s%s", line, got, status, out.text, err.text);
    if (on_out && strcmp(out.text, on_out) != 0)
        panic("%s: output:\n%s\nnot:\n%s", line, out.text, on_out);
    if (on_err && strcmp(err.text, on_err) != 0)
        panic("%s: errors:\n%s\nnot:\n%s", line, err.text, on_err);
}

void says(const char *line, const char *on_out)
{
    run(line, SHELL_DONE, on_out, "");
}

void fails(const char *line, const char *on_err)
{
    run(line, SHELL_FAILED, "", on_err);
}

void put(const char *path, const char *text)
{
    rig_put_file(path, text, strlen(text));
}

void each_command(void (*visit)(const struct shell_command *command))
{
    table_each(entry, shell_commands, struct shell_command) {
        visit(*entry);
        for (const struct shell_command *const *part = (*entry)->parts; part && *part; part++)
            visit(*part);
    }
}
