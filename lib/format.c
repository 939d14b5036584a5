/*
 * format.c - printf's conversions: each is parsed into a spec, then appended to a sink.
 */
#include "lib/format.h"
#include <stdbool.h>
#include <stdint.h>
#include "lib/macros.h"
#include "lib/string.h"

/* The output. `length` continues to count when the buffer is full. */
struct sink {
    char *buffer;
    size_t bytes, length;
};

/* One conversion, parsed. */
struct spec {
    bool left, zero, plus, space, alternate;
    bool has_precision;
    unsigned width, precision;
    unsigned size_bytes; /* of an integer argument */
    char conversion;
};

/* A va_list may be an array, which as an argument decays to a pointer; a struct does not. */
struct arguments {
    va_list list;
};

enum {
    NUMBER_BYTES = 24, /* a 64-bit number in octal has 22 digits */
    NUMBER_MAX = 0x7fffffff,
};

static void put(struct sink *sink, char c)
{
    /* One byte is kept for the NUL. The length includes the characters that do not fit. */
    if (sink->length + 1 < sink->bytes)
        sink->buffer[sink->length] = c;
    sink->length++;
}

static void put_times(struct sink *sink, char c, size_t times)
{
    while (times-- > 0)
        put(sink, c);
}

static void put_bytes(struct sink *sink, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        put(sink, text[i]);
}

static void put_padded(struct sink *sink, const struct spec *spec, const char *text, size_t bytes)
{
    /* A text that is longer than the width is not cut. */
    size_t padding = spec->width > bytes ? spec->width - bytes : 0;

    if (!spec->left)
        put_times(sink, ' ', padding);
    put_bytes(sink, text, bytes);
    if (spec->left)
        put_times(sink, ' ', padding);
}

/* ---- numbers ------------------------------------------------------------------------------ */

/* Stores the digits of `value` at the end of digits[NUMBER_BYTES]. Returns how many: none for zero
 * with a precision of 0. */
static unsigned make_digits(char *digits, uint64_t value, const struct spec *spec)
{
    const char *symbols = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned count = 0;
    unsigned base = spec->conversion == 'o' ? 8
                    : spec->conversion == 'd' || spec->conversion == 'u' ? 10
                                                                         : 16;

    /* Digits come from the lowest to the highest, so they are stored from the end. */
    for (; value; value /= base)
        digits[NUMBER_BYTES - ++count] = symbols[value % base];

    /* Zero has one digit, unless the precision asks for none. */
    if (!count && !(spec->has_precision && !spec->precision))
        digits[NUMBER_BYTES - ++count] = '0';
    return count;
}

/* Returns what precedes the digits: the sign, or the base. */
static const char *number_prefix(const struct spec *spec, uint64_t magnitude, bool negative)
{
    switch (spec->conversion) {
    case 'd': return negative ? "-" : spec->plus ? "+" : spec->space ? " " : "";
    case 'p': return "0x";
    case 'x': return spec->alternate && magnitude ? "0x" : "";
    case 'X': return spec->alternate && magnitude ? "0X" : "";
    default: return "";
    }
}

static void put_number(struct sink *sink, const struct spec *spec, uint64_t magnitude,
                       bool negative)
{
    char digits[NUMBER_BYTES];
    unsigned count = make_digits(digits, magnitude, spec);
    const char *prefix = number_prefix(spec, magnitude, negative);
    size_t zeros = spec->has_precision && spec->precision > count ? spec->precision - count : 0;

    /* %#o increases the precision so that the first digit is a zero (ISO C 7.21.6.1). */
    if (spec->conversion == 'o' && spec->alternate && !zeros &&
        (!count || digits[NUMBER_BYTES - count] != '0'))
        zeros = 1;

    /* The flag 0 pads between the prefix and the digits, unless there is a precision. */
    size_t taken = strlen(prefix) + zeros + count;
    size_t padding = spec->width > taken ? spec->width - taken : 0;
    if (spec->zero && !spec->left && !spec->has_precision) {
        zeros += padding;
        padding = 0;
    }

    if (!spec->left)
        put_times(sink, ' ', padding);
    put_bytes(sink, prefix, strlen(prefix));
    put_times(sink, '0', zeros);
    put_bytes(sink, digits + NUMBER_BYTES - count, count);
    if (spec->left)
        put_times(sink, ' ', padding);
}

static int64_t take_signed(struct arguments *arguments, unsigned size_bytes)
{
    switch (size_bytes) {
    /* Smaller types are passed as int, and converted back here (ISO C 6.5.2.2). */
    case 1: return (signed char)va_arg(arguments->list, int);
    case 2: return (short)va_arg(arguments->list, int);
    case 4: return va_arg(arguments->list, int);
    default: return va_arg(arguments->list, long long);
    }
}

static uint64_t take_unsigned(struct arguments *arguments, unsigned size_bytes)
{
    switch (size_bytes) {
    case 1: return (unsigned char)va_arg(arguments->list, unsigned);
    case 2: return (unsigned short)va_arg(arguments->list, unsigned);
    case 4: return va_arg(arguments->list, unsigned);
    default: return va_arg(arguments->list, unsigned long long);
    }
}

