/*
 * quote.c - quoting and quote removal, one character at a time; see quote.h.
 */
#include "lib/quote.h"
#include "lib/string.h"
#include "lib/text.h"

static bool is_blank(char c)
{
    return c && strchr(" \t\r\n", c);
}

char quote_turn(const char *word, size_t length, size_t *at, char quote)
{
    char c = word[*at];

    /* Only its own closing quote ends a quoted part. */
    if (quote)
        return c == (quote == '$' ? '\'' : quote) ? '\0' : quote;

    /* Outside quotes, a quote opens. $' opens the third kind. */
    if (c == '\'' || c == '"')
        return c;
    if (c != '$' || *at + 1 >= length || word[*at + 1] != '\'')
        return '\0';
    ++*at;
    return '$';
}

const char *quote_dollar_character(const char *at, char *c)
{
    static const char letters[] = "ntreab\\'\"", meanings[] = "\n\t\r\033\a\b\\'\"";
    const char *letter = *at == '\\' && at[1] ? strchr(letters, at[1]) : NULL;

    /* Without an escape, the character is itself. */
    *c = letter ? meanings[letter - letters] : *at;
    if (letter)
        return at + 2;

    /* Before any other character, the backslash itself is kept. */
    if (at[0] != '\\' || at[1] != 'x' || text_hex_digit(at[2]) < 0)
        return at + 1;

    /* \xHH: one or two digits */
    unsigned value = 0;
    const char *digit = at + 2;
    for (; digit < at + 4 && text_hex_digit(*digit) >= 0; digit++)
        value = value * 16 + (unsigned)text_hex_digit(*digit);
    *c = (char)value;
    return digit;
}

bool quote_double_escapes(char c)
{
    return c && strchr("\"\\$`\n", c);
}

const char *quote_skip_blanks(const char *text)
{
    while (is_blank(*text))
        text++;
    return text;
}

const char *quote_skip_word(const char *text, char *open)
{
    size_t length = strlen(text), at = 0;

    *open = '\0';
    for (; at < length && (*open || !is_blank(text[at])); at++) {
        /* A backslash hides the next character, a quote too, except within single quotes. */
        if (text[at] == '\\' && *open != '\'' && at + 1 < length)
            at++;
        else
            *open = quote_turn(text, length, &at, *open);
    }
    return text + at;
}

bool quote_remove(const char *word, size_t length, char *text, size_t bytes)
{
    size_t used = 0;
    char quote = '\0';

    /* A quote that opens or closes is dropped. */
    for (size_t i = 0; i < length; i++) {
        size_t before = i;
        char c = word[i], next = quote_turn(word, length, &i, quote);
        if (next != quote || i != before) {
            quote = next;
            continue;
        }

        /* Where a backslash escapes depends on the quotes around it. */
        bool escape = c == '\\' && i + 1 < length && quote != '\'' && quote != '$' &&
                      (!quote || quote_double_escapes(word[i + 1]));
        if (escape)
            c = word[++i];
        else if (quote == '$')
            i = (size_t)(quote_dollar_character(word + i, &c) - word) - 1;

        /* One byte is kept for the NUL. */
        if (used + 1 >= bytes)
            return false;
        /* An escaped newline joins two lines (POSIX 2.2.1). */
        if (c && !(escape && c == '\n'))
            text[used++] = c;
    }
    text[used] = '\0';
    return true;
}
