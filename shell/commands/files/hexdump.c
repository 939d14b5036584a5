/*
 * hexdump.c - shows bytes in hexadecimal and as text: hexdump.
 *
 * The format is that of `hexdump -C`, except that equal rows are not folded into a `*`. Rows are
 * formatted by hand, because a disc has tens of millions of them.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"

enum {
    DUMP_ROW = 16,
    DUMP_ROW_TEXT = 96,     /* characters in a row at most, rounded up */
    DUMP_OFFSET_DIGITS = 8, /* at least */
    DUMP_BLOCK = 512,       /* bytes read at a time */
};

static char *put_hex(char *to, uint64_t value, unsigned digits)
{
    while (digits--)
        *to++ = "0123456789abcdef"[value >> 4 * digits & 15];
    return to;
}

/* "00000010  de ad be ef 00 00 00 00  00 00 00 00 00 00 00 00  |................|" */
static void dump_row(struct stream *out, uint64_t offset, const uint8_t *data, size_t bytes)
{
    char text[DUMP_ROW_TEXT];
    unsigned digits = DUMP_OFFSET_DIGITS;

    /* Offsets from 4 GiB on have more than eight digits. */
    while (digits < 16 && offset >> 4 * digits)
        digits++;
    char *at = put_hex(text, offset, digits);
    *at++ = ' ';

    /* In the last row, blanks take the place of missing bytes. */
    for (size_t i = 0; i < DUMP_ROW; i++) {
        if (i == DUMP_ROW / 2)
            *at++ = ' ';
        *at++ = ' ';
        if (i < bytes)
            at = put_hex(at, data[i], 2);
        else
            *at++ = ' ', *at++ = ' ';
    }

    /* The text column shows only printable ASCII, so that no byte can control the terminal. */
    *at++ = ' ', *at++ = ' ', *at++ = '|';
    for (size_t i = 0; i < bytes; i++)
        *at++ = data[i] >= 0x20 && data[i] < 0x7f ? (char)data[i] : '.';
    *at++ = '|', *at++ = '\n';
    stream_write(out, text, (size_t)(at - text));
}

static void dump_rows(struct stream *out, uint64_t offset, const uint8_t *data, size_t bytes)
{
    for (size_t at = 0; at < bytes && !out->status && !shell_interrupted(); at += DUMP_ROW)
        dump_row(out, offset + at, data + at, min(bytes - at, (size_t)DUMP_ROW));
}

static status_t dump_file(struct shell *shell, struct file *file, uint64_t offset,
                          uint64_t length)
{
    uint8_t block[DUMP_BLOCK];
    while (length && !shell->out->status) {
        if (shell_interrupted())
            return -EINTR;
        ssize_t got = file_read_at(file, offset, block, (size_t)min(length, (uint64_t)DUMP_BLOCK));

        /* The file may end before the length that was asked for. */
        if (got <= 0)
            return (status_t)got;
        dump_rows(shell->out, offset, block, (size_t)got);
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return 0;
}

/* Standard input cannot seek, so the bytes before `offset` are read and dropped. Nothing after
 * the end is read: those bytes belong to the next command. */
static status_t dump_input(struct shell *shell, uint64_t offset, uint64_t length)
{
    uint8_t block[DUMP_BLOCK];
    uint64_t at = 0, end = length < UINT64_MAX - offset ? offset + length : UINT64_MAX;
    size_t used = 0; /* at the front of the block: less than a row, which begins at `at` */
    ssize_t got = 1;

    while (at + used < end && !shell->out->status) {
        /* Read to the end of the skipped part at most, so that a row begins exactly at `offset`. */
        uint64_t left = at < offset ? offset - at : end - at - used;
        uint64_t room = DUMP_BLOCK - used;
        if ((got = shell_read(shell, block + used, (size_t)min(left, room))) <= 0)
            break;
        if (at < offset) {
            at += (uint64_t)got;
            continue;
        }

        /* A pipe delivers pieces of any length: write whole rows, and keep the rest. */
        size_t bytes = used + (size_t)got;
        used = bytes % DUMP_ROW;
        dump_rows(shell->out, at, block, bytes - used);
        memmove(block, block + bytes - used, used);
        at += bytes - used;
    }

    /* The last row is incomplete. */
    if (used)
        dump_row(shell->out, at, block, used);
    return got < 0 ? (status_t)got : 0;
}

static int run_hexdump(struct shell *shell, int count, char **words)
{
    uint64_t offset = 0, length = UINT64_MAX;
    const char *name = count > 1 ? words[1] : "-";

    /* Offset and length may be given as operands or as options. Giving both would ignore one. */
    if ((count > 2 && option_given(shell, 's')) || (count > 3 && option_given(shell, 'n')))
        return shell_usage(shell);
    if (count > 2 && !shell_number(shell, "OFFSET", words[2], 0, UINT64_MAX, &offset))
        return SHELL_USAGE;
    if (count > 3 && !shell_number(shell, "LENGTH", words[3], 0, UINT64_MAX, &length))
        return SHELL_USAGE;
    if (!option_number(shell, 's', 0, UINT64_MAX, &offset) ||
        !option_number(shell, 'n', 0, UINT64_MAX, &length))
        return SHELL_USAGE;

    /* Files and devices are read at the offset; standard input must be read from its start. */
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
