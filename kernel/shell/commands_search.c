/*
 * commands_search.c - lines: grep and sort.
 */
#include "kernel/shell/input.h"
#include "kernel/shell/names.h"
#include "kernel/shell/options.h"
#include "kernel/shell/pattern.h"
#include "kernel/shell/walk.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- grep --------------------------------------------------------------------------------- */

struct grep {
    struct pattern *pattern;
    bool invert, number, count_only, names_only, quiet, titles;
    bool found; /* anywhere */
};

static void grep_title(const struct grep *grep, struct stream *out, const char *name)
{
    if (!grep->titles)
        return;
    stream_escaped(out, name, false);
    stream_text(out, ":");
}

static void grep_say(const struct grep *grep, const struct input *input, uint64_t number,
                     const char *line, size_t bytes)
{
    struct stream *out = input->shell->out;
    grep_title(grep, out, input->name);
    if (grep->number)
        stream_format(out, "%llu:", (unsigned long long)number);
    stream_write(out, line, bytes);
    stream_text(out, "\n");
}

static status_t grep_input(struct input *input, void *context)
{
    struct grep *grep = context;
    struct stream *out = input->shell->out;
    bool first_only = grep->names_only || grep->quiet;
    uint64_t number = 0, matches = 0;
    char *line;
    size_t bytes;
    int got = 0;
    while (!(first_only && matches) && !out->status &&
           (got = input_line(input, &line, &bytes)) > 0) {
        number++;
        if (pattern_matches(grep->pattern, line, bytes) == grep->invert)
            continue;
        matches++;
        if (!grep->count_only && !first_only)
            grep_say(grep, input, number, line, bytes);
    }
    grep->found |= matches != 0;
    if (got < 0)
        return got;
    if (grep->names_only && matches) {
        stream_escaped(out, input->name, false);
        stream_text(out, "\n");
    } else if (grep->count_only && !first_only) {
        grep_title(grep, out, input->name);
        stream_format(out, "%llu\n", (unsigned long long)matches);
    }
    return 0;
}

static int grep_file(struct shell *shell, struct grep *grep, const char *start,
                     const struct walk_item *item)
{
    char *path = join_path(start, item->text);
    char *words[] = { path, NULL };
    int result = path ? input_each(shell, 0, 1, words, grep_input, grep)
                      : shell_fail(shell, item->text, -ENOMEM);
    mem_free(path);
    return result;
}

static int grep_walk(struct shell *shell, struct grep *grep, const char *start, struct walk *walk)
{
    struct walk_item *item = mem_alloc(sizeof(*item));
    int result = item ? SHELL_DONE : shell_fail(shell, start, -ENOMEM), got = 0;
    while (item && !shell->out->status && result != SHELL_INTERRUPTED &&
           (got = walk_next(walk, item)) > 0) {
        int one = SHELL_DONE;
        if (item->status)
            one = shell_fail_below(shell, start, item->text, item->status);
        else if (item->info.type == NODE_FILE)
            one = grep_file(shell, grep, start, item);
        result = one ? one : result;
    }
    mem_free(item);
    return got < 0 ? shell_fail(shell, start, got) : result;
}

static int grep_tree(struct shell *shell, struct grep *grep, const char *start)
{
    struct path *path;
    struct walk *walk;
    status_t status = path_walk(shell->directory, start, 0, &path);
    if (status)
        return shell_fail(shell, start, status);
    status = walk_begin(path, WALK_NESTED, &walk);
    path_put(path);
    if (status)
        return shell_fail(shell, start, status);
    int result = grep_walk(shell, grep, start, walk);
    walk_end(walk);
    return result;
}

static int grep_all(struct shell *shell, struct grep *grep, int count, char **words)
{
    int result = SHELL_DONE;
    if (!option_given(shell, 'r'))
        return input_each(shell, 2, count, words, grep_input, grep);
    for (int i = 2; (i < count || i == 2) && result != SHELL_INTERRUPTED; i++) {
        int one = grep_tree(shell, grep, count > 2 ? words[i] : ".");
        result = one ? one : result;
    }
    return result;
}

static int run_grep(struct shell *shell, int count, char **words)
{
    struct grep grep = {
        .invert = option_given(shell, 'v'),
        .number = option_given(shell, 'n'),
        .count_only = option_given(shell, 'c'),
        .names_only = option_given(shell, 'l'),
        .quiet = option_given(shell, 'q'),
        .titles = (count > 3 || option_given(shell, 'r') || option_given(shell, 'H')) &&
                  !option_given(shell, 'h'),
    };
    grep.pattern = pattern_create(words[1], option_given(shell, 'F'), option_given(shell, 'i'));
    if (!grep.pattern)
        return shell_fail(shell, NULL, -ENOMEM);
    int result = grep_all(shell, &grep, count, words);
    pattern_destroy(grep.pattern);
    return result ? result : grep.found ? SHELL_DONE : SHELL_FAILED;
}

static const struct shell_option grep_options[] = {
    { 'i', "ignore-case", NULL, "upper and lower case are the same" },
    { 'v', "invert-match", NULL, "lines that do not match" },
    { 'n', "line-number", NULL, "a number before each line" },
    { 'c', "count", NULL, "how many lines, instead of the lines" },
    { 'l', "files-with-matches", NULL, "which files, instead of the lines" },
    { 'r', "recursive", NULL, "all files of directories" },
    { 'F', "fixed-strings", NULL, "every character stands for itself" },
    { 'q', "quiet", NULL, "say nothing: the status tells" },
    { 'H', "with-filename", NULL, "a name before each line" },
    { 'h', "no-filename", NULL, "no name before the lines" },
    { 0 },
};

static const struct shell_command command_grep = {
    .name = "grep",
    .arguments = "[-ivnclrFqHh] PATTERN [FILE...]",
    .summary = "lines that match; special in PATTERN: . * ^ $ [abc] [^a-z] \\",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_grep,
    .options = grep_options,
    .group = "Text",
};
SHELL_COMMAND(command_grep);

/* ---- sort --------------------------------------------------------------------------------- */

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

static int compare_text(const char *a, const char *b, bool fold)
{
    if (!fold)
        return strcmp(a, b);
    while (*a && text_lower(*a) == text_lower(*b))
        a++, b++;
    return (unsigned char)text_lower(*a) - (unsigned char)text_lower(*b);
}

static int compare_keys(const struct sort *sort, const char *a, const char *b)
{
    if (!sort->numeric)
        return compare_text(a, b, sort->fold);
    int64_t one = line_number(a), two = line_number(b);
    return one < two ? -1 : one > two;
}

static int sort_compare(const struct sortable *a, const struct sortable *b, const void *context)
{
    const struct sort *sort = context;
    const char *one = ((const struct sort_line *)(const void *)a)->text;
    const char *two = ((const struct sort_line *)(const void *)b)->text;
    int order = compare_keys(sort, one, two);
    if (!order && !sort->unique)
        order = strcmp(one, two);
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
        if (sort->unique && before && !compare_keys(sort, before->text, line->text))
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
