/*
 * od.c - shows bytes in octal and other forms: od.
 *
 * Model       The input is shown in lines of a width, once in each form that was asked for. A form
 *             is a letter and a size: a (names of characters), c (characters), d, o, u, x. The
 *             columns of all forms have equal widths.
 * References  POSIX.1-2017, od. Floating point (-t f) is not supported: the kernel has none.
 */
#include "kernel/module/info.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/input.h"

enum { FORMS_MAX = 16, WIDTH_MAX = 1024, CELL_BYTES = 40 };

struct form {
    char letter;
    unsigned bytes;  /* of a number: 1, 2, 4, 8 */
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
    bool all, repeated, has_before;
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

/* Parses the value of -t: letters, each with a size in bytes or C, S, I, L. */
static int parse_forms(struct od *od, const char *text)
{
    const char *at = text;
    while (*at) {
        char letter = *at++;
        unsigned bytes = letter == 'a' || letter == 'c' ? 1 : 4;
        if (!strchr("acdoux", letter))
            return shell_complain(od->shell, "invalid character '%c' in type string '%s'", letter,
                                  text);
        if (letter != 'a' && letter != 'c') {
            const char *size = *at ? strchr("CSIL", *at) : NULL;
            if (size) {
                bytes = *at == 'C' ? 1 : *at == 'S' ? 2 : *at == 'I' ? 4 : 8;
                at++;
            } else if (text_is_digit(*at)) {
                bytes = (unsigned)(*at++ - '0');
                if (text_is_digit(*at) || !strchr("\1\2\4\10", (char)bytes) || !bytes)
                    return shell_complain(od->shell, "invalid type string '%s'", text);
            }
        }
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
    unsigned numbers = od->width / form->bytes, per_unit = od->unit / form->bytes;
    char text[CELL_BYTES];

    for (unsigned i = 0; i < numbers; i++) {
        /* The columns of a unit are divided evenly between its numbers. */
        unsigned place = i % per_unit;
        unsigned end = od->cell * (place + 1) / per_unit, begin = od->cell * place / per_unit;
        if (i * form->bytes >= od->used) {
            if (form->shows_text)
                stream_format(out, "%*s", (int)(end - begin), "");
            continue;
        }
        const uint8_t *bytes = od->line + (size_t)i * form->bytes;
        if (form->letter == 'c')
            character(text, *bytes);
        else if (form->letter == 'a')
            name(text, *bytes);
        else
            number(text, form, bytes);
        stream_format(out, "%*s", (int)(end - begin), text);
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

static int parse_options(struct od *od)
{
    static const struct { char letter, form; unsigned bytes; } short_forms[] = {
        { 'a', 'a', 1 }, { 'b', 'o', 1 }, { 'c', 'c', 1 }, { 'd', 'u', 2 }, { 'i', 'd', 4 },
        { 'l', 'd', 8 }, { 'o', 'o', 2 }, { 's', 'd', 2 }, { 'x', 'x', 2 },
    };
    struct shell *shell = od->shell;
    const char *radix = option_value(shell, 'A');
    int result = SHELL_DONE;

    if (radix && (radix[1] || !*radix || !strchr("doxn", *radix)))
        return shell_complain(shell, "invalid output address radix '%s'; it must be one character "
                                     "from [doxn]", radix);
    od->radix = radix ? *radix : 'o';
    od->all = option_given(shell, 'v');
    od->limit = UINT64_MAX;

    const struct option_value *value = option_values(shell, 't');
    for (; value && !result; value = value->next)
        result = parse_forms(od, value->text);
    for (size_t i = 0; i < ARRAY_LENGTH(short_forms) && !result; i++)
        if (option_given(shell, short_forms[i].letter))
            result = add_form(od, short_forms[i].form, short_forms[i].bytes, false);
    if (!result && !od->form_count)
        result = add_form(od, 'o', 2, false);
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
        od->address = od->skip;
        result = input_each(shell, 1, count, words, od_input, od);
        if (od->used)
            print_line(od);
        if (!result && od->skip && od->limit)
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
    { 't', "format", "TYPE...", "show as a, c, or d, o, u, x with the bytes of a number" },
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
    { 0 },
};

static const struct shell_command command_od = {
    .name = "od",
    .arguments = "[-abcdilosvx] [-A RADIX] [-j N] [-N N] [-t TYPE]... [-w N] [FILE...]",
    .summary = "show bytes in octal and other forms",
    .arguments_max = -1,
    .run = run_od,
    .options = od_options,
    .group = "Files",
};
SHELL_COMMAND(command_od);
DRIVER_DRIVES("command od Files: show bytes in octal and other forms");
