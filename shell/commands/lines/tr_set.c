/*
 * tr_set.c - parses and enumerates the sets of tr; see tr_set.h.
 */
#include "shell/commands/lines/tr_set.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* ---- classes ------------------------------------------------------------------------------ */

static bool is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_alpha(uint8_t c)
{
    return is_upper(c) || is_lower(c);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(uint8_t c)
{
    return is_alpha(c) || is_digit(c);
}

static bool is_graph(uint8_t c)
{
    return c > ' ' && c < 0x7f;
}

static bool is_print(uint8_t c)
{
    return c >= ' ' && c < 0x7f;
}

static bool is_punct(uint8_t c)
{
    return is_graph(c) && !is_alnum(c);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_cntrl(uint8_t c)
{
    return c < ' ' || c == 0x7f;
}

static bool is_xdigit(uint8_t c)
{
    return text_hex_digit((char)c) >= 0;
}

static const struct class {
    const char *name;
    bool (*has)(uint8_t c);
} classes[] = {
    { "alnum", is_alnum }, { "alpha", is_alpha }, { "blank", is_blank }, { "cntrl", is_cntrl },
    { "digit", is_digit }, { "graph", is_graph }, { "lower", is_lower }, { "print", is_print },
    { "punct", is_punct }, { "space", is_space }, { "upper", is_upper }, { "xdigit", is_xdigit },
};

/* ---- parsing ------------------------------------------------------------------------------ */

/* An operand whose escape sequences were replaced: an escaped byte has no special meaning. */
struct operand {
    struct shell *shell;
    struct tr_set *set;
    uint8_t *bytes;
    bool *escaped;
    size_t length;
};

/* Parses the sequence after a backslash, and returns its byte. *at is at the backslash's successor,
 * and then after the sequence. */
static uint8_t escape(struct shell *shell, const char *text, size_t *at)
{
    static const char letters[] = "abfnrtv", values[] = "\a\b\f\n\r\t\v";
    char c = text[*at];
    const char *letter = c ? strchr(letters, c) : NULL;
    unsigned value = 0, digits = 0;

    /* Up to three octal digits; the third one is not used if the byte would exceed \377. */
    for (; digits < 3 && text[*at] >= '0' && text[*at] <= '7'; digits++, ++*at) {
        unsigned grown = value * 8 + (unsigned)(text[*at] - '0');
        if (grown > 0xff) {
            shell_complain(shell, "warning: the ambiguous octal escape \\%.3s is being interpreted "
                                  "as the 2-byte sequence \\0%.2s, %c", text + *at - 2,
                           text + *at - 2, text[*at]);
            break;
        }
        value = grown;
    }
    if (digits)
        return (uint8_t)value;

    ++*at;
    return (uint8_t)(letter ? values[letter - letters] : c);
}

static void unescape(struct operand *operand, const char *text)
{
    for (size_t at = 0; text[at];) {
        /* A backslash at the end is an ordinary one. */
        bool escapes = text[at] == '\\' && text[at + 1];
        uint8_t c = (uint8_t)text[at++];

        operand->escaped[operand->length] = escapes;
        operand->bytes[operand->length++] = escapes ? escape(operand->shell, text, &at) : c;
        if (c == '\\' && !escapes)
            shell_complain(operand->shell, "warning: an unescaped backslash at end of string is "
                                           "not portable");
    }
}

/* Returns whether an unescaped `c` is at this place. */
static bool has_at(const struct operand *operand, size_t at, char c)
{
    return at < operand->length && operand->bytes[at] == (uint8_t)c && !operand->escaped[at];
}

static struct tr_item *add_item(struct operand *operand, struct tr_item item)
{
    /* There is room: each item takes at least one byte of the operand. */
    struct tr_item *added = &operand->set->items[operand->set->count++];
    *added = item;
    return added;
}

static int refuse(struct operand *operand, const char *format, const uint8_t *text, size_t bytes)
{
    char shown[64];
    text_copy(shown, min(bytes + 1, sizeof(shown)), (const char *)text);
    return shell_complain(operand->shell, format, shown);
}

static int add_class(struct operand *operand, const uint8_t *name, size_t bytes)
{
    for (size_t i = 0; i < ARRAY_LENGTH(classes); i++)
        if (text_equal_n(classes[i].name, strlen(classes[i].name), (const char *)name, bytes)) {
            add_item(operand, (struct tr_item){
                                  .kind = TR_CLASS,
                                  .has = classes[i].has,
                                  .is_case = classes[i].has == is_upper ||
                                             classes[i].has == is_lower,
                              });
            return SHELL_DONE;
        }
    if (!bytes)
        return shell_complain(operand->shell, "missing character class name '[::]'");
    return refuse(operand, "invalid character class '%s'", name, bytes);
}

static int add_equivalence(struct operand *operand, const uint8_t *name, size_t bytes)
{
    if (!bytes)
        return shell_complain(operand->shell, "missing equivalence class character '[==]'");
    if (bytes > 1)
        return refuse(operand, "%s: equivalence class operand must be a single character", name,
                      bytes);
    add_item(operand, (struct tr_item){ .kind = TR_EQUIVALENCE, .first = *name, .last = *name });
    return SHELL_DONE;
}

/* Finds the end of [:name:] or [=name=], whose name begins at `from`. Returns false if it has
 * none. */
static bool find_closing(const struct operand *operand, size_t from, char delimiter, size_t *end)
{
    for (*end = from; *end + 1 < operand->length; ++*end)
        if (has_at(operand, *end, delimiter) && has_at(operand, *end + 1, ']'))
            return true;
    return false;
}

/* Parses the digits of [a*N], octal after a 0. Returns false if they are not a number. */
static bool parse_count(const uint8_t *text, size_t bytes, uint64_t *count)
{
    unsigned base = bytes && *text == '0' ? 8 : 10;
    *count = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] >= '0' + base || *count > (UINT64_MAX >> 4) / base)
            return false;
        *count = *count * base + (uint64_t)(text[i] - '0');
    }
    return true;
}

