/*
 * nl.c - numbers lines: nl.
 *
 * Model       The input is divided into pages of a header, a body and a footer, which lines of
 *             \:\:\: \:\: and \: begin. Each section has its own rule for which lines are numbered.
 * References  POSIX.1-2017, nl.
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/input.h"
#include "shell/regex/regex.h"

enum section { HEADER, BODY, FOOTER, SECTIONS };

enum { WIDTH_MAX = 1000, DELIMITER_BYTES = 16 };

/* Which lines of a section are numbered: 'a' all, 't' those with text, 'n' none, 'p' those that
 * match. */
struct rule {
    char kind;
    struct regex *regex;
};

struct nl {
    struct shell *shell;
    struct rule rules[SECTIONS];
    enum section section;
    char delimiter[DELIMITER_BYTES];
    size_t delimiter_bytes; /* 0: there are no sections */
    char format;            /* 'l' left, 'r' right, 'z' right with zeroes */
    uint64_t width, blank_lines, blanks; /* -l: every N-th blank line is numbered */
    int64_t number, step, start;
    const char *separator;
    bool restarts, overflows;
};

static int parse_rule(struct nl *nl, enum section section, char letter, const char *standard)
{
    const char *text = option_value(nl->shell, letter), *why;
    struct rule *rule = &nl->rules[section];
    static const char *const names[] = { "header", "body", "footer" };
    text = text ? text : standard;

    if (!*text || !strchr("atnp", *text))
        return shell_complain(nl->shell, "invalid %s numbering style: '%s'", names[section], text);
    rule->kind = *text;
    if (*text != 'p')
        return SHELL_DONE;

    status_t status = regex_create(text + 1, 0, &rule->regex, &why);
    if (status == -EINVAL)
        return shell_complain(nl->shell, "%s", why);
    return status ? shell_fail(nl->shell, NULL, status) : SHELL_DONE;
}

static int parse_signed(const struct nl *nl, char letter, const char *what, int64_t *number)
{
    const char *text = option_value(nl->shell, letter);
    uint64_t size;
    char sign;
    if (!text)
        return SHELL_DONE;
    if (text_parse_signed(text, &sign, &size) || size > INT64_MAX)
        return shell_complain(nl->shell, "invalid %s: '%s'", what, text);
    *number = sign == '-' ? -(int64_t)size : (int64_t)size;
    return SHELL_DONE;
}

static int parse_options(struct nl *nl)
{
    struct shell *shell = nl->shell;
    const char *format = option_value(shell, 'n'), *delimiter = option_value(shell, 'd');
    const char *separator = option_value(shell, 's');

    nl->format = 'r';
    if (format) {
        if (!text_equal(format, "ln") && !text_equal(format, "rn") && !text_equal(format, "rz"))
            return shell_complain(shell, "invalid line numbering format: '%s'", format);
        nl->format = format[0] == 'l' ? 'l' : format[1] == 'z' ? 'z' : 'r';
    }

    /* POSIX: a single character is followed by a colon. */
    delimiter = delimiter ? delimiter : "\\:";
    if (strlen(delimiter) + 2 > DELIMITER_BYTES)
        return shell_complain(shell, "-d: delimiter too long: '%s'", delimiter);
    nl->delimiter_bytes = text_copy(nl->delimiter, sizeof(nl->delimiter), delimiter);
    if (nl->delimiter_bytes == 1)
        nl->delimiter[nl->delimiter_bytes++] = ':';

    nl->width = 6;
    nl->blank_lines = 1;
    nl->step = nl->start = 1;
    nl->separator = separator ? separator : "\t";
    nl->restarts = !option_given(shell, 'p');
    if (!option_number(shell, 'w', 1, WIDTH_MAX, &nl->width) ||
        !option_number(shell, 'l', 1, INT64_MAX, &nl->blank_lines))
        return SHELL_USAGE;

    int result = parse_signed(nl, 'v', "starting line number", &nl->start);
    if (!result)
        result = parse_signed(nl, 'i', "line number increment", &nl->step);
    if (!result)
        result = parse_rule(nl, HEADER, 'h', "n");
    if (!result)
        result = parse_rule(nl, BODY, 'b', "t");
    if (!result)
        result = parse_rule(nl, FOOTER, 'f', "n");
    nl->number = nl->start;
    nl->section = BODY;
    return result;
}

