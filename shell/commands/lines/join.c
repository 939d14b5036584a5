/*
 * join.c - joins lines of two sorted files that have a field in common: join.
 *
 * Memory      The lines of both files with the same field at a time.
 * References  POSIX.1-2017, join. The files must be sorted by the field; this is checked once a
 *             line without a counterpart was found, as in GNU's.
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/input.h"
#include "shell/words.h"

enum { OUTPUTS_MAX = 64 };

struct line {
    char *text;
    size_t bytes;
};

/* A file, and the lines of it that have the same field. */
struct side {
    struct input input;
    uint64_t field;      /* from 1 */
    struct line *lines;  /* the group */
    size_t count, room, unchecked;
    struct line next;    /* the line after the group; text NULL: none */
    bool disordered, prints_unpaired;
};

/* An item of -o: a field of a file; file 0: the common field. */
struct output {
    unsigned file;
    uint64_t field;
};

struct join {
    struct shell *shell;
    struct side sides[2];
    int separator;     /* -1: blanks */
    bool whole;        /* -t '': the line is the field */
    bool fold, prints_pairs, unpaired;
    char check, line_end;
    const char *empty; /* -e */
    struct output outputs[OUTPUTS_MAX];
    unsigned output_count;
    bool automatic;    /* -o auto: the fields that the first lines have */
    uint64_t fields[2];
};

/* ---- fields ------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* Returns the next field at *at, or NULL at the end of the line. */
static const char *next_field(const struct join *join, const struct line *line, size_t *at,
                              size_t *bytes)
{
    size_t begin = *at, end;
    if (join->separator < 0) {
        bool ended = begin && begin == line->bytes;
        while (begin < line->bytes && is_blank(line->text[begin]))
            begin++;
        for (end = begin; end < line->bytes && !is_blank(line->text[end]);)
            end++;

        /* Blanks after the last field begin an empty one, as in GNU's. */
        bool is_field = begin < line->bytes || (*at && !ended);
        *at = end;
        *bytes = end - begin;
        return is_field ? line->text + begin : NULL;
    }

    /* With a separator, an empty field after the last one counts, but an empty line has none. */
    if (begin > line->bytes || !line->bytes)
        return NULL;
    end = join->whole ? line->bytes : begin;
    while (end < line->bytes && line->text[end] != (char)join->separator)
        end++;
    *at = end + 1;
    *bytes = end - begin;
    return line->text + begin;
}

/* Returns a field by its number; empty if the line has fewer. */
static const char *field_of(const struct join *join, const struct line *line, uint64_t number,
                            size_t *bytes)
{
    size_t at = 0;
    const char *field = NULL;
    for (uint64_t i = 0; i < number; i++)
        if (!(field = next_field(join, line, &at, bytes)))
            break;
    if (!field)
        *bytes = 0;
    return field ? field : "";
}