/* Parses [a*N] at *at. *matched is false if it is not one. */
static int take_repeat(struct operand *operand, size_t *at, bool *matched)
{
    size_t digits = *at + 3, end = digits;
    uint64_t count;

    *matched = has_at(operand, *at + 2, '*');
    while (end < operand->length && !operand->escaped[end] && operand->bytes[end] != ']')
        end++;
    *matched = *matched && has_at(operand, end, ']');
    if (!*matched)
        return SHELL_DONE;

    if (!parse_count(operand->bytes + digits, end - digits, &count))
        return refuse(operand, "invalid repeat count '%s' in [c*n] construct",
                      operand->bytes + digits, end - digits);

    /* A count of 0 is as none (POSIX: extend to the length of string1). */
    add_item(operand, (struct tr_item){ .kind = TR_REPEAT, .first = operand->bytes[*at + 1],
                                        .count = count, .fills = !count });
    *at = end + 1;
    return SHELL_DONE;
}

/* Returns whether "*DIGITS]" is at this place: then [:*3] is a repeated colon, not a class. */
static bool is_repeat_tail(const struct operand *operand, size_t at)
{
    if (!has_at(operand, at, '*'))
        return false;
    for (at++; at < operand->length && is_digit(operand->bytes[at]);)
        at++;
    return has_at(operand, at, ']');
}

/* Parses a construct in brackets at *at. *matched is false if it is not one. */
static int take_bracket(struct operand *operand, size_t *at, bool *matched)
{
    static const char delimiters[] = ":=";
    size_t name = *at + 2, end;

    for (const char *delimiter = delimiters; *delimiter; delimiter++) {
        if (!has_at(operand, *at + 1, *delimiter) ||
            !find_closing(operand, name, *delimiter, &end) || is_repeat_tail(operand, name))
            continue;

        *matched = true;
        *at = end + 2;
        return *delimiter == ':' ? add_class(operand, operand->bytes + name, end - name)
                                 : add_equivalence(operand, operand->bytes + name, end - name);
    }
    return take_repeat(operand, at, matched);
}

