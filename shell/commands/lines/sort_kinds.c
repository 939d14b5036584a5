/*
 * sort_kinds.c - compares numbers, sizes and months; see sort_key.h.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/lines/sort_key.h"

static size_t skip_blanks(const char *text, size_t bytes)
{
    size_t at = 0;
    while (at < bytes && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n'))
        at++;
    return at;
}

/* ---- numbers ------------------------------------------------------------------------------ */

/* A number in decimal: blanks, a minus, digits, a point and more digits. Leading and trailing
 * zeroes are left out, so that digits can be compared as text. */
struct decimal {
    bool negative;
    const char *whole, *part;
    size_t whole_digits, part_digits;
};

static struct decimal decimal_parse(const char *text, size_t bytes)
{
    struct decimal w = { 0 };
    size_t at = skip_blanks(text, bytes);
    w.negative = at < bytes && text[at] == '-';
    at += w.negative;

    /* Without leading zeroes, the number of digits can be compared first. */
    while (at < bytes && text[at] == '0')
        at++;
    for (w.whole = text + at; at < bytes && text_is_digit(text[at]); at++)
        w.whole_digits++;

    /* After the point, digits count up to the last one that is not zero. */
    if (at < bytes && text[at] == '.') {
        w.part = text + ++at;
        for (size_t digits = 1; at < bytes && text_is_digit(text[at]); at++, digits++)
            if (text[at] != '0')
                w.part_digits = digits;
    }
    if (!w.whole_digits && !w.part_digits)
        w.negative = false; /* -0 is 0 */
    return w;
}

int sort_compare_bytes(const char *a, size_t a_count, const char *b, size_t b_count)
{
    size_t both = min(a_count, b_count);
    int order = both ? memcmp(a, b, both) : 0;
    return order ? order : (a_count > b_count) - (a_count < b_count);
}

int sort_compare_numbers(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    struct decimal x = decimal_parse(a, a_bytes), y = decimal_parse(b, b_bytes);
    if (x.negative != y.negative)
        return x.negative ? -1 : 1;

    /* Of two numbers without leading zeroes, the one with more digits is larger. */
    int order = (x.whole_digits > y.whole_digits) - (x.whole_digits < y.whole_digits);
    if (!order)
        order = sort_compare_bytes(x.whole, x.whole_digits, y.whole, y.whole_digits);
    if (!order)
        order = sort_compare_bytes(x.part, x.part_digits, y.part, y.part_digits);
    return x.negative ? -order : order;
}

/* ---- sizes -------------------------------------------------------------------------------- */

/* Returns the power of the unit after a number: 1 for K; negative for a negative number, 0 for
 * zero, whatever its unit. */
static int unit_power(const char *text, size_t bytes)
{
    static const char units[] = "KMGTPEZYRQ";
    size_t at = skip_blanks(text, bytes);
    bool negative = at < bytes && text[at] == '-', any = false;
    at += negative;

    for (bool point = false; at < bytes; at++) {
        if (text[at] == '.' && !point)
            point = true;
        else if (text_is_digit(text[at]))
            any |= text[at] != '0';
        else
            break;
    }
    if (!any || at == bytes)
        return 0;

    /* Only k may be in lower case (GNU). */
    char unit = text[at] == 'k' ? 'K' : text[at];
    const char *found = unit ? strchr(units, unit) : NULL;
    int power = found ? (int)(found - units) + 1 : 0;
    return negative ? -power : power;
}

int sort_compare_sizes(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    /* 1000K is less than 1M: only the unit counts, as the numbers of one tool are below 1024. */
    int order = unit_power(a, a_bytes) - unit_power(b, b_bytes);
    return order ? order : sort_compare_numbers(a, a_bytes, b, b_bytes);
}

/* ---- months ------------------------------------------------------------------------------- */

/* Returns 1 to 12 for a month's first three letters, else 0. */
static int month_of(const char *text, size_t bytes)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    size_t at = skip_blanks(text, bytes);
    for (int i = 0; i < 12 && bytes - at >= 3; i++) {
        const char *name = names + 3 * i;
        if (text_lower(text[at]) == name[0] && text_lower(text[at + 1]) == name[1] &&
            text_lower(text[at + 2]) == name[2])
            return i + 1;
    }
    return 0;
}

int sort_compare_months(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    return month_of(a, a_bytes) - month_of(b, b_bytes);
}
