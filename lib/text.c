/*
 * text.c - bounded copying, comparing and parsing of text.
 */
#include "lib/text.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/word.h"

size_t text_copy(char *to, size_t bytes, const char *from)
{
    size_t length = strlen(from);
    if (bytes) {
        size_t kept = min(length, bytes - 1);
        memcpy(to, from, kept);
        to[kept] = '\0';
    }
    return length;
}

void text_copy_field(char *to, size_t bytes, const uint8_t *field, size_t length)
{
    size_t used = 0, end = 0;
    for (size_t i = 0; i < length && field[i] && used + 1 < bytes; i++) {
        /* Some devices align their texts to the right. */
        if (field[i] == ' ' && !used)
            continue;

        /* Spaces inside the text stay: `end` is after the last character that is not one. */
        to[used++] = field[i] >= ' ' && field[i] <= '~' ? (char)field[i] : '?';
        if (field[i] != ' ')
            end = used;
    }
    to[end] = '\0';
}

bool text_equal(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool text_equal_n(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    return a_bytes == b_bytes && (!a_bytes || memcmp(a, b, a_bytes) == 0);
}

bool text_equal_fold(const char *a, const char *b)
{
    /* Ends at the first difference, or at the end of `a`; equal only if `b` ends there, too. */
    while (*a && text_lower(*a) == text_lower(*b))
        a++, b++;
    return !*a && !*b;
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_all_digits(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (!text_is_digit(text[i]))
            return false;
    return true;
}

char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

char text_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

int text_hex_digit(char c)
{
    c = text_lower(c);
    if (text_is_digit(c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t text_count(const char *text, size_t bytes, char c)
{
    size_t count = 0;

    for (; bytes >= 8; text += 8, bytes -= 8) {
        uint64_t word;
        __builtin_memcpy(&word, text, 8);

        /* Equal bytes become zero. The top bit of all others is set, without carries between bytes;
         * the multiplication adds up the rest. */
        word ^= (uint8_t)c * EACH_BYTE;
        uint64_t others = ((word & 0x7f * EACH_BYTE) + 0x7f * EACH_BYTE) | word;
        count += (~others >> 7 & EACH_BYTE) * EACH_BYTE >> 56;
    }
    for (; bytes > 0; bytes--)
        count += *text++ == c;
    return count;
}

/* Returns the value of a digit; UINT_MAX, which is above every base, for other characters. */
static unsigned digit_of(char c)
{
    return (unsigned)text_hex_digit(c);
}

/* Returns the factor of the unit at *text and moves *text past it; 1 if there is no unit. */
static uint64_t take_unit(const char **text)
{
    static const char letters[] = "kmgtpe";
    const char *letter = **text ? strchr(letters, text_lower(**text)) : NULL;
    if (!letter)
        return 1;

    /* A "B" alone makes it a power of 1000, as in GNU's tools. */
    uint64_t base = 1024, unit = 1;
    const char *at = *text + 1;
    if (at[0] == 'i' && at[1] == 'B') {
        at += 2;
    } else if (at[0] == 'B') {
        base = 1000;
        at++;
    }

    /* "k" is the first power, "m" the second, and so on. 1024^6 and 1000^6 fit into 64 bits. */
    for (ptrdiff_t power = letter - letters; power >= 0; power--)
        unit *= base;
    *text = at;
    return unit;
}

status_t text_parse_u64(const char *text, uint64_t *value)
{
    unsigned base = 10;

    /* A 0 alone is not a prefix: 010 is ten. */
    if (text[0] == '0' && text_lower(text[1]) == 'x') {
        base = 16;
        text += 2;
    }

    /* At least one digit is needed, even before a unit. */
    if (digit_of(*text) >= base)
        return -EINVAL;

    /* A number that is too large is still parsed, since an invalid one is the other error. */
    uint64_t number = 0;
    bool fits = true;
    for (; digit_of(*text) < base; text++)
        fits = !__builtin_mul_overflow(number, base, &number) &&
               !__builtin_add_overflow(number, digit_of(*text), &number) && fits;

    /* The unit may make the number too large, too. Anything after it is an error. */
    fits = !__builtin_mul_overflow(number, take_unit(&text), &number) && fits;
    if (*text)
        return -EINVAL;
    if (!fits)
        return -ERANGE;
    *value = number;
    return 0;
}

status_t text_parse_signed(const char *text, char *sign, uint64_t *value)
{
    /* The sign is returned apart, because the value uses all 64 bits. */
    bool has_sign = *text == '+' || *text == '-';
    status_t status = text_parse_u64(text + has_sign, value);
    if (!status)
        *sign = has_sign ? *text : 0;
    return status;
}

static uint64_t seconds_of_unit(char unit)
{
    switch (unit) {
    case '\0':
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 3600;
    case 'd': return 86400;
    default: return 0;
    }
}

status_t text_parse_time(const char *text, uint64_t *us)
{
    const char *at = text;
    uint64_t whole = 0, part = 0, place = 1000000;
    bool fits = true, digits = false;

    /* Digits before the point, and up to six after it: later ones are below a microsecond. */
    for (; text_is_digit(*at); at++, digits = true)
        fits = !__builtin_mul_overflow(whole, (uint64_t)10, &whole) &&
               !__builtin_add_overflow(whole, (uint64_t)(*at - '0'), &whole) && fits;
    if (*at == '.')
        for (at++; text_is_digit(*at); at++, digits = true)
            part += (uint64_t)(*at - '0') * (place /= 10);

    /* ".5" and "5." are numbers, but "." is not. At most one letter may follow. */
    uint64_t unit = seconds_of_unit(*at);
    if (!digits || !unit || (*at && at[1]))
        return -EINVAL;
    if (!fits || __builtin_mul_overflow(whole, unit * 1000000, &whole) ||
        __builtin_add_overflow(whole, part * unit, &whole))
        return -ERANGE;
    *us = whole;
    return 0;
}
