/*
 * head_tail.c - prints the beginning or the end of files: head, tail.
 *
 * Files       of a known size are read only where the part is: the last lines are searched for
 *             backwards from the end.
 * Streams     and devices without a size are read once; what may turn out to be their end is kept
 *             in memory (tail_buffer.h).
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/tail_buffer.h"
#include "shell/reading/input.h"

/* -n LINES or -c BYTES */
struct part {
    uint64_t amount;
    bool bytes, titles;
    bool other_end; /* head -n -N: all but the last N; tail -n +N: from the Nth on */
    bool printed;   /* so the next title needs an empty line before it */
    char line_end;  /* LF, or NUL with -z */
};

static bool part_parse(struct shell *shell, struct part *part, int count, char other_end)
{
    char last = option_last(shell, "nc"), title = option_last(shell, "qv");

    /* Ten lines by default, and titles for more than one file (POSIX). */
    *part = (struct part){ .amount = 10, .bytes = last == 'c' };
    part->line_end = option_given(shell, 'z') ? '\0' : '\n';
    part->titles = title ? title == 'v' : count > 2;

    /* The last of -n and -c counts. The other one must be a valid number as well. */
    for (const char *letter = "nc"; *letter; letter++) {
        const char *text = option_value(shell, *letter);
        char sign = 0;
        uint64_t amount = 0;
        status_t status = text ? text_parse_signed(text, &sign, &amount) : 0;
        if (status) {
            shell_refuse_number(shell, *letter == 'c' ? "-c" : "-n", text, status);
            return false;
        }
        if (*letter == last) {
            part->amount = amount;
            part->other_end = sign == other_end;
        }
    }
    return true;
}

static void part_title(const struct input *input, struct part *part)
{
    struct stream *out = input->shell->out;
    if (!part->titles)
        return;

    /* POSIX: an empty line separates each title from the text before it. */
    stream_text(out, part->printed ? "\n==> " : "==> ");
    stream_escaped(out, input->file ? input->name : "standard input", false);
    stream_text(out, " <==\n");
    part->printed = true;
}

/* Returns how many of the bytes the first *lines lines take, and counts *lines down. */
static size_t skip_lines(const char *data, size_t bytes, char line_end, uint64_t *lines)
{
    size_t at = 0;
    while (*lines && at < bytes) {
        const char *end = memchr(data + at, line_end, bytes - at);

        /* This line continues in the next piece, so it is not counted yet. */
        if (!end)
            return bytes;
        at = (size_t)(end - data) + 1;
        --*lines;
    }
    return at;
}

/* Returns how many of the bytes belong to the first *left lines or bytes; counts *left down. */
static size_t skip(const struct part *part, const char *data, size_t bytes, uint64_t *left)
{
    if (!part->bytes)
        return skip_lines(data, bytes, part->line_end, left);

    /* Bytes need not be searched. */
    size_t count = (size_t)min(*left, (uint64_t)bytes);
    *left -= count;
    return count;
}

/* ---- the end ------------------------------------------------------------------------------ */

/* Returns where the last *lines lines of these bytes begin, or 0 if there are fewer; counts *lines
 * down. At the end of the file, a newline ends the last line rather than beginning another. */
static size_t lines_back(const char *data, size_t bytes, char line_end, bool at_end,
                         uint64_t *lines)
{
    size_t at = bytes;
    if (at_end && at && data[at - 1] == line_end)
        at--;

    /* Stop after the newline that precedes the first of the lines. */
    while (at && !(data[at - 1] == line_end && !--*lines))
        at--;
    return at;
}

/* Finds where the last lines of a file begin, block by block from its end. */
static status_t find_last_lines(struct file *file, uint64_t lines, char line_end,
                                uint64_t *offset)
{
    enum { BLOCK = 4096 };
    uint64_t end = file_size(file), at = end;
    status_t status = 0;
    char *block = mem_alloc(BLOCK);
    if (!block)
        return -ENOMEM;

    *offset = 0;
    while (at && lines && !status) {
        /* The block at the end may be a partial one; all others are then aligned. */
        size_t bytes = at % BLOCK ? (size_t)(at % BLOCK) : BLOCK;
        ssize_t got = file_read_at(file, at - bytes, block, bytes);

        /* The block is inside the file, so a short read means that the file cannot be read. */
        if (shell_interrupted())
            status = -EINTR;
        else if (got != (ssize_t)bytes)
            status = got < 0 ? (status_t)got : -EIO;
        else
            *offset = at - bytes + lines_back(block, bytes, line_end, at == end, &lines);
        at -= bytes;
    }
    mem_free(block);
    return status;
}

