/*
 * sed_input.c - reads the lines of sed's files, with one line ahead to know the last one, and
 * replaces files that are edited in place; see sed_run.h.
 */
#include "shell/commands/edit/sed_run.h"
#include "lib/macros.h"

static status_t file_sink(struct stream *stream, const char *text, size_t bytes)
{
    return file_write_all(stream->context, text, bytes);
}

/* Begins the new content of a file that is edited in place. */
static int begin_in_place(struct sed_run *run, const char *name)
{
    status_t status = replace_begin(run->sed->shell->directory, name, OPEN_DENY_WRITE,
                                    &run->replacement);
    if (status) {
        sed_complain(run->sed->shell, "couldn't edit", name, status);
        return SED_TROUBLE;
    }
    stream_init(run->file_stream, file_sink, run->replacement.file);
    run->file_output = (struct sed_output){ .stream = run->file_stream };
    run->out = &run->file_output;
    return SHELL_DONE;
}

static void end_in_place(struct sed_run *run)
{
    status_t status = stream_flush(run->file_stream);
    run->out = &run->sed->standard;
    if (status)
        replace_abandon(&run->replacement);
    else
        status = replace_commit(&run->replacement);
    if (status) {
        sed_complain(run->sed->shell, "couldn't edit", run->input->name, status);
        run->result = SED_TROUBLE;
    }
}

void sed_close_input(struct sed_run *run)
{
    if (!run->input)
        return;
    if (run->sed->in_place && run->out == &run->file_output)
        end_in_place(run);
    input_close(run->input);
    mem_free(run->input);
    run->input = NULL;
}

/* Opens the next input that can be opened. Returns false if there is none left. */
static bool open_next(struct sed_run *run)
{
    struct shell *shell = run->sed->shell;
    while (run->next < run->count) {
        const char *name = run->names[run->next++];
        run->input = mem_zalloc(sizeof(*run->input));
        status_t status = run->input ? input_open(shell, name, run->input) : -ENOMEM;
        if (!status && (!run->sed->in_place || !begin_in_place(run, name))) {
            run->input->line_end = run->sed->line_end;
            return true;
        }

        if (status) {
            sed_complain(shell, "can't read", name, status);
            run->result = SED_INPUT;
        } else {
            run->result = SED_TROUBLE;
        }
        if (run->input)
            input_close(run->input);
        mem_free(run->input);
        run->input = NULL;
    }
    return false;
}

int sed_read_ahead(struct sed_run *run, bool here)
{
    char *line;
    size_t bytes;

    if (run->has_ahead)
        return 1;
    run->ahead_is_new_file = false;
    for (;;) {
        if (!run->input) {
            if (here || !open_next(run))
                return 0;
            run->ahead_is_new_file = true;
        }
        int got = input_line(run->input, &line, &bytes);
        if (got == -EINTR)
            return got;
        if (got > 0) {
            buffer_clear(&run->sed->ahead);
            buffer_put(&run->sed->ahead, line, bytes);
            run->ahead_ended = run->input->line_ended;
            run->has_ahead = true;
            return run->sed->ahead.status ? run->sed->ahead.status : 1;
        }
        if (got < 0) {
            sed_complain(run->sed->shell, "read error on", run->input->name, got);
            run->result = SED_TROUBLE;
        }
        if (here)
            return 0;
        sed_close_input(run);
    }
}

bool sed_is_last(struct sed_run *run)
{
    return sed_read_ahead(run, run->sed->separate) <= 0;
}

/* -s and -i: numbers and ranges begin again with each file. */
static void restart_lines(struct sed_run *run)
{
    run->line = 0;
    buffer_clear(&run->sed->hold);
    for (struct sed_command *command = run->sed->commands; command; command = command->next) {
        /* 0 is before the first line of each file (GNU). */
        command->active = command->from.kind == ADDRESS_ZERO;
        command->ended = false;

        /* R reads its file from the start again. */
        if (command->reads)
            input_close(command->reads);
        mem_free(command->reads);
        command->reads = NULL;
    }
}

int sed_read_line(struct sed_run *run, bool append)
{
    struct sed *sed = run->sed;
    int got = sed_read_ahead(run, false);
    if (got <= 0)
        return got;

    if (run->ahead_is_new_file && sed->separate && run->line)
        restart_lines(run);
    if (!append)
        buffer_clear(&sed->space);
    else
        buffer_put(&sed->space, &sed->line_end, 1);
    if (sed->ahead.length)
        buffer_put(&sed->space, sed->ahead.text, sed->ahead.length);
    else if (!sed->space.text)
        buffer_put(&sed->space, "", 0);
    sed->space_ended = run->ahead_ended;
    run->has_ahead = false;
    run->line++;
    run->name = run->input->file ? run->input->name : "-";
    return sed->space.status ? sed->space.status : 1;
}
