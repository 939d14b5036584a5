/*
 * xxd.c - shows bytes in hexadecimal, and converts them back: xxd. See xxd.h.
 *
 * Status      0, 1 for a wrong number, 2 if the input cannot be read, as xxd's own. With -r, zeroes
 *             take the place of bytes that no line shows. -E (EBCDIC) and -R (colors) are missing.
 */
#include "shell/commands/data/xxd.h"
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/output_file.h"
#include "shell/options.h"

static enum xxd_form form_of(const struct shell *shell)
{
    return option_given(shell, 'p') ? XXD_PLAIN : option_given(shell, 'i') ? XXD_INCLUDE
         : option_given(shell, 'b') ? XXD_BITS : option_given(shell, 'e') ? XXD_LITTLE : XXD_HEX;
}

static bool parse(struct xxd *xxd)
{
    static const uint64_t columns[] = {
        [XXD_HEX] = 16, [XXD_BITS] = 6, [XXD_LITTLE] = 16, [XXD_PLAIN] = 30, [XXD_INCLUDE] = 12,
    };
    struct shell *shell = xxd->shell;
    xxd->form = form_of(shell);
    xxd->upper = option_given(shell, 'u');
    xxd->decimal = option_given(shell, 'd');
    xxd->squeezes = option_given(shell, 'a');
    xxd->columns = columns[xxd->form];
    xxd->group = xxd->form == XXD_BITS ? 1 : xxd->form == XXD_LITTLE ? 4 : 2;
    xxd->limit = UINT64_MAX;
    if (!option_number(shell, 'c', 0, XXD_COLUMNS_MAX, &xxd->columns) ||
        !option_number(shell, 'g', 0, XXD_COLUMNS_MAX, &xxd->group) ||
        !option_number(shell, 'l', 0, UINT64_MAX, &xxd->limit) ||
        !option_number(shell, 'o', 0, INT64_MAX, &xxd->offset) ||
        !option_number(shell, 's', 0, INT64_MAX, &xxd->skip))
        return false;

    /* -c 0 is the usual width, except for -p. */
    if (!xxd->columns && xxd->form != XXD_PLAIN)
        xxd->columns = columns[xxd->form];
    if (!xxd->group || xxd->group > xxd->columns)
        xxd->group = max(xxd->columns, (uint64_t)1);
    if (xxd->form == XXD_LITTLE && xxd->group & (xxd->group - 1)) {
        shell_complain(shell, "number of octets per group must be a power of 2 with -e.");
        return false;
    }
    return true;
}

/* The name of the array of -i: that of the file, or of -n, with `_` for what C does not allow. */
static void put_name(struct xxd *xxd, const char *name)
{
    if (text_is_digit(*name))
        stream_text(xxd->out, "__");
    for (; *name; name++) {
        bool allowed = text_is_digit(*name) || (*name >= 'a' && *name <= 'z') ||
                       (*name >= 'A' && *name <= 'Z');
        char c = allowed ? *name : '_';
        stream_write(xxd->out, &c, 1);
    }
}

static int show(struct xxd *xxd, int count, char **words)
{
    const char *name = option_value(xxd->shell, 'n');
    if (!name && count > 1 && !text_equal(words[1], "-"))
        name = words[1];
    bool declares = xxd->form == XXD_INCLUDE && name;
    xxd->address = xxd->skip;
    if (declares) {
        stream_text(xxd->out, "unsigned char ");
        put_name(xxd, name);
        stream_text(xxd->out, "[] = {\n");
    }

    int result = input_each(xxd->shell, 1, min(count, 2), words, xxd_show, xxd);
    xxd_show_end(xxd);
    if (declares) {
        stream_text(xxd->out, "};\nunsigned int ");
        put_name(xxd, name);
        stream_format(xxd->out, "_len = %llu;\n", (unsigned long long)xxd->total);
    }
    return result;
}

static int convert(struct xxd *xxd, int count, char **words)
{
    if (!option_given(xxd->shell, 'r'))
        return show(xxd, count, words);
    int result = input_each(xxd->shell, 1, min(count, 2), words, xxd_revert, xxd);
    return xxd->failed ? SHELL_TROUBLE : result;
}

/* The second operand is the file to write. */
static int convert_to_file(struct xxd *xxd, int count, char **words)
{
    struct output_file *output;
    enum output_file_end end;
    status_t status = output_file_open(xxd->shell, NULL, words[2], false, &output);
    if (status)
        return shell_fail(xxd->shell, words[2], status);
    xxd->out = output_file_stream(output);
    int result = convert(xxd, count, words);
    status = output_file_close(output, result == SHELL_INTERRUPTED, &end);
    return status ? shell_fail(xxd->shell, words[2], status) : result;
}

static int run_xxd(struct shell *shell, int count, char **words)
{
    enum { CHARACTERS = 10 }; /* at most for a byte: 8 bits, a blank, and its text */
    struct xxd *xxd = mem_zalloc(sizeof(*xxd));
    int result = SHELL_FAILED;
    if (xxd) {
        xxd->shell = shell;
        xxd->out = shell->out;
        xxd->text = mem_alloc(XXD_COLUMNS_MAX * CHARACTERS + 32);
    }
    if (!xxd || !xxd->text)
        (void)shell_fail(shell, NULL, -ENOMEM);
    else if (parse(xxd))
        result = count > 2 && !text_equal(words[2], "-") ? convert_to_file(xxd, count, words)
                                                         : convert(xxd, count, words);
    if (xxd)
        mem_free(xxd->text);
    mem_free(xxd);
    return result;
}

static const struct shell_option xxd_options[] = {
    { 'a', "autoskip", NULL, "print a star instead of lines of zeroes" },
    { 'b', "bits", NULL, "print bytes as bits" },
    { 'c', "cols", "N", "print N bytes in a line; 0: the usual number, with -p all" },
    { 'd', NULL, NULL, "print decimal addresses" },
    { 'e', NULL, NULL, "print groups as little-endian numbers" },
    { 'g', "groupsize", "N", "print groups of N bytes; 0: no groups" },
    { 'i', "include", NULL, "print an array in C" },
    { 'l', "len", "N", "stop after N bytes" },
    { 'n', "name", "NAME", "the name of the array" },
    { 'o', NULL, "N", "add N to the addresses" },
    { 'p', "ps", NULL, "print only hexadecimal digits" },
    { 'r', "revert", NULL, "convert printed lines to bytes" },
    { 's', "seek", "N", "begin after N bytes; with -r, add N to the addresses" },
    { 'u', NULL, NULL, "print upper case digits" },
    { 0 },
};

static const struct shell_command command_xxd = {
    .name = "xxd",
    .arguments = "[-abdeipru] [-c N] [-g N] [-l N] [-n NAME] [-o N] [-s N] [FILE [OUT]]",
    .summary = "show bytes in hexadecimal, or convert them back",
    .arguments_max = 2,
    .run = run_xxd,
    .options = xxd_options,
    .trouble = SHELL_TROUBLE,
    .group = "Files",
};
SHELL_COMMAND(command_xxd);
DRIVER_DRIVES("command xxd Files: show bytes in hexadecimal, or convert them back");
