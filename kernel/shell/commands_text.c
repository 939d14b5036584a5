/*
 * commands_text.c - parts and counts of text: head, tail, wc, cmp.
 */
#include "kernel/shell/input.h"
#include "kernel/shell/options.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/word.h"

/* -n LINES or -c BYTES of head and tail; "+N" for tail: from there on. */
struct part {
    uint64_t amount;
    bool bytes, from_start, titles;
    bool printed;
};

static bool part_parse(struct shell *shell, struct part *part, int count, bool plus_allowed)
{
    const char *bytes = option_value(shell, 'c'), *lines = option_value(shell, 'n');
    const char *text = bytes ? bytes : lines;
    *part = (struct part){ .amount = 10, .bytes = bytes != NULL };
    part->titles = (count > 2 && !option_given(shell, 'q')) || option_given(shell, 'v');
    if (!text)
        return true;
    part->from_start = plus_allowed && *text == '+';
    if (!text_parse_u64(text + (part->from_start || *text == '-'), &part->amount))
        return true;
    shell_complain(shell, "'%s' is no number of %s", text, bytes ? "bytes" : "lines");
    return false;
}

static void part_title(const struct input *input, struct part *part)
{
    struct stream *out = input->shell->out;
    if (!part->titles)
        return;
    stream_text(out, part->printed ? "\n==> " : "==> ");
    stream_escaped(out, input->name, false);
    stream_text(out, " <==\n");
    part->printed = true;
}

/* How many of the bytes hold the first *lines lines, which are counted down. */
static size_t skip_lines(const char *data, size_t bytes, uint64_t *lines)
{
    size_t at = 0;
    while (*lines && at < bytes) {
        const char *end = memchr(data + at, '\n', bytes - at);
        if (!end)
            return bytes;
        at = (size_t)(end - data) + 1;
        --*lines;
    }
    return at;
}

/* The same in what is asked for; *left is counted down. */
static size_t skip(const struct part *part, const char *data, size_t bytes, uint64_t *left)
{
    if (!part->bytes)
        return skip_lines(data, bytes, left);
    size_t count = *left < bytes ? (size_t)*left : bytes;
    *left -= count;
    return count;
}

/* ---- head --------------------------------------------------------------------------------- */

static status_t head_input(struct input *input, void *context)
{
    struct part *part = context;
    struct stream *out = input->shell->out;
    uint64_t left = part->amount;
    const char *data;
    ssize_t got = 0;
    part_title(input, part);
    while (left && !out->status && (got = input_piece(input, &data)) > 0)
        stream_write(out, data, skip(part, data, (size_t)got, &left));
    return got < 0 ? (status_t)got : 0;
}

static int run_head(struct shell *shell, int count, char **words)
{
    struct part part;
    if (!part_parse(shell, &part, count, false))
        return SHELL_USAGE;
    return input_each(shell, 1, count, words, head_input, &part);
}

static const struct shell_option head_options[] = {
    { 'n', "lines", "N", "the first N lines instead of 10" },
    { 'c', "bytes", "N", "the first N bytes" },
    { 'q', "quiet", NULL, "no names above the parts" },
    { 'v', "verbose", NULL, "names above the parts, also of one" },
    { 0 },
};

static const struct shell_command command_head = {
    .name = "head",
    .arguments = "[-n LINES] [-c BYTES] [FILE...]",
    .summary = "the beginning of files",
    .arguments_max = -1,
    .run = run_head,
    .options = head_options,
    .group = "Text",
};
SHELL_COMMAND(command_head);

/* ---- tail --------------------------------------------------------------------------------- */

static status_t tail_from_start(struct input *input, const struct part *part)
{
    struct stream *out = input->shell->out;
    uint64_t left = part->amount ? part->amount - 1 : 0;
    const char *data;
    ssize_t got = 0;
    while (!out->status && (got = input_piece(input, &data)) > 0) {
        size_t skipped = skip(part, data, (size_t)got, &left);
        stream_write(out, data + skipped, (size_t)got - skipped);
    }
    return got < 0 ? (status_t)got : 0;
}

/* Goes back over *lines lines, which are counted down: where the first of them begins, or 0 when
 * there are not so many. At the very end a line end belongs to the last line. */
static size_t lines_back(const char *data, size_t bytes, bool at_end, uint64_t *lines)
{
    size_t at = bytes;
    if (at_end && at && data[at - 1] == '\n')
        at--;
    while (at && !(data[at - 1] == '\n' && !--*lines))
        at--;
    return at;
}

/* Where the last lines of a file begin, looked for from its end. */
static status_t tail_find(struct file *file, uint64_t lines, uint64_t *offset)
{
    enum { BLOCK = 4096 };
    uint64_t end = file_size(file), at = end;
    status_t status = 0;
    char *block = mem_alloc(BLOCK);
    if (!block)
        return -ENOMEM;
    *offset = 0;
    while (at && lines && !status) {
        size_t bytes = at % BLOCK ? (size_t)(at % BLOCK) : BLOCK;
        ssize_t got = file_read_at(file, at - bytes, block, bytes);
        if (shell_interrupted())
            status = -EINTR;
        else if (got != (ssize_t)bytes)
            status = got < 0 ? (status_t)got : -EIO;
        else
            *offset = at - bytes + lines_back(block, bytes, at == end, &lines);
        at -= bytes;
    }
    mem_free(block);
    return status;
}

