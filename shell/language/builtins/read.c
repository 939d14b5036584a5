/*
 * read.c - reads a line and splits it into variables: read.
 *
 * The line is taken from the descriptor byte by byte, as far as other commands can tell: what
 * follows it is left for them.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/builtins/builtins.h"
#include "shell/language/descriptor.h"

/* A line. A character after a backslash is never a separator: it has a 1 in `escaped`. */
struct line {
    struct buffer text, escaped;
};

static void put(struct line *line, char c, bool escaped)
{
    buffer_put(&line->text, &c, 1);
    buffer_put(&line->escaped, escaped ? "\1" : "\0", 1);
}

struct reader {
    struct line *line;
    bool raw, escapes; /* -r; the last character was a backslash */
    bool ended;        /* at a newline */
};

/* Takes characters up to the end of the line. Returns how many. */
static size_t take(struct reader *reader, const char *data, size_t bytes)
{
    size_t i = 0;
    while (i < bytes && !reader->ended) {
        char c = data[i++];
        if (reader->escapes) {
            reader->escapes = false;
            if (c != '\n') /* a backslash and a newline join two lines */
                put(reader->line, c, true);
        } else if (c == '\\' && !reader->raw) {
            reader->escapes = true;
        } else if (c == '\n') {
            reader->ended = true;
        } else if (c) { /* no variable can contain a NUL */
            put(reader->line, c, false);
        }
    }
    return i;
}

/* Returns 1 after a whole line, 0 at the end of the input, or an errno. */
static int read_line(struct shell *shell, struct reader *reader)
{
    struct descriptor *input = shell->descriptors[0];
    if (!input)
        return -EBADF;
    while (!reader->ended && !reader->line->text.status && !reader->line->escaped.status) {
        const char *data;
        ssize_t got = descriptor_peek(input, &data);
        if (got <= 0)
            return (int)got;
        descriptor_take(input, take(reader, data, (size_t)got));
    }
    return reader->ended ? 1 : -ENOMEM;
}

/* ---- splitting ---------------------------------------------------------------------------- */

struct splitter {
    const struct line *line;
    const char *separators;
    size_t at;
};

static bool is_separator(const struct splitter *s, size_t at, bool blank)
{
    char c = s->line->text.text[at];
    if (at >= s->line->text.length || s->line->escaped.text[at] || !strchr(s->separators, c))
        return false;
    return !blank || c == ' ' || c == '\t' || c == '\n';
}

static void skip_blanks(struct splitter *s)
{
    while (is_separator(s, s->at, true))
        s->at++;
}

/* Moves past a field and its separator: white space around another one belongs to it. Returns the
 * end of the field. */
static size_t skip_field(struct splitter *s)
{
    while (s->at < s->line->text.length && !is_separator(s, s->at, false))
        s->at++;
    size_t end = s->at;
    skip_blanks(s);
    if (s->at < s->line->text.length && is_separator(s, s->at, false))
        s->at++;
    skip_blanks(s);
    return end;
}

static int set_piece(struct shell *shell, const struct splitter *s, const char *name, size_t from,
                     size_t to)
{
    struct buffer value = { 0 };
    buffer_put(&value, "", 0);
    if (to > from)
        buffer_put(&value, s->line->text.text + from, to - from);
    int result = value.status ? shell_fail(shell, NULL, value.status)
                              : builtin_set(shell, name, strlen(name), value.text);
    buffer_free(&value);
    return result;
}

/* The last variable gets the rest of the line, unless that is only one field. */
static int set_variables(struct shell *shell, const struct line *line, int count, char **names)
{
    struct splitter s = { .line = line, .separators = shell_variable(shell, "IFS") };
    if (!s.separators)
        s.separators = " \t\n";

    int result = SHELL_DONE;
    skip_blanks(&s);
    for (int i = 0; i < count && !result; i++) {
        size_t from = s.at, end = skip_field(&s);
        if (i + 1 == count && s.at < line->text.length) {
            end = line->text.length;
            while (end > from && is_separator(&s, end - 1, true))
                end--;
        }
        result = set_piece(shell, &s, names[i], from, end);
    }
    return result;
}

static int check_names(struct shell *shell, int count, char **names)
{
    for (int i = 0; i < count; i++) {
        size_t length = variable_name_length(names[i]);
        if (!length || names[i][length])
            return builtin_fail(shell, "%s: bad variable name", names[i]);
    }
    return SHELL_DONE;
}

static int run_read(struct shell *shell, int count, char **words)
{
    const char *prompt = option_value(shell, 'p');
    struct line line = { 0 };
    struct reader reader = { .line = &line, .raw = option_given(shell, 'r') };
    if (count == 1) {
        shell_complain(shell, "arg count");
        return SHELL_USAGE;
    }
    int result = check_names(shell, count - 1, words + 1);
    if (result)
        return result;

    /* A prompt is for a person at the console. */
    if (prompt && shell->console->sink == shell_console_sink)
        stream_text(shell->err, prompt);
    IGNORE(stream_flush(shell->err));
    IGNORE(stream_flush(shell->out));
    int got = shell_interrupted() ? -EINTR : read_line(shell, &reader);
    buffer_put(&line.text, "", 0);
    buffer_put(&line.escaped, "", 0);
    if (line.text.status || line.escaped.status)
        got = -ENOMEM;

    /* What was read before the end of the input is assigned, too. */
    if (got >= 0)
        result = set_variables(shell, &line, count - 1, words + 1);
    buffer_free(&line.text);
    buffer_free(&line.escaped);
    if (got < 0)
        return shell_fail(shell, NULL, got);
    return result ? result : got ? SHELL_DONE : SHELL_FAILED;
}

static const struct shell_option read_options[] = {
    { 'r', NULL, NULL, "a backslash is an ordinary character" },
    { 'p', NULL, "PROMPT", "show this before the line, on the console" },
    { 0 },
};

static const struct shell_command command_read = {
    .name = "read",
    .arguments = "[-r] [-p PROMPT] VARIABLE...",
    .summary = "read a line into variables, a field each; the last one gets the rest",
    .arguments_max = -1,
    .run = run_read,
    .options = read_options,
    .option_rules = OPTIONS_FIRST,
};
SHELL_COMMAND(command_read);
