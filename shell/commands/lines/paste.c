/*
 * paste.c - joins lines of files, side by side or (-s) one after another: paste.
 *
 * Memory      Lines are copied as they are read, whatever their length.
 * References  POSIX.1-2017, paste.
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/input.h"

struct paste {
    struct shell *shell;
    char line_end;
    int delimiters[128]; /* -1: none, for \0 */
    unsigned delimiter_count;
};

static int parse_delimiters(struct paste *paste)
{
    static const char letters[] = "bfnrtv\\", values[] = "\b\f\n\r\t\v\\";
    const char *text = option_value(paste->shell, 'd');

    for (const char *at = text ? text : "\t"; *at; at++) {
        bool escaped = *at == '\\';
        if (paste->delimiter_count == ARRAY_LENGTH(paste->delimiters))
            return shell_complain(paste->shell, "-d: too many delimiters");
        if (escaped && !*++at)
            return shell_complain(paste->shell, "delimiter list ends with an unescaped backslash: "
                                                "%s", text);

        /* \0 is an empty delimiter (POSIX). */
        const char *letter = escaped ? strchr(letters, *at) : NULL;
        paste->delimiters[paste->delimiter_count++] =
            escaped && *at == '0' ? -1 : (uint8_t)(letter ? values[letter - letters] : *at);
    }
    if (!paste->delimiter_count)
        paste->delimiters[paste->delimiter_count++] = -1;
    return SHELL_DONE;
}

static void put_delimiter(const struct paste *paste, unsigned number)
{
    int delimiter = paste->delimiters[number % paste->delimiter_count];
    char c = (char)delimiter;
    if (delimiter >= 0)
        stream_write(paste->shell->out, &c, 1);
}

/* ---- -s: each file becomes a line ----------------------------------------------------------- */

static status_t paste_whole(struct input *input, void *context)
{
    const struct paste *paste = context;
    struct stream *out = paste->shell->out;
    unsigned number = 0;
    bool pending = false;
    const char *part;
    size_t bytes;
    int got;

    input->line_end = paste->line_end;
    while ((got = input_part(input, &part, &bytes)) > 0 && !out->status) {
        /* The last line end is kept: a delimiter is written when another line begins. */
        if (pending)
            put_delimiter(paste, number++);
        stream_write(out, part, bytes);
        pending = input->line_ended;
    }
    if (!got)
        stream_write(out, &paste->line_end, 1);
    return got;
}

/* ---- side by side --------------------------------------------------------------------------- */

/* An operand. All that are `-` share one input, and take lines from it in turn. */
struct column {
    struct input *input;
    bool ended;
};

/* Copies a line. Returns 1, 0 if the input is at its end, or an errno. *pending is the first column
 * whose delimiter was not written yet. */
static int copy_line(const struct paste *paste, struct input *input, unsigned *pending,
                     unsigned column)
{
    const char *part;
    size_t bytes;
    int got = input_part(input, &part, &bytes);
    if (got <= 0)
        return got;

    /* The delimiters of the columns before, which may have been empty. */
    for (; *pending < column; ++*pending)
        put_delimiter(paste, *pending);
    stream_write(paste->shell->out, part, bytes);
    while (!input->line_ended && (got = input_part(input, &part, &bytes)) > 0)
        stream_write(paste->shell->out, part, bytes);
    return got < 0 ? got : 1;
}

/* Copies a line of each column. Returns 1, 0 if all inputs have ended, or an errno. */
static int copy_row(const struct paste *paste, struct column *columns, unsigned count,
                    const char **failed)
{
    unsigned pending = 0;
    bool any = false;

    for (unsigned i = 0; i < count; i++) {
        int got = columns[i].ended ? 0 : copy_line(paste, columns[i].input, &pending, i);
        columns[i].ended = got <= 0;
        any |= got > 0;
        if (got < 0) {
            *failed = columns[i].input->name;
            return got;
        }
    }
    if (!any)
        return 0;
    for (; pending + 1 < count; pending++)
        put_delimiter(paste, pending);
    stream_write(paste->shell->out, &paste->line_end, 1);
    return 1;
}

static int open_columns(const struct paste *paste, struct column *columns, unsigned count,
                        char **names)
{
    struct input *standard = NULL;
    for (unsigned i = 0; i < count; i++) {
        bool is_standard = text_equal(names[i], "-");
        columns[i].input = is_standard ? standard : NULL;
        if (columns[i].input)
            continue;

        columns[i].input = mem_alloc(sizeof(*columns[i].input));
        if (!columns[i].input)
            return shell_fail(paste->shell, NULL, -ENOMEM);
        status_t status = input_open(paste->shell, names[i], columns[i].input);
        columns[i].input->line_end = paste->line_end;
        standard = is_standard ? columns[i].input : standard;
        if (status)
            return shell_fail(paste->shell, names[i], status);
    }
    return SHELL_DONE;
}

static void close_columns(struct column *columns, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct input *input = columns[i].input;
        if (!input)
            continue;
        for (unsigned j = i; j < count; j++)
            if (columns[j].input == input)
                columns[j].input = NULL;
        input_close(input);
        mem_free(input);
    }
    mem_free(columns);
}

static int paste_columns(const struct paste *paste, unsigned count, char **names)
{
    struct column *columns = mem_zalloc(count * sizeof(*columns));
    const char *failed = NULL;
    int got = 0;
    if (!columns)
        return shell_fail(paste->shell, NULL, -ENOMEM);

    int result = open_columns(paste, columns, count, names);
    while (!result && !paste->shell->out->status &&
           (got = copy_row(paste, columns, count, &failed)) > 0)
        continue;
    if (got < 0)
        result = shell_fail(paste->shell, failed, got);
    close_columns(columns, count);
    return result;
}

static int run_paste(struct shell *shell, int count, char **words)
{
    static char standard[] = "-";
    struct paste paste = { .shell = shell, .line_end = option_given(shell, 'z') ? '\0' : '\n' };
    char *only[] = { standard, NULL };

    int result = parse_delimiters(&paste);
    if (result)
        return result;
    if (option_given(shell, 's'))
        return input_each(shell, 1, count, words, paste_whole, &paste);
    return count > 1 ? paste_columns(&paste, (unsigned)count - 1, words + 1)
                     : paste_columns(&paste, 1, only);
}

static const struct shell_option paste_options[] = {
    { 'd', "delimiters", "LIST", "use these characters in turn instead of tabs; \\0: none" },
    { 's', "serial", NULL, "make one line of each file" },
    { 'z', "zero-terminated", NULL, "lines end with NUL, not newline" },
    { 0 },
};

static const struct shell_command command_paste = {
    .name = "paste",
    .arguments = "[-sz] [-d LIST] [FILE...]",
    .summary = "join lines of files side by side",
    .arguments_max = -1,
    .run = run_paste,
    .options = paste_options,
    .group = "Text",
};
SHELL_COMMAND(command_paste);
DRIVER_DRIVES("command paste Text: join lines of files side by side");