static void print_number(const struct nl *nl)
{
    struct stream *out = nl->shell->out;
    int width = (int)nl->width;
    long long number = nl->number;

    if (nl->format == 'l')
        stream_format(out, "%-*lld", width, number);
    else if (nl->format == 'z')
        stream_format(out, "%0*lld", width, number);
    else
        stream_format(out, "%*lld", width, number);
    stream_text(out, nl->separator);
}

static bool is_numbered(struct nl *nl, const char *line, size_t bytes)
{
    const struct rule *rule = &nl->rules[nl->section];
    switch (rule->kind) {
    case 'a':
        /* -l N: of N blank lines in a row, only the last one is numbered. */
        nl->blanks = bytes ? 0 : nl->blanks + 1;
        if (bytes || nl->blanks == nl->blank_lines) {
            nl->blanks = 0;
            return true;
        }
        return false;
    case 't': return bytes;
    case 'p': return regex_matches(rule->regex, line, bytes);
    default: return false;
    }
}

/* Returns how often the delimiter makes up the line: 1 footer, 2 body, 3 header; 0: not at all. */
static unsigned section_mark(const struct nl *nl, const char *line, size_t bytes)
{
    size_t length = nl->delimiter_bytes;
    if (length < 2 || bytes % length || bytes / length > 3)
        return 0;
    for (size_t at = 0; at < bytes; at += length)
        if (memcmp(line + at, nl->delimiter, length))
            return 0;
    return (unsigned)(bytes / length);
}

static status_t nl_line(struct nl *nl, const char *line, size_t bytes)
{
    struct stream *out = nl->shell->out;
    unsigned mark = section_mark(nl, line, bytes);

    if (mark) {
        nl->section = mark == 3 ? HEADER : mark == 2 ? BODY : FOOTER;
        if (nl->restarts) {
            nl->number = nl->start;
            nl->overflows = false;
        }
        stream_text(out, "\n");
        return 0;
    }

    if (is_numbered(nl, line, bytes)) {
        if (nl->overflows)
            return -EOVERFLOW;
        print_number(nl);
        nl->overflows = __builtin_add_overflow(nl->number, nl->step, &nl->number);
    } else {
        /* As wide as a number and its separator. */
        stream_format(out, "%*s", (int)(nl->width + strlen(nl->separator)), "");
    }
    stream_write(out, line, bytes);
    stream_text(out, "\n");
    return 0;
}

static status_t nl_input(struct input *input, void *context)
{
    struct nl *nl = context;
    char *line;
    size_t bytes;
    int got;
    while ((got = input_line(input, &line, &bytes)) > 0 && !nl->shell->out->status) {
        status_t status = nl_line(nl, line, bytes);
        if (status)
            return status;
    }
    return got;
}

static int run_nl(struct shell *shell, int count, char **words)
{
    struct nl nl = { .shell = shell };
    int result = parse_options(&nl);
    if (!result)
        result = input_each(shell, 1, count, words, nl_input, &nl);
    for (unsigned i = 0; i < SECTIONS; i++)
        regex_destroy(nl.rules[i].regex);
    return result;
}

static const struct shell_option nl_options[] = {
    { 'b', "body-numbering", "STYLE", "number lines of the body: a all, t not empty, n none," },
    { 'h', "header-numbering", "STYLE", "pREGEX those that match; the same for headers" },
    { 'f', "footer-numbering", "STYLE", "and footers" },
    { 'd', "section-delimiter", "CC", "use CC instead of \\: to mark sections" },
    { 'i', "line-increment", "N", "add N for each line" },
    { 'l', "join-blank-lines", "N", "count N empty lines as one" },
    { 'n', "number-format", "FORMAT", "ln: left, rn: right, rz: right with zeroes" },
    { 'p', "no-renumber", NULL, "do not begin again in each section" },
    { 's', "number-separator", "TEXT", "print TEXT after the number instead of a tab" },
    { 'v', "starting-line-number", "N", "begin with N" },
    { 'w', "number-width", "N", "use N columns for numbers" },
    { 0 },
};

static const struct shell_command command_nl = {
    .name = "nl",
    .arguments = "[-p] [-bhf STYLE] [-ilvw N] [-d CC] [-n FORMAT] [-s TEXT] [FILE...]",
    .summary = "number lines",
    .arguments_max = -1,
    .run = run_nl,
    .options = nl_options,
    .group = "Text",
};
SHELL_COMMAND(command_nl);
DRIVER_DRIVES("command nl Text: number lines");
