/*
 * printf.c - writes formatted text: printf.
 *
 * The format is used again while words are left.
 *
 * Conversions  %d %i %o %u %x %X %c %s %b %e %f %g %E %F %G, with flags, width and precision. Sizes
 *              such as the l of %ld are accepted and have no effect.
 * References   POSIX.1-2017, printf. %a of GNU's printf is missing.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/escapes.h"
#include "shell/language/builtins/builtins.h"
#include "shell/language/expansion/arithmetic.h"
#include "shell/real.h"

enum { WIDTH_MAX = 4096, PRECISION_USUAL = 6 };

struct print {
    struct shell *shell;
    char **words, **end; /* that are left */
    bool stopped;        /* \c */
    int result;
};

struct conversion {
    bool left, zero, plus, blank, alternate;
    int width, precision; /* precision -1: none */
};

/* ---- escapes ------------------------------------------------------------------------------ */

/* Appends the character of an escape, from after its backslash, and returns what follows it. */
static const char *put_escape(struct print *print, const char *at, bool argument,
                              struct buffer *text)
{
    enum escape_result result = escape_put(&at, argument, text);
    print->stopped |= result != ESCAPE_DONE;
    if (result == ESCAPE_MISSING) {
        shell_complain(print->shell, "missing hexadecimal number in escape");
        buffer_clear(text);
        print->result = SHELL_FAILED;
    }
    return at;
}

/* ---- arguments ---------------------------------------------------------------------------- */

static const char *next_word(struct print *print)
{
    return print->words < print->end ? *print->words++ : NULL;
}

static int64_t next_number(struct print *print, bool is_signed)
{
    const char *word = next_word(print), *end;
    int64_t value;
    if (!word || !*word)
        return 0;

    /* 'c and "c are the code of a character. */
    if (*word == '\'' || *word == '"')
        return (unsigned char)word[1];

    /* A number that something follows still counts. */
    status_t status = arithmetic_scan(word, is_signed, &end, &value);
    if (end == word || *end)
        shell_complain(print->shell, end == word ? "%s: expected numeric value"
                                                 : "%s: not completely converted", word);
    else if (status)
        shell_complain(print->shell, "%s: numerical result out of range", word);
    if (status || *end)
        print->result = SHELL_FAILED;
    return value;
}

/* ---- conversions -------------------------------------------------------------------------- */

static void put_fill(struct print *print, char c, int count)
{
    for (; count > 0; count--)
        stream_write(print->shell->out, &c, 1);
}

static void put_field(struct print *print, const struct conversion *c, const char *text,
                      size_t length)
{
    int fill = c->width - (int)length;
    if (!c->left)
        put_fill(print, ' ', fill);
    stream_write(print->shell->out, text, length);
    if (c->left)
        put_fill(print, ' ', fill);
}

/* Writes a number that has as many digits as its precision asks for. Zeroes that fill the width are
 * between the prefix and the digits. */
static void put_padded(struct print *print, const struct conversion *c, const char *prefix,
                       int zeroes, const char *digits, size_t count, bool zero)
{
    int fill = c->width - (int)count - zeroes - (int)strlen(prefix);
    if (zero && !c->left && fill > 0) {
        zeroes += fill;
        fill = 0;
    }
    put_fill(print, ' ', c->left ? 0 : fill);
    stream_text(print->shell->out, prefix);
    put_fill(print, '0', zeroes);
    stream_write(print->shell->out, digits, count);
    put_fill(print, ' ', c->left ? fill : 0);
}

static void put_number(struct print *print, const struct conversion *c, char letter)
{
    char digits[32];
    bool is_signed = letter == 'd' || letter == 'i';
    int64_t value = next_number(print, is_signed);
    bool negative = is_signed && value < 0;
    uint64_t magnitude = negative ? 0 - (uint64_t)value : (uint64_t)value;
    unsigned base = letter == 'o' ? 8 : letter == 'x' || letter == 'X' ? 16 : 10;

    /* From the last digit to the first. */
    int at = sizeof(digits);
    for (; magnitude || at == (int)sizeof(digits); magnitude /= base) {
        const char *set = letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
        digits[--at] = set[magnitude % base];
        if (magnitude < base)
            break;
    }
    int count = (int)sizeof(digits) - at;
    if (!c->precision && !value)
        count = 0;

    const char *prefix = negative ? "-" : is_signed && c->plus ? "+" : is_signed && c->blank ? " "
                         : c->alternate && letter == 'x' && value ? "0x"
                         : c->alternate && letter == 'X' && value ? "0X"
                         : c->alternate && letter == 'o' && value ? "0" : "";
    int zeroes = c->precision > count ? c->precision - count : 0;
    put_padded(print, c, prefix, zeroes, digits + at, (size_t)count, c->zero && c->precision < 0);
}

/* Parses the next word as a floating-point number. */
static struct real next_real(struct print *print)
{
    struct real value = { 0 };
    const char *word = next_word(print), *end;
    if (!word || !*word)
        return value;
    if (*word == '\'' || *word == '"') {
        value.mantissa = (unsigned char)word[1];
        return value;
    }

    status_t status = real_parse(word, REAL_BITS, &end, &value);
    if (status == -EINVAL)
        shell_complain(print->shell, "%s: expected a numeric value", word);
    else if (status == -ERANGE)
        shell_complain(print->shell, "%s: Numerical result out of range", word);
    else if (status)
        (void)shell_fail(print->shell, NULL, status);
    else if (*end)
        shell_complain(print->shell, "%s: value not completely converted", word);
    if (status || *end)
        print->result = SHELL_FAILED;
    return value;
}

