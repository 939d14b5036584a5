/*
 * seq.c - prints numbers: seq.
 *
 * Numbers     are decimal fractions, exactly: whole numbers of the unit 10^-digits, where `digits`
 *             are those of the operand with the most. The kernel uses no floating point.
 * Limits      Numbers of at most 18 digits, fractions included.
 */
#include "kernel/module/info.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"

enum { DIGITS_MAX = 18, NUMBER_BYTES = 48 };

/* value * 10^-digits */
struct decimal {
    int64_t value;
    unsigned digits, width; /* width: as it was written */
    bool minus_zero;        /* it was written as -0 */
};

struct seq {
    struct shell *shell;
    struct decimal first, step, last; /* with equal digits */
    unsigned shown;   /* digits after the point */
    unsigned width;   /* -w; 0: none */
    const char *separator;
    const char *format; /* -f; NULL: none */
};

/* ---- numbers ------------------------------------------------------------------------------ */

static bool add_digit(struct decimal *number, char digit)
{
    if (number->value > (INT64_MAX - 9) / 10)
        return false;
    number->value = number->value * 10 + (digit - '0');
    return true;
}

/* Applies an exponent: it moves the point. Returns false if the number does not fit. */
static bool scale(struct decimal *number, int exponent)
{
    for (; exponent > 0; exponent--) {
        if (number->digits)
            number->digits--;
        else if (!add_digit(number, '0'))
            return false;
    }
    number->digits += (unsigned)-exponent;
    return number->digits <= DIGITS_MAX;
}

/* Parses [+-]DIGITS[.DIGITS][e[+-]DIGITS]. */
static bool parse(const char *text, struct decimal *number)
{
    bool negative = *text == '-', any = false, has_point = false;
    int exponent = 0;
    unsigned fraction = 0; /* digits after the point */

    *number = (struct decimal){ .width = (unsigned)strlen(text) - (*text == '+') };
    text += *text == '-' || *text == '+';
    for (; text_is_digit(*text); text++, any = true)
        if (!add_digit(number, *text))
            return false;

    /* GNU: ".5" is shown as 0.5, and "1." as 1. */
    if (*text == '.') {
        number->width += !any;
        number->width -= !text_is_digit(text[1]);
        has_point = true;
        for (text++; text_is_digit(*text); text++, number->digits++, any = true)
            if (number->digits == DIGITS_MAX || !add_digit(number, *text))
                return false;
    }
    if (any && (*text == 'e' || *text == 'E')) {
        bool minus = text[1] == '-';
        fraction = number->digits;
        number->width -= (unsigned)strlen(text++);
        text += *text == '-' || *text == '+';
        any = text_is_digit(*text);
        for (; text_is_digit(*text) && exponent < 1000; text++)
            exponent = exponent * 10 + (*text - '0');
        if (!scale(number, minus ? -exponent : exponent))
            return false;

        /* The width of the number without its exponent: zeroes are added, or the point is. */
        if (minus)
            number->width += (unsigned)exponent + !(has_point && fraction);
        else
            number->width += (unsigned)max(exponent - (int)fraction, 0) -
                             (fraction && !number->digits);
    }
    number->minus_zero = negative && !number->value;
    if (negative)
        number->value = -number->value;
    return any && !*text;
}

static bool add_digits(struct decimal *number, unsigned digits)
{
    for (; number->digits < digits; number->digits++)
        if (__builtin_mul_overflow(number->value, 10, &number->value))
            return false;
    return true;
}

/* Writes a number with `shown` digits after its point. */
static void number_text(char text[NUMBER_BYTES], int64_t value, unsigned digits, unsigned shown,
                        unsigned width)
{
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value, unit = 1;
    for (unsigned i = 0; i < digits; i++)
        unit *= 10;

    /* All digits of the fraction are written, and those that are not shown are cut off. */
    char fraction[NUMBER_BYTES] = "";
    if (digits)
        format_text(fraction, sizeof(fraction), "%0*llu", (int)digits,
                    (unsigned long long)(size % unit));
    int whole_width = (int)width - (int)shown - (shown > 0) - (value < 0);
    format_text(text, NUMBER_BYTES, "%s%0*llu%s%.*s", value < 0 ? "-" : "", max(whole_width, 1),
                (unsigned long long)(size / unit), shown ? "." : "", (int)shown, fraction);
}

