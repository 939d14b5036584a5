/*
 * sed_run.c - runs the scripts of sed; see sed.h.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/edit/sed_run.h"

/* ---- output ------------------------------------------------------------------------------- */

void sed_write(struct sed_output *output, const char *text, size_t bytes, char line_end,
               bool ended)
{
    if (output->lacks_newline)
        stream_write(output->stream, &line_end, 1);
    if (bytes)
        stream_write(output->stream, text, bytes);
    if (ended)
        stream_write(output->stream, &line_end, 1);
    output->lacks_newline = !ended;
}

static void write_space(struct sed_run *run, struct sed_output *output, size_t bytes, bool ended)
{
    sed_write(output, run->sed->space.text, bytes, run->sed->line_end, ended);
}

/* Writes the newline that the last line lacked. */
static void end_line(struct sed_run *run)
{
    if (run->out->lacks_newline)
        stream_write(run->out->stream, &run->sed->line_end, 1);
    run->out->lacks_newline = false;
}

/* ---- selecting lines ---------------------------------------------------------------------- */

static bool matches_regex(struct sed_run *run, const struct address *address)
{
    struct sed *sed = run->sed;
    struct regex *regex = address->regex ? address->regex : sed->used;
    if (!regex) {
        shell_complain(sed->shell, "no previous regular expression");
        run->quits = true;
        run->result = SED_USAGE;
        run->failed = true;
        return false;
    }
    sed->used = regex;
    return regex_matches(regex, sed->space.text, sed->space.length);
}

static bool matches(struct sed_run *run, const struct address *address)
{
    switch (address->kind) {
    case ADDRESS_NONE: return true;
    case ADDRESS_LINE: return run->line == address->one;
    case ADDRESS_STEP:
        return run->line >= address->one && (run->line - address->one) % address->two == 0;
    case ADDRESS_LAST: return sed_is_last(run);
    case ADDRESS_REGEX: return matches_regex(run, address);
    default: return false;
    }
}

/* Sets where a range that begins at this line ends. */
static void begin_range(struct sed_run *run, struct sed_command *command)
{
    const struct address *to = &command->to;
    uint64_t last = 0;

    if (to->kind == ADDRESS_LINE)
        last = to->one;
    else if (to->kind == ADDRESS_MORE)
        last = run->line + to->one;
    else if (to->kind == ADDRESS_MULTIPLE)
        last = to->one ? (run->line / to->one + 1) * to->one : run->line;
    command->last_line = last;

    /* A second address that is no later than the first selects one line (POSIX). */
    bool by_number = to->kind != ADDRESS_REGEX && to->kind != ADDRESS_LAST;
    command->active = by_number ? last > run->line
                                : to->kind == ADDRESS_REGEX || !sed_is_last(run);
}

/* Returns whether the command applies to this line, without regard to `!`. */
static bool is_selected(struct sed_run *run, struct sed_command *command)
{
    if (command->to.kind == ADDRESS_NONE)
        return matches(run, &command->from);
    if (!command->active) {
        /* A number begins its range once, at that line or, after n or N, at a later one. */
        bool is_number = command->from.kind == ADDRESS_LINE;
        bool is_past = command->to.kind == ADDRESS_LINE && run->line > command->to.one;
        bool begins = !is_number ? matches(run, &command->from)
                      : is_past  ? run->line == command->from.one
                                 : !command->ended && run->line >= command->from.one;
        if (begins)
            begin_range(run, command);
        command->ended |= is_number && begins && !command->active;
        return begins;
    }

    /* In a range: does it end here? */
    bool passed = false;
    if (command->to.kind == ADDRESS_REGEX || command->to.kind == ADDRESS_LAST) {
        command->active = !matches(run, &command->to);
    } else {
        /* After n or N, the line of its end may have been passed. */
        command->active = run->line < command->last_line;
        passed = run->line > command->last_line;
    }
    command->ended = !command->active;
    if (!passed)
        return true;
    return command->from.kind == ADDRESS_LINE ? command->to.kind != ADDRESS_LINE
                                              : matches(run, &command->from);
}