/* %e, %f and %g. */
static void put_real(struct print *print, const struct conversion *c, char letter)
{
    struct real value = next_real(print);
    struct real_form form = {
        .letter = letter,
        .precision = c->precision < 0 ? PRECISION_USUAL : c->precision,
        .alternate = c->alternate,
    };
    struct buffer text = { 0 };
    status_t status = real_print(&value, &form, &text);
    const char *sign = value.negative ? "-" : c->plus ? "+" : c->blank ? " " : "";
    if (status)
        print->result = shell_fail(print->shell, NULL, status);
    else
        put_padded(print, c, sign, 0, text.text, text.length,
                   c->zero && value.kind == REAL_FINITE);
    buffer_free(&text);
}

static void put_text(struct print *print, const struct conversion *c, bool escapes)
{
    const char *word = next_word(print);
    struct buffer text = { 0 };
    word = word ? word : "";
    if (!escapes) {
        size_t length = strlen(word);
        if (c->precision >= 0 && (size_t)c->precision < length)
            length = (size_t)c->precision;
        put_field(print, c, word, length);
        return;
    }

    while (*word && !print->stopped) {
        if (*word == '\\')
            word = put_escape(print, word + 1, true, &text);
        else
            buffer_put(&text, word++, 1);
    }
    size_t length = text.length;
    if (c->precision >= 0 && (size_t)c->precision < length)
        length = (size_t)c->precision;
    put_field(print, c, text.text ? text.text : "", length);
    if (text.status)
        print->result = shell_fail(print->shell, NULL, text.status);
    buffer_free(&text);
}

static int take_width(struct print *print, const char **at)
{
    if (**at == '*') {
        ++*at;
        int64_t number = next_number(print, true);
        return number > WIDTH_MAX ? WIDTH_MAX : number < -WIDTH_MAX ? -WIDTH_MAX : (int)number;
    }
    int width = 0;
    for (; text_is_digit(**at); ++*at)
        if (width < WIDTH_MAX)
            width = width * 10 + (**at - '0');
    return width;
}

/* Performs the conversion whose % is before `at`, and returns what follows it. */
static const char *convert(struct print *print, const char *at)
{
    struct conversion c = { .precision = -1 };
    for (; *at && strchr("-0+ #", *at); at++) {
        c.left |= *at == '-';
        c.zero |= *at == '0';
        c.plus |= *at == '+';
        c.blank |= *at == ' ';
        c.alternate |= *at == '#';
    }
    c.width = take_width(print, &at);
    if (c.width < 0) {
        c.left = true;
        c.width = -c.width;
    }
    if (*at == '.') {
        at++;
        c.precision = take_width(print, &at);
    }

    while (*at && strchr("hlLjqtz", *at))
        at++;
    char letter = *at;
    if (letter && strchr("diouxX", letter)) {
        put_number(print, &c, letter);
    } else if (letter && strchr("eEfFgG", letter)) {
        put_real(print, &c, letter);
    } else if (letter == 's' || letter == 'b') {
        put_text(print, &c, letter == 'b');
    } else if (letter == 'c') {
        const char *word = next_word(print);
        put_field(print, &c, word ? word : "", word && *word);
    } else {
        shell_complain(print->shell, "%%%c: invalid directive", letter ? letter : '%');
        print->result = SHELL_USAGE;
        print->stopped = true;
        return at;
    }
    return at + 1;
}

static void put_format(struct print *print, const char *format)
{
    struct buffer text = { 0 };
    while (*format && !print->stopped && !shell_interrupted()) {
        if (format[0] == '%' && format[1] == '%') {
            stream_text(print->shell->out, "%");
            format += 2;
        } else if (*format == '%') {
            format = convert(print, format + 1);
        } else if (*format == '\\') {
            buffer_clear(&text);
            format = put_escape(print, format + 1, false, &text);
            if (text.length)
                stream_write(print->shell->out, text.text, text.length);
        } else {
            size_t run = 0;
            while (format[run] && format[run] != '%' && format[run] != '\\')
                run++;
            stream_write(print->shell->out, format, run);
            format += run;
        }
        if (text.status) {
            print->result = shell_fail(print->shell, NULL, text.status);
            print->stopped = true;
        }
    }
    buffer_free(&text);
}

static int run_printf(struct shell *shell, int count, char **words)
{
    char **end = words + count;
    if (count > 1 && words[1][0] == '-' && words[1][1] && !text_equal(words[1], "--")) {
        shell_complain(shell, "Illegal option %.2s", words[1]);
        return SHELL_USAGE;
    }
    count = builtin_operands(count, &words);
    if (!count) {
        shell_complain(shell, "usage: printf format [arg ...]");
        return SHELL_USAGE;
    }

    /* A format that takes no words is used once. */
    struct print print = { .shell = shell, .words = words + 1, .end = end };
    char **before;
    do {
        before = print.words;
        put_format(&print, words[0]);
    } while (print.words < end && print.words > before && !print.stopped && !shell_interrupted());
    return shell_interrupted() ? SHELL_INTERRUPTED : print.result;
}

static const struct shell_command command_printf = {
    .name = "printf",
    .arguments = "FORMAT [WORD...]",
    .summary = "print the words as the format asks: %s %d %x %f %c %b, with \\n and so on",
    .arguments_max = -1,
    .run = run_printf,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_printf);
