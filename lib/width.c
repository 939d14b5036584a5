/*
 * width.c - tables of zero-width and wide characters; see width.h.
 */
#include "lib/width.h"
#include "lib/macros.h"
#include "lib/utf8.h"

struct range {
    uint32_t first, last;
};

/* Both tables are sorted, for binary search. */
static const struct range zero[] = {
    { 0x0300, 0x036f },   { 0x0483, 0x0489 },   { 0x0591, 0x05bd },   { 0x0610, 0x061a },
    { 0x064b, 0x065f },   { 0x06d6, 0x06dc },   { 0x0900, 0x0902 },   { 0x093c, 0x093c },
    { 0x0e31, 0x0e31 },   { 0x0e34, 0x0e3a },   { 0x0e47, 0x0e4e },   { 0x1160, 0x11ff },
    { 0x1ab0, 0x1aff },   { 0x1dc0, 0x1dff },   { 0x200b, 0x200f },   { 0x202a, 0x202e },
    { 0x2060, 0x2064 },   { 0x20d0, 0x20ff },   { 0x302a, 0x302d },   { 0x3099, 0x309a },
    { 0xfe00, 0xfe0f },   { 0xfe20, 0xfe2f },   { 0xfeff, 0xfeff },   { 0xe0100, 0xe01ef },
};

static const struct range wide[] = {
    { 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x2329, 0x232a },   { 0x23e9, 0x23ec },
    { 0x25fd, 0x25fe },   { 0x2614, 0x2615 },   { 0x2648, 0x2653 },   { 0x26aa, 0x26ab },
    { 0x2705, 0x2705 },   { 0x2728, 0x2728 },   { 0x274c, 0x274c },   { 0x2795, 0x2797 },
    { 0x2b1b, 0x2b1c },   { 0x2b50, 0x2b50 },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },
    { 0xa960, 0xa97c },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },
    { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x16fe0, 0x18aff }, { 0x1b000, 0x1b2ff },
    { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

static int is_in(uint32_t code, const struct range *ranges, size_t count)
{
    /* Find the first range that does not end before the code. */
    size_t from = 0, to = count;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (code > ranges[middle].last)
            from = middle + 1;
        else
            to = middle;
    }
    return from < count && code >= ranges[from].first;
}

unsigned character_width(uint32_t code)
{
    /* Combining characters share the column of the one before. */
    if (is_in(code, zero, ARRAY_LENGTH(zero)))
        return 0;
    return is_in(code, wide, ARRAY_LENGTH(wide)) ? 2 : 1;
}

size_t character_at(const char *text, size_t length, size_t at, unsigned *width)
{
    uint32_t code;

    /* A malformed byte is shown as one replacement character. */
    int bytes = utf8_decode(text + at, length - at, &code);
    *width = bytes > 0 ? character_width(code) : 1;
    return bytes > 0 ? (size_t)bytes : 1;
}

size_t text_width(const char *text, size_t length)
{
    size_t columns = 0;
    unsigned width;
    for (size_t at = 0; at < length; columns += width)
        at += character_at(text, length, at, &width);
    return columns;
}
