/*
 * commands_search.c - grep.
 *
 * A file whose matching line holds a NUL is no text: that it matches is all that is said, unless -a
 * wants its bytes.
 */
#include "kernel/shell/expression_list.h"
#include "kernel/shell/input.h"
#include "kernel/shell/names.h"
#include "kernel/shell/options.h"
#include "kernel/shell/walk.h"
#include "lib/string.h"

struct grep {
    struct expression_list expressions;
    bool invert, number, count_only, names_only, quiet, titles, parts_only, all_is_text;
    bool found; /* anywhere */
};

static void grep_title(const struct grep *grep, struct stream *out, const char *name)
{
    if (!grep->titles)
        return;
    stream_escaped(out, name, false);
    stream_text(out, ":");
}

static void grep_print(const struct grep *grep, const struct input *input, uint64_t number,
                       const char *text, size_t bytes)
{
    struct stream *out = input->shell->out;
    grep_title(grep, out, input->name);
    if (grep->number)
        stream_format(out, "%llu:", (unsigned long long)number);
    stream_write(out, text, bytes);
    stream_text(out, "\n");
}

/* -o: each part that matches, on a line of its own; empty ones are none. */
static void grep_print_parts(const struct grep *grep, const struct input *input, uint64_t number,
                             const char *line, size_t bytes)
{
    size_t at = 0, start, end;
    while (at < bytes && !shell_interrupted() &&
           expression_list_find(&grep->expressions, line, bytes, at, &start, &end)) {
        if (end > start)
            grep_print(grep, input, number, line + start, end - start);
        at = end > start ? end : end + 1;
    }
}

/* False: the rest of the input need not be looked at. */
static bool grep_say(const struct grep *grep, const struct input *input, uint64_t number,
                     const char *line, size_t bytes)
{
    if (grep->quiet || grep->names_only)
        return false;
    if (grep->count_only)
        return true;
    if (!grep->all_is_text && memchr(line, '\0', bytes)) {
        stream_escaped(input->shell->out, input->name, false);
        stream_text(input->shell->out, ": matches, and is no text; -a shows it\n");
        return false;
    }
    if (!grep->parts_only)
        grep_print(grep, input, number, line, bytes);
    else if (!grep->invert)
        grep_print_parts(grep, input, number, line, bytes);
    return true;
}

/* What is said of an input at its end. */
static void grep_sum_up(const struct grep *grep, const struct input *input, uint64_t matches)
{
    struct stream *out = input->shell->out;
    if (grep->quiet)
        return;
    if (grep->names_only && matches) {
        stream_escaped(out, input->name, false);
        stream_text(out, "\n");
    } else if (grep->count_only && !grep->names_only) {
        grep_title(grep, out, input->name);
        stream_format(out, "%llu\n", (unsigned long long)matches);
    }
}

