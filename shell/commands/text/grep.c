/*
 * grep.c - searches files for patterns: grep. Its options, patterns and files are here; one input
 * is searched in grep_input.c.
 *
 * Status      0 if a line was selected, 1 if none was, 2 after an error. With -q a selected line
 *             gives 0, even after an error (POSIX).
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/text/grep_input.h"
#include "shell/options.h"
#include "shell/pattern.h"
#include "shell/reading/listing.h"
#include "shell/reading/paths.h"
#include "shell/reading/walk.h"

/* ---- files -------------------------------------------------------------------------------- */

/* Reports an error, unless -s was given. */
static int grep_fail(struct shell *shell, const char *name, status_t status)
{
    if (option_given(shell, 's') && status != -EINTR)
        return SHELL_TROUBLE;
    return shell_fail(shell, name, status);
}

static int grep_file(struct shell *shell, struct grep *grep, const char *name)
{
    const char *shown;
    status_t status = input_one(shell, name, &shown, grep_input, grep);

    /* -EPIPE: the reader of the output needs no more. */
    return !status || status == -EPIPE ? SHELL_DONE : grep_fail(shell, shown, status);
}

/* Searches an item of a tree. `name` is the tree's operand; "" if there is none. */
static int grep_item(struct shell *shell, struct grep *grep, const char *name,
                     const struct walk_item *item)
{
    char *path = join_path(name, item->text);
    int result = SHELL_DONE;

    /* In a tree only regular files are searched, as GNU does. */
    if (!path)
        result = grep_fail(shell, item->text, -ENOMEM);
    else if (item->status)
        result = grep_fail(shell, path, item->status);
    else if (item->info.type == NODE_FILE)
        result = grep_file(shell, grep, path);
    mem_free(path);
    return result;
}

/* Returns which of the line's options is the last one of this name whose glob matches, 0 if none
 * does. Of an operand one of its ends may match, too. */
static unsigned glob_last(const struct shell *shell, const char *option, const char *name,
                          bool operand)
{
    const struct option_value *value = option_values_name(shell, option);
    unsigned last = 0;
    for (; value; value = value->next)
        for (const char *at = name; at; at = operand ? strchr(at, '/') : NULL) {
            at += operand && *at == '/';
            if (glob_matches_text(value->text, at, false))
                last = value->number;
        }
    return last;
}

/* Returns whether --include and --exclude admit a file: the last one that matches decides, and
 * without one, the first of them (GNU). */
static bool grep_admits(const struct shell *shell, const char *name, bool operand)
{
    unsigned included = glob_last(shell, "include", name, operand);
    unsigned excluded = glob_last(shell, "exclude", name, operand);
    if (included || excluded)
        return included > excluded;

    const struct option_value *include = option_values_name(shell, "include");
    const struct option_value *exclude = option_values_name(shell, "exclude");
    return !include || (exclude && exclude->number < include->number);
}

static bool grep_continues(const struct shell *shell, const struct grep *grep, int result)
{
    return !shell->out->status && result != SHELL_INTERRUPTED && !(grep->quiet && grep->found);
}

static int grep_walk(struct shell *shell, struct grep *grep, const char *name, struct walk *walk)
{
    struct walk_item *item = mem_alloc(sizeof(*item));
    int result = item ? SHELL_DONE : grep_fail(shell, name, -ENOMEM), got = 0;
    unsigned excluded = 0; /* depth of a directory whose contents are skipped; 0: none */
    while (item && grep_continues(shell, grep, result) && (got = walk_next(walk, item)) > 0) {
        if (excluded && item->depth > excluded)
            continue;
        excluded = 0;
        bool directory = item->found && item->info.type == NODE_DIRECTORY;
        if (directory && glob_last(shell, "exclude-dir", item->name, false)) {
            excluded = item->depth;
            continue;
        }
        if (item->depth && !directory && !grep_admits(shell, item->name, false))
            continue;

        /* A file that fails sets the status, and the search continues. */
        int one = grep_item(shell, grep, name, item);
        result = one ? one : result;
    }
    mem_free(item);
    if (got < 0)
        return grep_fail(shell, name, got);
    return shell_end_skipped(shell, *name ? name : ".", walk_skipped(walk), result);
}