static int compare(const struct join *join, const struct line *one, uint64_t one_field,
                   const struct line *two, uint64_t two_field)
{
    size_t a_bytes, b_bytes;
    const char *a = field_of(join, one, one_field, &a_bytes);
    const char *b = field_of(join, two, two_field, &b_bytes);
    for (size_t i = 0; i < min(a_bytes, b_bytes); i++) {
        uint8_t x = (uint8_t)(join->fold ? text_lower(a[i]) : a[i]);
        uint8_t y = (uint8_t)(join->fold ? text_lower(b[i]) : b[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

/* ---- reading ------------------------------------------------------------------------------ */

static status_t read_next(struct join *join, struct side *side)
{
    char *text;
    size_t bytes;
    int got = input_line(&side->input, &text, &bytes);
    side->next.text = NULL;
    (void)join;
    if (got <= 0)
        return got;
    if (!list_may_grow(&side->unchecked, bytes + 1))
        return -ENOMEM;
    side->next.text = mem_alloc(bytes + 1);
    if (!side->next.text)
        return -ENOMEM;
    memcpy(side->next.text, text, bytes);
    side->next.bytes = bytes;
    return 0;
}

static void forget_group(struct side *side)
{
    for (size_t i = 0; i < side->count; i++)
        mem_free(side->lines[i].text);
    side->count = 0;
    side->unchecked = 0;
}

static status_t keep_next(struct side *side)
{
    if (side->count == side->room) {
        size_t room = side->room ? 2 * side->room : 8;
        struct line *lines = mem_alloc(room * sizeof(*lines));
        if (!lines)
            return -ENOMEM;
        if (side->count)
            memcpy(lines, side->lines, side->count * sizeof(*lines));
        mem_free(side->lines);
        side->lines = lines;
        side->room = room;
    }
    side->lines[side->count++] = side->next;
    side->next.text = NULL;
    return 0;
}

/* Checks that the line after a group is larger. Returns false if the command ends there. */
static bool check_order(struct join *join, struct side *side)
{
    bool checks = join->check == 'c' || (!join->check && join->unpaired);
    if (!checks || side->disordered || !side->count || !side->next.text ||
        compare(join, &side->lines[0], side->field, &side->next, side->field) <= 0)
        return true;
    side->disordered = true;
    shell_complain(join->shell, "%s: is not sorted", side->input.name);
    return join->check != 'c';
}

/* Replaces the group by the next lines that have the same field. Returns 1, 0 at the end, or an
 * errno. */
static int read_group(struct join *join, struct side *side)
{
    status_t status = 0;
    if (!check_order(join, side))
        return -EPIPE; /* it was reported */
    forget_group(side);
    if (!side->next.text)
        return 0;
    do {
        status = keep_next(side);
        if (!status)
            status = read_next(join, side);
    } while (!status && side->next.text &&
             !compare(join, &side->lines[0], side->field, &side->next, side->field));
    if (status)
        return status;

    return 1;
}

/* ---- writing ------------------------------------------------------------------------------ */

static void put_field(const struct join *join, const struct line *line, uint64_t number, bool first)
{
    struct stream *out = join->shell->out;
    char separator = (char)(join->separator < 0 ? ' ' : join->separator);
    size_t bytes = 0;
    const char *field = line ? field_of(join, line, number, &bytes) : "";
    if (!first)
        stream_write(out, &separator, 1);
    if (bytes)
        stream_write(out, field, bytes);
    else if (join->empty)
        stream_text(out, join->empty);
}

static uint64_t count_fields(const struct join *join, const struct line *line)
{
    size_t at = 0, bytes;
    uint64_t count = 0;
    while (line->text && next_field(join, line, &at, &bytes))
        count++;
    return count;
}

/* Writes all fields of a line except the common one. */
static void put_others(const struct join *join, const struct line *line, unsigned which)
{
    uint64_t count = join->automatic ? join->fields[which] : line ? count_fields(join, line) : 0;
    for (uint64_t number = 1; number <= count; number++)
        if (number != join->sides[which].field)
            put_field(join, line, number, false);
}

/* Writes a pair; a line without a counterpart has NULL beside it. */
static void put_pair(const struct join *join, const struct line *one, const struct line *two)
{
    const struct line *lines[] = { one, two };
    unsigned known = one ? 0 : 1;
    for (unsigned i = 0; i < join->output_count; i++) {
        const struct output *output = &join->outputs[i];
        unsigned file = output->file ? output->file - 1 : known;
        put_field(join, lines[file], output->file ? output->field : join->sides[known].field, !i);
    }
    if (!join->output_count) {
        put_field(join, lines[known], join->sides[known].field, true);
        put_others(join, one, 0);
        put_others(join, two, 1);
    }
    stream_write(join->shell->out, &join->line_end, 1);
}

static void put_unpaired(struct join *join, unsigned which)
{
    struct side *side = &join->sides[which];
    for (size_t i = 0; side->prints_unpaired && i < side->count; i++)
        put_pair(join, which ? NULL : &side->lines[i], which ? &side->lines[i] : NULL);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static status_t join_sides(struct join *join)
{
    struct side *one = &join->sides[0], *two = &join->sides[1];
    status_t status = read_next(join, one);
    if (!status)
        status = read_next(join, two);
    join->fields[0] = count_fields(join, &one->next);
    join->fields[1] = count_fields(join, &two->next);
    int a = status ? status : read_group(join, one);
    int b = a < 0 ? a : read_group(join, two);

    while (a >= 0 && b >= 0 && (a || b) && !join->shell->out->status) {
        int order = !a ? 1 : !b ? -1
                    : compare(join, &one->lines[0], one->field, &two->lines[0], two->field);
        if (order)
            put_unpaired(join, order > 0);
        for (size_t i = 0; !order && join->prints_pairs && i < one->count; i++)
            for (size_t j = 0; j < two->count && !join->shell->out->status; j++)
                put_pair(join, &one->lines[i], &two->lines[j]);
        if (order <= 0)
            a = read_group(join, one);
        if (order >= 0 && a >= 0)
            b = read_group(join, two);

        /* The order is checked from the first line without a counterpart on. */
        join->unpaired |= order != 0;
    }
    return a < 0 ? a : b < 0 ? b : 0;
}

/* Parses a field's number. */
static bool parse_field(const char **at, uint64_t *field)
{
    *field = 0;
    for (; text_is_digit(**at); ++*at)
        if (*field < UINT64_MAX / 20)
            *field = *field * 10 + (uint64_t)(**at - '0');
    return *field > 0;
}

/* Parses -o: "auto", or items "FILE.FIELD" or "0", separated by commas or blanks. */
static int parse_outputs(struct join *join)
{
    const struct option_value *value = option_values(join->shell, 'o');
    join->automatic = value && !value->next && text_equal(value->text, "auto");
    for (; value && !join->automatic; value = value->next)
        for (const char *at = value->text; *at;) {
            struct output output = { 0 };
            const char *item = at;
            bool valid = join->output_count < OUTPUTS_MAX;
            if (*at == '0') {
                at++;
            } else if ((*at == '1' || *at == '2') && at[1] == '.') {
                output.file = (unsigned)(*at - '0');
                at += 2;
                valid = parse_field(&at, &output.field) && valid;
            } else {
                valid = false;
            }
            if (!valid || (*at && *at != ',' && *at != ' '))
                return shell_complain(join->shell, "invalid field specifier: '%s'", item);
            join->outputs[join->output_count++] = output;
            at += *at != '\0';
        }
    return SHELL_DONE;
}

/* Parses -a and -v: 1 or 2. */
static int parse_files(struct join *join, char letter)
{
    const struct option_value *value = option_values(join->shell, letter);
    for (; value; value = value->next) {
        if (!text_equal(value->text, "1") && !text_equal(value->text, "2"))
            return shell_complain(join->shell, "invalid file number: '%s'", value->text);
        join->sides[value->text[0] - '1'].prints_unpaired = true;
        join->prints_pairs = join->prints_pairs && letter != 'v';
    }
    return SHELL_DONE;
}

static int parse_options(struct join *join)
{
    struct shell *shell = join->shell;
    const char *separator = option_value(shell, 't');
    uint64_t both = 1;

    join->fold = option_given(shell, 'i');
    join->empty = option_value(shell, 'e');
    join->line_end = option_given(shell, 'z') ? '\0' : '\n';
    join->check = option_given_name(shell, "nocheck-order") ? 'n'
                  : option_given_name(shell, "check-order") ? 'c' : 0;
    join->prints_pairs = true;
    join->separator = -1;
    if (separator && separator[0] && separator[1] && !text_equal(separator, "\\0"))
        return shell_complain(shell, "multi-character tab '%s'", separator);
    join->whole = separator && !*separator;
    if (separator)
        join->separator = text_equal(separator, "\\0") ? 0
                          : *separator ? (uint8_t)*separator : '\n';
    if (!option_number(shell, 'j', 1, UINT64_MAX, &both))
        return SHELL_FAILED;
    join->sides[0].field = join->sides[1].field = both;
    if (!option_number(shell, '1', 1, UINT64_MAX, &join->sides[0].field) ||
        !option_number(shell, '2', 1, UINT64_MAX, &join->sides[1].field))
        return SHELL_FAILED;

    if (option_given(shell, 'j') && (join->sides[0].field != both || join->sides[1].field != both))
        return shell_complain(shell, "incompatible join fields %llu, %llu",
                              (unsigned long long)both,
                              (unsigned long long)max(join->sides[0].field, join->sides[1].field));

    int result = parse_outputs(join);
    if (!result)
        result = parse_files(join, 'a');
    return result ? result : parse_files(join, 'v');
}

static int run_join(struct shell *shell, int count, char **words)
{
    struct join *join = mem_zalloc(sizeof(*join));
    (void)count;
    if (!join)
        return shell_fail(shell, NULL, -ENOMEM);
    join->shell = shell;
    int result = parse_options(join);
    for (unsigned i = 0; i < 2 && !result; i++) {
        status_t status = input_open(shell, words[i + 1], &join->sides[i].input);
        join->sides[i].input.line_end = join->line_end;
        if (status)
            result = shell_fail(shell, words[i + 1], status);
    }
    if (!result) {
        status_t status = join_sides(join);
        if (status)
            result = shell_fail(shell, NULL, status);
        else if (join->sides[0].disordered || join->sides[1].disordered)
            result = shell_complain(shell, "input is not in sorted order");
    }
    for (unsigned i = 0; i < 2; i++) {
        forget_group(&join->sides[i]);
        mem_free(join->sides[i].lines);
        mem_free(join->sides[i].next.text);
        input_close(&join->sides[i].input);
    }
    mem_free(join);
    return result;
}

static const struct shell_option join_options[] = {
    { '1', NULL, "FIELD", "join on this field of FILE1" },
    { '2', NULL, "FIELD", "join on this field of FILE2" },
    { 'j', NULL, "FIELD", "join on this field of both files" },
    { 'a', NULL, "N...", "print also lines of file N without a counterpart" },
    { 'v', NULL, "N...", "print only lines of file N without a counterpart" },
    { 'e', NULL, "TEXT", "print TEXT for fields that are missing" },
    { 'i', "ignore-case", NULL, "ignore the case of letters" },
    { 'o', NULL, "LIST...", "print these: 1.2 is field 2 of FILE1, 0 the common; auto" },
    { 't', NULL, "CHARACTER", "separates fields, instead of blanks" },
    { 0, "check-order", NULL, "end at a line that is not in order" },
    { 0, "nocheck-order", NULL, "do not check that the files are sorted" },
    { 'z', "zero-terminated", NULL, "lines end with NUL, not newline" },
    { 0 },
};

static const struct shell_command command_join = {
    .name = "join",
    .arguments = "[-iz] [-a N] [-v N] [-e TEXT] [-o LIST] [-t CHARACTER] FILE1 FILE2",
    .summary = "join lines of two sorted files that have a field in common",
    .arguments_min = 2,
    .arguments_max = 2,
    .run = run_join,
    .options = join_options,
    .group = "Text",
};
SHELL_COMMAND(command_join);
DRIVER_DRIVES("command join Text: join lines of two sorted files that have a field in common");