static status_t grep_input(struct input *input, void *context)
{
    struct grep *grep = context;
    uint64_t number = 0, matches = 0;
    char *line;
    size_t bytes;
    int got = 0;
    bool goes_on = true;
    while (goes_on && !input->shell->out->status && (got = input_line(input, &line, &bytes)) > 0) {
        number++;
        if (expression_list_matches(&grep->expressions, line, bytes) == grep->invert)
            continue;
        matches++;
        goes_on = grep_say(grep, input, number, line, bytes);
    }
    grep->found |= matches != 0;
    if (got < 0)
        return got;
    grep_sum_up(grep, input, matches);
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
    if (got < 0)
        return shell_fail(shell, start, got);
    return shell_end_skipped(shell, start, walk_skipped(walk), result);
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

/* In words[first..count). */
static int grep_all(struct shell *shell, struct grep *grep, int first, int count, char **words)
{
    int result = SHELL_DONE;
    if (!option_given(shell, 'r') && !option_given(shell, 'R'))
        return input_each(shell, first, count, words, grep_input, grep);
    for (int i = first; (i < count || i == first) && result != SHELL_INTERRUPTED; i++) {
        int one = grep_tree(shell, grep, count > first ? words[i] : ".");
        result = one ? one : result;
    }
    return result;
}

static unsigned grep_flags(const struct shell *shell)
{
    static const struct { char letter; unsigned flag; } flags[] = {
        { 'E', EXPRESSION_EXTENDED }, { 'F', EXPRESSION_FIXED }, { 'i', EXPRESSION_FOLD },
        { 'w', EXPRESSION_WORDS },    { 'x', EXPRESSION_LINES },
    };
    unsigned all = 0;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        all |= option_given(shell, flags[i].letter) ? flags[i].flag : 0;
    return all;
}

static int grep_compile(struct shell *shell, struct grep *grep, const char *pattern)
{
    const char *why;
    status_t status =
        expression_list_add(&grep->expressions, pattern, grep_flags(shell), &why);
    if (status != -EINVAL)
        return status ? shell_fail(shell, NULL, status) : SHELL_DONE;
    shell_complain(shell, "'%s' %s", pattern, why);
    return SHELL_USAGE;
}

struct grep_patterns {
    struct grep *grep;
    int result;
};

/* -f: each line is a pattern, an empty one too; an empty file has none and nothing matches. */
static status_t grep_compile_lines(struct input *input, void *context)
{
    struct grep_patterns *patterns = context;
    char *line;
    size_t bytes;
    int got = 0;
    while (!patterns->result && (got = input_line(input, &line, &bytes)) > 0) {
        if (memchr(line, '\0', bytes)) {
            shell_complain(input->shell, "%s: a pattern contains a NUL", input->name);
            patterns->result = SHELL_USAGE;
        } else {
            patterns->result = grep_compile(input->shell, patterns->grep, line);
        }
    }
    return got < 0 ? got : 0;
}

/* All patterns: each -e and each line of -f, or else the first word. */
static int grep_compile_all(struct shell *shell, struct grep *grep, const char *word)
{
    const struct option_value *value = option_values(shell, 'e');
    const struct option_value *file = option_values(shell, 'f');
    int result = value || file ? SHELL_DONE : grep_compile(shell, grep, word);
    for (; value && !result; value = value->next)
        result = grep_compile(shell, grep, value->text);

    for (; file && !result; file = file->next) {
        struct grep_patterns patterns = { .grep = grep };
        char *words[] = { (char *)(uintptr_t)file->text, NULL };
        result = input_each(shell, 0, 1, words, grep_compile_lines, &patterns);
        result = result ? result : patterns.result;
    }
    return result;
}

static int run_grep(struct shell *shell, int count, char **words)
{
    int first = option_given(shell, 'e') || option_given(shell, 'f') ? 1 : 2; /* of the files */
    if (count < first)
        return shell_usage(shell);
    bool tree = option_given(shell, 'r') || option_given(shell, 'R');
    struct grep grep = {
        .invert = option_given(shell, 'v'),
        .number = option_given(shell, 'n'),
        .count_only = option_given(shell, 'c'),
        .names_only = option_given(shell, 'l'),
        .quiet = option_given(shell, 'q'),
        .parts_only = option_given(shell, 'o'),
        .all_is_text = option_given(shell, 'a'),
        .titles = (count > first + 1 || tree || option_given(shell, 'H')) &&
                  !option_given(shell, 'h'),
    };
    int result = grep_compile_all(shell, &grep, words[1]);
    if (!result)
        result = grep_all(shell, &grep, first, count, words);
    expression_list_free(&grep.expressions);
    if (result == SHELL_INTERRUPTED || (result && !(grep.found && grep.quiet)))
        return result;
    return grep.found ? SHELL_DONE : SHELL_FAILED;
}

static const struct shell_option grep_options[] = {
    { 'i', "ignore-case", NULL, "upper and lower case are the same" },
    { 'v', "invert-match", NULL, "lines that do not match" },
    { 'n', "line-number", NULL, "a number before each line" },
    { 'c', "count", NULL, "how many lines, instead of the lines" },
    { 'l', "files-with-matches", NULL, "which files, instead of the lines" },
    { 'o', "only-matching", NULL, "the parts that match, instead of their lines" },
    { 'r', "recursive", NULL, "all files of directories" },
    { 'R', NULL, NULL, "the same" },
    { 'E', "extended-regexp", NULL, "special as well: a|b (a) a+ a? a{2,5}" },
    { 'F', "fixed-strings", NULL, "every character stands for itself" },
    { 'w', "word-regexp", NULL, "no letter, digit or _ beside what matches" },
    { 'x', "line-regexp", NULL, "what matches is the whole line" },
    { 'e', "regexp", "PATTERN...", "a pattern, which may begin with a dash" },
    { 'f', "file", "FILE...", "patterns from FILE, one on each line" },
    { 'a', "text", NULL, "lines with NULs in them, too" },
    { 'q', "quiet", NULL, "say nothing: the status tells" },
    { 'H', "with-filename", NULL, "a name before each line" },
    { 'h', "no-filename", NULL, "no name before the lines" },
    { 0 },
};

static const struct shell_command command_grep = {
    .name = "grep",
    .arguments = "[-ivncloErFwxaqHh] {PATTERN | -e PATTERN... | -f FILE} [FILE...]",
    .summary = "lines that match; special in PATTERN: . * ^ $ [abc] [^a-z] \\",
    .arguments_max = -1,
    .run = run_grep,
    .options = grep_options,
    .trouble = SHELL_TROUBLE,
    .group = "Text",
};
SHELL_COMMAND(command_grep);