/* ---- -f ----------------------------------------------------------------------------------- */

struct conversion {
    const char *begin, *end; /* of "%[flags][width][.precision]f" */
    int width, precision;    /* precision -1: none */
    bool left, zero, plus, space;
    char letter;
};

static int parse_decimal(const char **at)
{
    int value = 0;
    for (; text_is_digit(**at) && value < 1000; ++*at)
        value = value * 10 + (**at - '0');
    return value;
}

/* Finds the one conversion of the format. */
static int parse_format(const struct seq *seq, struct conversion *conversion)
{
    struct shell *shell = seq->shell;
    const char *at = seq->format;

    *conversion = (struct conversion){ .precision = -1 };
    for (; *at; at++)
        if (*at == '%' && *++at != '%')
            break;
    if (!*at)
        return shell_complain(shell, "format '%s' has no %% directive", seq->format);

    conversion->begin = at - 1;
    for (; *at && strchr("-+ 0#'", *at); at++) {
        conversion->left |= *at == '-';
        conversion->zero |= *at == '0';
        conversion->plus |= *at == '+';
        conversion->space |= *at == ' ';
    }
    conversion->width = parse_decimal(&at);
    if (*at == '.') {
        at++;
        conversion->precision = parse_decimal(&at);
    }
    if (!*at || !strchr("fFgG", *at))
        return shell_complain(shell, "format '%s' has unknown %%%.1s directive", seq->format, at);
    conversion->letter = *at;
    conversion->end = at + 1;

    for (at++; *at; at++)
        if (*at == '%' && *++at != '%')
            return shell_complain(shell, "format '%s' has too many %% directives", seq->format);
    return SHELL_DONE;
}

static void write_literal(struct stream *out, const char *from, const char *to)
{
    /* The format is valid: a % here is followed by another one. */
    for (; from < to; from++) {
        stream_write(out, from, 1);
        from += *from == '%';
    }
}

/* Rounds value * 10^-*digits to `wanted` digits, half to even as printf() does. */
static int64_t round_to(int64_t value, unsigned *digits, unsigned wanted)
{
    int64_t unit = 1;
    for (; *digits > wanted; --*digits)
        unit *= 10;
    int64_t rest = value % unit, result = value / unit;
    int64_t twice = rest < 0 ? -rest * 2 : rest * 2;
    if (twice > unit || (twice == unit && result % 2))
        result += value < 0 ? -1 : 1;
    return result;
}

static void write_formatted(const struct seq *seq, const struct conversion *conversion,
                            int64_t value, bool minus_zero)
{
    struct stream *out = seq->shell->out;
    char text[NUMBER_BYTES + 8], number[NUMBER_BYTES];
    unsigned digits = seq->first.digits;
    unsigned precision = conversion->precision < 0 ? 6 : (unsigned)conversion->precision;
    bool general = conversion->letter == 'g' || conversion->letter == 'G';

    /* %g counts all digits, and drops zeroes at the end of the fraction. */
    if (general) {
        number_text(number, value, digits, 0, 0);
        unsigned whole = (unsigned)strlen(number) - (value < 0);
        precision = max(precision, 1U);
        precision = precision > whole ? precision - whole : 0;
    }
    if (digits > precision)
        value = round_to(value, &digits, precision);
    for (; general && digits && value % 10 == 0; digits--)
        value /= 10;

    /* A precision that exceeds the digits is filled with zeroes. */
    number_text(number, value, digits, digits, 0);
    unsigned zeroes = general ? 0 : min(precision - digits, 20U);
    const char *plus = conversion->plus ? "+" : conversion->space ? " " : "";
    const char *sign = minus_zero ? "-" : value < 0 ? "" : plus;
    format_text(text, sizeof(text), "%s%s%s%.*s", sign, number, zeroes && !digits ? "." : "",
                (int)zeroes, "00000000000000000000");

    /* Zeroes go between the sign and the digits. */
    int width = conversion->width, length = (int)strlen(text);
    bool has_sign = !text_is_digit(*text);
    write_literal(out, seq->format, conversion->begin);
    if (conversion->zero && !conversion->left && length < width)
        stream_format(out, "%.*s%0*d%s", has_sign, text, width - length, 0, text + has_sign);
    else
        stream_format(out, conversion->left ? "%-*s" : "%*s", width, text);
    write_literal(out, conversion->end, conversion->end + strlen(conversion->end));
}

