/*
 * diff.c - shows how two files, or trees, differ: diff.
 *
 * Forms       normal, and -u with lines of context around the changes. Files that contain NULs are
 *             only compared (GNU).
 * Memory      Both files are held in memory.
 * Status      0 if they are the same, 1 if they differ, 2 after an error (POSIX).
 */
#include "kernel/module/info.h"
#include "lib/civil.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/edit/diff.h"
#include "shell/commands/edit/diff_tree.h"
#include "shell/options.h"
#include "shell/reading/input.h"
#include "shell/regex/regex.h"
#include "shell/words.h"

enum { FUNCTION_BYTES = 40 };

struct line {
    const char *text;
    size_t bytes;
    uint64_t hash;
};

struct side {
    struct diff_name name;
    int64_t modified_s;
    struct buffer content;
    struct line *lines;
    unsigned *numbers;
    long count;
    bool lacks_newline;
};

struct diff {
    struct shell *shell;
    struct side sides[2];
    struct diff_side compared[2];
    bool unified, brief, strips_cr, ignore_case, ignore_space, ignore_amount, ignore_blank;
    uint64_t context;
    struct regex *function; /* of a line that a hunk shows; NULL: none */
    unsigned *heads, *links; /* a hash table of all lines: numbers + 1 */
    size_t buckets;
    bool inside; /* files of directories: a line names them before their differences */
};

/* ---- reading ------------------------------------------------------------------------------ */

