/*
 * sort_key.c - parses, finds and compares the keys of sort; see sort_key.h.
 */
#include "shell/commands/lines/sort_key.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/reading/version.h"

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
    case 'h': order->sizes = true; return true;
    case 'M': order->months = true; return true;
    case 'n': order->numeric = true; return true;
    case 'V': order->versions = true; return true;
    case 'r': order->reverse = true; return true;
    default: return false;
    }
}

bool sort_order_is_mixed(const struct sort_order *order)
{
    return order->numeric + order->sizes + order->months + order->versions +
           (order->dictionary || order->printable) > 1;
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
        return sort_compare_bytes(a, a_bytes, b, b_bytes);

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
    int result = order->numeric    ? sort_compare_numbers(a, a_bytes, b, b_bytes)
                 : order->sizes    ? sort_compare_sizes(a, a_bytes, b, b_bytes)
                 : order->months   ? sort_compare_months(a, a_bytes, b, b_bytes)
                 : order->versions ? version_compare(a, a_bytes, b, b_bytes)
                                   : compare_bytes(order, a, a_bytes, b, b_bytes);
    return order->reverse ? -result : result;
}
