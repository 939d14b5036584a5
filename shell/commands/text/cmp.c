/*
 * cmp.c - compares two files byte by byte: cmp.
 *
 * Status      0 if they are the same, 1 if they differ, 2 after an error (POSIX).
 */
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

static int cmp_differ(struct shell *shell, struct side sides[2], uint64_t at, uint64_t line)
{
    /* The message of POSIX, with "byte" instead of "char", as in GNU. */
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
    /* POSIX: the end of the shorter file is reported on standard error. */
    if (!option_given(shell, 's'))
        shell_complain(shell, "EOF on %s after byte %llu", side->input.name,
                       (unsigned long long)at);
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

static int cmp_sides(struct shell *shell, struct side sides[2])
{
    /* POSIX counts bytes and lines from 1. */
    uint64_t at = 0, lines = 1;
    for (;;) {
        /* Fill the sides that are used up. An error comes before a difference: the data is not
         * known. */
        int one = side_fill(&sides[0]), two = side_fill(&sides[1]);
        if (one < 0 || two < 0)
            return shell_fail(shell, sides[one >= 0].input.name, one < 0 ? one : two);
        if (!one && !two)
            return SHELL_DONE;

        /* One input is a prefix of the other. */
        if (!one || !two)
            return cmp_shorter(shell, &sides[one != 0], at);

        /* The pieces of the two inputs have different lengths: compare what both have. */
        size_t bytes = min(sides[0].bytes, sides[1].bytes);
        size_t same = cmp_piece(sides[0].data, sides[1].data, bytes, &lines);
        if (same < bytes)
            return cmp_differ(shell, sides, at + same + 1, lines);

        /* Both sides advance; the longer piece keeps its rest for the next round. */
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

    /* Without a second operand, the first file is compared with standard input. */
    for (int i = 0; i < 2 && !result; i++) {
        status_t status = input_open(shell, i + 1 < count ? words[i + 1] : "-", &sides[i].input);
        if (status && status != -EINTR && option_given(shell, 's'))
            result = SHELL_TROUBLE; /* POSIX: -s writes nothing, not even errors */
        else if (status)
            result = shell_fail(shell, words[i + 1], status);
    }

    /* A side that was not opened is all zeroes, which input_close() accepts. */
    if (!result)
        result = cmp_sides(shell, sides);
    input_close(&sides[0].input);
    input_close(&sides[1].input);
    mem_free(sides);
    return result;
}

static const struct shell_option cmp_options[] = {
    { 's', "quiet", NULL, "print nothing, only set the status" },
    { 0 },
};

static const struct shell_command command_cmp = {
    .name = "cmp",
    .arguments = "[-s] FILE [FILE]",
    .summary = "compare two files, or a file and standard input",
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run_cmp,
    .options = cmp_options,
    .trouble = SHELL_TROUBLE,
    .group = "Text",
};
SHELL_COMMAND(command_cmp);