static status_t tail_file(struct input *input, const struct part *part)
{
    struct stream *out = input->shell->out;
    uint64_t size = file_size(input->file), offset = size;
    status_t status = 0;
    if (part->bytes)
        offset = size > part->amount ? size - part->amount : 0;
    else if (part->amount)
        status = tail_find(input->file, part->amount, &offset);
    const char *data;
    ssize_t got = 0;
    file_seek(input->file, offset);
    while (!status && !out->status && (got = input_piece(input, &data)) > 0)
        stream_write(out, data, (size_t)got);
    return status ? status : got < 0 ? (status_t)got : 0;
}

/* Standard input: all that may be its end is kept, up to twice as much as the last round needed. */
struct kept {
    char *data;
    size_t used, room;
};

/* The bytes of data that do not belong to the end that is asked for. */
static size_t tail_surplus(const struct part *part, const char *data, size_t bytes)
{
    uint64_t left = part->amount;
    if (!left)
        return bytes;
    if (part->bytes)
        return bytes > left ? bytes - (size_t)left : 0;
    return lines_back(data, bytes, true, &left);
}

static status_t kept_add(struct kept *kept, const struct part *part, const char *data,
                         size_t bytes)
{
    if (kept->used + bytes > kept->room) {
        size_t surplus = tail_surplus(part, kept->data, kept->used);
        size_t room = 2 * (kept->used - surplus + bytes) + 4096;
        char *fresh = mem_alloc(room);
        if (!fresh)
            return -ENOMEM;
        if (kept->used > surplus)
            memcpy(fresh, kept->data + surplus, kept->used - surplus);
        mem_free(kept->data);
        *kept = (struct kept){ .data = fresh, .used = kept->used - surplus, .room = room };
    }
    memcpy(kept->data + kept->used, data, bytes);
    kept->used += bytes;
    return 0;
}

static status_t tail_stream(struct input *input, const struct part *part)
{
    struct kept kept = { 0 };
    const char *data;
    ssize_t got = 0;
    status_t status = 0;
    while (!status && (got = input_piece(input, &data)) > 0)
        status = kept_add(&kept, part, data, (size_t)got);
    if (!status && !got) {
        size_t surplus = tail_surplus(part, kept.data, kept.used);
        stream_write(input->shell->out, kept.data + surplus, kept.used - surplus);
    }
    mem_free(kept.data);
    return status ? status : (status_t)got;
}

static status_t tail_input(struct input *input, void *context)
{
    struct part *part = context;
    part_title(input, part);
    if (part->from_start)
        return tail_from_start(input, part);
    return input->file ? tail_file(input, part) : tail_stream(input, part);
}

static int run_tail(struct shell *shell, int count, char **words)
{
    struct part part;
    if (!part_parse(shell, &part, count, true))
        return SHELL_USAGE;
    return input_each(shell, 1, count, words, tail_input, &part);
}

static const struct shell_option tail_options[] = {
    { 'n', "lines", "N", "the last N lines instead of 10; +N: from line N on" },
    { 'c', "bytes", "N", "the last N bytes; +N: from byte N on" },
    { 'q', "quiet", NULL, "no names above the parts" },
    { 'v', "verbose", NULL, "names above the parts, also of one" },
    { 0 },
};

static const struct shell_command command_tail = {
    .name = "tail",
    .arguments = "[-n [+]LINES] [-c [+]BYTES] [FILE...]",
    .summary = "the end of files",
    .arguments_max = -1,
    .run = run_tail,
    .options = tail_options,
    .group = "Text",
};
SHELL_COMMAND(command_tail);

/* ---- wc ----------------------------------------------------------------------------------- */

struct wc {
    uint64_t lines, words, bytes;
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

static void wc_say(struct shell *shell, const struct wc *wc, const char *name)
{
    const struct { bool wanted; uint64_t value; } fields[] = {
        { wc_wants(shell, 'l'), wc->lines },
        { wc_wants(shell, 'w'), wc->words },
        { wc_wants(shell, 'c'), wc->bytes },
    };
    int width = fields[0].wanted + fields[1].wanted + fields[2].wanted == 1 ? 1 : 7;
    bool first = true;
    for (unsigned i = 0; i < 3; i++)
        if (fields[i].wanted) {
            stream_format(shell->out, "%s%*llu", first ? "" : " ", width,
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
    struct wc *total = context, wc = { 0 };
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
    struct wc total = { 0 };
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
    if (option_given(shell, 's'))
        return SHELL_FAILED;
    return shell_complain(shell, "%s ends after byte %llu", side->input.name,
                          (unsigned long long)at);
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
        if (status)
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
    { 's', "quiet", NULL, "say nothing: the status tells" },
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
    .group = "Text",
};
SHELL_COMMAND(command_cmp);
