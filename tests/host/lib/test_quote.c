/*
 * test_quote.c - promise: lib/quote.c splits and unquotes words as POSIX says, reads and writes
 * only its own memory whatever the text, and removing the quotes from a quoted text results in that
 * text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/macros.h"
#include "lib/quote.h"

enum { ROUNDS = 20000, TEXT_BYTES = 24 };

static uint64_t random_state;

static unsigned random_below(unsigned limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 40) % limit;
}

/* Fills text[bytes] with characters that mean something to quoting, or that nearly do. */
static void random_text(char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        text[i] = "a'\"$\\`\n \txe4;\xc3"[random_below(14)];
}

static void words_are_split_and_unquoted(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word, *rest;
        char open;
    } cases[] = {
        { "a b", "a", " b", 0 },
        { "run=\"a; b\" c", "run=a; b", " c", 0 },
        { "\"run=a; b\"\nc", "run=a; b", "\nc", 0 },
        { "'a  \"b' c", "a  \"b", " c", 0 },
        { "a\\ b c", "a b", " c", 0 },
        { "a\\\nb", "ab", "", 0 },
        { "\"a\\\nb\"", "ab", "", 0 },
        { "\"\\a\\\"\\$\\`\"", "\\a\"$`", "", 0 },
        { "'\\' c", "\\", " c", 0 },
        { "$'\\'\\n\\x41\\x4g\\q' c", "'\nA\004g\\q", " c", 0 },
        { "$'a\\x00b'", "ab", "", 0 },
        { "$a$", "$a$", "", 0 },
        { "\"$'a'\"", "$'a'", "", 0 },
        { "a;b|c", "a;b|c", "", 0 },
        { "''", "", "", 0 },
        { "", "", "", 0 },
        { "a\\", "a\\", "", 0 },
        { "\"a b", "a b", "", '"' },
        { "a'b c", "ab c", "", '\'' },
        { "$'b c", "b c", "", '$' },
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char word[32], open;
        const char *end = quote_skip_word(cases[i].text, &open);
        assert_string_equal(end, cases[i].rest);
        assert_int_equal(open, cases[i].open);
        assert_true(quote_remove(cases[i].text, (size_t)(end - cases[i].text), word, sizeof(word)));
        assert_string_equal(word, cases[i].word);
    }
    assert_string_equal(quote_skip_blanks(" \t\r\na "), "a ");
    assert_string_equal(quote_skip_blanks(""), "");
}

static void word_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes < 8; bytes++) {
        char *text = malloc(bytes); /* exact, so that a write past it is seen */
        assert_true(quote_remove("'abcd'", 6, text, bytes) == (bytes > 4));
        free(text);
    }
}

/* ---- random texts ------------------------------------------------------------------------- */

static void any_text_is_a_row_of_words(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t bytes = random_below(TEXT_BYTES);
        char *text = malloc(bytes + 1), *word = malloc(bytes + 1), open;
        random_text(text, bytes);
        text[bytes] = '\0';
        for (const char *at = text; *(at = quote_skip_blanks(at));) {
            const char *end = quote_skip_word(at, &open);
            assert_true(end > at && end <= text + bytes && (!open || !*end));
            /* a word never grows when its quotes are removed */
            assert_true(quote_remove(at, (size_t)(end - at), word, bytes + 1));
            at = end;
        }
        free(text);
        free(word);
    }
}

/* Appends the text in quotes: backslashes, '...', "..." or $'...'. */
static void append_quoted(char *line, const char *text, unsigned way)
{
    static const char *const opening[] = { "", "'", "\"", "$'" };
    char *at = line + sprintf(line, "%s", opening[way]);
    for (; *text; text++) {
        if (way == 0 && *text == '\n')
            at += sprintf(at, "'\n'"); /* a backslash would remove it */
        else if (way == 1 && *text == '\'')
            at += sprintf(at, "'\\''");
        else if (way == 3)
            at += sprintf(at, "\\x%02x", (uint8_t)*text);
        else if (way == 0 || (way == 2 && *text != '\n' && quote_double_escapes(*text)))
            at += sprintf(at, "\\%c", *text);
        else
            *at++ = *text;
    }
    strcpy(at, way == 3 ? "'" : opening[way]);
}

static void quoting_is_undone(void **state)
{
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char text[TEXT_BYTES + 1] = "", expected[2 * TEXT_BYTES + 1] = "", word[256];
        char line[16 * TEXT_BYTES] = "", open;
        /* two quoted parts that touch are one word */
        for (unsigned part = 0; part < 2; part++) {
            size_t bytes = random_below(TEXT_BYTES);
            random_text(text, bytes);
            text[bytes] = '\0';
            strcat(expected, text);
            append_quoted(line + strlen(line), text, random_below(4));
        }
        assert_true(quote_skip_word(line, &open) == line + strlen(line) && !open);
        assert_true(quote_remove(line, strlen(line), word, sizeof(word)));
        assert_string_equal(word, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_split_and_unquoted),
        cmocka_unit_test(word_that_does_not_fit_is_refused),
        cmocka_unit_test(any_text_is_a_row_of_words),
        cmocka_unit_test(quoting_is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