static bool has_size(const struct input *input)
{
    return input->file && file_size(input->file);
}

/* Finds where the last part of a file begins. */
static status_t end_of_file(struct file *file, const struct part *part, uint64_t *offset)
{
    uint64_t size = file_size(file);

    /* The last 0 lines or bytes are an empty part at the end. */
    *offset = size;
    if (part->bytes)
        *offset = size > part->amount ? size - part->amount : 0;
    else if (part->amount)
        return find_last_lines(file, part->amount, part->line_end, offset);
    return 0;
}

/* Reads a stream to its end, and writes its last part, or everything except that. */
static status_t end_of_stream(struct input *input, const struct part *part, bool last_part)
{
    struct stream *out = input->shell->out;
    struct tail_buffer held = { .amount = part->amount, .count_bytes = part->bytes,
                                .line_end = part->line_end,
                                .released = last_part ? NULL : out };
    const char *data;
    ssize_t got = 0;
    status_t status = 0;

    /* For head, the buffer writes what can no longer be in the last part to `released`. */
    while (!status && !out->status && (got = input_piece(input, &data)) > 0)
        status = tail_buffer_add(&held, data, (size_t)got);

    /* Only the end of the stream shows what its last part is. After an error it is not known. */
    if (!status && !got) {
        tail_buffer_finish(&held);
        if (last_part)
            tail_buffer_write(&held, out);
    }
    tail_buffer_free(&held);
    return status ? status : got < 0 ? (status_t)got : 0;
}

/* ---- head --------------------------------------------------------------------------------- */

static status_t head_first(struct input *input, const struct part *part)
{
    struct stream *out = input->shell->out;
    uint64_t left = part->amount;
    const char *data;
    ssize_t got = 0;

    /* Stop as soon as the part is complete: the rest of a pipe may take long to come. */
    while (left && !out->status && (got = input_piece(input, &data)) > 0)
        stream_write(out, data, skip(part, data, (size_t)got, &left));
    return got < 0 ? (status_t)got : 0;
}

static status_t head_input(struct input *input, void *context)
{
    struct part *part = context;
    part_title(input, part);
    if (!part->other_end)
        return head_first(input, part);
    if (!has_size(input))
        return end_of_stream(input, part, false);

    /* All but the last part is the first N bytes, where N is the offset of that part. */
    struct part before = { .bytes = true };
    status_t status = end_of_file(input->file, part, &before.amount);
    return status ? status : head_first(input, &before);
}

static int run_head(struct shell *shell, int count, char **words)
{
    struct part part;
    if (!part_parse(shell, &part, count, '-'))
        return SHELL_USAGE;
    return input_each(shell, 1, count, words, head_input, &part);
}

static const struct shell_option head_options[] = {
    { 'n', "lines", "N", "print the first N lines (10); -N: all but the last N" },
    { 'c', "bytes", "N", "print the first N bytes; -N: all but the last N" },
    { 'q', "quiet", NULL, "never print file names" },
    { 'v', "verbose", NULL, "always print file names" },
    { 'z', "zero-terminated", NULL, "lines end with NUL, not newline" },
    { 0 },
};

static const struct shell_command command_head = {
    .name = "head",
    .arguments = "[-qvz] [-n [-]LINES | -c [-]BYTES] [FILE...]",
    .summary = "print the first lines or bytes of files",
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

    /* +N begins with line or byte N, after N - 1 others. +0 means +1 (GNU). */
    uint64_t left = part->amount ? part->amount - 1 : 0;
    const char *data;
    ssize_t got = 0;

    /* Skip the beginning, which may end inside a piece, then copy whole pieces. */
    while (!out->status && (got = input_piece(input, &data)) > 0) {
        size_t skipped = skip(part, data, (size_t)got, &left);
        stream_write(out, data + skipped, (size_t)got - skipped);
    }
    return got < 0 ? (status_t)got : 0;
}

static status_t tail_input(struct input *input, void *context)
{
    static const struct part all = { 0 };
    struct part *part = context;
    part_title(input, part);
    if (part->other_end)
        return tail_from_start(input, part);
    if (!has_size(input))
        return end_of_stream(input, part, true);

    /* The file's size is known: start reading where the last part begins. */
    uint64_t offset;
    status_t status = end_of_file(input->file, part, &offset);
    if (status)
        return status;

    /* Bytes that are appended to the file meanwhile are copied as well. */
    file_seek(input->file, offset);
    return tail_from_start(input, &all);
}

/* ---- tail -f ------------------------------------------------------------------------------ */