/* `name` is "" without an operand: the current directory, whose names are shown without "./". */
static int grep_tree(struct shell *shell, struct grep *grep, const char *name, bool operand)
{
    struct path *path;
    struct walk *walk;
    status_t status = path_walk(shell->directory, operand ? name : ".", 0, &path);
    if (status)
        return grep_fail(shell, name, status);

    /* A tree may contain many files, so their names are shown, except with -h (GNU). */
    if (path_is_directory(path) && !option_given(shell, 'h'))
        grep->titles = true;
    status = walk_begin(path, WALK_NESTED, &walk);
    path_put(path);
    if (status)
        return grep_fail(shell, name, status);
    int result = grep_walk(shell, grep, name, walk);
    walk_end(walk);
    return result;
}

/* Returns whether an operand is searched: --exclude-dir is about directories, with -r. */
static bool grep_wants(struct shell *shell, const char *name, bool tree)
{
    struct path *path;
    if (path_walk(shell->directory, name, 0, &path))
        return true; /* the search reports it */
    bool directory = path_is_directory(path);
    path_put(path);
    if (!directory || !tree)
        return directory || grep_admits(shell, name, true);

    /* Slashes after the name do not belong to it. */
    char *bare = join_path(name, "");
    size_t length = bare ? strlen(bare) : 0;
    while (length > 1 && bare[length - 1] == '/')
        bare[--length] = '\0';
    bool wanted = !bare || !glob_last(shell, "exclude-dir", bare, true);
    mem_free(bare);
    return wanted;
}

/* Searches words[first..count), or without operands standard input; with -r the current directory
 * (GNU). */
static int grep_all(struct shell *shell, struct grep *grep, int first, int count, char **words)
{
    bool tree = option_given(shell, 'r') || option_given(shell, 'R');
    int result = SHELL_DONE;

    /* Without operands the loop runs once. */
    for (int i = first; (i < count || i == first) && grep_continues(shell, grep, result); i++) {
        const char *name = i < count ? words[i] : tree ? "" : "-";
        bool stream = text_equal(name, "-");
        if (i < count && !stream && !grep_wants(shell, name, tree))
            continue;
        int one = tree && !stream ? grep_tree(shell, grep, name, i < count)
                                  : grep_file(shell, grep, name);
        result = one ? one : result;
    }
    return result;
}

/* ---- patterns and options ------------------------------------------------------------------- */

static unsigned grep_flags(const struct shell *shell)
{
    static const struct { char letter; unsigned flag; } flags[] = {
        { 'E', REGEX_EXTENDED }, { 'F', REGEX_FIXED }, { 'i', REGEX_FOLD },
        { 'w', REGEX_WORDS },    { 'x', REGEX_LINES },
    };
    const char *name = shell->command->name;
    unsigned all = text_equal(name, "egrep") ? REGEX_EXTENDED
                 : text_equal(name, "fgrep") ? REGEX_FIXED : 0;
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++)
        all |= option_given(shell, flags[i].letter) ? flags[i].flag : 0;
    return option_given(shell, 'y') ? all | REGEX_FOLD : all;
}

static int grep_compile(struct shell *shell, struct grep *grep, const char *pattern)
{
    const char *why;
    status_t status =
        regex_list_add(&grep->expressions, pattern, grep_flags(shell), &why);

    /* Only an invalid pattern comes with a reason of its own. */
    if (status != -EINVAL)
        return status ? shell_fail(shell, NULL, status) : SHELL_DONE;
    shell_complain(shell, "%s: %s", pattern, why);
    return SHELL_USAGE;
}

struct grep_patterns {
    struct grep *grep;
    int result;
};