/* Parses a byte or a range at *at. */
static int take_range(struct operand *operand, size_t *at)
{
    uint8_t first = operand->bytes[*at], last = first;
    bool is_range = has_at(operand, *at + 1, '-') && *at + 2 < operand->length;

    if (is_range)
        last = operand->bytes[*at + 2];
    if (last < first)
        return shell_complain(operand->shell, "range-endpoints of '%c-%c' are in reverse collating "
                                              "sequence order", first, last);
    *at += is_range ? 3 : 1;
    add_item(operand, (struct tr_item){ .kind = TR_RANGE, .first = first, .last = last });
    return SHELL_DONE;
}

static int parse(struct operand *operand)
{
    int result = SHELL_DONE;
    for (size_t at = 0; at < operand->length && !result;) {
        bool matched = false;

        if (has_at(operand, at, '[') && at + 2 < operand->length)
            result = take_bracket(operand, &at, &matched);
        if (!result && !matched)
            result = take_range(operand, &at);
    }
    return result;
}

int tr_set_parse(struct shell *shell, const char *text, struct tr_set *set)
{
    size_t length = strlen(text);
    struct operand operand = { .shell = shell, .set = set };

    operand.bytes = mem_alloc(length + 1);
    operand.escaped = mem_alloc(length + 1);
    *set = (struct tr_set){ .items = mem_alloc((length + 1) * sizeof(*set->items)) };

    int result = SHELL_DONE;
    if (!operand.bytes || !operand.escaped || !set->items) {
        result = shell_fail(shell, NULL, -ENOMEM);
    } else {
        unescape(&operand, text);
        result = parse(&operand);
    }
    mem_free(operand.bytes);
    mem_free(operand.escaped);
    return result;
}

void tr_set_free(struct tr_set *set)
{
    mem_free(set->items);
}

/* ---- enumerating -------------------------------------------------------------------------- */

static bool item_has(const struct tr_item *item, uint8_t c)
{
    switch (item->kind) {
    case TR_CLASS: return item->has(c);
    case TR_REPEAT: return item->first == c && item->count;
    default: return c >= item->first && c <= item->last;
    }
}

static uint64_t item_length(const struct tr_item *item)
{
    uint64_t length = 0;
    if (item->kind == TR_REPEAT)
        return item->count;
    for (unsigned c = 0; c < 256; c++)
        length += item_has(item, (uint8_t)c);
    return length;
}

/* Returns the byte number `at` of an item, or -1 past its end. */
static int item_byte(const struct tr_item *item, uint64_t at)
{
    if (item->kind == TR_REPEAT)
        return at < item->count ? item->first : -1;
    if (item->kind != TR_CLASS)
        return at <= (uint64_t)(item->last - item->first) ? item->first + (int)at : -1;

    for (int c = 0; c < 256; c++)
        if (item->has((uint8_t)c) && !at--)
            return c;
    return -1;
}

static bool items_have(const struct tr_set *set, uint8_t c)
{
    for (unsigned i = 0; i < set->count; i++)
        if (item_has(&set->items[i], c))
            return true;
    return false;
}

void tr_set_rewind(struct tr_set *set)
{
    set->item = 0;
    set->at = 0;
}

int tr_set_next(struct tr_set *set)
{
    /* In a complement `at` is the next byte to look at. */
    if (set->complement) {
        while (set->at < 256 && items_have(set, (uint8_t)set->at))
            set->at++;
        return set->at < 256 ? (int)set->at++ : -1;
    }

    for (; set->item < set->count; set->item++, set->at = 0) {
        int c = item_byte(&set->items[set->item], set->at);
        set->begins = !set->at++;
        if (c >= 0)
            return c;
    }
    return -1;
}

const struct tr_item *tr_set_item(const struct tr_set *set)
{
    return set->complement || set->item >= set->count ? NULL : &set->items[set->item];
}

uint64_t tr_set_length(const struct tr_set *set)
{
    uint64_t length = 0;
    if (!set->complement)
        for (unsigned i = 0; i < set->count; i++)
            length += item_length(&set->items[i]);
    else
        for (unsigned c = 0; c < 256; c++)
            length += !items_have(set, (uint8_t)c);
    return length;
}

void tr_set_members(struct tr_set *set, bool has[256])
{
    for (unsigned c = 0; c < 256; c++)
        has[c] = items_have(set, (uint8_t)c) != set->complement;
}