/* A file that is followed. */
struct followed {
    struct file *file; /* NULL: it could not be opened */
    uint64_t at;       /* what is before was written */
};

/* Writes what was appended to a file since the last look. */
static status_t follow_one(struct shell *shell, struct followed *followed, const char *name,
                           struct part *part, int *shown, int number)
{
    enum { FOLLOW_BYTES = 512 };
    char data[FOLLOW_BYTES];
    uint64_t size = file_size(followed->file);
    ssize_t got = 1;

    /* A file that became shorter is written again from its start (GNU). */
    if (size < followed->at) {
        (void)shell_complain(shell, "%s: file truncated", name);
        followed->at = 0;
    }
    while (got > 0 && followed->at < size && !shell->out->status) {
        got = file_read_at(followed->file, followed->at, data, sizeof(data));
        if (got <= 0)
            return (status_t)got;

        /* A title each time that another file has something new. */
        if (part->titles && *shown != number)
            stream_format(shell->out, "\n==> %s <==\n", name);
        *shown = number;
        stream_write(shell->out, data, (size_t)got);
        followed->at += (uint64_t)got;
    }
    return 0;
}

/* Looks at all files each second, or as often as -s gives, until ^C. */
static int follow_files(struct shell *shell, struct followed *files, int count, char **words,
                        struct part *part, uint64_t every_us)
{
    int shown = count - 1;
    while (!shell_interrupted() && !shell->out->status) {
        for (int i = 1; i < count; i++) {
            status_t status = 0;
            if (files[i].file)
                status = follow_one(shell, &files[i], words[i], part, &shown, i);
            if (status) {
                (void)shell_fail(shell, words[i], status);
                file_close(files[i].file);
                files[i].file = NULL;
            }
        }
        IGNORE(stream_flush(shell->out));
        uint64_t deadline = time_now_us() + every_us;
        while (!shell_interrupted() && time_now_us() < deadline)
            thread_park(deadline); /* ^C ends it */
    }
    return SHELL_INTERRUPTED;
}

/* Opens the files before their last parts are written, so that nothing is missed in between. */
static int tail_follow(struct shell *shell, int count, char **words, struct part *part)
{
    uint64_t every_us = 1000000;
    const char *interval = option_value(shell, 's');
    if (interval && text_parse_time(interval, &every_us))
        return shell_complain(shell, "invalid number of seconds: '%s'", interval);
    struct followed *files = mem_zalloc((size_t)count * sizeof(*files));
    if (!files)
        return shell_fail(shell, NULL, -ENOMEM);

    bool any = false;
    for (int i = 1; i < count; i++)
        if (!file_open(shell->directory, words[i], OPEN_READ, &files[i].file)) {
            files[i].at = file_size(files[i].file);
            any = true;
        } else {
            files[i].file = NULL;
        }
    int result = input_each(shell, 1, count, words, tail_input, part);
    if (any && result != SHELL_INTERRUPTED)
        result = follow_files(shell, files, count, words, part, every_us);
    for (int i = 1; i < count; i++)
        file_close(files[i].file);
    mem_free(files);
    return result;
}

static int run_tail(struct shell *shell, int count, char **words)
{
    struct part part;
    if (!part_parse(shell, &part, count, '+'))
        return SHELL_USAGE;

    /* Standard input needs no option: it is read to its end in any case. */
    if (count > 1 && (option_given(shell, 'f') || option_given(shell, 'F')))
        return tail_follow(shell, count, words, &part);
    return input_each(shell, 1, count, words, tail_input, &part);
}

static const struct shell_option tail_options[] = {
    { 'n', "lines", "N", "print the last N lines (10); +N: start at line N" },
    { 'c', "bytes", "N", "print the last N bytes; +N: start at byte N" },
    { 'f', "follow", NULL, "then print what is appended to the files, until ^C" },
    { 'F', NULL, NULL, "same as -f" },
    { 's', "sleep-interval", "TIME", "with -f: look each TIME, 1 s by default" },
    { 'q', "quiet", NULL, "never print file names" },
    { 'v', "verbose", NULL, "always print file names" },
    { 'z', "zero-terminated", NULL, "lines end with NUL, not newline" },
    { 0 },
};

static const struct shell_command command_tail = {
    .name = "tail",
    .arguments = "[-fqvz] [-n [+]LINES | -c [+]BYTES] [FILE...]",
    .summary = "print the last lines or bytes of files",
    .arguments_max = -1,
    .run = run_tail,
    .options = tail_options,
    .group = "Text",
};
SHELL_COMMAND(command_tail);
