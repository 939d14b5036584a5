/*
 * escapes.c - decodes the escape sequences of printf and echo -e; see escapes.h.
 */
#include "shell/escapes.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"

/* Parses at most `most` digits of a base. Returns how many there were. */
static int take_digits(const char **at, unsigned base, int most, uint32_t *value)
{
    int count = 0;
    *value = 0;
    for (; count < most; count++, ++*at) {
        int digit = text_hex_digit(**at);
        if (digit < 0 || digit >= (int)base)
            break;
        *value = *value * base + (unsigned)digit;
    }
    return count;
}

/* \x, \u and \U. *at is at the letter. */
static enum escape_result put_hex(const char **at, struct buffer *text)
{
    char letter = *(*at)++;
    char encoded[4];
    uint32_t value;
    int most = letter == 'x' ? 2 : letter == 'u' ? 4 : 8;
    int digits = take_digits(at, 16, most, &value);
    if (letter == 'x' && digits) {
        char c = (char)value;
        buffer_put(text, &c, 1);
        return ESCAPE_DONE;
    }
    int length = letter != 'x' && digits == most ? utf8_encode(value, encoded) : -1;
    if (length > 0) {
        buffer_put(text, encoded, (size_t)length);
        return ESCAPE_DONE;
    }

    *at -= digits;
    buffer_put(text, "\\", 1);
    buffer_put(text, &letter, 1);
    return ESCAPE_MISSING;
}

enum escape_result escape_put(const char **at, bool operand, struct buffer *text)
{
    static const char letters[] = "abefnrtv\\\"", meanings[] = "\a\b\033\f\n\r\t\v\\\"";
    const char *letter = **at && !(operand && **at == '"') ? strchr(letters, **at) : NULL;
    uint32_t value;
    char c = '\\';

    if (letter) {
        c = meanings[letter - letters];
        ++*at;
    } else if (**at == 'c') {
        ++*at;
        return ESCAPE_STOP;
    } else if (**at == 'x' || **at == 'u' || **at == 'U') {
        return put_hex(at, text);
    } else if (**at >= '0' && **at <= '7') {
        *at += operand && **at == '0';
        take_digits(at, 8, 3, &value);
        c = (char)value;
    }
    buffer_put(text, &c, 1);
    return ESCAPE_DONE;
}
