/* text.c - see text.h. */
#include "lib/text.h"

#include "lib/string.h"
#include "lib/word.h"

size_t text_copy(char *to, size_t bytes, const char *from)
{
    size_t length = strlen(from);
    if (bytes > 0) {
        size_t kept = length < bytes ? length : bytes - 1;
        memcpy(to, from, kept);
        to[kept] = '\0';
    }
    return length;
}

bool text_equal(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool text_equal_n(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    return a_bytes == b_bytes && (a_bytes == 0 || memcmp(a, b, a_bytes) == 0);
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

size_t text_count(const char *text, size_t bytes, char c)
{
    size_t count = 0;
    for (; bytes >= 8; text += 8, bytes -= 8) {
        uint64_t word;
        __builtin_memcpy(&word, text, 8);
        word ^= (uint8_t)c * EACH_BYTE;
        /* the top bit of each byte that is not zero */
        uint64_t others = ((word & 0x7f * EACH_BYTE) + 0x7f * EACH_BYTE) | word;
        count += (~others >> 7 & EACH_BYTE) * EACH_BYTE >> 56;
    }
    for (; bytes > 0; bytes--)
        count += *text++ == c;
    return count;
}

/* 16 for what is no digit in any base. */
static unsigned digit_of(char c)
{
    c = text_lower(c);
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return 16;
}

static unsigned suffix_shift(char c)
{
    switch (text_lower(c)) {
    case 'k': return 10;
    case 'm': return 20;
    case 'g': return 30;
    case 't': return 40;
    default: return 0;
    }
}

status_t text_parse_u64(const char *text, uint64_t *value)
{
    unsigned base = 10;
    if (text[0] == '0' && text_lower(text[1]) == 'x') {
        base = 16;
        text += 2;
    }
    if (digit_of(*text) >= base)
        return -EINVAL;
    uint64_t number = 0;
    bool fits = true;
    for (; digit_of(*text) < base; text++)
        fits = !__builtin_mul_overflow(number, base, &number) &&
               !__builtin_add_overflow(number, digit_of(*text), &number) && fits;
    unsigned shift = suffix_shift(*text);
    if (shift != 0)
        text++;
    if (*text != '\0')
        return -EINVAL;
    if (!fits || number > UINT64_MAX >> shift)
        return -ERANGE;
    *value = number << shift;
    return 0;
}