/* ---- commands ----------------------------------------------------------------------------- */

/* Writes a file's content, or nothing if it cannot be read (POSIX). */
static void write_file(struct sed_run *run, const char *name)
{
    struct input *input = mem_alloc(sizeof(*input));
    const char *data;
    ssize_t got;
    if (!input)
        return;

    /* /dev/stdin is a name of standard input in every sed. */
    if (!input_open(run->sed->shell, text_equal(name, "/dev/stdin") ? "-" : name, input))
        while ((got = input_piece(input, &data)) > 0)
            stream_write(run->out->stream, data, (size_t)got);
    input_close(input);
    mem_free(input);
}

/* Writes the text of a, i or c, which is empty without a newline after `a\`. */
static void write_text(struct sed_run *run, const struct sed_command *command, char line_end)
{
    if (command->text.length)
        sed_write(run->out, command->text.text, command->text.length - 1, line_end, true);
}

/* R: writes the next line of a file. All commands with its name read it together. */
static void write_next_line(struct sed_run *run, const struct sed_command *queued)
{
    char *line;
    size_t bytes;
    struct sed_command *command = run->sed->commands;
    while (command->name != 'R' || !text_equal(command->text.text, queued->text.text))
        command = command->next;
    if (!command->reads) {
        command->reads = mem_zalloc(sizeof(*command->reads));
        if (!command->reads ||
            input_open(run->sed->shell, command->text.text, command->reads)) {
            mem_free(command->reads);
            command->reads = NULL;
            return;
        }
        command->reads->line_end = run->sed->line_end;
    }
    if (input_line(command->reads, &line, &bytes) > 0)
        sed_write(run->out, line, bytes, run->sed->line_end, command->reads->line_ended);
}

/* Writes what was queued in this cycle: the texts of a, and files of r. */
static void write_queue(struct sed_run *run)
{
    for (unsigned i = 0; i < run->queued; i++) {
        struct sed_command *command = run->queue[i];

        /* A file that cannot be read ends the line, too (GNU). */
        end_line(run);
        if (command->name == 'a')
            write_text(run, command, '\n');
        else if (command->name == 'R')
            write_next_line(run, command);
        else
            write_file(run, command->text.text);
    }
    run->queued = 0;
}

static void queue(struct sed_run *run, struct sed_command *command)
{
    if (run->queued == QUEUE_MAX)
        write_queue(run);
    run->queue[run->queued++] = command;
}

static size_t first_line(const struct sed_run *run)
{
    const struct buffer *space = &run->sed->space;
    const char *end = memchr(space->text, run->sed->line_end, space->length);
    return end ? (size_t)(end - space->text) : space->length;
}

/* P and W: a line that is all of the pattern space has its newline if that has one. */
static void write_first_line(struct sed_run *run, struct sed_output *output)
{
    size_t length = first_line(run);
    write_space(run, output, length, length < run->sed->space.length || run->sed->space_ended);
}

static status_t copy_buffer(struct buffer *to, const struct buffer *from, bool append,
                            char line_end)
{
    if (append)
        buffer_put(to, &line_end, 1);
    else
        buffer_clear(to);
    buffer_put(to, from->text ? from->text : "", from->length);
    return to->status;
}

static void exchange(struct sed *sed)
{
    struct buffer space = sed->space;
    bool ended = sed->space_ended;
    sed->space = sed->hold;
    sed->hold = space;
    sed->space_ended = sed->hold_ended;
    sed->hold_ended = ended;
    if (!sed->space.text)
        buffer_put(&sed->space, "", 0);
}

enum next { NEXT_COMMAND, BRANCH, END_CYCLE, DELETE, RESTART, QUIT };

/* n and N. Returns how to continue; without a next line both end the script. */
static enum next next_line(struct sed_run *run, const struct sed_command *command, status_t *status)
{
    struct sed *sed = run->sed;

