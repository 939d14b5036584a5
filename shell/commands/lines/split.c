/*
 * split.c - divides a file into smaller ones: split.
 *
 * Names       PREFIX (x) and a suffix of letters or digits: xaa, xab, ... If the suffixes are
 *             exhausted, the rest is not written, which is an error (POSIX).
 * Memory      The input is copied as it is read, whatever the length of its lines; -C needs memory
 *             for a line.
 */
#include "kernel/module/info.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/output_file.h"
#include "shell/options.h"
#include "shell/reading/input.h"
#include "shell/words.h"

enum { SUFFIX_MAX = 16 };

struct split {
    struct shell *shell;
    const char *prefix, *end_text; /* --additional-suffix */
    uint64_t suffix_length, number; /* of the next file */
    bool digits;
    uint64_t limit, used;  /* lines or bytes of a file */
    char unit;             /* 'l' lines, 'b' bytes, 'C' bytes in whole lines */
    struct buffer name;
    struct output_file *output; /* NULL: none is open */
    bool exhausted;
};

static status_t make_name(struct split *split)
{
    char suffix[SUFFIX_MAX + 1];
    unsigned base = split->digits ? 10 : 26;
    uint64_t number = split->number++;

    suffix[split->suffix_length] = '\0';
    for (size_t i = (size_t)split->suffix_length; i-- > 0; number /= base)
        suffix[i] = (char)((split->digits ? '0' : 'a') + number % base);
    if (number) {
        split->exhausted = true;
        return -ENOSPC;
    }
    buffer_clear(&split->name);
    buffer_put(&split->name, split->prefix, strlen(split->prefix));
    buffer_put(&split->name, suffix, strlen(suffix));
    buffer_put(&split->name, split->end_text, strlen(split->end_text));
    return split->name.status;
}

static status_t close_output(struct split *split)
{
    enum output_file_end end;
    status_t status = output_file_close(split->output, false, &end);
    split->output = NULL;
    split->used = 0;
    return status;
}

/* Writes to the file that is open, or to the next one. */
static status_t put(struct split *split, const char *data, size_t bytes)
{
    status_t status = 0;
    if (!split->output) {
        status = make_name(split);
        if (!status)
            status = output_file_open(split->shell, NULL, split->name.text, false,
                                      &split->output);
        if (!status && option_given_name(split->shell, "verbose"))
            stream_format(split->shell->out, "creating file '%s'\n", split->name.text);
    }
    if (status)
        return status;
    struct stream *out = output_file_stream(split->output);
    stream_write(out, data, bytes);
    return out->status;
}

static status_t split_bytes(struct split *split, const char *data, size_t bytes)
{
    status_t status = 0;
    while (bytes && !status) {
        size_t part = (size_t)min((uint64_t)bytes, split->limit - split->used);
        status = put(split, data, part);
        split->used += part;
        data += part;
        bytes -= part;
        if (!status && split->used == split->limit)
            status = close_output(split);
    }
    return status;
}

static status_t split_lines(struct split *split, const char *data, size_t bytes)
{
    const char *end = data + bytes;
    status_t status = 0;
    while (data < end && !status) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const char *next = newline ? newline + 1 : end;
        status = put(split, data, (size_t)(next - data));
        split->used += newline != NULL;
        data = next;
        if (!status && split->used == split->limit)
            status = close_output(split);
    }
    return status;
}

/* -C: a line that does not fit begins a file; only one that is too long is divided. */
static status_t split_line_bytes(struct input *input, struct split *split)
{
    char *line;
    size_t bytes;
    status_t status = 0;
    int got = 0;
    while (!status && (got = input_line(input, &line, &bytes)) > 0) {
        uint64_t whole = bytes + input->line_ended;
        if (split->used && whole > split->limit - split->used)
            status = close_output(split);
        if (!status)
            status = split_bytes(split, line, bytes);
        if (!status && input->line_ended)
            status = split_bytes(split, "\n", 1);
    }
    return status ? status : got;
}

static status_t split_input(struct input *input, void *context)
{
    struct split *split = context;
    const char *data;
    status_t status = 0;
    ssize_t got = 0;

    if (split->unit == 'C') {
        status = split_line_bytes(input, split);
    } else {
        while (!status && (got = input_piece(input, &data)) > 0)
            status = split->unit == 'l' ? split_lines(split, data, (size_t)got)
                                        : split_bytes(split, data, (size_t)got);
        if (!status && got < 0)
            status = (status_t)got;
    }
    if (split->output && status)
        output_file_abandon(split->output);
    else if (split->output)
        status = close_output(split);
    return status;
}

static int run_split(struct shell *shell, int count, char **words)
{
    unsigned units = option_given(shell, 'l') + option_given(shell, 'b') + option_given(shell, 'C');
    const char *end_text = option_value_name(shell, "additional-suffix");
    struct split split = {
        .shell = shell,
        .prefix = count > 2 ? words[2] : "x",
        .end_text = end_text ? end_text : "",
        .suffix_length = 2,
        .digits = option_given(shell, 'd'),
        .limit = 1000,
        .unit = option_given(shell, 'b') ? 'b' : option_given(shell, 'C') ? 'C' : 'l',
    };
    if (units > 1)
        return shell_complain(shell, "cannot split in more than one way");
    if (!option_number(shell, split.unit, 1, UINT64_MAX, &split.limit) ||
        !option_number(shell, 'a', 1, SUFFIX_MAX, &split.suffix_length))
        return SHELL_FAILED;

    const char *name = count > 1 ? words[1] : "-";
    status_t status = input_one(shell, name, &name, split_input, &split);
    int result = SHELL_DONE;
    if (split.exhausted)
        result = shell_complain(shell, "output file suffixes exhausted");
    else if (status)
        result = shell_fail(shell, split.name.length && split.output ? split.name.text : name,
                            status);
    buffer_free(&split.name);
    return result;
}

static const struct shell_option split_options[] = {
    { 'a', "suffix-length", "N", "use suffixes of N letters instead of 2" },
    { 'b', "bytes", "SIZE", "put SIZE bytes into each file" },
    { 'C', "line-bytes", "SIZE", "put at most SIZE bytes of whole lines into each file" },
    { 'd', NULL, NULL, "use digits instead of letters" },
    { 'l', "lines", "N", "put N lines into each file instead of 1000" },
    { 0, "additional-suffix", "TEXT", "end all names with TEXT" },
    { 0, "verbose", NULL, "report each file" },
    { 0 },
};

static const struct shell_command command_split = {
    .name = "split",
    .arguments = "[-d] [-a N] [-l N | -b SIZE | -C SIZE] [FILE [PREFIX]]",
    .summary = "divide a file into smaller ones",
    .arguments_max = 2,
    .run = run_split,
    .options = split_options,
    .group = "Files",
};
SHELL_COMMAND(command_split);
DRIVER_DRIVES("command split Files: divide a file into smaller ones");
