/*
 * cmp.c - compares two files byte by byte: cmp.
 *
 * Status      0 if they are the same, 1 if they differ, 2 after an error (POSIX).
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/input.h"

/* One of the two inputs. */
struct side {
    struct input input;
    const char *data; /* read and not compared yet */
    size_t bytes;
};

/* Reads a piece unless there are bytes left. Returns 1, 0 at the end of the input, or an errno. */
static int side_fill(struct side *side)
{
    if (side->bytes)
        return 1;
    ssize_t got = input_piece(&side->input, &side->data);
    side->bytes = got > 0 ? (size_t)got : 0;
    return got < 0 ? (int)got : got > 0;
}

struct cmp {
    struct shell *shell;
    struct side *sides;
    bool silent, lists, shows_bytes;
    uint64_t limit;
    int width;          /* of an offset in -l */
    char last;          /* the last equal byte */
    bool differs;
};

/* -b: a byte as cat -v shows it, in a column of four. */
static void put_byte(struct cmp *cmp, uint8_t byte, const char *end)
{
    char text[8];
    size_t used = 0;
    if (byte >= 0x80) {
        used = text_copy(text, sizeof(text), "M-");
        byte -= 0x80;
    }
    if (byte < ' ' || byte == 0x7f) {
        text[used++] = '^';
        byte ^= 0x40;
    }
    text[used++] = (char)byte;
    text[used] = '\0';
    stream_format(cmp->shell->out, *end ? "%-4s%s" : "%s%s", text, end);
}

static int cmp_differ(struct cmp *cmp, uint64_t at, uint64_t line)
{
    struct stream *out = cmp->shell->out;
    struct side *sides = cmp->sides;
    uint8_t one = (uint8_t)*sides[0].data, two = (uint8_t)*sides[1].data;
    if (cmp->silent)
        return SHELL_FAILED;

    /* The message of POSIX, with "byte" instead of "char", as in GNU. */
    stream_escaped(out, sides[0].input.name, false);
    stream_text(out, " ");
    stream_escaped(out, sides[1].input.name, false);
    stream_format(out, " differ: byte %llu, line %llu", (unsigned long long)at,
                  (unsigned long long)line);
    if (cmp->shows_bytes) {
        stream_format(out, " is %3o ", one);
        put_byte(cmp, one, "");
        stream_format(out, " %3o ", two);
        put_byte(cmp, two, "");
    }
    stream_text(out, "\n");
    return SHELL_FAILED;
}

/* -l: prints all differences in these bytes. */
static void cmp_list(struct cmp *cmp, size_t bytes, uint64_t at)
{
    const uint8_t *one = (const uint8_t *)cmp->sides[0].data;
    const uint8_t *two = (const uint8_t *)cmp->sides[1].data;
    for (size_t i = 0; i < bytes && !cmp->shell->out->status; i++) {
        if (one[i] == two[i])
            continue;
        cmp->differs = true;
        stream_format(cmp->shell->out, "%*llu %3o ", cmp->width, (unsigned long long)(at + i + 1),
                      one[i]);
        if (cmp->shows_bytes)
            put_byte(cmp, one[i], " ");
        stream_format(cmp->shell->out, "%3o", two[i]);
        if (cmp->shows_bytes) {
            stream_text(cmp->shell->out, " ");
            put_byte(cmp, two[i], "");
        }
        stream_text(cmp->shell->out, "\n");
    }
}

static int cmp_shorter(struct cmp *cmp, const struct side *side, uint64_t at, uint64_t line)
{
    const char *name = side->input.name;
    bool ended = cmp->last == '\n';
    if (cmp->silent)
        return SHELL_FAILED;

    /* POSIX: the end of the shorter file is reported on standard error. */
    if (!at)
        shell_complain(cmp->shell, "EOF on %s which is empty", name);
    else if (cmp->lists)
        shell_complain(cmp->shell, "EOF on %s after byte %llu", name, (unsigned long long)at);
    else
        shell_complain(cmp->shell, "EOF on %s after byte %llu, %sline %llu", name,
                       (unsigned long long)at, ended ? "" : "in ",
                       (unsigned long long)(line - ended));
    return SHELL_FAILED;
}

/* Returns the offset of the first difference in these bytes, or `bytes` if there is none. */
static size_t cmp_piece(const char *a, const char *b, size_t bytes, uint64_t *lines)
{
    /* Most pieces are equal, and memcmp() finds that faster than the loop. */
    size_t same = memcmp(a, b, bytes) == 0 ? bytes : 0;
    while (same < bytes && a[same] == b[same])
        same++;
    *lines += text_count(a, same, '\n');
    return same;
}

static int cmp_sides(struct cmp *cmp)
{
    /* POSIX counts bytes and lines from 1. */
    struct side *sides = cmp->sides;
    uint64_t at = 0, lines = 1;
    while (at < cmp->limit) {
        /* Fill the sides that are used up. An error comes before a difference: the data is not
         * known. */
        int one = side_fill(&sides[0]), two = side_fill(&sides[1]);
        if (one < 0 || two < 0)
            return shell_fail(cmp->shell, sides[one >= 0].input.name, one < 0 ? one : two);

        /* One input is a prefix of the other. */
        if (one != two)
            return cmp_shorter(cmp, &sides[one != 0], at, lines);
        if (!one)
            break;

        /* The pieces of the two inputs have different lengths: compare what both have. */
        size_t bytes = min(sides[0].bytes, sides[1].bytes);
        bytes = (size_t)min((uint64_t)bytes, cmp->limit - at);
        size_t same = cmp->lists ? bytes : cmp_piece(sides[0].data, sides[1].data, bytes, &lines);
        if (cmp->lists)
            cmp_list(cmp, bytes, at);
        cmp->last = same ? sides[0].data[same - 1] : cmp->last;
        for (unsigned i = 0; i < 2; i++) {
            sides[i].data += same;
            sides[i].bytes -= same;
        }
        at += same;
        if (same < bytes)
            return cmp_differ(cmp, at + 1, lines);
    }
    return cmp->differs ? SHELL_FAILED : SHELL_DONE;
}

