/*
 * sort.c - sorts lines: sort. All lines are read, then sorted, then written.
 *
 * Order       The keys are compared in turn, or without keys the whole lines. Lines that are still
 *             equal are compared by their bytes, unless -s or -u is given. NUL is a byte like any
 *             other.
 * Memory      All lines are held in memory; an input that would take its last eighth is refused.
 * Status      0; with -c 1 if a line is out of order; 2 after an error (POSIX).
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/lines/sort_key.h"
#include "shell/language/output_file.h"
#include "shell/options.h"
#include "shell/reading/input.h"
#include "shell/reading/sort_list.h"
#include "shell/words.h"

struct sort_line {
    struct sortable link;
    size_t bytes;
    char text[];
};

struct sort {
    struct shell *shell;
    struct sort_order order; /* of the whole line, and of keys without one of their own */
    struct sort_key *keys;
    int separator;           /* -1: blanks */
    char line_end;
    bool unique, stable;
    bool check, quiet;       /* -c, -C: only check the order */
    bool disorder;
    struct sortable *lines;  /* while reading: in reverse order */
    size_t unchecked_bytes;
};

/* ---- comparing ---------------------------------------------------------------------------- */

static int compare_by_keys(const struct sort *sort, const struct sort_line *a,
                           const struct sort_line *b)
{
    static const struct sort_key whole_line = { .first_field = 1, .first_char = 1 };
    const struct sort_key *key = sort->keys ? sort->keys : &whole_line;
    int result = 0;
    for (; key && !result; key = key->next) {
        /* A key without letters of its own has the order of the whole command (POSIX). */
        struct sort_key place = *key;
        if (!key->has_order)
            place.order = sort->order;

        /* Keys are searched for in each comparison, which costs time but no memory. */
        size_t a_bytes, b_bytes;
        const char *a_text = sort_key_find(&place, sort->separator, a->text, a->bytes, &a_bytes);
        const char *b_text = sort_key_find(&place, sort->separator, b->text, b->bytes, &b_bytes);
        result = sort_key_compare(&place.order, a_text, a_bytes, b_text, b_bytes);
    }
    return result;
}

static int sort_compare(const struct sortable *a, const struct sortable *b, const void *context)
{
    const struct sort *sort = context;
    const struct sort_line *one = container_of(a, const struct sort_line, link);
    const struct sort_line *two = container_of(b, const struct sort_line, link);
    if (shell_interrupted())
        return 0; /* the order no longer matters */

    int result = compare_by_keys(sort, one, two);
    if (result || sort->unique || sort->stable)
        return result;

    /* POSIX: the last resort, which of the order's letters only 'r' affects. */
    const struct sort_order bytes = { .reverse = sort->order.reverse };
    return sort_key_compare(&bytes, one->text, one->bytes, two->text, two->bytes);
}

/* ---- reading ------------------------------------------------------------------------------ */

static struct sort_line *line_create(struct sort *sort, const char *text, size_t bytes)
{
    if (!list_may_grow(&sort->unchecked_bytes, sizeof(struct sort_line) + bytes))
        return NULL;

    /* One allocation a line: the text is stored with the link that sorts it. */
    struct sort_line *line = mem_alloc(sizeof(*line) + bytes);
    if (!line)
        return NULL;
    line->bytes = bytes;
    memcpy(line->text, text, bytes);
    return line;
}

static status_t sort_input(struct input *input, void *context)
{
    struct sort *sort = context;
    char *text;
    size_t bytes;
    int got;
    input->line_end = sort->line_end;
    while ((got = input_line(input, &text, &bytes)) > 0) {
        /* The text is copied, because the input reuses its memory for the next line. */
        struct sort_line *line = line_create(sort, text, bytes);
        if (!line)
            return -ENOMEM;

        /* Prepending needs no search for the end; reverse_lines() restores the order. */
        line->link.next = sort->lines;
        sort->lines = &line->link;
    }
    return got;
}

static void report_disorder(struct sort *sort, const struct input *input, uint64_t number,
                            const struct sort_line *line)
{
    struct shell *shell = sort->shell;
    sort->disorder = true;
    if (sort->quiet)
        return;

    /* Both streams may lead to the console: write earlier output first. */
    IGNORE(stream_flush(shell->out));

    /* The line may contain NULs, which a formatted message cannot contain. */
    stream_text(shell->err, "sort: ");
    stream_escaped(shell->err, input->file ? input->name : "-", false);
    stream_format(shell->err, ":%llu: disorder: ", (unsigned long long)number);
    stream_write(shell->err, line->text, line->bytes);
    stream_write(shell->err, &sort->line_end, 1);
    IGNORE(stream_flush(shell->err));
}

