/*
 * hexdump.c - shows bytes in hexadecimal and in other forms: hexdump.
 *
 * Model       The input is divided into blocks; a block that equals the one before is shown as a
 *             star. -C is formatted by hand, because a disc has tens of millions of rows; all other
 *             forms are formats as those of -e (format.h).
 * References  hexdump(1) of util-linux. Its operands are files; here, FILE OFFSET [LENGTH] shows a
 *             part of one file in the form of -C.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/files/hexdump/format.h"
#include "shell/options.h"

enum {
    DUMP_ROW = 16,
    DUMP_ROW_TEXT = 96,     /* characters in a row at most, rounded up */
    DUMP_OFFSET_DIGITS = 8, /* at least */
    DUMP_PIECE = 512,       /* bytes read at a time */
};

struct dump {
    struct shell *shell;
    struct hex_formats *formats; /* NULL: -C */
    bool all;                    /* -v */
    uint64_t skip, limit, address;
    unsigned block_bytes, used;
    bool has_before, starred;
    uint8_t block[HEX_BLOCK_MAX], before[HEX_BLOCK_MAX];
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

/* ---- blocks ------------------------------------------------------------------------------- */

static void show_block(struct dump *dump, const uint8_t *block, unsigned bytes)
{
    struct stream *out = dump->shell->out;
    bool whole = bytes == dump->block_bytes;
    bool same = whole && dump->has_before && !dump->all && !memcmp(block, dump->before, bytes);

    /* A block that equals the one before is not shown, but a star is, for any number of them. */
    if (same && !dump->starred)
        stream_text(out, "*\n");
    dump->starred = same;
    if (!same && dump->formats)
        hex_print(dump->formats, out, block, bytes, dump->address);
    else if (!same)
        dump_row(out, dump->address, block, bytes);
    if (!same && whole && !dump->all) {
        memcpy(dump->before, block, bytes);
        dump->has_before = true;
    }
    dump->address += bytes;
}

/* Adds bytes of the input. A block that is whole already is shown in place. */
static void add_bytes(struct dump *dump, const uint8_t *data, size_t bytes)
{
    while (bytes && !dump->shell->out->status && !shell_interrupted()) {
        size_t part = min(bytes, (size_t)(dump->block_bytes - dump->used));
        if (part == dump->block_bytes) {
            show_block(dump, data, dump->block_bytes);
        } else {
            memcpy(dump->block + dump->used, data, part);
            dump->used += (unsigned)part;
        }
        if (dump->used == dump->block_bytes) {
            dump->used = 0;
            show_block(dump, dump->block, dump->block_bytes);
        }
        data += part;
        bytes -= part;
    }
}

static void show_end(struct dump *dump)
{
    if (dump->used) {
        memset(dump->block + dump->used, 0, dump->block_bytes - dump->used);
        show_block(dump, dump->block, dump->used);
    }
    if (dump->formats && dump->address)
        hex_print_end(dump->formats, dump->shell->out, dump->address);
    else if (dump->address)
        stream_format(dump->shell->out, "%08llx\n", (unsigned long long)dump->address);
}

/* ---- input -------------------------------------------------------------------------------- */

static status_t dump_file(struct dump *dump, struct file *file)
{
    uint8_t piece[DUMP_PIECE];
    uint64_t offset = dump->skip, size = file_size(file);

    /* What is to be skipped may be longer than this file. */
    if (size && offset >= size) {
        dump->skip -= size;
        dump->address += size;
        return 0;
    }
    dump->address += dump->skip;
    dump->skip = 0;
    while (dump->limit && !dump->shell->out->status) {
        if (shell_interrupted())
            return -EINTR;
        size_t wanted = (size_t)min(dump->limit, (uint64_t)DUMP_PIECE);
        ssize_t got = file_read_at(file, offset, piece, wanted);

        /* The file may end before the length that was asked for. */
        if (got <= 0)
            return (status_t)got;
        add_bytes(dump, piece, (size_t)got);
        offset += (uint64_t)got;
        dump->limit -= (uint64_t)got;
    }
    return 0;
}

/* Standard input cannot seek: the bytes before the offset are read and dropped. Nothing after the
 * limit is read, because those bytes belong to the next command. */
static status_t dump_input(struct dump *dump)
{
    uint8_t piece[DUMP_PIECE];
    ssize_t got = 0;
    while (dump->limit && !dump->shell->out->status) {
        uint64_t wanted = dump->skip ? dump->skip : dump->limit;
        got = shell_read(dump->shell, piece, (size_t)min(wanted, (uint64_t)DUMP_PIECE));
        if (got <= 0)
            break;
        if (dump->skip) {
            dump->skip -= (uint64_t)got;
            dump->address += (uint64_t)got;
            continue;
        }
        add_bytes(dump, piece, (size_t)got);
        dump->limit -= (uint64_t)got;
    }
    return got < 0 ? (status_t)got : 0;
}

static int dump_named(struct dump *dump, const char *name)
{
    struct file *file;
    status_t status;
    if (text_equal(name, "-")) {
        status = dump_input(dump);
    } else if (!(status = file_open(dump->shell->directory, name, OPEN_READ, &file))) {
        status = dump_file(dump, file);
        file_close(file);
    }
    return status ? shell_fail(dump->shell, name, status) : SHELL_DONE;
}

/* ---- options ------------------------------------------------------------------------------ */

/* Adds the formats of a letter: -e, or a form with a fixed format, 0: the usual one. */
static int add_form(struct dump *dump, char letter)
{
    static const struct { char letter; const char *format, *end, *second; } forms[] = {
        { 'b', "\"%07.7_ax \" 16/1 \"%03o \" \"\\n\"", "\"%07.7_Ax\n\"", NULL },
        { 'c', "\"%07.7_ax \" 16/1 \"%3_c \" \"\\n\"", "\"%07.7_Ax\n\"", NULL },
        { 'C', "\"%08.8_ax  \" 8/1 \"%02x \" \"  \" 8/1 \"%02x \"", "\"%08.8_Ax\n\"",
          "\"  |\" 16/1 \"%_p\" \"|\\n\"" },
        { 'd', "\"%07.7_ax \" 8/2 \"  %05u \" \"\\n\"", "\"%07.7_Ax\n\"", NULL },
        { 'o', "\"%07.7_ax \" 8/2 \" %06o \" \"\\n\"", "\"%07.7_Ax\n\"", NULL },
        { 'x', "\"%07.7_ax \" 8/2 \"   %04x \" \"\\n\"", "\"%07.7_Ax\n\"", NULL },
        { 0, "\"%07.7_ax \" 8/2 \"%04x \" \"\\n\"", "\"%07.7_Ax\n\"", NULL },
    };
    struct hex_formats *formats = dump->formats;
    int result = SHELL_DONE;
    if (letter == 'e') {
        const struct option_value *value = option_values(dump->shell, 'e');
        for (; value && !result; value = value->next)
            result = hex_add(dump->shell, formats, value->text);
        return result;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(forms) && !result; i++) {
        if (forms[i].letter != letter)
            continue;
        result = hex_add(dump->shell, formats, forms[i].end);
        if (!result)
            result = hex_add(dump->shell, formats, forms[i].format);
        if (!result && forms[i].second)
            result = hex_add(dump->shell, formats, forms[i].second);
    }
    return result;
}

/* Adds the formats of the options in the order that they were given. */
static int parse_formats(struct dump *dump)
{
    const struct options *options = dump->shell->options;
    int result = SHELL_DONE;
    for (unsigned turn = 1; turn <= options->count && !result; turn++)
        for (unsigned i = 0; options->table[i].letter && !result; i++)
            if (options->given >> i & 1 && options->last[i] == turn)
                result = add_form(dump, options->table[i].letter);
    if (!result && !dump->formats->format_count)
        result = add_form(dump, 0);
    if (!result)
        result = hex_finish(dump->shell, dump->formats);
    dump->block_bytes = dump->formats->block_bytes;
    return result;
}

/* Parses FILE OFFSET [LENGTH]. Returns the number of operands that are files, or -1. */
static int take_part(struct dump *dump, int count, char **words)
{
    struct shell *shell = dump->shell;
    if (count < 3 || count > 4 || !text_is_digit(*words[2]))
        return count;

    /* Giving a number both ways would ignore one. */
    if (option_given(shell, 's') || (count > 3 && option_given(shell, 'n'))) {
        (void)shell_usage(shell);
        return -1;
    }
    if (!shell_number(shell, "OFFSET", words[2], 0, UINT64_MAX, &dump->skip) ||
        (count > 3 && !shell_number(shell, "LENGTH", words[3], 0, UINT64_MAX, &dump->limit)))
        return -1;
    return 2;
}

static int dump_words(struct dump *dump, int count, char **words)
{
    struct shell *shell = dump->shell;
    bool others = option_given(shell, 'e');
    for (const char *letter = "bcdox"; *letter; letter++)
        others |= option_given(shell, *letter);
    dump->all = option_given(shell, 'v');
    dump->limit = UINT64_MAX;
    dump->block_bytes = DUMP_ROW;
    int files = take_part(dump, count, words);
    if (files < 0 || !option_number(shell, 's', 0, UINT64_MAX, &dump->skip) ||
        !option_number(shell, 'n', 0, UINT64_MAX, &dump->limit))
        return SHELL_USAGE;

    if (others || (files == count && !option_given(shell, 'C'))) {
        dump->formats = mem_zalloc(sizeof(*dump->formats));
        int result = dump->formats ? parse_formats(dump) : shell_fail(shell, NULL, -ENOMEM);
        if (result)
            return result;
    }
    int result = files < 2 ? dump_named(dump, "-") : SHELL_DONE;
    for (int i = 1; i < files && result != SHELL_INTERRUPTED; i++) {
        int one = dump_named(dump, words[i]);
        result = max(result, one);
    }
    show_end(dump);
    return result;
}

static int run_hexdump(struct shell *shell, int count, char **words)
{
    struct dump *dump = mem_zalloc(sizeof(*dump));
    if (!dump)
        return shell_fail(shell, NULL, -ENOMEM);
    dump->shell = shell;
    int result = dump_words(dump, count, words);
    mem_free(dump->formats);
    mem_free(dump);
    return result;
}

static const struct shell_option hexdump_options[] = {
    { 'b', "one-byte-octal", NULL, "bytes in octal" },
    { 'c', "one-byte-char", NULL, "characters" },
    { 'C', "canonical", NULL, "bytes in hexadecimal and as text" },
    { 'd', "two-bytes-decimal", NULL, "two-byte numbers in decimal" },
    { 'e', "format", "FORMAT...", "as the format asks: ITERATIONS/BYTES \"text %02x\"" },
    { 'n', "length", "LENGTH", "print at most LENGTH bytes" },
    { 'o', "two-bytes-octal", NULL, "two-byte numbers in octal" },
    { 's', "skip", "OFFSET", "skip OFFSET bytes" },
    { 'v', "no-squeezing", NULL, "print equal lines too, not a star" },
    { 'x', "two-bytes-hex", NULL, "two-byte numbers in hexadecimal" },
    { 0 },
};

static const struct shell_command command_hexdump = {
    .name = "hexdump",
    .arguments = "[-bcCdovx] [-e FORMAT] [-s N] [-n N] [FILE...|FILE OFFSET [N]]",
    .summary = "show the bytes of files and devices in hexadecimal",
    .arguments_max = -1,
    .run = run_hexdump,
    .options = hexdump_options,
    .group = "Files",
};
SHELL_COMMAND(command_hexdump);