/* Skips bytes at the start of an input; it may have fewer. */
static int skip(struct cmp *cmp, struct side *side, uint64_t bytes)
{
    int got = 1;
    while (bytes && (got = side_fill(side)) > 0) {
        size_t part = (size_t)min(bytes, (uint64_t)side->bytes);
        side->data += part;
        side->bytes -= part;
        bytes -= part;
    }
    return got < 0 ? shell_fail(cmp->shell, side->input.name, got) : SHELL_DONE;
}

/* Parses -i N or -i N:N, and the operands after the files. */
static bool take_skips(struct shell *shell, int count, char **words, uint64_t skips[2])
{
    const char *text = option_value(shell, 'i'), *colon = text ? strchr(text, ':') : NULL;
    char first[32];
    if (colon && (size_t)(colon - text) < sizeof(first)) {
        text_copy(first, (size_t)(colon - text) + 1, text);
        if (!shell_number(shell, "-i", first, 0, UINT64_MAX, &skips[0]) ||
            !shell_number(shell, "-i", colon + 1, 0, UINT64_MAX, &skips[1]))
            return false;
    } else if (text) {
        if (!shell_number(shell, "-i", text, 0, UINT64_MAX, &skips[0]))
            return false;
        skips[1] = skips[0];
    }
    for (int i = 0; i < 2 && i + 3 < count; i++)
        if (!shell_number(shell, "SKIP", words[i + 3], 0, UINT64_MAX, &skips[i]))
            return false;
    return true;
}

/* The columns of -l are as wide as the shorter file's size needs. */
static int offset_width(const struct cmp *cmp)
{
    uint64_t largest = cmp->limit;
    for (unsigned i = 0; i < 2; i++)
        if (cmp->sides[i].input.file)
            largest = min(largest, file_size(cmp->sides[i].input.file));
    int width = 1;
    for (; largest >= 10; largest /= 10)
        width++;
    return min(width, 19);
}

static int cmp_words(struct cmp *cmp, int count, char **words)
{
    struct shell *shell = cmp->shell;
    uint64_t skips[2] = { 0, 0 };
    int result = SHELL_DONE;
    cmp->silent = option_given(shell, 's') || option_given_name(shell, "silent");
    cmp->lists = option_given(shell, 'l');
    cmp->shows_bytes = option_given(shell, 'b');
    cmp->limit = UINT64_MAX;
    if (cmp->silent && cmp->lists)
        return shell_complain(shell, "options -l and -s are incompatible");
    if (!option_number(shell, 'n', 0, UINT64_MAX, &cmp->limit) ||
        !take_skips(shell, count, words, skips))
        return SHELL_TROUBLE;

    /* Without a second operand, the first file is compared with standard input. */
    for (int i = 0; i < 2 && !result; i++) {
        const char *name = i + 1 < count ? words[i + 1] : "-";
        status_t status = input_open(shell, name, &cmp->sides[i].input);
        cmp->sides[i].input.name = name;
        if (status && status != -EINTR && cmp->silent)
            result = SHELL_TROUBLE; /* POSIX: -s writes nothing, not even errors */
        else if (status)
            result = shell_fail(shell, name, status);
    }
    cmp->width = offset_width(cmp);
    for (int i = 0; i < 2 && !result; i++)
        result = skip(cmp, &cmp->sides[i], skips[i]);
    return result ? result : cmp_sides(cmp);
}

static int run_cmp(struct shell *shell, int count, char **words)
{
    struct cmp cmp = { .shell = shell, .sides = mem_zalloc(2 * sizeof(*cmp.sides)) };
    if (!cmp.sides)
        return shell_fail(shell, NULL, -ENOMEM);

    /* A side that was not opened is all zeroes, which input_close() accepts. */
    int result = cmp_words(&cmp, count, words);
    input_close(&cmp.sides[0].input);
    input_close(&cmp.sides[1].input);
    mem_free(cmp.sides);
    return result;
}

static const struct shell_option cmp_options[] = {
    { 'b', "print-bytes", NULL, "print the bytes that differ" },
    { 'i', "ignore-initial", "N[:N]", "skip N bytes of both files, or of each" },
    { 'l', "verbose", NULL, "print the offsets and values of all bytes that differ" },
    { 'n', "bytes", "N", "compare at most N bytes" },
    { 's', "quiet", NULL, "print nothing, only set the status" },
    { 0, "silent", NULL, "same as -s" },
    { 0 },
};

static const struct shell_command command_cmp = {
    .name = "cmp",
    .arguments = "[-bls] [-i N[:N]] [-n N] FILE [FILE [SKIP [SKIP]]]",
    .summary = "compare two files, or a file and standard input",
    .arguments_min = 1,
    .arguments_max = 4,
    .run = run_cmp,
    .options = cmp_options,
    .trouble = SHELL_TROUBLE,
    .group = "Text",
};
SHELL_COMMAND(command_cmp);
DRIVER_DRIVES("command cmp Text: compare two files, or a file and standard input");