/* -f: each line is a pattern, even an empty one. An empty file has none, so nothing matches. */
static status_t grep_compile_lines(struct input *input, void *context)
{
    struct grep_patterns *patterns = context;
    char *line;
    size_t bytes;
    int got = 0;
    while (!patterns->result && (got = input_line(input, &line, &bytes)) > 0) {
        /* Patterns are strings, so a NUL would cut off the rest silently. */
        if (memchr(line, '\0', bytes)) {
            shell_complain(input->shell, "%s: pattern contains a NUL", input->name);
            patterns->result = SHELL_USAGE;
        } else {
            patterns->result = grep_compile(input->shell, patterns->grep, line);
        }
    }
    return got < 0 ? got : 0;
}

/* Compiles all patterns: each -e and each line of -f, or else the first word. */
static int grep_compile_all(struct shell *shell, struct grep *grep, const char *word)
{
    const struct option_value *value = option_values(shell, 'e');
    const struct option_value *file = option_values(shell, 'f');
    int result = value || file ? SHELL_DONE : grep_compile(shell, grep, word);

    /* The operand is the pattern only if there is neither -e nor -f. */
    for (; value && !result; value = value->next)
        result = grep_compile(shell, grep, value->text);

    /* A file of patterns is read like any input, so `-` is standard input. */
    for (; file && !result; file = file->next) {
        struct grep_patterns patterns = { .grep = grep };
        char *words[] = { (char *)(uintptr_t)file->text, NULL };
        result = input_each(shell, 0, 1, words, grep_compile_lines, &patterns);
        result = result ? result : patterns.result;
    }
    return result;
}

/* Reads the options. Returns false after reporting an invalid number. */
static bool grep_options_read(struct shell *shell, int files, struct grep *grep)
{
    char title = option_last(shell, "hH"), lists = option_last(shell, "lL");
    uint64_t context = 0;

    /* Of two options that contradict each other, the last one counts. */
    *grep = (struct grep){
        .invert = option_given(shell, 'v'),
        .number = option_given(shell, 'n'),
        .offsets = option_given(shell, 'b'),
        .count_only = option_given(shell, 'c'),
        .quiet = option_given(shell, 'q'),
        .parts_only = option_given(shell, 'o'),
        .all_is_text = option_given(shell, 'a'),
        .list_matching = lists == 'l',
        .list_others = lists == 'L',
        .titles = title ? title == 'H' : files > 1,
        .line_end = option_given(shell, 'z') ? '\0' : '\n',
        .names_end = option_given(shell, 'Z'),
        .separate = option_last(shell, "ABC") != 0,
        .most = UINT64_MAX,
    };

    /* -A and -B take precedence over -C (POSIX 2024, GNU). */
    if (!option_number(shell, 'C', 0, UINT64_MAX, &context))
        return false;
    grep->before = grep->after = context;
    return option_number(shell, 'B', 0, UINT64_MAX, &grep->before) &&
           option_number(shell, 'A', 0, UINT64_MAX, &grep->after) &&
           option_number(shell, 'm', 0, UINT64_MAX, &grep->most);
}

static int run_grep(struct shell *shell, int count, char **words)
{
    struct grep grep;
    int first = option_given(shell, 'e') || option_given(shell, 'f') ? 1 : 2; /* operand */

    /* Without -e and -f the first operand is the pattern, and must be there. */
    if (count < first)
        return shell_usage(shell);
    if (option_given(shell, 'E') && option_given(shell, 'F'))
        return shell_complain(shell, "-E and -F are incompatible");
    if (!grep_options_read(shell, count - first, &grep))
        return SHELL_USAGE;

    /* -m 0 reads no file, but -L then lists them all. */
    int result = grep_compile_all(shell, &grep, words[1]);
    if (!result && (grep.most || grep.list_others))
        result = grep_all(shell, &grep, first, count, words);
    regex_list_free(&grep.expressions);

    /* With -q a match outweighs an error (POSIX). */
    if (grep.found && grep.quiet && result != SHELL_INTERRUPTED)
        return SHELL_DONE;
    return result ? result : grep.found ? SHELL_DONE : SHELL_FAILED;
}