/* ---- the format --------------------------------------------------------------------------- */

static const char *parse_flags(const char *at, struct spec *spec)
{
    for (;; at++) {
        switch (*at) {
        case '-': spec->left = true; break;
        case '0': spec->zero = true; break;
        case '+': spec->plus = true; break;
        case ' ': spec->space = true; break;
        case '#': spec->alternate = true; break;
        default: return at;
        }
    }
}

/* Parses a number, or takes the argument of a star, which may be negative. */
static const char *parse_number(const char *at, struct arguments *arguments, int *number)
{
    *number = 0;

    /* A star takes the number from the arguments. */
    if (*at == '*') {
        *number = va_arg(arguments->list, int);
        return at + 1;
    }

    /* Further digits of a number that is too large are ignored. */
    for (; *at >= '0' && *at <= '9'; at++)
        if (*number < NUMBER_MAX / 10 - 1)
            *number = *number * 10 + (*at - '0');
    return at;
}

static const char *parse_size(const char *at, struct spec *spec)
{
    switch (*at) {
    case 'h':
        spec->size_bytes = at[1] == 'h' ? sizeof(char) : sizeof(short);
        return at + (at[1] == 'h' ? 2 : 1);
    case 'l':
        /* long has the size of long long on x86-64. */
        spec->size_bytes = sizeof(long long);
        return at + (at[1] == 'l' ? 2 : 1);
    case 'z':
    case 'j':
    case 't':
        spec->size_bytes = sizeof(uint64_t);
        return at + 1;
    default:
        spec->size_bytes = sizeof(int);
        return at;
    }
}

/* Parses from after the % . Returns the position after the conversion's letter. */
static const char *parse_spec(const char *at, struct arguments *arguments, struct spec *spec)
{
    int number;

    /* The parts are in a fixed order: flags, width, precision, size, letter. */
    *spec = (struct spec){ 0 };
    at = parse_flags(at, spec);
    at = parse_number(at, arguments, &number);

    /* A negative width means the flag - and a width. A negative precision means none. */
    if (number < 0)
        spec->left = true;
    spec->width = number < 0 ? 0u - (unsigned)number : (unsigned)number;
    if (*at == '.') {
        at = parse_number(at + 1, arguments, &number);
        spec->has_precision = number >= 0;
        spec->precision = number >= 0 ? (unsigned)number : 0;
    }
    at = parse_size(at, spec);

    /* A format that ends here has no conversion: its text is copied. */
    spec->conversion = *at == 'i' ? 'd' : *at;
    return *at ? at + 1 : at;
}

static void put_text(struct sink *sink, const struct spec *spec, const char *text)
{
    if (!text)
        text = "(null)";
    /* With a precision the text need not be terminated. */
    put_padded(sink, spec, text, strnlen(text, spec->has_precision ? spec->precision : SIZE_MAX));
}

/* Returns false if the conversion is unknown. */
static bool put_conversion(struct sink *sink, const struct spec *spec, struct arguments *arguments)
{
    char c;
    int64_t number;

    switch (spec->conversion) {
    case 'd':
        /* The magnitude of the smallest number does not fit into int64_t. */
        number = take_signed(arguments, spec->size_bytes);
        put_number(sink, spec, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, number < 0);
        return true;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        put_number(sink, spec, take_unsigned(arguments, spec->size_bytes), false);
        return true;
    case 'p':
        put_number(sink, spec, (uintptr_t)va_arg(arguments->list, void *), false);
        return true;
    case 'c':
        c = (char)va_arg(arguments->list, int);
        put_padded(sink, spec, &c, 1);
        return true;
    case 's':
        put_text(sink, spec, va_arg(arguments->list, const char *));
        return true;
    case '%':
        put(sink, '%');
        return true;
    default:
        return false;
    }
}

int format_text_v(char *buffer, size_t bytes, const char *format, va_list list)
{
    struct sink sink = { .buffer = buffer, .bytes = bytes };
    struct arguments arguments;

    /* The caller's list must not change. */
    va_copy(arguments.list, list);
    while (*format) {
        if (*format != '%') {
            put(&sink, *format++);
            continue;
        }

        /* An unknown conversion is copied, so that it is seen. */
        struct spec spec;
        const char *end = parse_spec(format + 1, &arguments, &spec);
        if (!put_conversion(&sink, &spec, &arguments))
            put_bytes(&sink, format, (size_t)(end - format));
        format = end;
    }
    va_end(arguments.list);

    /* Terminate after the last character that fits. */
    if (bytes)
        buffer[min(sink.length, bytes - 1)] = '\0';
    return (int)min(sink.length, (size_t)NUMBER_MAX);
}

int format_text(char *buffer, size_t bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = format_text_v(buffer, bytes, format, arguments);
    va_end(arguments);
    return length;
}
