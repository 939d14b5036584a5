/*
 * od.c - shows bytes in octal and other forms: od.
 *
 * Model       The input is shown in lines of a width, once in each form that was asked for. A form
 *             is a letter and a size: a (names of characters), c (characters), d, f, o, u, x. The
 *             columns of all forms have equal widths.
 * References  POSIX.1-2017, od; IEEE 754 for f.
 */
#include "kernel/module/info.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/commands/data/od_real.h"
#include "shell/reading/input.h"

enum { FORMS_MAX = 16, WIDTH_MAX = 1024, CELL_BYTES = 40, NUMBER_BYTES = 16 };

struct form {
    char letter;
    unsigned bytes;  /* of a number: 1, 2, 4, 8; of f also 16 */
    unsigned digits; /* columns of a number */
    bool shows_text; /* z: the characters at the end of a line */
};

struct od {
    struct shell *shell;
    struct form forms[FORMS_MAX];
    unsigned form_count;
    unsigned width, cell;  /* cell: columns for `unit` bytes */
    unsigned unit;         /* the largest size */
    char radix;            /* of addresses: d o x n */
    uint64_t skip, limit, address;
    bool all, repeated, has_before, big_endian;
    uint8_t line[WIDTH_MAX], before[WIDTH_MAX];
    unsigned used;
    bool opened; /* one of the inputs */
};

/* ---- forms -------------------------------------------------------------------------------- */

/* Returns the columns of the largest number of a form. */
static unsigned digits_of(char letter, unsigned bytes)
{
    static const unsigned octal[] = { 3, 6, 11, 22 }, decimal[] = { 3, 5, 10, 20 },
                          is_signed[] = { 4, 6, 11, 20 };
    unsigned power = bytes == 8 ? 3 : bytes / 2;
    switch (letter) {
    case 'f': return od_real_width(bytes);
    case 'o': return octal[power];
    case 'u': return decimal[power];
    case 'd': return is_signed[power];
    case 'x': return 2 * bytes;
    default: return 3;
    }
}

static int add_form(struct od *od, char letter, unsigned bytes, bool shows_text)
{
    if (od->form_count == FORMS_MAX)
        return shell_complain(od->shell, "too many -t");
    od->forms[od->form_count++] =
        (struct form){ letter, bytes, digits_of(letter, bytes), shows_text };
    return SHELL_DONE;
}

/* Parses the size of a number: a name, which has its place in `names`, or a number of bytes.
 * Returns 0 if it is invalid, and the usual size without one. */
static unsigned take_size(const char **at, bool real)
{
    const char *names = real ? "FDL" : "CSIL", *name = **at ? strchr(names, **at) : NULL;
    if (name) {
        ++*at;
        return (real ? 4U : 1U) << (name - names);
    }

    unsigned bytes = 0;
    if (!text_is_digit(**at))
        return real ? 8 : 4;
    for (; text_is_digit(**at); ++*at)
        bytes = min(bytes * 10 + (unsigned)(**at - '0'), 99U);
    bool known = bytes == 4 || bytes == 8 || (real ? bytes == 16 : bytes == 1 || bytes == 2);
    return known ? bytes : 0;
}

/* Parses the value of -t: letters, each with a size. */
static int parse_forms(struct od *od, const char *text)
{
    const char *at = text;
    while (*at) {
        char letter = *at++;
        unsigned bytes = 1;
        if (!strchr("acdfoux", letter))
            return shell_complain(od->shell, "invalid character '%c' in type string '%s'", letter,
                                  text);
        if (letter != 'a' && letter != 'c')
            bytes = take_size(&at, letter == 'f');
        if (!bytes)
            return shell_complain(od->shell, "invalid type string '%s'", text);
        bool shows_text = *at == 'z';
        at += shows_text;
        int result = add_form(od, letter, bytes, shows_text);
        if (result)
            return result;
    }
    return SHELL_DONE;
}

