/*
 * cat.c - copies files to standard output: cat.
 *
 * Without options the pieces of a file are views of its cache, so cat itself copies no byte
 * (reading/input.h). The options work on one stream of bytes, which is all files in a row: a line
 * may begin in one file and end in the next.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/options.h"
#include "shell/reading/input.h"

struct cat {
    struct stream *out;
    bool numbered, full_only; /* -n; -b: only lines that are not empty */
    bool squeezed, ends, tabs, shown; /* -s, -E, -T, -v */
    uint64_t lines;
    unsigned newlines; /* in a row, up to 2, at the start of a line; a file begins after none */
    bool in_line;      /* something of the line was written */
    bool held_return;  /* -E: a CR that may precede a newline was not written yet */
};

/* Returns an error of the input. An error of `out` is reported by the code that opened `out`. */
static status_t cat_plain(struct input *input)
{
    const char *data;
    ssize_t got = 0;
    while (!input->shell->out->status && (got = input_piece(input, &data)) > 0)
        stream_write(input->shell->out, data, (size_t)got);
    return got < 0 ? (status_t)got : 0;
}

static void cat_number(struct cat *cat)
{
    stream_format(cat->out, "%6llu\t", (unsigned long long)++cat->lines);
}

/* Writes one byte as -v and -T show it: ^I, ^A, M-a, M-^A. */
static void cat_byte(const struct cat *cat, uint8_t byte)
{
    char text[4];
    size_t used = 0;
    bool shown = cat->shown && (byte != '\t' || cat->tabs);

    if (shown && byte >= 0x80) {
        text[used++] = 'M';
        text[used++] = '-';
        byte -= 0x80;
    }
    if ((shown || (cat->tabs && byte == '\t')) && (byte < ' ' || byte == 0x7f)) {
        text[used++] = '^';
        byte ^= 0x40; /* 0x7f becomes `?` */
    }
    text[used++] = (char)byte;
    stream_write(cat->out, text, used);
}

/* Writes a part of a line, without its newline. */
static void cat_text(struct cat *cat, const char *data, size_t bytes)
{
    if (!cat->in_line && cat->numbered)
        cat_number(cat);
    cat->in_line = true;
    cat->newlines = 0;

    /* A CR before something else than a newline is a character like others. */
    if (cat->held_return)
        stream_text(cat->out, "\r");
    cat->held_return = cat->ends && !cat->shown && data[bytes - 1] == '\r';
    bytes -= cat->held_return;

    if (!cat->shown && !cat->tabs) {
        stream_write(cat->out, data, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i++)
        cat_byte(cat, (uint8_t)data[i]);
}

static void cat_newline(struct cat *cat)
{
    if (!cat->in_line) {
        /* An empty line: the second one in a row is squeezed. */
        cat->newlines = min(cat->newlines + 1, 2u);
        if (cat->squeezed && cat->newlines == 2)
            return;
        if (cat->numbered && !cat->full_only)
            cat_number(cat);
    }

    /* With -E, CR LF is shown as ^M$ (GNU). */
    if (cat->held_return)
        stream_text(cat->out, "^M");
    if (cat->ends)
        stream_text(cat->out, "$");
    stream_text(cat->out, "\n");
    cat->held_return = cat->in_line = false;
}

static status_t cat_lines(struct input *input, struct cat *cat)
{
    const char *data;
    ssize_t got = 0;

    /* A piece may begin and end within a line, so the state is kept across pieces and files. */
    while (!cat->out->status && (got = input_piece(input, &data)) > 0)
        for (size_t left = (size_t)got; left && !cat->out->status;) {
            const char *end = memchr(data, '\n', left);
            size_t bytes = end ? (size_t)(end - data) : left;
            if (bytes)
                cat_text(cat, data, bytes);
            if (end)
                cat_newline(cat);
            bytes += end != NULL;
            data += bytes;
            left -= bytes;
        }
    return got < 0 ? (status_t)got : 0;
}

static status_t cat_input(struct input *input, void *context)
{
    struct cat *cat = context;
    bool plain = !cat->numbered && !cat->squeezed && !cat->ends && !cat->tabs && !cat->shown;
    return plain ? cat_plain(input) : cat_lines(input, cat);
}

static int run_cat(struct shell *shell, int count, char **words)
{
    bool all = option_given(shell, 'A'), full_only = option_given(shell, 'b');
    bool e = option_given(shell, 'e'), t = option_given(shell, 't');
    struct cat cat = {
        .out = shell->out,
        .numbered = full_only || option_given(shell, 'n'),
        .full_only = full_only,
        .squeezed = option_given(shell, 's'),
        .ends = all || e || option_given(shell, 'E'),
        .tabs = all || t || option_given(shell, 'T'),
        .shown = all || e || t || option_given(shell, 'v'),
    };
    int result = input_each(shell, 1, count, words, cat_input, &cat);
    if (cat.held_return)
        stream_text(shell->out, "\r");
    return result;
}

static const struct shell_option cat_options[] = {
    { 'A', "show-all", NULL, "same as -vET" },
    { 'b', "number-nonblank", NULL, "number lines that are not empty" },
    { 'e', NULL, NULL, "same as -vE" },
    { 'E', "show-ends", NULL, "print $ at the end of each line" },
    { 'n', "number", NULL, "number all lines" },
    { 's', "squeeze-blank", NULL, "print only one of several empty lines in a row" },
    { 't', NULL, NULL, "same as -vT" },
    { 'T', "show-tabs", NULL, "print tabs as ^I" },
    { 'u', NULL, NULL, "no effect (POSIX)" },
    { 'v', "show-nonprinting", NULL, "print control characters as ^X, others as M-x" },
    { 0 },
};

static const struct shell_command command_cat = {
    .name = "cat",
    .arguments = "[-AbeEnstTuv] [FILE...]",
    .summary = "print files, or standard input (also as `-`)",
    .arguments_max = -1,
    .run = run_cat,
    .options = cat_options,
    .group = "Files",
};
SHELL_COMMAND(command_cat);