static const struct shell_option grep_options[] = {
    { 'i', "ignore-case", NULL, "ignore case" },
    { 'v', "invert-match", NULL, "print lines that do not match" },
    { 'n', "line-number", NULL, "print the line number with each line" },
    { 'b', "byte-offset", NULL, "print the offset of each line, or part with -o" },
    { 'c', "count", NULL, "print only the number of lines" },
    { 'l', "files-with-matches", NULL, "print only the names of files with a match" },
    { 'L', "files-without-match", NULL, "print only the names of files without a match" },
    { 'o', "only-matching", NULL, "print only the matching parts of lines" },
    { 'm', "max-count", "N", "stop reading a file after N lines" },
    { 'A', "after-context", "N", "print N lines after each match" },
    { 'B', "before-context", "N", "print N lines before each match" },
    { 'C', "context", "N", "same as -A N -B N" },
    { 'r', "recursive", NULL, "search directories recursively" },
    { 'R', "dereference-recursive", NULL, "same as -r" },
    { 0, "include", "GLOB...", "search only files whose name matches GLOB" },
    { 0, "exclude", "GLOB...", "skip files whose name matches GLOB" },
    { 0, "exclude-dir", "GLOB...", "skip directories whose name matches GLOB" },
    { 'E', "extended-regexp", NULL, "also special: a|b (a) a+ a? a{2,5}" },
    { 'F', "fixed-strings", NULL, "patterns are plain text" },
    { 'w', "word-regexp", NULL, "match whole words only" },
    { 'x', "line-regexp", NULL, "match whole lines only" },
    { 'e', "regexp", "PATTERN...", "search for PATTERN, which may begin with a dash" },
    { 'f', "file", "FILE...", "read patterns from FILE, one per line" },
    { 'a', "text", NULL, "treat binary files, which contain NULs, as text" },
    { 'z', "null-data", NULL, "lines end with NUL, not newline" },
    { 'q', "quiet", NULL, "print nothing, only set the status" },
    { 's', "no-messages", NULL, "do not report files that cannot be read" },
    { 'H', "with-filename", NULL, "print the file name with each line" },
    { 'h', "no-filename", NULL, "do not print file names" },
    { 'Z', "null", NULL, "end file names with NUL" },
    { 'y', NULL, NULL, "same as -i" },
    { 0, "color", "[=WHEN]", "no effect: matches are not colored" },
    { 0, "line-buffered", NULL, "no effect" },
    { 0 },
};

static const struct shell_command command_grep = {
    .name = "grep",
    .arguments = "[OPTION...] {PATTERN | -e PATTERN... | -f FILE...} [FILE...]",
    .summary = "print lines that match; special in PATTERN: . * ^ $ [abc] \\",
    .arguments_max = -1,
    .run = run_grep,
    .options = grep_options,
    .trouble = SHELL_TROUBLE,
    .group = "Text",
};
SHELL_COMMAND(command_grep);

static const struct shell_command command_egrep = {
    .name = "egrep",
    .arguments = "[OPTION...] {PATTERN | -e PATTERN... | -f FILE...} [FILE...]",
    .summary = "same as grep -E",
    .arguments_max = -1,
    .run = run_grep,
    .options = grep_options,
    .trouble = SHELL_TROUBLE,
    .group = "Text",
};
SHELL_COMMAND(command_egrep);

static const struct shell_command command_fgrep = {
    .name = "fgrep",
    .arguments = "[OPTION...] {PATTERN | -e PATTERN... | -f FILE...} [FILE...]",
    .summary = "same as grep -F",
    .arguments_max = -1,
    .run = run_grep,
    .options = grep_options,
    .trouble = SHELL_TROUBLE,
    .group = "Text",
};
SHELL_COMMAND(command_fgrep);
