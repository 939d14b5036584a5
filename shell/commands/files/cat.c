/*
 * cat.c - copies files to standard output: cat.
 *
 * The pieces of a file are views of its cache, so cat itself copies no byte (reading/input.h).
 */
#include "lib/format.h"
#include "lib/string.h"
#include "shell/options.h"
#include "shell/reading/input.h"

/* Returns an error of the input. An error of `out` is reported by the code that opened `out`. */
static status_t cat_plain(struct input *input)
{
    const char *data;
    ssize_t got = 0;
    while (!input->shell->out->status && (got = input_piece(input, &data)) > 0)
        stream_write(input->shell->out, data, (size_t)got);
    return got < 0 ? (status_t)got : 0;
}

struct numbering {
    uint64_t lines;
    bool in_line; /* a file may end within a line, which the next file continues */
};

static status_t cat_numbered(struct input *input, struct numbering *numbering)
{
    struct stream *out = input->shell->out;
    const char *data;
    ssize_t got = 0;

    /* A piece may begin and end within a line, so the state is kept across pieces and files. */
    while (!out->status && (got = input_piece(input, &data)) > 0)
        for (size_t left = (size_t)got; left && !out->status;) {
            /* A line is numbered when its first byte is written. */
            if (!numbering->in_line)
                stream_format(out, "%6llu\t", (unsigned long long)++numbering->lines);

            /* Copy one line at a time, or the part of it that the piece contains. */
            const char *end = memchr(data, '\n', left);
            size_t bytes = end ? (size_t)(end - data) + 1 : left;
            stream_write(out, data, bytes);
            numbering->in_line = !end;
            data += bytes;
            left -= bytes;
        }
    return got < 0 ? (status_t)got : 0;
}

static status_t cat_input(struct input *input, void *numbering)
{
    return option_given(input->shell, 'n') ? cat_numbered(input, numbering) : cat_plain(input);
}

static int run_cat(struct shell *shell, int count, char **words)
{
    struct numbering numbering = { 0 };
    return input_each(shell, 1, count, words, cat_input, &numbering);
}

static const struct shell_option cat_options[] = {
    { 'n', "number", NULL, "number all lines" },
    { 0 },
};

static const struct shell_command command_cat = {
    .name = "cat",
    .arguments = "[-n] [FILE...]",
    .summary = "print files, or standard input (also as `-`)",
    .arguments_max = -1,
    .run = run_cat,
    .options = cat_options,
    .group = "Files",
};
SHELL_COMMAND(command_cat);
