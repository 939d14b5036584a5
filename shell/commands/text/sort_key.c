/*
 * sort_key.c - parses, finds and compares the keys of sort; see sort_key.h.
 */
#include "shell/commands/text/sort_key.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* ---- keys --------------------------------------------------------------------------------- */

bool sort_order_letter(struct sort_order *order, char letter)
{
    switch (letter) {
    case 'b': order->skip_blanks = order->skip_blanks_end = true; return true;
    case 'd': order->dictionary = true; return true;
    case 'f': order->fold = true; return true;
    case 'i': order->printable = true; return true;
    case 'n': order->numeric = true; return true;
    case 'r': order->reverse = true; return true;
    default: return false;
    }
}

/* Parses digits; a number that does not fit becomes the largest one. False if there are none. */
static bool parse_number(const char **text, uint64_t *number)
{
    const char *at = *text;
    *number = 0;
    for (; text_is_digit(*at); at++)
        *number = *number > UINT64_MAX / 10 - 1 ? UINT64_MAX : *number * 10 + (uint64_t)(*at - '0');
    bool any = at != *text;
    *text = at;
    return any;
}

/* Parses F[.C] and letters. 'b' applies to this position only (POSIX). */
static bool parse_position(const char **text, uint64_t *field, uint64_t *character,
                           struct sort_key *key, bool *skip_blanks)
{
    if (!parse_number(text, field))
        return false;

    /* Without a character, the caller's default remains. */
    if (**text == '.') {
        ++*text;
        if (!parse_number(text, character))
            return false;
    }

    /* A letter at either position makes the key independent of the command's options. */
    for (; **text && **text != ','; ++*text) {
        if (**text == 'b')
            *skip_blanks = true;
        else if (!sort_order_letter(&key->order, **text))
            return false;
        key->has_order = true;
    }
    return true;
}

status_t sort_key_parse(const char *text, struct sort_key *key)
{
    *key = (struct sort_key){ .first_char = 1 };
    if (!parse_position(&text, &key->first_field, &key->first_char, key,
                        &key->order.skip_blanks) ||
        !key->first_field || !key->first_char)
        return -EINVAL;
    if (!*text)
        return 0;

    /* The last character may be 0: the key then ends with its field. */
    text++; /* the comma */
    bool valid = parse_position(&text, &key->last_field, &key->last_char, key,
                                &key->order.skip_blanks_end);
    return valid && key->last_field && !*text ? 0 : -EINVAL;
}

static size_t skip_blanks(const char *line, size_t bytes, size_t at)
{
    while (at < bytes && is_blank(line[at]))
        at++;
    return at;
}

/* Returns where the field with this number begins; `bytes` if there are fewer. */
static size_t field_start(int separator, const char *line, size_t bytes, uint64_t field)
{
    size_t at = 0;
    while (--field && at < bytes) {
        /* Two separators in a row enclose an empty field. Blanks belong to the field after them. */
        if (separator >= 0) {
            const char *end = memchr(line + at, separator, bytes - at);
            at = end ? (size_t)(end - line) + 1 : bytes;
        } else {
            at = skip_blanks(line, bytes, at);
            while (at < bytes && !is_blank(line[at]))
                at++;
        }
    }
    return at;
}

static size_t field_end(int separator, const char *line, size_t bytes, size_t start)
{
    if (separator >= 0) {
        const char *end = start < bytes ? memchr(line + start, separator, bytes - start) : NULL;
        return end ? (size_t)(end - line) : bytes;
    }

    /* The blanks before a field belong to it (POSIX). */
    size_t at = skip_blanks(line, bytes, start);
    while (at < bytes && !is_blank(line[at]))
        at++;
    return at;
}

const char *sort_key_find(const struct sort_key *key, int separator, const char *line,
                          size_t bytes, size_t *key_bytes)
{
    size_t from = field_start(separator, line, bytes, key->first_field);
    if (key->order.skip_blanks)
        from = skip_blanks(line, bytes, from);

    /* A key that would begin after the end of the line is empty. */
    from = key->first_char - 1 < bytes - from ? from + (size_t)(key->first_char - 1) : bytes;

    /* The end is inclusive: the character of this number, or without one the whole field. */
    size_t to = bytes;
    if (key->last_field) {
        to = field_start(separator, line, bytes, key->last_field);
        if (!key->last_char) {
            to = field_end(separator, line, bytes, to);
        } else {
            if (key->order.skip_blanks_end)
                to = skip_blanks(line, bytes, to);
            to = key->last_char < bytes - to ? to + (size_t)key->last_char : bytes;
        }
    }
    *key_bytes = to > from ? to - from : 0;
    return line + from;
}

/* ---- comparing ---------------------------------------------------------------------------- */

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
    size_t at = skip_blanks(text, bytes, 0);
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

static int bytes_compare(const char *a, size_t a_count, const char *b, size_t b_count)
{
    size_t both = min(a_count, b_count);
    int order = both ? memcmp(a, b, both) : 0;
    return order ? order : (a_count > b_count) - (a_count < b_count);
}

static int compare_numbers(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    struct decimal x = decimal_parse(a, a_bytes), y = decimal_parse(b, b_bytes);
    if (x.negative != y.negative)
        return x.negative ? -1 : 1;

    /* Of two numbers without leading zeroes, the one with more digits is larger. */
    int order = (x.whole_digits > y.whole_digits) - (x.whole_digits < y.whole_digits);
    if (!order)
        order = bytes_compare(x.whole, x.whole_digits, y.whole, y.whole_digits);
    if (!order)
        order = bytes_compare(x.part, x.part_digits, y.part, y.part_digits);
    return x.negative ? -order : order;
}

static bool is_letter_or_digit(char c)
{
    return text_is_digit(c) || (text_lower(c) >= 'a' && text_lower(c) <= 'z');
}

/* Returns the next byte that the order compares, folded if it folds; -1 at the end. */
static int next_byte(const struct sort_order *order, const char *text, size_t bytes, size_t *at)
{
    for (; *at < bytes; ++*at) {
        char c = text[*at];

        /* Bytes that -d or -i ignores are skipped, as if the line did not contain them (POSIX). */
        if (order->dictionary && !is_blank(c) && !is_letter_or_digit(c))
            continue;
        if (order->printable && !order->dictionary && (c < ' ' || c > '~'))
            continue; /* -d has the last word about blanks (GNU) */
        ++*at;
        /* POSIX: lower case letters become upper, so that '_' comes after both. */
        return (uint8_t)(order->fold && c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    return -1;
}

static int compare_bytes(const struct sort_order *order, const char *a, size_t a_bytes,
                         const char *b, size_t b_bytes)
{
    /* The default order needs no byte to be changed or skipped. */
    if (!order->fold && !order->dictionary && !order->printable)
        return bytes_compare(a, a_bytes, b, b_bytes);

    size_t a_at = 0, b_at = 0;
    for (;;) {
        int x = next_byte(order, a, a_bytes, &a_at), y = next_byte(order, b, b_bytes, &b_at);

        /* next_byte() returns -1 at the end, so the shorter text comes first. */
        if (x != y || x < 0)
            return x - y;
    }
}

int sort_key_compare(const struct sort_order *order, const char *a, size_t a_bytes, const char *b,
                     size_t b_bytes)
{
    int result = order->numeric ? compare_numbers(a, a_bytes, b, b_bytes)
                                : compare_bytes(order, a, a_bytes, b, b_bytes);
    return order->reverse ? -result : result;
}
