/*
 * cut.c - prints parts of lines: cut.
 *
 * Lists       are parsed to ranges in ascending order that do not overlap; --complement replaces
 *             them by the gaps between them.
 * Memory      Bytes are cut from lines of any length as they are read. For fields, a line is held
 *             in memory.
 * References  POSIX.1-2017, cut. Characters are bytes, as in GNU's cut.
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/input.h"

struct range {
    uint64_t first, last; /* from 1 */
};

struct cut {
    struct shell *shell;
    struct range *ranges;
    unsigned count;
    bool fields, only_delimited;
    char delimiter, line_end;
    const char *between; /* --output-delimiter */
    size_t between_bytes;
};

/* ---- lists -------------------------------------------------------------------------------- */

static int refuse(const struct cut *cut, const char *fields, const char *bytes)
{
    return shell_complain(cut->shell, "%s", cut->fields ? fields : bytes);
}

/* Parses digits. Returns false if they are not a number; without digits, *number is unchanged. */
static bool parse_digits(const char **at, uint64_t *number)
{
    uint64_t value = 0;
    if (!text_is_digit(**at))
        return true;
    for (; text_is_digit(**at); ++*at) {
        if (value > (UINT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(**at - '0');
    }
    *number = value;
    return true;
}

static bool ends_item(char c)
{
    return !c || c == ',' || c == ' ' || c == '\t';
}

/* Parses N, N-, N-M or -M at *at. */
static int parse_range(const struct cut *cut, const char **at, struct range *range)
{
    const char *begin = *at;
    bool fits;

    *range = (struct range){ 0 };
    fits = parse_digits(at, &range->first);
    bool has_first = *at > begin, is_range = **at == '-';
    range->last = is_range ? UINT64_MAX : range->first;
    if (is_range) {
        const char *dash = (*at)++;
        fits = fits && parse_digits(at, &range->last);

        /* POSIX: at least one of the two ends is given. */
        if (!has_first && *at == dash + 1)
            return shell_complain(cut->shell, "invalid range with no endpoint: -");
    }
    if (is_range && !has_first)
        range->first = 1;

    if (!ends_item(**at) || !fits)
        return shell_complain(cut->shell, "invalid %s '%s'",
                              cut->fields ? "field value" : "byte/character position", begin);
    if (!range->first || !range->last)
        return refuse(cut, "fields are numbered from 1",
                      "byte/character positions are numbered from 1");
    if (range->last < range->first)
        return shell_complain(cut->shell, "invalid decreasing range");
    return SHELL_DONE;
}

/* Inserts a range in order of its first number. */
static void insert(struct cut *cut, struct range range)
{
    unsigned at = cut->count++;
    for (; at && cut->ranges[at - 1].first > range.first; at--)
        cut->ranges[at] = cut->ranges[at - 1];
    cut->ranges[at] = range;
}

/* Joins ranges that overlap. Neighbours stay apart: the output delimiter separates them. */
static void join_ranges(struct cut *cut)
{
    unsigned kept = 0;
    for (unsigned i = 1; i < cut->count; i++) {
        struct range *last = &cut->ranges[kept];
        if (cut->ranges[i].first <= last->last)
            last->last = max(last->last, cut->ranges[i].last);
        else
            cut->ranges[++kept] = cut->ranges[i];
    }
    cut->count = cut->count ? kept + 1 : 0;
}

/* Replaces the ranges by the gaps between them: one more at most, for which there is room. */
static void complement(struct cut *cut)
{
    uint64_t from = 1;
    unsigned kept = 0;
    for (unsigned i = 0; i < cut->count; i++) {
        struct range range = cut->ranges[i];
        if (from && from < range.first)
            cut->ranges[kept++] = (struct range){ from, range.first - 1 };
        from = range.last + 1; /* 0 after UINT64_MAX: nothing follows */
    }
    if (from)
        cut->ranges[kept++] = (struct range){ from, UINT64_MAX };
    cut->count = kept;
}

static int parse_list(struct cut *cut, const char *text)
{
    /* An item takes two bytes with its comma; one more range is for the complement. */
    cut->ranges = mem_alloc((strlen(text) / 2 + 2) * sizeof(*cut->ranges));
    if (!cut->ranges)
        return shell_fail(cut->shell, NULL, -ENOMEM);

    for (const char *at = text;; at++) {
        struct range range;
        int result = parse_range(cut, &at, &range);
        if (result)
            return result;
        insert(cut, range);
        if (!*at)
            break;
    }
    join_ranges(cut);
    if (option_given_name(cut->shell, "complement"))
        complement(cut);
    return SHELL_DONE;
}

/* ---- cutting ------------------------------------------------------------------------------ */

static status_t cut_bytes(struct input *input, void *context)
{
    const struct cut *cut = context;
    struct stream *out = cut->shell->out;
    uint64_t at = 1;       /* of the next part, in the line */
    unsigned range = 0;    /* the first that does not end before it */
    bool printed = false;
    const char *part;
    size_t bytes;
    int got;

    input->line_end = cut->line_end;
    while ((got = input_part(input, &part, &bytes)) > 0 && !out->status) {
        uint64_t end = at + bytes;
        for (; range < cut->count && cut->ranges[range].first < end; range++) {
            const struct range *wanted = &cut->ranges[range];
            uint64_t first = max(wanted->first, at);
            uint64_t last = min(wanted->last, end - 1);

            /* A range that began in an earlier part continues without a delimiter. */
            if (first == wanted->first && printed)
                stream_write(out, cut->between, cut->between_bytes);
            stream_write(out, part + (first - at), (size_t)(last - first + 1));
            printed = true;
            if (wanted->last >= end)
                break;
        }

        at = end;
        if (input->line_ended) {
            stream_write(out, &cut->line_end, 1);
            at = 1;
            range = 0;
            printed = false;
        }
    }

    /* A last line without its end gets one (GNU). */
    if (!got && at > 1)
        stream_write(out, &cut->line_end, 1);
    return got;
}

static void print_fields(const struct cut *cut, const char *line, size_t bytes)
{
    struct stream *out = cut->shell->out;
    const char *end = line + bytes, *next;
    unsigned range = 0;
    bool printed = false;

    for (uint64_t field = 1; line; field++, line = next) {
        const char *stop = memchr(line, cut->delimiter, (size_t)(end - line));
        next = stop ? stop + 1 : NULL;

        while (range < cut->count && cut->ranges[range].last < field)
            range++;
        if (range == cut->count)
            break;
        if (cut->ranges[range].first > field)
            continue;
        if (printed)
            stream_write(out, cut->between, cut->between_bytes);
        stream_write(out, line, (size_t)((stop ? stop : end) - line));
        printed = true;
    }
}

static status_t cut_fields(struct input *input, void *context)
{
    const struct cut *cut = context;
    struct stream *out = cut->shell->out;
    char *line;
    size_t bytes;
    int got;

    input->line_end = cut->line_end;
    while ((got = input_line(input, &line, &bytes)) > 0 && !out->status) {
        /* POSIX: a line without delimiters is printed whole, or with -s not at all. */
        bool delimited = memchr(line, cut->delimiter, bytes);
        if (!delimited && cut->only_delimited)
            continue;
        if (delimited)
            print_fields(cut, line, bytes);
        else
            stream_write(out, line, bytes);
        stream_write(out, &cut->line_end, 1);
    }
    return got;
}

static int parse_options(struct cut *cut)
{
    struct shell *shell = cut->shell;
    const char *delimiter = option_value(shell, 'd');
    const char *between = option_value_name(shell, "output-delimiter");
    unsigned lists = option_given(shell, 'b') + option_given(shell, 'c') + option_given(shell, 'f');

    cut->fields = option_given(shell, 'f');
    cut->only_delimited = option_given(shell, 's');
    cut->line_end = option_given(shell, 'z') ? '\0' : '\n';
    if (delimiter && delimiter[0] && delimiter[1])
        return shell_complain(shell, "the delimiter must be a single character");
    if (!lists)
        return shell_complain(shell, "you must specify a list of bytes, characters, or fields");
    if (lists > 1)
        return shell_complain(shell, "only one list may be specified");
    if (!cut->fields && delimiter)
        return shell_complain(shell, "an input delimiter may be specified only when operating on "
                                     "fields");
    if (!cut->fields && cut->only_delimited)
        return shell_complain(shell, "suppressing non-delimited lines makes sense only when "
                                     "operating on fields");

    /* An empty delimiter is a NUL (GNU), which an empty text contains. */
    cut->delimiter = delimiter ? *delimiter : '\t';
    cut->between = between ? between : cut->fields ? &cut->delimiter : "";
    cut->between_bytes = between ? strlen(between) : cut->fields;
    if (between && !*between)
        cut->between_bytes = 1; /* GNU: an empty delimiter is a NUL here too */
    char letter = cut->fields ? 'f' : option_given(shell, 'b') ? 'b' : 'c';
    return parse_list(cut, option_value(shell, letter));
}

static int run_cut(struct shell *shell, int count, char **words)
{
    struct cut cut = { .shell = shell };
    int result = parse_options(&cut);
    if (!result)
        result = input_each(shell, 1, count, words, cut.fields ? cut_fields : cut_bytes, &cut);
    mem_free(cut.ranges);
    return result;
}

static const struct shell_option cut_options[] = {
    { 'b', "bytes", "LIST", "print these bytes: N, N-, N-M and -M, separated by commas" },
    { 'c', "characters", "LIST", "same as -b" },
    { 'f', "fields", "LIST", "print these fields, which the delimiter separates" },
    { 'd', "delimiter", "CHARACTER", "use this delimiter instead of a tab" },
    { 's', "only-delimited", NULL, "with -f, omit lines without a delimiter" },
    { 'n', NULL, NULL, "with -b, no effect" },
    { 'z', "zero-terminated", NULL, "lines end with NUL, not newline" },
    { 0, "complement", NULL, "print all except the LIST" },
    { 0, "output-delimiter", "TEXT", "print TEXT between the parts" },
    { 0 },
};

static const struct shell_command command_cut = {
    .name = "cut",
    .arguments = "-b LIST | -c LIST | -f LIST [-d CHARACTER] [-nsz] [FILE...]",
    .summary = "print parts of lines",
    .arguments_max = -1,
    .run = run_cut,
    .options = cut_options,
    .group = "Text",
};
SHELL_COMMAND(command_cut);
DRIVER_DRIVES("command cut Text: print parts of lines");
