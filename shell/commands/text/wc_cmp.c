/*
 * wc_cmp.c - counts and comparisons of text: wc, cmp.
 */
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/word.h"
#include "shell/options.h"
#include "shell/reading/input.h"

/* ---- wc ----------------------------------------------------------------------------------- */

struct wc {
    uint64_t lines, words, bytes;
    int width; /* of a column */
};

/* Eight bytes at once: the top bit of each that is none of \t \n \v \f \r and space. What is added
 * carries into the top bits of the bytes from a bound on. */
static uint64_t not_blank(uint64_t word)
{
    uint64_t low = word & 0x7f * EACH_BYTE;
    uint64_t control = (low + (0x80 - '\t') * EACH_BYTE) & ~(low + (0x7f - '\r') * EACH_BYTE);
    uint64_t space = (low + (0x80 - ' ') * EACH_BYTE) & ~(low + (0x7f - ' ') * EACH_BYTE);
    return (~(control | space) | word) & 0x80 * EACH_BYTE;
}

/* Words are counted where they begin. The last bytes are filled up with blanks. */
static uint64_t count_words(const char *data, size_t bytes, bool *in_word)
{
    uint64_t count = 0, before = *in_word;
    for (size_t at = 0; at < bytes; at += 8) {
        size_t left = bytes - at;
        uint64_t word = ' ' * EACH_BYTE;
        if (left >= 8)
            __builtin_memcpy(&word, data + at, 8);
        else
            memcpy(&word, data + at, left);
        uint64_t inside = not_blank(word) >> 7;
        count += (inside & ~(inside << 8 | before)) * EACH_BYTE >> 56;
        before = inside >> 56;
        *in_word = inside >> (left < 8 ? left * 8 - 8 : 56) & 1;
    }
    return count;
}

static bool wc_wants(const struct shell *shell, char letter)
{
    bool all = !option_given(shell, 'l') && !option_given(shell, 'w') && !option_given(shell, 'c');
    return all || option_given(shell, letter);
}

/* As many columns as the sum of the files' sizes takes; what has no size of its own takes 7. */
static int wc_width(struct shell *shell, int count, char **words)
{
    uint64_t total = 0;
    int least = 1, width = 1;
    for (int i = 1; i < count; i++) {
        struct path *path;
        struct node_info info;
        if (text_equal(words[i], "-")) {
            least = 7;
        } else if (!path_walk(shell->directory, words[i], 0, &path)) {
            if (path_info(path, INFO_STANDARD, &info) || info.type != NODE_FILE)
                least = 7;
            else
                total += info.size_bytes;
            path_put(path);
        }
    }
    for (; total >= 10; total /= 10)
        width++;
    return width > least ? width : least;
}

static void wc_say(struct shell *shell, const struct wc *wc, const char *name)
{
    const struct { bool wanted; uint64_t value; } fields[] = {
        { wc_wants(shell, 'l'), wc->lines },
        { wc_wants(shell, 'w'), wc->words },
        { wc_wants(shell, 'c'), wc->bytes },
    };
    bool first = true;
    for (unsigned i = 0; i < 3; i++)
        if (fields[i].wanted) {
            stream_format(shell->out, "%s%*llu", first ? "" : " ", wc->width,
                          (unsigned long long)fields[i].value);
            first = false;
        }
    if (name) {
        stream_text(shell->out, " ");
        stream_escaped(shell->out, name, false);
    }
    stream_text(shell->out, "\n");
}

static status_t wc_input(struct input *input, void *context)
{
    struct wc *total = context, wc = { .width = total->width };
    bool lines = wc_wants(input->shell, 'l'), words = wc_wants(input->shell, 'w');
    bool in_word = false;
    const char *data;
    ssize_t got;
    while ((got = input_piece(input, &data)) > 0) {
        wc.lines += lines ? text_count(data, (size_t)got, '\n') : 0;
        wc.words += words ? count_words(data, (size_t)got, &in_word) : 0;
        wc.bytes += (uint64_t)got;
    }
    if (got < 0)
        return (status_t)got;
    wc_say(input->shell, &wc, input->file ? input->name : NULL);
    total->lines += wc.lines;
    total->words += wc.words;
    total->bytes += wc.bytes;
    return 0;
}

static int run_wc(struct shell *shell, int count, char **words)
{
    bool one_number = option_given(shell, 'l') + option_given(shell, 'w') +
                      option_given(shell, 'c') == 1;
    struct wc total = {
        .width = count > 2 || (count == 2 && !one_number) ? wc_width(shell, count, words)
                 : one_number                             ? 1
                                                          : 7,
    };
    int result = input_each(shell, 1, count, words, wc_input, &total);
    if (count > 2 && result != SHELL_INTERRUPTED)
        wc_say(shell, &total, "total");
    return result;
}