/* ---- running ------------------------------------------------------------------------------ */

/* -w: the width of the wider end, with the digits that are shown (as GNU computes it). */
static unsigned width_of(const struct seq *seq, const struct decimal *number, unsigned digits)
{
    unsigned width = number->width + seq->shown - digits;
    if (digits && !seq->shown)
        width--;
    return width + (!digits && seq->shown);
}

static int print(const struct seq *seq, const struct conversion *conversion)
{
    struct stream *out = seq->shell->out;
    char text[NUMBER_BYTES];
    int64_t value = seq->first.value;
    bool any = false;

    while (seq->step.value > 0 ? value <= seq->last.value : value >= seq->last.value) {
        if (any)
            stream_text(out, seq->separator);

        /* The sign of -0 is shown, as that of a floating point number would be. */
        bool minus = !any && seq->first.minus_zero;
        any = true;
        if (seq->format) {
            write_formatted(seq, conversion, value, minus);
        } else {
            number_text(text, value, seq->first.digits, seq->shown,
                        seq->width - (minus && seq->width));
            stream_format(out, "%s%s", minus ? "-" : "", text);
        }
        if (out->status || shell_interrupted())
            break;
        if (__builtin_add_overflow(value, seq->step.value, &value))
            break;
    }
    if (any)
        stream_text(out, "\n");
    return shell_interrupted() ? SHELL_INTERRUPTED : SHELL_DONE;
}

/* Parses the operands: LAST, FIRST LAST or FIRST STEP LAST. */
static int parse_numbers(struct seq *seq, int count, char **words)
{
    struct decimal *places[] = { &seq->first, &seq->step, &seq->last };
    unsigned digits = 0, first_digits, last_digits;

    seq->first = seq->step = (struct decimal){ .value = 1, .width = 1 };
    for (int i = 1; i < count; i++) {
        struct decimal *place = i == count - 1 ? &seq->last : places[i - 1];
        if (!parse(words[i], place))
            return shell_complain(seq->shell, "invalid floating point argument: '%s'", words[i]);
    }
    if (!seq->step.value)
        return shell_complain(seq->shell, "invalid Zero increment value: '%s'", words[2]);

    seq->shown = max(seq->first.digits, seq->step.digits);
    first_digits = seq->first.digits;
    last_digits = seq->last.digits;
    digits = max(seq->shown, seq->last.digits);
    for (unsigned i = 0; i < 3; i++)
        if (!add_digits(places[i], digits))
            return shell_complain(seq->shell, "numbers have too many digits");

    unsigned one = width_of(seq, &seq->first, first_digits);
    unsigned two = width_of(seq, &seq->last, last_digits);
    if (option_given(seq->shell, 'w'))
        seq->width = max(one, two);
    return SHELL_DONE;
}

static int run_seq(struct shell *shell, int count, char **words)
{
    const char *separator = option_value(shell, 's');
    struct conversion conversion = { 0 };
    struct seq seq = {
        .shell = shell,
        .separator = separator ? separator : "\n",
        .format = option_value(shell, 'f'),
    };
    if (seq.format && option_given(shell, 'w'))
        return shell_complain(shell, "format string may not be specified when printing equal "
                                     "width strings");
    int result = seq.format ? parse_format(&seq, &conversion) : SHELL_DONE;
    if (!result)
        result = parse_numbers(&seq, count, words);
    return result ? result : print(&seq, &conversion);
}

static const struct shell_option seq_options[] = {
    { 'f', "format", "FORMAT", "print numbers like printf(): %g or %f, with width" },
    { 's', "separator", "TEXT", "print TEXT between numbers instead of a newline" },
    { 'w', "equal-width", NULL, "pad numbers with zeroes to the same width" },
    { 0 },
};

static const struct shell_command command_seq = {
    .name = "seq",
    .arguments = "[-w] [-f FORMAT] [-s TEXT] [FIRST [STEP]] LAST",
    .summary = "print numbers from FIRST (default: 1) to LAST",
    .arguments_min = 1,
    .arguments_max = 3,
    .run = run_seq,
    .options = seq_options,
    .option_rules = OPTIONS_FIRST | OPTIONS_NUMBERS,
    .group = "Text",
};
SHELL_COMMAND(command_seq);
DRIVER_DRIVES("command seq Text: print numbers from FIRST (default: 1) to LAST");