    /* GNU: without a next line, the pattern space is printed, for N too. With -s each file has a
     * last line, and the script begins again with the next file. */
    if (sed_read_ahead(run, sed->separate) <= 0) {
        run->quits = !sed->separate;
        return END_CYCLE;
    }
    if (command->name == 'n' && !sed->quiet)
        write_space(run, run->out, sed->space.length, sed->space_ended);
    write_queue(run);
    int got = sed_read_line(run, command->name == 'N');
    *status = got < 0 ? got : 0;
    return NEXT_COMMAND;
}

static enum next substitute(struct sed_run *run, const struct sed_command *command,
                            status_t *status)
{
    struct sed *sed = run->sed;
    const struct sed_substitution *s = command->substitution;
    if (!s->regex && !sed->used) {
        shell_complain(sed->shell, "no previous regular expression");
        run->result = SED_USAGE;
        run->failed = true;
        run->quits = true;
        return QUIT;
    }

    /* An empty expression has the groups of the last one that was used. */
    unsigned groups = regex_group_count(s->regex ? s->regex : sed->used);
    if (s->last_group > groups) {
        shell_complain(sed->shell, "invalid reference to group %u: the last regular expression "
                                   "has %u", s->last_group, groups);
        run->result = SED_USAGE;
        run->failed = true;
        run->quits = true;
        return QUIT;
    }
    int replaced = sed_substitute(sed, s);
    *status = replaced < 0 ? replaced : 0;
    if (replaced > 0) {
        run->replaced = true;
        if (s->prints)
            write_space(run, run->out, sed->space.length, sed->space_ended);
        if (s->output)
            write_space(run, s->output, sed->space.length, sed->space_ended);
    }
    return NEXT_COMMAND;
}

/* Runs c: in a range, its text replaces all of it at the end. */
static enum next change(struct sed_run *run, const struct sed_command *command)
{
    bool in_range = command->to.kind != ADDRESS_NONE && command->active && !command->negated;
    if (!in_range)
        write_text(run, command, run->sed->line_end);
    return DELETE;
}

/* Commands that end the cycle, or the script. q ends the line that it prints, as GNU's. */
static enum next leave(struct sed_run *run, const struct sed_command *command)
{
    struct sed *sed = run->sed;
    size_t line = first_line(run);

    if (command->name == 'D' && line < sed->space.length) {
        size_t rest = sed->space.length - line - 1;
        memmove(sed->space.text, sed->space.text + line + 1, rest);
        sed->space.length = rest;
        return RESTART;
    }
    if (command->name != 'q' && command->name != 'Q')
        return DELETE;

    run->quits = true;
    run->result = command->has_number ? (int)(command->number & 0xff) : run->result;
    if (command->name == 'q' && !sed->quiet)
        write_space(run, run->out, sed->space.length, true);
    if (command->name == 'q')
        write_queue(run);
    return QUIT;
}

/* Runs a command that writes, or copies between the spaces. */
static status_t run_simple(struct sed_run *run, struct sed_command *command)
{
    struct sed *sed = run->sed;
    switch (command->name) {
    case '=':
        end_line(run);
        stream_format(run->out->stream, "%llu", (unsigned long long)run->line);
        stream_write(run->out->stream, &sed->line_end, 1);
        return 0;
    case 'a': case 'r': case 'R': queue(run, command); return 0;
    case 'i':
        write_text(run, command, run->sed->line_end);
        return 0;
    case 'F': sed_write(run->out, run->name, strlen(run->name), sed->line_end, true); return 0;
    case 'g':
        /* A copy has its newline if the original had it. */
        sed->space_ended = sed->hold_ended;
        return copy_buffer(&sed->space, &sed->hold, false, sed->line_end);
    case 'G':
        sed->space_ended = sed->hold_ended;
        return copy_buffer(&sed->space, &sed->hold, true, sed->line_end);
    case 'h':
        sed->hold_ended = sed->space_ended;
        return copy_buffer(&sed->hold, &sed->space, false, sed->line_end);
    case 'H':
        sed->hold_ended = sed->space_ended;
        return copy_buffer(&sed->hold, &sed->space, true, sed->line_end);
    case 'x': exchange(sed); return 0;
    case 'l':
        end_line(run);
        sed_list(sed, run->out->stream, command->has_number ? command->number : sed->wrap);
        return 0;
    case 'p': write_space(run, run->out, sed->space.length, sed->space_ended); return 0;
    case 'P': write_first_line(run, run->out); return 0;
    case 'w': write_space(run, command->output, sed->space.length, sed->space_ended); return 0;
    case 'W': write_first_line(run, command->output); return 0;
    case 'y': return sed_map(sed, command);
    case 'z': buffer_clear(&sed->space); return 0;
    default: return 0; /* } : v */
    }
}

