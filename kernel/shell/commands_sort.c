/*
 * commands_sort.c - sort.
 */
#include "kernel/shell/input.h"
#include "kernel/shell/names.h"
#include "kernel/shell/options.h"
#include "lib/string.h"
#include "lib/text.h"

struct sort_line {
    struct sortable link;
    size_t bytes;
    char text[]; /* ends with NUL */
};

struct sort {
    bool numeric, reverse, unique, fold;
    struct sortable *lines; /* the last one read first */
};

/* A number at the beginning of a line, in thousandths; anything else is 0. */
static int64_t line_number(const char *text)
{
    enum { DIGITS = 3 };
    const int64_t most = INT64_MAX / 10000;
    int64_t value = 0;
    while (*text == ' ' || *text == '\t')
        text++;
    bool negative = *text == '-';
    text += negative;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value > most / 10 ? most : value * 10 + (*text - '0');
    if (*text == '.')
        text++;
    for (unsigned i = 0; i < DIGITS; i++) {
        bool digit = *text >= '0' && *text <= '9';
        value = value * 10 + (digit ? *text - '0' : 0);
        text += digit;
    }
    return negative ? -value : value;
}

static int compare_folded(const char *a, const char *b)
{
    while (*a && text_lower(*a) == text_lower(*b))
        a++, b++;
    return (unsigned char)text_lower(*a) - (unsigned char)text_lower(*b);
}

static int compare_bytes(const struct sort_line *a, const struct sort_line *b)
{
    int order = memcmp(a->text, b->text, a->bytes < b->bytes ? a->bytes : b->bytes);
    return order ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

static int compare_keys(const struct sort *sort, const struct sort_line *a,
                        const struct sort_line *b)
{
    if (!sort->numeric)
        return sort->fold ? compare_folded(a->text, b->text) : compare_bytes(a, b);
    int64_t one = line_number(a->text), two = line_number(b->text);
    return one < two ? -1 : one > two;
}

static int sort_compare(const struct sortable *a, const struct sortable *b, const void *context)
{
    const struct sort *sort = context;
    const struct sort_line *one = (const struct sort_line *)(const void *)a;
    const struct sort_line *two = (const struct sort_line *)(const void *)b;
    int order = compare_keys(sort, one, two);
    if (!order && !sort->unique && (sort->numeric || sort->fold))
        order = compare_bytes(one, two);
    return sort->reverse ? -order : order;
}

static status_t sort_input(struct input *input, void *context)
{
    struct sort *sort = context;
    char *text;
    size_t bytes;
    int got;
    while ((got = input_line(input, &text, &bytes)) > 0) {
        struct sort_line *line = mem_alloc(sizeof(*line) + bytes + 1);
        if (!line)
            return -ENOMEM;
        line->bytes = bytes;
        memcpy(line->text, text, bytes + 1);
        line->link.next = sort->lines;
        sort->lines = &line->link;
    }
    return got;
}

static void sort_turn(struct sort *sort)
{
    struct sortable *turned = NULL;
    while (sort->lines) {
        struct sortable *next = sort->lines->next;
        sort->lines->next = turned;
        turned = sort->lines;
        sort->lines = next;
    }
    sort->lines = turned;
}

static void sort_print(struct shell *shell, const struct sort *sort)
{
    const struct sort_line *before = NULL;
    for (const struct sortable *at = sort->lines; at && !shell->out->status; at = at->next) {
        const struct sort_line *line = (const struct sort_line *)(const void *)at;
        if (shell_interrupted())
            return;
        if (sort->unique && before && !compare_keys(sort, before, line))
            continue;
        stream_write(shell->out, line->text, line->bytes);
        stream_text(shell->out, "\n");
        before = line;
    }
}

static int run_sort(struct shell *shell, int count, char **words)
{
    struct sort sort = {
        .numeric = option_given(shell, 'n'),
        .reverse = option_given(shell, 'r'),
        .unique = option_given(shell, 'u'),
        .fold = option_given(shell, 'f'),
    };
    int result = input_each(shell, 1, count, words, sort_input, &sort);
    if (!result) { /* a part is not what was asked for */
        sort_turn(&sort);
        sort.lines = sort_list(sort.lines, sort_compare, &sort);
        sort_print(shell, &sort);
    }
    while (sort.lines) {
        struct sortable *next = sort.lines->next;
        mem_free(sort.lines);
        sort.lines = next;
    }
    return result;
}

static const struct shell_option sort_options[] = {
    { 'n', "numeric-sort", NULL, "by the number at the beginning" },
    { 'r', "reverse", NULL, "the other way round" },
    { 'u', "unique", NULL, "of equal lines only the first" },
    { 'f', "ignore-case", NULL, "upper and lower case are the same" },
    { 0 },
};

static const struct shell_command command_sort = {
    .name = "sort",
    .arguments = "[-nruf] [FILE...]",
    .summary = "sort lines, in the order of their bytes",
    .arguments_max = -1,
    .run = run_sort,
    .options = sort_options,
    .group = "Text",
};
SHELL_COMMAND(command_sort);
