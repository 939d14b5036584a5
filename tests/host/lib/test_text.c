/*
 * test_text.c - promises of lib/text.h: fields of devices' data become texts that can be shown, and
 * characters are counted, whatever the length and the alignment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/macros.h"
#include "lib/text.h"

static void text_copies_fields(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        size_t length, room;
        const char *text;
    } cases[] = {
        { "QEMU DVD  ", 10, 20, "QEMU DVD" }, { "  right", 7, 20, "right" },
        { "        ", 8, 20, "" },            { "", 0, 20, "" },
        { "a\x1b[2J\x7f\xe4", 7, 20, "a?[2J??" }, { "ab\0cd", 5, 20, "ab" },
        { "abcdef", 6, 4, "abc" },            { "ab  cd", 6, 5, "ab" },
        { "abc", 3, 1, "" },                  { "\0\0\0", 3, 20, "" },
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        char text[20];
        text_copy_field(text, cases[i].room, (const uint8_t *)cases[i].field, cases[i].length);
        assert_string_equal(text, cases[i].text);
    }
}

static void text_counts(void **state)
{
    (void)state;
    char text[40];
    uint64_t random = 1;
    for (unsigned round = 0; round < 2000; round++) {
        size_t bytes = round % sizeof(text), wanted = 0;
        for (size_t i = 0; i < bytes; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            text[i] = "a`b\xe1\0\x01"[(random >> 40) % 6];
        }
        for (size_t i = 0; i < bytes; i++)
            wanted += text[i] == (round & 64 ? 'a' : '\0');
        assert_int_equal(text_count(text, bytes, round & 64 ? 'a' : '\0'), wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_copies_fields),
        cmocka_unit_test(text_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