/* ---- lines -------------------------------------------------------------------------------- */

static void character(char text[CELL_BYTES], uint8_t c)
{
    static const char escapes[] = "0abtnvfr";
    static const char values[] = "\0\a\b\t\n\v\f\r";
    const char *value = memchr(values, c, sizeof(values) - 1);
    if (value)
        format_text(text, CELL_BYTES, "\\%c", escapes[value - values]);
    else if (c >= ' ' && c < 0x7f)
        format_text(text, CELL_BYTES, "%c", c);
    else
        format_text(text, CELL_BYTES, "%03o", c);
}

/* -a: the seven low bits of a byte by their name in ASCII. */
static void name(char text[CELL_BYTES], uint8_t c)
{
    static const char names[33][4] = {
        "nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "nl", "vt", "ff",
        "cr", "so", "si", "dle", "dc1", "dc2", "dc3", "dc4", "nak", "syn", "etb", "can", "em",
        "sub", "esc", "fs", "gs", "rs", "us", "sp",
    };
    c &= 0x7f;
    if (c <= ' ')
        text_copy(text, CELL_BYTES, names[c]);
    else
        format_text(text, CELL_BYTES, c == 0x7f ? "del" : "%c", c);
}

static void number(char text[CELL_BYTES], const struct form *form, const uint8_t *bytes)
{
    uint64_t value = 0;
    for (unsigned i = form->bytes; i-- > 0;)
        value = value << 8 | bytes[i];
    unsigned unused = 64 - 8 * form->bytes;
    int digits = (int)form->digits;

    switch (form->letter) {
    case 'd':
        format_text(text, CELL_BYTES, "%lld", (long long)(int64_t)(value << unused) >> unused);
        break;
    case 'u': format_text(text, CELL_BYTES, "%llu", (unsigned long long)value); break;
    case 'o': format_text(text, CELL_BYTES, "%0*llo", digits, (unsigned long long)value); break;
    default: format_text(text, CELL_BYTES, "%0*llx", digits, (unsigned long long)value);
    }
}

static void print_text(const struct od *od, unsigned used)
{
    struct stream *out = od->shell->out;
    stream_text(out, "  >");
    for (unsigned i = 0; i < used; i++) {
        char c = od->line[i] >= ' ' && od->line[i] < 0x7f ? (char)od->line[i] : '.';
        stream_write(out, &c, 1);
    }
    stream_text(out, "<");
}

static void print_form(const struct od *od, const struct form *form)
{
    struct stream *out = od->shell->out;
    unsigned numbers = od->width / form->bytes, column = form->digits + 1;
    unsigned extra = od->cell * (od->width / od->unit) - column * numbers;
    char text[CELL_BYTES];

    for (unsigned i = 0; i < numbers; i++) {
        /* Columns of a line that this form does not need are divided between its numbers. */
        unsigned left = numbers - i;
        int width = (int)(column + extra * left / numbers - extra * (left - 1) / numbers);
        if (i * form->bytes >= od->used) {
            if (form->shows_text)
                stream_format(out, "%*s", width, "");
            continue;
        }
        uint8_t bytes[NUMBER_BYTES];
        for (unsigned byte = 0; byte < form->bytes; byte++) {
            unsigned from = od->big_endian ? form->bytes - 1 - byte : byte;
            bytes[byte] = od->line[i * form->bytes + from];
        }
        if (form->letter == 'c')
            character(text, *bytes);
        else if (form->letter == 'a')
            name(text, *bytes);
        else if (form->letter == 'f')
            od_real(text, CELL_BYTES, bytes, form->bytes);
        else
            number(text, form, bytes);
        stream_format(out, "%*s", width, text);
    }
    if (form->shows_text)
        print_text(od, od->used);
}

static void print_address(const struct od *od)
{
    struct stream *out = od->shell->out;
    unsigned long long address = od->address;
    if (od->radix == 'd')
        stream_format(out, "%07llu", address);
    else if (od->radix == 'o')
        stream_format(out, "%07llo", address);
    else if (od->radix == 'x')
        stream_format(out, "%06llx", address);
}

