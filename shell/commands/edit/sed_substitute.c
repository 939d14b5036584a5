/*
 * sed_substitute.c - the replacements of s: parsing them, and replacing; see sed.h.
 */
#include "shell/commands/edit/sed.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"

/* ---- parsing ------------------------------------------------------------------------------ */

static char change_case(char c, char change)
{
    if ((change == 'U' || change == 'u') && c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return change == 'L' || change == 'l' ? text_lower(c) : c;
}

/* Parses up to `most` digits of a base. */
static int take_digits(const char *text, size_t bytes, size_t *at, unsigned base, unsigned most)
{
    int value = -1;
    for (; most && *at < bytes; most--, ++*at) {
        int digit = text_hex_digit(text[*at]);
        if (digit < 0 || (unsigned)digit >= base)
            break;
        value = max(value, 0) * (int)base + digit;
    }
    return value < 0 ? value : value & 0xff;
}

int sed_escape(const char *text, size_t bytes, size_t *at)
{
    static const char letters[] = "afnrtv", values[] = "\a\f\n\r\t\v";
    size_t after = *at + 1;
    int value = -1;
    char c = text[*at];
    const char *letter = c ? strchr(letters, c) : NULL;

    if (letter)
        value = values[letter - letters];
    else if (c == 'd')
        value = take_digits(text, bytes, &after, 10, 3);
    else if (c == 'o')
        value = take_digits(text, bytes, &after, 8, 3);
    else if (c == 'x')
        value = take_digits(text, bytes, &after, 16, 2);
    else if (c == 'c' && after < bytes)
        value = change_case(text[after++], 'U') ^ 0x40;
    if (value >= 0)
        *at = after;
    return value;
}

/* Appends a piece, to which text and a group are added. Returns NULL without memory. */
static struct sed_piece *add_piece(struct sed_piece ***last)
{
    struct sed_piece *piece = mem_zalloc(sizeof(*piece));
    if (piece) {
        piece->group = -1;
        **last = piece;
        *last = &piece->next;
    }
    return piece;
}

const char *sed_parse_replacement(struct sed_substitution *substitution, const char *text,
                                  size_t bytes)
{
    struct sed_piece **last = &substitution->pieces, *piece = add_piece(&last);

    for (size_t at = 0; at < bytes && piece;) {
        bool escaped = text[at] == '\\' && at + 1 < bytes;
        char c = text[at += escaped];
        bool is_group = escaped ? text_is_digit(c) : c == '&';
        if (is_group) {
            /* A group ends its piece. */
            piece->group = escaped ? c - '0' : 0;
            substitution->last_group = max(substitution->last_group, (unsigned)piece->group);
            piece = add_piece(&last);
            at++;
            continue;
        }
        if (escaped && strchr("ULEul", c) && c) {
            /* A change of case begins a piece. */
            piece = piece->text.length || piece->group >= 0 ? add_piece(&last) : piece;
            if (piece && (c == 'u' || c == 'l'))
                piece->once = c;
            else if (piece)
                piece->change = c;
            at++;
            continue;
        }

        int value = escaped ? sed_escape(text, bytes, &at) : -1;
        if (value >= 0)
            c = (char)value;
        else
            at++;
        buffer_put(&piece->text, &c, 1);
        if (piece->text.status)
            piece = NULL;
    }
    return piece ? NULL : status_text(-ENOMEM);
}

/* ---- replacing ---------------------------------------------------------------------------- */

/* The case of what is appended: change until the next \E, and of the next character. */
struct letters {
    char change, once;
};

static void append(struct buffer *to, struct letters *letters, const char *text, size_t bytes)
{
    if (!letters->change && !letters->once) {
        if (bytes)
            buffer_put(to, text, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i++) {
        char c = change_case(text[i], letters->once ? letters->once : letters->change);
        letters->once = 0;
        buffer_put(to, &c, 1);
    }
}

static void append_replacement(const struct sed_substitution *substitution, struct buffer *to,
                               const char *text, const struct regex_span *spans)
{
    struct letters letters = { 0 };
    for (const struct sed_piece *piece = substitution->pieces; piece; piece = piece->next) {
        if (piece->change)
            letters.change = piece->change == 'E' ? 0 : piece->change;
        if (piece->once)
            letters.once = piece->once;
        append(to, &letters, piece->text.text, piece->text.length);

        /* A group that did not match is empty. */
        const struct regex_span *span = piece->group < 0 ? NULL : &spans[piece->group];
        if (span && span->start != SIZE_MAX)
            append(to, &letters, text + span->start, span->end - span->start);
    }
}

/* Finds the next match, with its groups only if the replacement has some. */
static int find(const struct sed_substitution *substitution, struct regex *regex,
                const struct buffer *space, size_t from, struct regex_span spans[REGEX_SPANS])
{
    const char *text = space->text ? space->text : "";
    if (substitution->last_group)
        return regex_find_groups(regex, text, space->length, from, spans);
    return regex_find(regex, text, space->length, from, &spans[0].start, &spans[0].end);
}

/* Appends a part of the pattern space. */
static void keep(struct buffer *result, const struct buffer *space, size_t from, size_t end)
{
    if (from < end)
        buffer_put(result, space->text + from, end - from);
}

/* Returns where the character at `at` ends. */
static size_t after_character(const struct buffer *space, size_t at)
{
    size_t next = at + 1;
    while (next < space->length && utf8_continues(space->text[next]))
        next++;
    return min(next, space->length);
}

/* Appends the pattern space with its replacements. Returns 1 if there are any, 0, or an errno. */
static int replace(const struct sed_substitution *substitution, struct regex *regex,
                   const struct buffer *space, struct buffer *result)
{
    struct regex_span spans[REGEX_SPANS];
    size_t from = 0, last_end = SIZE_MAX;
    uint64_t count = 0;
    int found, replaced = 0;

    while (from <= space->length &&
           (found = find(substitution, regex, space, from, spans)) != 0) {
        size_t start = spans[0].start, end = spans[0].end;
        if (found < 0 || shell_interrupted())
            return found < 0 ? found : -EINTR;
        keep(result, space, from, start);

        /* An empty match directly after another match does not count (POSIX). */
        bool counts = start != end || start != last_end;
        if (counts && ++count >= substitution->number) {
            append_replacement(substitution, result, space->text, spans);
            replaced = 1;
        } else {
            keep(result, space, start, end);
        }

        /* After an empty match the search continues behind the next character. */
        from = start == end ? after_character(space, end) : end;
        keep(result, space, end, from);
        last_end = start == end ? SIZE_MAX : end;
        if (start == end && end == space->length)
            break;
        if (replaced && !substitution->all)
            break;
    }
    keep(result, space, from, space->length);
    return result->status ? result->status : replaced;
}

int sed_substitute(struct sed *sed, const struct sed_substitution *substitution)
{
    struct regex *regex = substitution->regex ? substitution->regex : sed->used;
    struct buffer result = { 0 };

    sed->used = regex;
    int replaced = replace(substitution, regex, &sed->space, &result);
    if (replaced > 0) {
        buffer_free(&sed->space);
        sed->space = result;
    } else {
        buffer_free(&result);
    }
    return replaced;
}
