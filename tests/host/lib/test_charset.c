/*
 * test_charset.c - promise: each charset decodes every byte and every pair of bytes as the C
 * library's iconv does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <iconv.h>
#include <string.h>

#include "lib/charset/charset.h"
#include "lib/macros.h"
#include "lib/utf8.h"

/* The code point that iconv makes of exactly these bytes; 0: none. */
static uint32_t by_iconv(const char *codec, const uint8_t *bytes, size_t count)
{
    char in[4], out[8], *from = in, *to = out;
    size_t left = count, room = sizeof(out);
    uint32_t code = 0;
    iconv_t converter = iconv_open("UTF-8", codec);
    assert_true(converter != (iconv_t)-1);
    memcpy(in, bytes, count);
    size_t result = iconv(converter, &from, &left, &to, &room);
    iconv_close(converter);
    if (result != 0 || left || utf8_decode(out, sizeof(out) - room, &code) !=
                                   (int)(sizeof(out) - room))
        return 0;
    return code >= 0xe000 && code < 0xf900 ? 0 : code; /* private ones are not kept */
}

static void check(const char *name, const char *codec, const uint8_t *bytes, size_t count)
{
    const struct charset *charset = charset_find(name, strlen(name));
    uint32_t code = 0, wanted = by_iconv(codec, bytes, count);
    int used = charset_decode(charset, (struct bytes){ bytes, count }, &code);
    if (wanted && (used != (int)count || code != wanted))
        fail_msg("%s %02x %02x: %d, %x, not %x", name, bytes[0], bytes[1], used, code, wanted);
    if (!wanted && used == (int)count && !(used == 1 && bytes[0] < 0x80))
        fail_msg("%s %02x %02x: %x is decoded", name, bytes[0], bytes[1], code);
}

static void test_single_bytes(void **state)
{
    static const char *const names[][2] = { { "latin1", "ISO-8859-1" }, { "cp437", "CP437" },
                                            { "cp850", "CP850" } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        for (unsigned byte = 1; byte < 256; byte++) {
            uint8_t bytes[] = { (uint8_t)byte, 0 };
            check(names[i][0], names[i][1], bytes, 1);
        }
}

static void test_shift_jis(void **state)
{
    (void)state;
    for (unsigned lead = 0x81; lead < 0xfd; lead++) {
        if (lead >= 0xa0 && lead < 0xe0) {
            uint8_t kana[] = { (uint8_t)lead, 0 };
            if (lead > 0xa0)
                check("shift-jis", "CP932", kana, 1);
            continue;
        }
        for (unsigned trail = 0; trail < 256; trail++) {
            uint8_t bytes[] = { (uint8_t)lead, (uint8_t)trail };
            check("shift-jis", "CP932", bytes, 2);
        }
    }
}

/* Cut texts, room that runs out, and names of charsets. */
static void test_conversion(void **state)
{
    char text[16];
    bool replaced = false;
    const struct charset *jis = charset_find("SHIFT-JIS", 9);
    struct bytes cut = { (const uint8_t *)"a\x93\xfa\x93", 4 };
    (void)state;
    assert_int_equal(charset_to_utf8(jis, cut, text, sizeof(text), &replaced), 5);
    assert_memory_equal(text, "a\xe6\x97\xa5_", 5);
    assert_true(replaced);
    replaced = false;
    assert_int_equal(charset_to_utf8(jis, cut, text, 3, &replaced), 1);
    assert_int_equal(charset_to_utf8(jis, (struct bytes){ NULL, 0 }, text, 3, &replaced), 0);
    assert_false(replaced);
    struct bytes bad = { (const uint8_t *)"\xff\xc3\xa9", 3 };
    assert_int_equal(charset_to_utf8(charset_find("utf8", 4), bad, text, 16, &replaced), 3);
    assert_memory_equal(text, "_\xc3\xa9", 3);
    assert_true(charset_find("latin", 5) == NULL && charset_find("", 0) == NULL);
    assert_string_equal(charset_name(charset_find("iso-8859-1", 10)), "latin1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_bytes),
        cmocka_unit_test(test_shift_jis),
        cmocka_unit_test(test_conversion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