static status_t read_side(struct input *input, void *context)
{
    struct side *side = context;
    const char *data;
    ssize_t got;
    while ((got = input_piece(input, &data)) > 0 && !side->content.status)
        buffer_put(&side->content, data, (size_t)got);
    return got < 0 ? (status_t)got : side->content.status;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Returns the next character of a line that is compared; -1 at its end. -b: a run of blanks is one
 * blank, and none at the end. */
static int next_character(const struct diff *diff, const struct line *line, size_t *at)
{
    size_t from = *at;
    if (diff->ignore_space || diff->ignore_amount)
        while (*at < line->bytes && is_blank(line->text[*at]))
            ++*at;
    if (*at == line->bytes)
        return -1;
    if (*at > from && diff->ignore_amount && !diff->ignore_space)
        return ' ';
    char c = line->text[(*at)++];
    return (uint8_t)(diff->ignore_case ? text_lower(c) : c);
}

static bool is_plain(const struct diff *diff)
{
    return !diff->ignore_case && !diff->ignore_space && !diff->ignore_amount;
}

static uint64_t hash_line(const struct diff *diff, const struct line *line)
{
    uint64_t hash = 14695981039346656037ULL;
    size_t at = 0;
    for (int c; (c = next_character(diff, line, &at)) >= 0;)
        hash = (hash ^ (uint64_t)c) * 1099511628211ULL;
    return hash;
}

static bool same_line(const struct diff *diff, const struct line *one, const struct line *two)
{
    size_t a = 0, b = 0;
    if (is_plain(diff))
        return text_equal_n(one->text, one->bytes, two->text, two->bytes);
    for (;;) {
        int c = next_character(diff, one, &a);
        if (c != next_character(diff, two, &b))
            return false;
        if (c < 0)
            return true;
    }
}

static status_t divide(struct side *side)
{
    const char *at = side->content.text, *end = at + side->content.length;
    long count = 0;
    size_t unchecked = 0;

    side->lacks_newline = side->content.length && end[-1] != '\n';
    size_t lines = side->content.length
                       ? text_count(at, side->content.length, '\n') + side->lacks_newline : 0;
    size_t bytes = (lines + 1) * (sizeof(*side->lines) + sizeof(*side->numbers));
    if (!list_may_grow(&unchecked, bytes))
        return -ENOMEM;
    side->lines = mem_alloc((lines + 1) * sizeof(*side->lines));
    side->numbers = mem_alloc((lines + 1) * sizeof(*side->numbers));
    if (!side->lines || !side->numbers)
        return -ENOMEM;

    for (; at < end; count++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        side->lines[count] = (struct line){ .text = at, .bytes = (size_t)(stop - at) };
        at = stop + 1;
    }
    side->count = count;
    return 0;
}

/* Gives equal lines equal numbers. A last line without its newline differs from one with it. */
static status_t number_lines(struct diff *diff)
{
    long total = diff->sides[0].count + diff->sides[1].count;
    diff->buckets = (size_t)total * 2 + 1;
    diff->heads = mem_zalloc(diff->buckets * sizeof(*diff->heads));
    diff->links = mem_alloc(((size_t)total + 1) * sizeof(*diff->links));
    if (!diff->heads || !diff->links)
        return -ENOMEM;

    unsigned number = 0;
    for (unsigned s = 0; s < 2; s++) {
        struct side *side = &diff->sides[s];
        for (long i = 0; i < side->count; i++, number++) {
            struct line *line = &side->lines[i];
            bool cut = side->lacks_newline && i == side->count - 1;
            line->hash = hash_line(diff, line) + (cut && is_plain(diff));

            unsigned *head = &diff->heads[line->hash % diff->buckets];
            unsigned at = *head;
            for (; at; at = diff->links[at - 1]) {
                struct side *other = &diff->sides[at - 1 >= (unsigned)diff->sides[0].count];
                const struct line *known = &other->lines[at - 1 - (other == diff->sides ? 0
                                                         : (unsigned)diff->sides[0].count)];
                if (known->hash == line->hash && same_line(diff, known, line))
                    break;
            }
            side->numbers[i] = at ? at : number + 1;
            diff->links[number] = *head;
            if (!at)
                *head = number + 1;
        }
    }
    return 0;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* A run of lines that differ: [a, a_end) of the first file, [b, b_end) of the second. */
struct change {
    long a, a_end, b, b_end;
};

static bool only_blank_lines(const struct diff *diff, const struct change *change)
{
    for (long i = change->a; i < change->a_end; i++)
        if (diff->sides[0].lines[i].bytes)
            return false;
    for (long i = change->b; i < change->b_end; i++)
        if (diff->sides[1].lines[i].bytes)
            return false;
    return true;
}

/* Finds the next change from *next on, which is after the one before. Returns false at the end. */
static bool next_change(const struct diff *diff, struct change *next)
{
    const struct diff_side *one = &diff->compared[0], *two = &diff->compared[1];
    long a = next->a_end, b = next->b_end;
    for (;;) {
        while (a < one->count && b < two->count && !one->changed[a] && !two->changed[b])
            a++, b++;
        next->a = a;
        next->b = b;
        while (a < one->count && one->changed[a])
            a++;
        while (b < two->count && two->changed[b])
            b++;
        next->a_end = a;
        next->b_end = b;
        if (next->a == a && next->b == b)
            return false;
        if (!diff->ignore_blank || !only_blank_lines(diff, next))
            return true;
    }
}

static void print_line(const struct diff *diff, const char *mark, unsigned which, long number)
{
    struct stream *out = diff->shell->out;
    const struct side *side = &diff->sides[which];
    stream_text(out, mark);
    stream_write(out, side->lines[number].text, side->lines[number].bytes);
    stream_text(out, "\n");
    if (side->lacks_newline && number == side->count - 1)
        stream_text(out, "\\ No newline at end of file\n");
}

static void print_range(struct stream *out, long from, long end)
{
    if (end > from + 1)
        stream_format(out, "%ld,%ld", from + 1, end);
    else
        stream_format(out, "%ld", end);
}

static void print_normal(const struct diff *diff)
{
    struct stream *out = diff->shell->out;
    struct change change = { 0 };
    while (next_change(diff, &change) && !out->status && !shell_interrupted()) {
        bool deletes = change.a < change.a_end, adds = change.b < change.b_end;
        print_range(out, change.a, change.a_end);
        stream_text(out, deletes && adds ? "c" : deletes ? "d" : "a");
        print_range(out, change.b, change.b_end);
        stream_text(out, "\n");
        for (long i = change.a; i < change.a_end; i++)
            print_line(diff, "< ", 0, i);
        if (deletes && adds)
            stream_text(out, "---\n");
        for (long i = change.b; i < change.b_end; i++)
            print_line(diff, "> ", 1, i);
    }
}

/* Writes a name of a header: quoted as in C if it could be mistaken (GNU). */
static void print_name(struct stream *out, const char *name)
{
    bool quotes = false;
    for (const char *at = name; *at; at++)
        quotes |= *at <= ' ' || *at >= 0x7f || *at == '"' || *at == '\\';
    if (!quotes) {
        stream_text(out, name);
        return;
    }

    stream_text(out, "\"");
    for (; *name; name++) {
        bool ordinary = *name >= ' ' && *name < 0x7f && *name != '"' && *name != '\\';
        if (ordinary)
            stream_write(out, name, 1);
        else if (*name == '"' || *name == '\\')
            stream_format(out, "\\%c", *name);
        else
            stream_format(out, "\\%03o", (uint8_t)*name);
    }
    stream_text(out, "\"");
}

static void print_header(const struct diff *diff, const char *mark, const struct side *side)
{
    struct stream *out = diff->shell->out;

    stream_text(out, mark);
    if (side->name.label) {
        stream_escaped(out, side->name.label, false);
    } else {
        print_name(out, side->name.text);
        struct civil civil = seconds_to_civil(side->modified_s);
        stream_format(out, "\t%04lld-%02u-%02u %02u:%02u:%02u.000000000 +0000",
                      (long long)civil.year,
                      civil.month, civil.day, civil.hour, civil.minute, civil.second);
    }
    stream_text(out, "\n");
}

/* A range of a hunk: an empty one is named by the line before it. */
static void print_hunk_range(struct stream *out, long from, long end)
{
    if (end - from == 1)
        stream_format(out, "%ld", end);
    else
        stream_format(out, "%ld,%ld", end > from ? from + 1 : end, end - from);
}

/* Prints the start of the last line before a hunk that matches -F. */
static void print_function(const struct diff *diff, long line)
{
    const struct side *side = &diff->sides[0];
    while (diff->function && line-- > 0) {
        const char *text = side->lines[line].text;
        size_t bytes = side->lines[line].bytes;
        if (!regex_matches(diff->function, text, bytes))
            continue;
        for (; bytes && is_blank(*text); bytes--)
            text++;
        bytes = min(bytes, (size_t)FUNCTION_BYTES);
        while (bytes && is_blank(text[bytes - 1]))
            bytes--;
        stream_text(diff->shell->out, " ");
        stream_write(diff->shell->out, text, bytes);
        return;
    }
}

/* Prints a hunk: the changes from `first` on whose contexts touch. Returns the change after it. */
static bool print_hunk(const struct diff *diff, struct change *change)
{
    struct stream *out = diff->shell->out;
    long context = (long)min(diff->context, (uint64_t)1 << 30);
    struct change last = *change, next = *change;
    bool more;
    while ((more = next_change(diff, &next)) && next.a - last.a_end <= 2 * context)
        last = next;

    long a = max(change->a - context, 0L), a_end = min(last.a_end + context, diff->sides[0].count);
    long b = max(change->b - context, 0L), b_end = min(last.b_end + context, diff->sides[1].count);
    stream_text(out, "@@ -");
    print_hunk_range(out, a, a_end);
    stream_text(out, " +");
    print_hunk_range(out, b, b_end);
    stream_text(out, " @@");
    print_function(diff, a);
    stream_text(out, "\n");

    /* Lines in common are printed from the first file. */
    struct change at = *change;
    for (;;) {
        for (; a < at.a; a++)
            print_line(diff, " ", 0, a);
        for (; a < at.a_end; a++)
            print_line(diff, "-", 0, a);
        for (b = at.b; b < at.b_end; b++)
            print_line(diff, "+", 1, b);
        if (at.a_end == last.a_end && at.b_end == last.b_end)
            break;
        if (!next_change(diff, &at))
            break;
    }
    for (; a < a_end; a++)
        print_line(diff, " ", 0, a);
    *change = next;
    return more;
}

static void print_unified(const struct diff *diff)
{
    struct change change = { 0 };
    if (!next_change(diff, &change))
        return;
    print_header(diff, "--- ", &diff->sides[0]);
    print_header(diff, "+++ ", &diff->sides[1]);
    while (!diff->shell->out->status && !shell_interrupted() && print_hunk(diff, &change))
        continue;
}

/* ---- comparing ---------------------------------------------------------------------------- */

static void print_sentence(const struct diff *diff, const char *before, const char *after)
{
    const struct diff_name names[2] = { diff->sides[0].name, diff->sides[1].name };
    diff_print_sentence(diff->shell->out, names, before, after);
}

static bool is_binary(const struct side *side)
{
    return side->content.length && memchr(side->content.text, '\0', side->content.length);
}

static status_t compare_texts(struct diff *diff)
{
    for (unsigned i = 0; i < 2; i++) {
        struct side *side = &diff->sides[i];
        status_t status = divide(side);
        if (status)
            return status;
        for (long line = 0; diff->strips_cr && line < side->count; line++)
            if (side->lines[line].bytes &&
                side->lines[line].text[side->lines[line].bytes - 1] == '\r')
                side->lines[line].bytes--;
    }
    status_t status = number_lines(diff);
    for (unsigned i = 0; i < 2 && !status; i++) {
        const struct side *side = &diff->sides[i];
        diff->compared[i] = (struct diff_side){ side->numbers, side->count,
                                                mem_zalloc((size_t)side->count + 1) };
        status = diff->compared[i].changed ? 0 : -ENOMEM;
    }
    return status ? status : diff_compare(diff->compared);
}

static void release(struct diff *diff)
{
    for (unsigned i = 0; i < 2; i++) {
        buffer_free(&diff->sides[i].content);
        mem_free(diff->sides[i].lines);
        mem_free(diff->sides[i].numbers);
        mem_free(diff->compared[i].changed);
        diff->sides[i] = (struct side){ 0 };
        diff->compared[i] = (struct diff_side){ 0 };
    }
    mem_free(diff->heads);
    mem_free(diff->links);
    diff->heads = diff->links = NULL;
}

static int compare_contents(struct diff *diff)
{
    const struct buffer *one = &diff->sides[0].content, *two = &diff->sides[1].content;
    struct change change = { 0 };
    bool same = one->length == two->length &&
                (!one->length || !memcmp(one->text, two->text, one->length));
    if (same) {
        if (option_given(diff->shell, 's'))
            print_sentence(diff, "Files ", " are identical\n");
        return SHELL_DONE;
    }
    bool binary = is_binary(&diff->sides[0]) || is_binary(&diff->sides[1]);
    if (binary && !option_given(diff->shell, 'a')) {
        print_sentence(diff, diff->brief ? "Files " : "Binary files ", " differ\n");
        return SHELL_FAILED;
    }

    status_t status = compare_texts(diff);
    if (status)
        return shell_fail(diff->shell, NULL, status);
    bool differs = next_change(diff, &change);
    if (differs && diff->inside && !diff->brief)
        diff_print_title(diff->shell, (struct diff_name[]){ diff->sides[0].name,
                                                            diff->sides[1].name });
    if (!differs && option_given(diff->shell, 's'))
        print_sentence(diff, "Files ", " are identical\n");
    else if (differs && diff->brief)
        print_sentence(diff, "Files ", " differ\n");
    else if (diff->unified)
        print_unified(diff);
    else
        print_normal(diff);
    return differs ? SHELL_FAILED : SHELL_DONE;
}

/* Returns the time of the header: the present one for standard input, as old as time for a file
 * that is missing. */
static int64_t modified_time(const struct diff *diff, const struct diff_name *name)
{
    struct path *path;
    struct node_info info;
    int64_t time_s = name->missing ? 0 : time_wall_s();
    if (name->missing || text_equal(name->text, "-") ||
        path_walk(diff->shell->directory, name->text, 0, &path))
        return time_s;
    if (!path_info(path, INFO_TIMES, &info) && info.has_modified)
        time_s = info.modified_s;
    path_put(path);
    return time_s;
}

/* The first label is that of the first file. */
static const char *label_of(const struct shell *shell, unsigned side)
{
    const struct option_value *label = option_values(shell, 'L');
    for (; side && label; side--)
        label = label->next;
    return label ? label->text : NULL;
}

/* Compares two files for diff_operands(). */
static int compare_files(void *context, const struct diff_name names[2], bool inside)
{
    struct diff *diff = context;
    int result = SHELL_DONE;
    diff->inside = inside;
    for (unsigned i = 0; i < 2 && result != SHELL_INTERRUPTED; i++) {
        const char *read;
        struct side *side = &diff->sides[i];
        side->name = names[i];
        side->modified_s = modified_time(diff, &names[i]);
        status_t status = names[i].missing
                              ? 0 : input_one(diff->shell, names[i].text, &read, read_side, side);
        if (status)
            result = shell_fail(diff->shell, names[i].text, status);
    }
    if (!result)
        result = compare_contents(diff);
    release(diff);
    return result;
}

/* Compiles the pattern of -F, or that of -p: a line that begins with a name. Returns false after an
 * error message. */
static bool take_function(struct diff *diff)
{
    const char *why, *pattern = option_value(diff->shell, 'F');
    if (!pattern && option_given(diff->shell, 'p'))
        pattern = "^[[:alpha:]$_]";
    status_t status = pattern ? regex_create(pattern, 0, &diff->function, &why) : 0;
    if (status == -EINVAL)
        (void)shell_complain(diff->shell, "%s: %s", pattern, why);
    else if (status)
        (void)shell_fail(diff->shell, NULL, status);
    return !status;
}

static int run_diff(struct shell *shell, int count, char **words)
{
    struct diff *diff = mem_zalloc(sizeof(*diff));
    (void)count;
    if (!diff)
        return shell_fail(shell, NULL, -ENOMEM);
    *diff = (struct diff){
        .shell = shell,
        .unified = option_given(shell, 'u') || option_given(shell, 'U') ||
                   option_given(shell, 'p'),
        .brief = option_given(shell, 'q'),
        .strips_cr = option_given_name(shell, "strip-trailing-cr"),
        .ignore_case = option_given(shell, 'i'),
        .ignore_space = option_given(shell, 'w'),
        .ignore_amount = option_given(shell, 'b'),
        .ignore_blank = option_given(shell, 'B'),
        .context = 3,
    };
    int result = SHELL_TROUBLE;
    const struct diff_tree tree = {
        .shell = shell,
        .labels = { label_of(shell, 0), label_of(shell, 1) },
        .recurses = option_given(shell, 'r'),
        .adds_missing = option_given(shell, 'N'),
        .keeps_links = option_given_name(shell, "no-dereference"),
        .compare = compare_files,
        .context = diff,
    };
    if (option_number(shell, 'U', 0, UINT64_MAX, &diff->context) && take_function(diff))
        result = diff_operands(&tree, words[1], words[2]);
    regex_destroy(diff->function);
    mem_free(diff);
    return result;
}

static const struct shell_option diff_options[] = {
    { 'u', NULL, NULL, "show changes with three lines around them" },
    { 'U', "unified", "N", "show changes with N lines around them" },
    { 'p', "show-c-function", NULL, "as -u, and show the function that a change is in" },
    { 'F', "show-function-line", "REGEX", "show the last line before that matches" },
    { 'b', "ignore-space-change", NULL, "treat all runs of blanks as equal" },
    { 'w', "ignore-all-space", NULL, "ignore blanks" },
    { 'B', "ignore-blank-lines", NULL, "ignore changes of empty lines" },
    { 'i', "ignore-case", NULL, "ignore the case of letters" },
    { 'q', "brief", NULL, "report only whether the files differ" },
    { 's', "report-identical-files", NULL, "report files that are the same" },
    { 'a', "text", NULL, "treat all files as text" },
    { 'N', "new-file", NULL, "treat missing files of a directory as empty" },
    { 'r', "recursive", NULL, "compare directories in directories too" },
    { 0, "no-dereference", NULL, "compare links, not the files that they lead to" },
    { 0, "strip-trailing-cr", NULL, "ignore a CR at the end of lines" },
    { 'L', "label", "LABEL...", "use LABEL instead of a file's name and time" },
    { 0 },
};

static const struct shell_command command_diff = {
    .name = "diff",
    .arguments = "[-abBiNpqrsuw] [-U N] [-F REGEX] [-L LABEL] FILE FILE",
    .summary = "show how two files or directories differ",
    .arguments_min = 2,
    .arguments_max = 2,
    .run = run_diff,
    .options = diff_options,
    .trouble = SHELL_TROUBLE,
    .group = "Text",
};
SHELL_COMMAND(command_diff);
DRIVER_DRIVES("command diff Text: show how two files or directories differ");