static enum next run_command(struct sed_run *run, struct sed_command *command, status_t *status)
{
    bool replaced = run->replaced;
    switch (command->name) {
    case 'b': return BRANCH;
    case 't':
        run->replaced = false;
        return replaced ? BRANCH : NEXT_COMMAND;
    case 'T':
        run->replaced = false;
        return replaced ? NEXT_COMMAND : BRANCH;
    case 'c': return change(run, command);
    case 'd': case 'D': case 'q': case 'Q': return leave(run, command);
    case 'n': case 'N': return next_line(run, command, status);
    case 's': return substitute(run, command, status);
    default:
        *status = run_simple(run, command);
        return NEXT_COMMAND;
    }
}

/* Runs the script for one line. */
static enum next run_script(struct sed_run *run, status_t *status)
{
    struct sed_command *command = run->sed->commands;
    while (command && !*status) {
        bool applies = is_selected(run, command) != command->negated;
        enum next next = NEXT_COMMAND;

        /* A loop of branches may be endless. */
        if (shell_interrupted())
            *status = -EINTR;
        else if (run->quits && run->result)
            return QUIT;
        else if (applies)
            next = run_command(run, command, status);
        if (next > BRANCH)
            return next;
        bool leads = next == BRANCH || (command->name == '{' && !applies);
        command = leads ? command->target : command->next;
    }
    return END_CYCLE;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static status_t run_cycles(struct sed_run *run)
{
    struct sed *sed = run->sed;
    status_t status = 0;
    bool restarts = false;

    while (!run->quits && !sed->shell->out->status) {
        /* D restarts the script with what is left, without reading a line. */
        int got = restarts ? 1 : sed_read_line(run, false);
        if (got <= 0)
            return got;
        run->replaced = run->replaced && restarts;

        enum next next = run_script(run, &status);
        if (status)
            return status;
        if (next == END_CYCLE && !sed->quiet)
            write_space(run, run->out, sed->space.length, sed->space_ended);
        if (next != QUIT)
            write_queue(run);
        restarts = next == RESTART;
    }
    return 0;
}

/* After q, the rest of a file that is edited in place is kept. */
static void copy_rest(struct sed_run *run)
{
    char *line;
    size_t bytes;
    if (run->has_ahead)
        sed_write(run->out, run->sed->ahead.text, run->sed->ahead.length, run->sed->line_end,
                  run->ahead_ended);
    while (run->input && input_line(run->input, &line, &bytes) > 0)
        sed_write(run->out, line, bytes, run->sed->line_end, run->input->line_ended);
}

int sed_run(struct sed *sed, int count, char **names)
{
    struct sed_run *run = mem_zalloc(sizeof(*run));
    struct stream *stream = mem_alloc(sizeof(*stream));
    int result = SED_TROUBLE;

    if (run && stream) {
        *run = (struct sed_run){ .sed = sed, .names = names, .count = count, .out = &sed->standard,
                             .file_stream = stream };
        status_t status = run_cycles(run);
        if (status)
            run->result = shell_fail(sed->shell, NULL, status) == SHELL_INTERRUPTED
                              ? SHELL_INTERRUPTED : SED_TROUBLE;

        /* After ^C or an error, a file that is edited in place keeps its content. */
        if ((status || run->failed) && run->out == &run->file_output) {
            replace_abandon(&run->replacement);
            run->out = &sed->standard;
        } else if (sed->in_place) {
            copy_rest(run);
        }
        sed_close_input(run);
        result = run->result;
    } else {
        (void)shell_fail(sed->shell, NULL, -ENOMEM);
    }
    mem_free(run);
    mem_free(stream);
    return result;
}