/* -c: compares each line with the one before it, which is all that is kept. */
static status_t check_input(struct input *input, void *context)
{
    struct sort *sort = context;
    struct sort_line *before = NULL;
    char *text;
    size_t bytes;
    int got = 0;

    input->line_end = sort->line_end;
    for (uint64_t number = 1; !sort->disorder; number++) {
        got = input_line(input, &text, &bytes);
        if (got <= 0)
            break;

        /* Two lines are in memory at a time. */
        struct sort_line *line = line_create(sort, text, bytes);
        if (!line) {
            got = -ENOMEM;
            break;
        }

        /* Nothing accumulates, since each line replaces the one before. */
        sort->unchecked_bytes = 0;

        /* With -u, equal lines are out of order, too (POSIX). */
        int order = before ? sort_compare(&before->link, &line->link, sort) : -1;
        if (order > 0 || (order == 0 && sort->unique))
            report_disorder(sort, input, number, line);
        mem_free(before);
        before = line;
    }
    mem_free(before);
    return got < 0 ? got : 0;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Puts the lines into the order of the input: the sort is stable. */
static void reverse_lines(struct sort *sort)
{
    struct sortable *reversed = NULL;
    while (sort->lines) {
        struct sortable *next = sort->lines->next;
        sort->lines->next = reversed;
        reversed = sort->lines;
        sort->lines = next;
    }
    sort->lines = reversed;
}

static void sort_print(const struct sort *sort, struct stream *out)
{
    const struct sort_line *before = NULL;
    for (const struct sortable *at = sort->lines; at && !out->status; at = at->next) {
        const struct sort_line *line = container_of(at, const struct sort_line, link);
        if (shell_interrupted())
            return;

        /* Equal lines are neighbours now, and -u prints the first of them. */
        if (sort->unique && before && !compare_by_keys(sort, before, line))
            continue;
        stream_write(out, line->text, line->bytes);
        stream_write(out, &sort->line_end, 1);
        before = line;
    }
}

/* -o: all inputs have been read and closed, so the file may be one of them (POSIX). */
static int sort_print_to_file(const struct sort *sort, const char *name)
{
    struct output_file *output;
    enum output_file_end end;
    status_t status = output_file_open(sort->shell, NULL, name, false, &output);
    if (!status) {
        sort_print(sort, output_file_stream(output));
        status = output_file_close(output, false, &end);
    }
    return status ? shell_fail(sort->shell, name, status) : SHELL_DONE;
}

/* ---- options ------------------------------------------------------------------------------ */

static int parse_separator(struct sort *sort)
{
    const char *text = option_value(sort->shell, 't');
    sort->separator = -1;
    if (!text)
        return SHELL_DONE;

    /* A word cannot contain a NUL, so GNU writes it as \0. */
    if (text_equal(text, "\\0"))
        sort->separator = '\0';
    else if (strlen(text) == 1)
        sort->separator = (uint8_t)*text;
    else
        return shell_complain(sort->shell, "-t: %s: not a single character", text);
    return SHELL_DONE;
}

static int parse_keys(struct sort *sort)
{
    struct sort_key **last = &sort->keys;
    const struct option_value *value = option_values(sort->shell, 'k');
    for (; value; value = value->next) {
        struct sort_key *key = mem_alloc(sizeof(*key));
        if (!key)
            return shell_fail(sort->shell, NULL, -ENOMEM);

        /* The key is in the list, which is freed, before an error is reported. */
        status_t status = sort_key_parse(value->text, key);
        *last = key;
        last = &key->next;
        if (status)
            return shell_complain(sort->shell, "-k: %s: invalid key", value->text);
        if (sort_order_is_mixed(&key->order))
            return shell_complain(sort->shell, "-k: %s: incompatible letters", value->text);
    }
    return SHELL_DONE;
}

static int sort_run(struct sort *sort, int count, char **words)
{
    struct shell *shell = sort->shell;

    /* A disorder is a property of one file (POSIX). */
    if (sort->check && count > 2)
        return shell_complain(shell, "%s: extra operand not allowed with -c", words[2]);
    if (sort->check) {
        int result = input_each(shell, 1, count, words, check_input, sort);
        return result ? result : sort->disorder ? SHELL_FAILED : SHELL_DONE;
    }

    int result = input_each(shell, 1, count, words, sort_input, sort);

    /* The sorted lines of only some of the files would be misleading. */
    if (result)
        return result;

    /* sort_list() is stable: lines with equal keys keep the order in which they were read. */
    reverse_lines(sort);
    sort->lines = sort_list(sort->lines, sort_compare, sort);

    if (option_given(shell, 'o'))
        return sort_print_to_file(sort, option_value(shell, 'o'));
    sort_print(sort, shell->out);
    return SHELL_DONE;
}

/* Returns whether a comparison has the order of the whole command. */
static bool uses_order(const struct sort *sort)
{
    for (const struct sort_key *key = sort->keys; key; key = key->next)
        if (!key->has_order)
            return true;
    return !sort->keys;
}

static int run_sort(struct shell *shell, int count, char **words)
{
    struct sort sort = {
        .shell = shell,
        .line_end = option_given(shell, 'z') ? '\0' : '\n',
        .unique = option_given(shell, 'u'),
        .stable = option_given(shell, 's'),
        .quiet = option_given(shell, 'C'),
        .check = option_given(shell, 'c') || option_given(shell, 'C'),
    };

    /* Letters given as options apply to the whole line, and to keys without letters. */
    for (const char *letter = "bdfhiMnrV"; *letter; letter++)
        if (option_given(shell, *letter))
            IGNORE(sort_order_letter(&sort.order, *letter));

    /* Refuse contradictions before any input is read. */
    if (sort.check && option_given(shell, 'o'))
        return shell_complain(shell, "-c and -o are incompatible");
    if (sort.quiet && option_given(shell, 'c'))
        return shell_complain(shell, "-c and -C are incompatible");

    int result = parse_separator(&sort);
    if (!result)
        result = parse_keys(&sort);
    if (!result && uses_order(&sort) && sort_order_is_mixed(&sort.order))
        result = shell_complain(shell, "only one of -h, -M, -n, -V and -di can be given");
    if (!result)
        result = sort_run(&sort, count, words);

    /* After an error, too, both lists contain all that was allocated. */
    while (sort.lines) {
        struct sortable *next = sort.lines->next;
        mem_free(sort.lines);
        sort.lines = next;
    }
    while (sort.keys) {
        struct sort_key *next = sort.keys->next;
        mem_free(sort.keys);
        sort.keys = next;
    }
    return result;
}

static const struct shell_option sort_options[] = {
    { 'n', "numeric-sort", NULL, "compare by the number at the start" },
    { 'r', "reverse", NULL, "reverse the order" },
    { 'u', "unique", NULL, "print only the first of equal lines" },
    { 'f', "ignore-case", NULL, "compare lower case as upper case" },
    { 'b', "ignore-leading-blanks", NULL, "ignore leading blanks" },
    { 'd', "dictionary-order", NULL, "compare only blanks, letters and digits" },
    { 'i', "ignore-nonprinting", NULL, "compare only printable characters" },
    { 'h', "human-numeric-sort", NULL, "compare sizes such as 2K and 1G" },
    { 'M', "month-sort", NULL, "compare the names of months" },
    { 'V', "version-sort", NULL, "compare versions: numbers within text" },
    { 'k', "key", "KEY...", "sort by fields: F[.C][bdfhiMnrV][,F[.C][bdfhiMnrV]]" },
    { 't', "field-separator", "CHARACTER", "separates fields, instead of blanks; \\0 is NUL" },
    { 'm', "merge", NULL, "merge sorted files (same as sorting them)" },
    { 'o', "output", "FILE", "write to FILE, which may be an input" },
    { 'z', "zero-terminated", NULL, "lines end with NUL, not newline" },
    { 's', "stable", NULL, "keep the order of lines with equal keys" },
    { 'c', "check", NULL, "do not sort; report the first line out of order" },
    { 'C', NULL, NULL, "same as -c, but print nothing" },
    { 0 },
};

static const struct shell_command command_sort = {
    .name = "sort",
    .arguments = "[-bcCdfhiMmnrsuVz] [-o FILE] [-k KEY]... [-t CHARACTER] [FILE...]",
    .summary = "sort lines in byte order",
    .arguments_max = -1,
    .run = run_sort,
    .options = sort_options,
    .trouble = SHELL_TROUBLE,
    .group = "Text",
};
SHELL_COMMAND(command_sort);
DRIVER_DRIVES("command sort Text: sort lines in byte order");