static void print_line(struct od *od)
{
    struct stream *out = od->shell->out;
    bool whole = od->used == od->width;
    bool same = whole && !od->all && od->has_before && !memcmp(od->line, od->before, od->width);

    /* A repetition of the line before is shown as one asterisk. */
    if (same && !od->repeated)
        stream_text(out, "*\n");
    od->repeated = same;
    if (!same) {
        memset(od->line + od->used, 0, od->width - od->used);
        for (unsigned i = 0; i < od->form_count; i++) {
            if (!i)
                print_address(od);
            else
                stream_format(out, "%*s", od->radix == 'n' ? 0 : od->radix == 'x' ? 6 : 7, "");
            print_form(od, &od->forms[i]);
            stream_text(out, "\n");
        }
        memcpy(od->before, od->line, od->width);
        od->has_before = true;
    }
    od->address += od->used;
    od->used = 0;
}

static status_t od_input(struct input *input, void *context)
{
    struct od *od = context;
    const char *data;
    ssize_t got = 0;

    od->opened = true;
    while (od->limit && (got = input_piece(input, &data)) > 0 && !od->shell->out->status) {
        uint64_t left = (uint64_t)got, skipped = min(od->skip, left);
        data += skipped;
        left -= skipped;
        od->skip -= skipped;
        for (; left && od->limit; left--, od->limit--) {
            od->line[od->used++] = (uint8_t)*data++;
            if (od->used == od->width)
                print_line(od);
        }
    }
    return got < 0 ? (status_t)got : 0;
}

/* ---- options ------------------------------------------------------------------------------ */

/* Parses -j and -N: octal after 0, hexadecimal after 0x, with the units b, K, M and so on. */
static int parse_count(struct od *od, char letter, uint64_t *count)
{
    const char *text = option_value(od->shell, letter), *at = text;
    unsigned base = 10;
    uint64_t value = 0;
    if (!text)
        return SHELL_DONE;
    if (text_starts(text, "0x") || text_starts(text, "0X")) {
        base = 16;
        at += 2;
    } else if (*text == '0') {
        base = 8;
    }
    const char *digits = at;
    for (int digit; (digit = text_hex_digit(*at)) >= 0 && digit < (int)base; at++)
        if (value < UINT64_MAX >> 20)
            value = value * base + (unsigned)digit;
    static const struct { const char *unit; uint64_t factor; } units[] = {
        { "", 1 }, { "b", 512 }, { "K", 1024 }, { "k", 1024 }, { "KiB", 1024 }, { "kB", 1000 },
        { "M", 1024 * 1024 }, { "MiB", 1024 * 1024 }, { "MB", 1000000 }, { "m", 1024 * 1024 },
    };
    for (size_t i = 0; i < ARRAY_LENGTH(units) && at > digits; i++)
        if (text_equal(at, units[i].unit)) {
            *count = value * units[i].factor;
            return SHELL_DONE;
        }
    return shell_complain(od->shell, "invalid -%c argument '%s'", letter, text);
}

/* The width is a multiple of the largest size. */
static int parse_width(struct od *od)
{
    uint64_t width = 16;
    if (!option_number(od->shell, 'w', 0, WIDTH_MAX, &width))
        return SHELL_FAILED;
    if (!width || width % od->unit) {
        shell_complain(od->shell, "warning: invalid width %llu; using %u instead",
                       (unsigned long long)width, od->unit);
        width = od->unit;
    }
    od->width = (unsigned)width;
    return SHELL_DONE;
}

