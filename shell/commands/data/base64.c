/*
 * base64.c - encodes bytes as letters, and decodes them: base64.
 *
 * References  RFC 4648, 4 "Base 64 Encoding".
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/options.h"
#include "shell/reading/input.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

struct base64 {
    struct shell *shell;
    bool decodes, ignores;
    uint64_t wrap, column;
    uint32_t bits;      /* bytes or letters that wait for the rest of their group */
    unsigned count;     /* of them */
    unsigned padding;   /* '=' seen */
    bool invalid;
};

static void put(struct base64 *base64, char c)
{
    if (base64->wrap && base64->column == base64->wrap) {
        stream_text(base64->shell->out, "\n");
        base64->column = 0;
    }
    stream_write(base64->shell->out, &c, 1);
    base64->column++;
}

/* Writes a group of `count` bytes as four letters. */
static void encode_group(struct base64 *base64)
{
    uint32_t bits = base64->bits << 8 * (3 - base64->count);
    for (unsigned i = 0; i < 4; i++)
        put(base64, i <= base64->count ? alphabet[bits >> (18 - 6 * i) & 63] : '=');
    base64->bits = base64->count = 0;
}

/* Writes the whole bytes of a group of `count` letters. */
static void decode_group(struct base64 *base64)
{
    uint32_t bits = base64->bits << 6 * (4 - base64->count);
    for (unsigned i = 0; i + 1 < base64->count; i++) {
        char c = (char)(bits >> (16 - 8 * i));
        stream_write(base64->shell->out, &c, 1);
    }
    base64->bits = base64->count = 0;
}

static void decode_byte(struct base64 *base64, char c)
{
    const char *letter = c ? strchr(alphabet, c) : NULL;
    if (c == '\n')
        return;
    if (c == '=' && base64->count >= 2 && base64->count + ++base64->padding == 4) {
        decode_group(base64);
        base64->padding = 0;
        return;
    }
    if (c == '=' && base64->count >= 2)
        return;
    if (!letter || base64->padding) {
        base64->invalid = !base64->ignores || base64->padding || c == '=';
        return;
    }
    base64->bits = base64->bits << 6 | (uint32_t)(letter - alphabet);
    if (++base64->count == 4)
        decode_group(base64);
}

static status_t base64_input(struct input *input, void *context)
{
    struct base64 *base64 = context;
    const char *data;
    ssize_t got;
    while ((got = input_piece(input, &data)) > 0 && !base64->shell->out->status)
        for (ssize_t i = 0; i < got && !base64->invalid; i++) {
            if (base64->decodes) {
                decode_byte(base64, data[i]);
                continue;
            }
            base64->bits = base64->bits << 8 | (uint8_t)data[i];
            if (++base64->count == 3)
                encode_group(base64);
        }
    return got < 0 ? (status_t)got : 0;
}

static int run_base64(struct shell *shell, int count, char **words)
{
    struct base64 base64 = {
        .shell = shell,
        .decodes = option_given(shell, 'd'),
        .ignores = option_given(shell, 'i'),
        .wrap = 76,
    };
    if (!option_number(shell, 'w', 0, UINT64_MAX, &base64.wrap))
        return SHELL_FAILED;

    int result = input_each(shell, 1, count, words, base64_input, &base64);
    if (result)
        return result;
    if (base64.decodes) {
        bool partial = base64.count;
        if (partial)
            decode_group(&base64);
        return base64.invalid || partial ? shell_complain(shell, "invalid input") : SHELL_DONE;
    }
    if (base64.count)
        encode_group(&base64);
    if (base64.column && base64.wrap)
        stream_text(shell->out, "\n");
    return SHELL_DONE;
}

static const struct shell_option base64_options[] = {
    { 'd', "decode", NULL, "decode" },
    { 'i', "ignore-garbage", NULL, "when decoding, ignore other characters" },
    { 'w', "wrap", "N", "write lines of N characters instead of 76; 0: one line" },
    { 0 },
};

static const struct shell_command command_base64 = {
    .name = "base64",
    .arguments = "[-di] [-w N] [FILE]",
    .summary = "encode bytes as letters, or decode them",
    .arguments_max = 1,
    .run = run_base64,
    .options = base64_options,
    .group = "Text",
};
SHELL_COMMAND(command_base64);
DRIVER_DRIVES("command base64 Text: encode bytes as letters, or decode them");
