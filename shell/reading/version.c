/*
 * version.c - compares names as versions; see version.h.
 */
#include "shell/reading/version.h"
#include "lib/macros.h"
#include "lib/text.h"

static bool is_letter(char c)
{
    return text_lower(c) >= 'a' && text_lower(c) <= 'z';
}

/* Returns the place of a character that is not a digit: ~ before the end of the text, then letters,
 * then others. A digit is between the end and the letters. */
static int character_order(const char *text, size_t bytes, size_t at)
{
    if (at >= bytes)
        return -1;
    char c = text[at];
    if (text_is_digit(c))
        return 0;
    return is_letter(c) ? (uint8_t)c : c == '~' ? -2 : (uint8_t)c + 256;
}

/* Compares digits at *i and *j as numbers, and moves both behind them. */
static int compare_digits(const char *a, size_t a_bytes, size_t *i, const char *b, size_t b_bytes,
                          size_t *j)
{
    int first = 0;
    while (*i < a_bytes && a[*i] == '0')
        ++*i;
    while (*j < b_bytes && b[*j] == '0')
        ++*j;
    for (; *i < a_bytes && *j < b_bytes && text_is_digit(a[*i]) && text_is_digit(b[*j]);
         ++*i, ++*j)
        first = first ? first : a[*i] - b[*j];

    /* More digits are a larger number. */
    if (*i < a_bytes && text_is_digit(a[*i]))
        return 1;
    if (*j < b_bytes && text_is_digit(b[*j]))
        return -1;
    return first;
}

/* Compares alternating runs of other characters and of digits. */
static int compare_runs(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    size_t i = 0, j = 0;
    while (i < a_bytes || j < b_bytes) {
        while ((i < a_bytes && !text_is_digit(a[i])) || (j < b_bytes && !text_is_digit(b[j]))) {
            int order = character_order(a, a_bytes, i) - character_order(b, b_bytes, j);
            if (order)
                return order;
            i++, j++;
        }
        int order = compare_digits(a, a_bytes, &i, b, b_bytes, &j);
        if (order)
            return order;
    }
    return 0;
}

/* Returns the length without extensions such as ".tar.gz": a dot, a letter or ~, and letters,
 * digits and ~, as often as they follow each other. */
static size_t without_extensions(const char *text, size_t bytes)
{
    size_t length = 0;
    for (size_t at = 0; at < bytes;) {
        length = ++at;
        while (at + 1 < bytes && text[at] == '.' &&
               (is_letter(text[at + 1]) || text[at + 1] == '~'))
            for (at += 2; at < bytes && (is_letter(text[at]) || text_is_digit(text[at]) ||
                                         text[at] == '~'); at++)
                ;
    }
    return length;
}

int version_compare(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    if (!a_bytes || !b_bytes)
        return (a_bytes > 0) - (b_bytes > 0);

    /* Names with a leading dot come first, of them `.` and `..`. */
    bool hidden = *a == '.';
    if (hidden != (*b == '.'))
        return hidden ? -1 : 1;
    if (hidden) {
        int a_dots = text_equal_n(a, a_bytes, "..", min(a_bytes, (size_t)2)) && a_bytes <= 2
                         ? (int)a_bytes : 3;
        int b_dots = text_equal_n(b, b_bytes, "..", min(b_bytes, (size_t)2)) && b_bytes <= 2
                         ? (int)b_bytes : 3;
        if (a_dots != b_dots || a_dots < 3)
            return a_dots - b_dots;
    }

    /* Extensions decide only between equal names. */
    size_t a_length = without_extensions(a, a_bytes), b_length = without_extensions(b, b_bytes);
    int order = compare_runs(a, a_length, b, b_length);
    bool whole = a_length == a_bytes && b_length == b_bytes;
    return order || whole ? order : compare_runs(a, a_bytes, b, b_bytes);
}
