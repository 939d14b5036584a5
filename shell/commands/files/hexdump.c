/*
 * hexdump.c - shows bytes in hexadecimal and as text: hexdump.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"

enum {
    DUMP_ROW = 16,
    DUMP_ROW_TEXT = 96,     /* what a row looks like is shorter */
    DUMP_OFFSET_DIGITS = 8, /* at least */
    DUMP_BLOCK = 512,       /* read at a time */
};

static char *put_hex(char *to, uint64_t value, unsigned digits)
{
    while (digits--)
        *to++ = "0123456789abcdef"[value >> 4 * digits & 15];
    return to;
}

/* Without formats: there are as many rows as a file has bytes. */
static void dump_row(struct stream *out, uint64_t offset, const uint8_t *data, size_t bytes)
{
    char text[DUMP_ROW_TEXT];
    unsigned digits = DUMP_OFFSET_DIGITS;
    while (digits < 16 && offset >> 4 * digits)
        digits++;
    char *at = put_hex(text, offset, digits);
    *at++ = ' ';
    for (size_t i = 0; i < DUMP_ROW; i++) {
        if (i == DUMP_ROW / 2)
            *at++ = ' ';
        *at++ = ' ';
        if (i < bytes)
            at = put_hex(at, data[i], 2);
        else
            *at++ = ' ', *at++ = ' ';
    }
    *at++ = ' ', *at++ = ' ', *at++ = '|';
    for (size_t i = 0; i < bytes; i++)
        *at++ = data[i] >= 0x20 && data[i] < 0x7f ? (char)data[i] : '.';
    *at++ = '|', *at++ = '\n';
    stream_write(out, text, (size_t)(at - text));
}

static void dump_rows(struct stream *out, uint64_t offset, const uint8_t *data, size_t bytes)
{
    for (size_t at = 0; at < bytes && !out->status && !shell_interrupted(); at += DUMP_ROW)
        dump_row(out, offset + at, data + at, bytes - at < DUMP_ROW ? bytes - at : DUMP_ROW);
}

static status_t dump_file(struct shell *shell, struct file *file, uint64_t offset,
                          uint64_t length)
{
    uint8_t block[DUMP_BLOCK];
    while (length && !shell->out->status) {
        if (shell_interrupted())
            return -EINTR;
        size_t want = length < DUMP_BLOCK ? (size_t)length : DUMP_BLOCK;
        ssize_t got = file_read_at(file, offset, block, want);
        if (got <= 0)
            return (status_t)got;
        dump_rows(shell->out, offset, block, (size_t)got);
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return 0;
}

/* Standard input cannot seek: bytes before `offset` are read and left out. Bytes after the end are
 * the next command's. */
static status_t dump_input(struct shell *shell, uint64_t offset, uint64_t length)
{
    uint8_t block[DUMP_BLOCK];
    uint64_t at = 0, end = length < UINT64_MAX - offset ? offset + length : UINT64_MAX;
    size_t used = 0; /* at the front of the block: less than a row that begins at `at` */
    ssize_t got = 1;
    while (at + used < end && !shell->out->status) {
        uint64_t left = at < offset ? offset - at : end - at - used;
        size_t room = DUMP_BLOCK - used;
        if ((got = shell_read(shell, block + used, left < room ? (size_t)left : room)) <= 0)
            break;
        if (at < offset) {
            at += (uint64_t)got;
            continue;
        }
        size_t bytes = used + (size_t)got;
        used = bytes % DUMP_ROW;
        dump_rows(shell->out, at, block, bytes - used);
        memmove(block, block + bytes - used, used);
        at += bytes - used;
    }
    if (used)
        dump_row(shell->out, at, block, used);
    return got < 0 ? (status_t)got : 0;
}

static int run_hexdump(struct shell *shell, int count, char **words)
{
    uint64_t offset = 0, length = UINT64_MAX;
    const char *name = count > 1 ? words[1] : "-";
    if ((count > 2 && option_given(shell, 's')) || (count > 3 && option_given(shell, 'n')))
        return shell_usage(shell); /* one of the two would be ignored */
    if (count > 2 && !shell_number(shell, "OFFSET", words[2], 0, UINT64_MAX, &offset))
        return SHELL_USAGE;
    if (count > 3 && !shell_number(shell, "LENGTH", words[3], 0, UINT64_MAX, &length))
        return SHELL_USAGE;
    if (!option_number(shell, 's', 0, UINT64_MAX, &offset) ||
        !option_number(shell, 'n', 0, UINT64_MAX, &length))
        return SHELL_USAGE;
    struct file *file;
    status_t status;
    if (text_equal(name, "-")) {
        status = dump_input(shell, offset, length);
    } else if (!(status = file_open(shell->directory, name, OPEN_READ, &file))) {
        status = dump_file(shell, file, offset, length);
        file_close(file);
    }
    return status ? shell_fail(shell, name, status) : SHELL_DONE;
}

static const struct shell_option hexdump_options[] = {
    { 'C', "canonical", NULL, "hexadecimal and text (always on)" },
    { 's', "skip", "OFFSET", "skip OFFSET bytes" },
    { 'n', "length", "LENGTH", "print at most LENGTH bytes" },
    { 0 },
};

static const struct shell_command command_hexdump = {
    .name = "hexdump",
    .arguments = "[-C] [-s OFFSET] [-n LENGTH] [FILE [OFFSET [LENGTH]]]",
    .summary = "show the bytes of files and devices in hexadecimal",
    .arguments_max = 3,
    .run = run_hexdump,
    .options = hexdump_options,
    .group = "Files",
};
SHELL_COMMAND(command_hexdump);