static const struct shell_option wc_options[] = {
    { 'l', "lines", NULL, "lines only" },
    { 'w', "words", NULL, "words only" },
    { 'c', "bytes", NULL, "bytes only" },
    { 0 },
};

static const struct shell_command command_wc = {
    .name = "wc",
    .arguments = "[-lwc] [FILE...]",
    .summary = "count lines, words and bytes",
    .arguments_max = -1,
    .run = run_wc,
    .options = wc_options,
    .group = "Text",
};
SHELL_COMMAND(command_wc);

/* ---- cmp ---------------------------------------------------------------------------------- */

struct side {
    struct input input;
    const char *data;
    size_t bytes;
};

/* Makes sure that there are bytes to look at: 1, 0 at the end, an errno. */
static int side_fill(struct side *side)
{
    if (side->bytes)
        return 1;
    ssize_t got = input_piece(&side->input, &side->data);
    side->bytes = got > 0 ? (size_t)got : 0;
    return got < 0 ? (int)got : got > 0;
}

static int cmp_differ(struct shell *shell, struct side sides[2], uint64_t at, uint64_t line)
{
    if (!option_given(shell, 's')) {
        stream_escaped(shell->out, sides[0].input.name, false);
        stream_text(shell->out, " ");
        stream_escaped(shell->out, sides[1].input.name, false);
        stream_format(shell->out, " differ: byte %llu, line %llu\n", (unsigned long long)at,
                      (unsigned long long)line);
    }
    return SHELL_FAILED;
}

static int cmp_shorter(struct shell *shell, const struct side *side, uint64_t at)
{
    if (!option_given(shell, 's'))
        shell_complain(shell, "%s ends after byte %llu", side->input.name, (unsigned long long)at);
    return SHELL_FAILED;
}

/* The first place within the next `bytes` where they differ; `bytes` for none. */
static size_t cmp_piece(const char *a, const char *b, size_t bytes, uint64_t *lines)
{
    size_t same = memcmp(a, b, bytes) == 0 ? bytes : 0;
    while (same < bytes && a[same] == b[same])
        same++;
    *lines += text_count(a, same, '\n');
    return same;
}

static int cmp_sides(struct shell *shell, struct side sides[2])
{
    uint64_t at = 0, lines = 1;
    for (;;) {
        int one = side_fill(&sides[0]), two = side_fill(&sides[1]);
        if (one < 0 || two < 0)
            return shell_fail(shell, sides[one >= 0].input.name, one < 0 ? one : two);
        if (!one && !two)
            return SHELL_DONE;
        if (!one || !two)
            return cmp_shorter(shell, &sides[one != 0], at);
        size_t bytes = sides[0].bytes < sides[1].bytes ? sides[0].bytes : sides[1].bytes;
        size_t same = cmp_piece(sides[0].data, sides[1].data, bytes, &lines);
        if (same < bytes)
            return cmp_differ(shell, sides, at + same + 1, lines);
        at += bytes;
        for (unsigned i = 0; i < 2; i++) {
            sides[i].data += bytes;
            sides[i].bytes -= bytes;
        }
    }
}

static int run_cmp(struct shell *shell, int count, char **words)
{
    struct side *sides = mem_zalloc(2 * sizeof(*sides));
    int result = SHELL_DONE;
    if (!sides)
        return shell_fail(shell, NULL, -ENOMEM);
    for (int i = 0; i < 2 && !result; i++) {
        status_t status = input_open(shell, i + 1 < count ? words[i + 1] : "-", &sides[i].input);
        if (status && status != -EINTR && option_given(shell, 's'))
            result = SHELL_TROUBLE; /* POSIX: -s writes nothing */
        else if (status)
            result = shell_fail(shell, words[i + 1], status);
    }
    if (!result)
        result = cmp_sides(shell, sides);
    input_close(&sides[0].input);
    input_close(&sides[1].input);
    mem_free(sides);
    return result;
}

static const struct shell_option cmp_options[] = {
    { 's', "quiet", NULL, "no output, only the status" },
    { 0 },
};

static const struct shell_command command_cmp = {
    .name = "cmp",
    .arguments = "[-s] FILE [FILE]",
    .summary = "are two files (or a file and standard input) the same?",
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run_cmp,
    .options = cmp_options,
    .trouble = SHELL_TROUBLE,
    .group = "Text",
};
SHELL_COMMAND(command_cmp);