/* Adds the forms of -t and of the letters, in the order that they were given. */
static int parse_given_forms(struct od *od)
{
    static const struct { char letter, form; unsigned bytes; } short_forms[] = {
        { 'a', 'a', 1 }, { 'b', 'o', 1 }, { 'c', 'c', 1 }, { 'd', 'u', 2 }, { 'e', 'f', 8 },
        { 'f', 'f', 4 }, { 'h', 'x', 2 }, { 'i', 'd', 4 }, { 'l', 'd', 8 }, { 'o', 'o', 2 },
        { 's', 'd', 2 }, { 'x', 'x', 2 }, { 'B', 'o', 2 }, { 'D', 'u', 4 }, { 'F', 'f', 8 },
        { 'H', 'x', 4 }, { 'I', 'd', 8 }, { 'L', 'd', 8 }, { 'O', 'o', 4 }, { 'X', 'x', 4 },
    };
    const struct options *options = od->shell->options;
    int result = SHELL_DONE;
    for (unsigned turn = 1; turn <= options->count && !result; turn++)
        for (unsigned i = 0; options->table[i].letter || options->table[i].name; i++) {
            char letter = options->table[i].letter;
            if (!(options->given >> i & 1) || options->last[i] != turn)
                continue;

            const struct option_value *value = letter == 't' ? option_values(od->shell, 't') : NULL;
            for (; value && !result; value = value->next)
                result = parse_forms(od, value->text);
            for (size_t n = 0; n < ARRAY_LENGTH(short_forms) && !result; n++)
                if (letter == short_forms[n].letter)
                    result = add_form(od, short_forms[n].form, short_forms[n].bytes, false);
        }
    return result || od->form_count ? result : add_form(od, 'o', 2, false);
}

/* Parses the traditional offset "[+]OFFSET[.][b]", octal unless a dot follows. */
static bool parse_offset(struct od *od, const char *text)
{
    const char *at = text + (*text == '+'), *dot = strchr(text, '.');
    unsigned base = dot ? 10 : text_starts(at, "0x") ? 16 : 8;
    uint64_t value = 0;
    int digit;
    at += base == 16 ? 2 : 0;
    if (!*at)
        return false;
    for (; (digit = text_hex_digit(*at)) >= 0 && digit < (int)base; at++)
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (unsigned)digit, &value))
            return false;
    at += dot && at == dot;
    if (*at == 'b' && __builtin_mul_overflow(value, 512U, &value))
        return false;
    at += *at == 'b';
    if (!*at)
        od->skip = value;
    return !*at;
}

/* Returns the number of operands that are files. The last one may be an offset, unless there are
 * options that the traditional form does not have. */
static int take_offset(struct od *od, int count, char **words)
{
    struct shell *shell = od->shell;
    bool traditional = option_given_name(shell, "traditional"), modern = false;
    for (const char *letter = "AjNtvw"; *letter; letter++)
        modern |= option_given(shell, *letter);
    if ((modern && !traditional) || count < 2 || count > 3)
        return count;

    const char *last = words[count - 1];
    bool may_be = traditional || *last == '+' || (count == 3 && text_is_digit(*last));
    return may_be && parse_offset(od, last) ? count - 1 : count;
}

static int parse_options(struct od *od)
{
    struct shell *shell = od->shell;
    const char *radix = option_value(shell, 'A');
    const char *endian = option_value_name(shell, "endian");

    if (radix && (radix[1] || !*radix || !strchr("doxn", *radix)))
        return shell_complain(shell, "invalid output address radix '%s'; it must be one character "
                                     "from [doxn]", radix);
    if (endian && !text_equal(endian, "little") && !text_equal(endian, "big"))
        return shell_complain(shell, "invalid argument '%s' for '--endian'; it is little or big",
                              endian);
    od->big_endian = endian && *endian == 'b';
    od->radix = radix ? *radix : 'o';
    od->all = option_given(shell, 'v');
    od->limit = UINT64_MAX;

    int result = parse_given_forms(od);
    if (!result)
        result = parse_count(od, 'j', &od->skip);
    if (!result)
        result = parse_count(od, 'N', &od->limit);

    /* A unit is as wide as the widest form needs, with a blank before each number. */
    od->unit = 1;
    for (unsigned i = 0; i < od->form_count; i++)
        od->unit = max(od->unit, od->forms[i].bytes);
    for (unsigned i = 0; i < od->form_count; i++) {
        unsigned cell = (od->forms[i].digits + 1) * (od->unit / od->forms[i].bytes);
        od->cell = max(od->cell, cell);
    }
    return result ? result : parse_width(od);
}

static int run_od(struct shell *shell, int count, char **words)
{
    struct od *od = mem_zalloc(sizeof(*od));
    if (!od)
        return shell_fail(shell, NULL, -ENOMEM);
    od->shell = shell;
    int result = parse_options(od);
    if (!result) {
        count = take_offset(od, count, words);
        od->address = od->skip;
        if (count < 2)
            result = input_each(shell, 1, count, words, od_input, od);
        for (int i = 1; i < count && result != SHELL_INTERRUPTED; i++) {
            if (!od->limit && od->opened)
                break;
            int one = input_each(shell, i, i + 1, words, od_input, od);
            result = max(result, one);
        }
        if (od->used)
            print_line(od);
        if (result != SHELL_INTERRUPTED && od->skip && od->limit)
            result = shell_complain(shell, "cannot skip past end of combined input");
        else if (od->opened && od->radix != 'n') {
            print_address(od);
            stream_text(shell->out, "\n");
        }
    }
    mem_free(od);
    return result;
}

static const struct shell_option od_options[] = {
    { 'A', "address-radix", "RADIX", "show addresses in d, o or x, or none: n" },
    { 'j', "skip-bytes", "N", "skip the first N bytes" },
    { 'N', "read-bytes", "N", "show at most N bytes" },
    { 't', "format", "TYPE...", "show as a, c, or d, f, o, u, x with the bytes of a number" },
    { 'v', "output-duplicates", NULL, "show repeated lines too" },
    { 'w', "width", "N", "show N bytes in a line instead of 16" },
    { 'a', NULL, NULL, "same as -t a: names of characters" },
    { 'b', NULL, NULL, "same as -t o1" },
    { 'c', NULL, NULL, "same as -t c: characters" },
    { 'd', NULL, NULL, "same as -t u2" },
    { 'i', NULL, NULL, "same as -t dI" },
    { 'l', NULL, NULL, "same as -t dL" },
    { 'o', NULL, NULL, "same as -t o2" },
    { 's', NULL, NULL, "same as -t d2" },
    { 'x', NULL, NULL, "same as -t x2" },
    { 'h', NULL, NULL, "same as -t x2" },
    { 'e', NULL, NULL, "same as -t fD" },
    { 'f', NULL, NULL, "same as -t fF" },
    { 'B', NULL, NULL, "same as -t o2" },
    { 'D', NULL, NULL, "same as -t u4" },
    { 'F', NULL, NULL, "same as -t fD" },
    { 'H', NULL, NULL, "same as -t x4" },
    { 'I', NULL, NULL, "same as -t dL" },
    { 'L', NULL, NULL, "same as -t dL" },
    { 'O', NULL, NULL, "same as -t o4" },
    { 'X', NULL, NULL, "same as -t x4" },
    { 0, "endian", "ORDER", "the order of the bytes of a number: little or big" },
    { 0, "traditional", NULL, "the last operand is an offset: [+]OFFSET[.][b]" },
    { 0 },
};

static const struct shell_command command_od = {
    .name = "od",
    .arguments = "[-abcdefhilosvx] [-A RADIX] [-j N] [-N N] [-t TYPE] [-w N] [FILE...]",
    .summary = "show bytes in octal and other forms",
    .arguments_max = -1,
    .run = run_od,
    .options = od_options,
    .group = "Files",
};
SHELL_COMMAND(command_od);
DRIVER_DRIVES("command od Files: show bytes in octal and other forms");
