/*
 * test_string.c - promise: the kernel's memory and text functions (lib/string.c) give the results
 * of the host's C library.
 *
 * The functions are renamed before the source is included, so that both can be called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define memcpy own_memcpy
#define memmove own_memmove
#define memset own_memset
#define memcmp own_memcmp
#define memchr own_memchr
#define strlen own_strlen
#define strnlen own_strnlen
#define strcmp own_strcmp
#define strncmp own_strncmp
#define strchr own_strchr
#define strrchr own_strrchr
#include "lib/macros.h"
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

enum { AREA_BYTES = 512 };

static uint8_t area[AREA_BYTES], expected[AREA_BYTES];

static void fill(void)
{
    for (unsigned i = 0; i < AREA_BYTES; i++)
        area[i] = expected[i] = (uint8_t)(i * 7 + 1);
}

/* Every length over every pair of places in a word, and overlaps in both directions. */
static void memory_moves(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 200; bytes++)
        for (size_t from = 0; from < 80; from += 5)
            for (size_t to = 0; to < 80; to += 3) {
                fill();
                memmove(expected + to, expected + from, bytes);
                assert_ptr_equal(own_memmove(area + to, area + from, bytes), area + to);
                assert_memory_equal(area, expected, AREA_BYTES);
            }
}

static void memory_copies(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 200; bytes++)
        for (size_t from = 0; from < 9; from++)
            for (size_t to = 256; to < 265; to++) {
                fill();
                memcpy(expected + to, expected + from, bytes);
                assert_ptr_equal(own_memcpy(area + to, area + from, bytes), area + to);
                assert_memory_equal(area, expected, AREA_BYTES);
            }
}

static void memory_fills(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 200; bytes++)
        for (size_t to = 0; to < 9; to++) {
            fill();
            memset(expected + to, 0x1a5, bytes);
            assert_ptr_equal(own_memset(area + to, 0x1a5, bytes), area + to);
            assert_memory_equal(area, expected, AREA_BYTES);
        }
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void memory_compares(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 40; bytes++)
        for (size_t at = 0; at < 40; at++) {
            fill();
            memcpy(area + 256, area, 64);
            area[256 + at] ^= 0x80;
            assert_int_equal(sign(own_memcmp(area, area + 256, bytes)),
                             sign(memcmp(area, area + 256, bytes)));
            assert_ptr_equal(own_memchr(area, area[at], bytes), memchr(area, area[at], bytes));
        }
}

/* With bytes beside that are like the one that is looked for, and more of them behind it. */
static void memory_is_searched(void **state)
{
    (void)state;
    static const int values[] = { 0, 1, 0x7f, 0x80, 0x81, 0xff, 0x10a };
    for (unsigned v = 0; v < ARRAY_LENGTH(values); v++)
        for (size_t bytes = 0; bytes < 40; bytes++)
            for (size_t at = 0; at < 40; at++) {
                memset(area, values[v] ^ 1, sizeof(area));
                memset(area + at + 1, values[v] ^ 0x80, 5);
                area[at] = (uint8_t)values[v];
                area[at + 3] = (uint8_t)values[v];
                assert_ptr_equal(own_memchr(area, values[v], bytes),
                                 memchr(area, values[v], bytes));
            }
}

/* The first byte that differs decides, whatever those behind it say. */
static void memory_orders(void **state)
{
    (void)state;
    for (size_t at = 0; at < 20; at++) {
        memset(area, 'a', sizeof(area));
        area[at] = 'b';
        area[256 + at + 1] = 'c';
        assert_true(own_memcmp(area, area + 256, 40) > 0);
        assert_true(own_memcmp(area + 256, area, 40) < 0);
        assert_true(own_memcmp(area, area + 256, at) == 0);
    }
}

static void texts_compare(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "a", "ab", "abc", "abd", "b", "\xff", "abc abc" };
    enum { COUNT = ARRAY_LENGTH(texts) };
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(own_strlen(texts[i]), strlen(texts[i]));
        assert_ptr_equal(own_strchr(texts[i], 'b'), strchr(texts[i], 'b'));
        assert_ptr_equal(own_strrchr(texts[i], 'b'), strrchr(texts[i], 'b'));
        assert_ptr_equal(own_strchr(texts[i], '\0'), texts[i] + strlen(texts[i]));
        assert_ptr_equal(own_strrchr(texts[i], '\0'), texts[i] + strlen(texts[i]));
        for (unsigned k = 0; k < COUNT; k++)
            assert_int_equal(sign(own_strcmp(texts[i], texts[k])),
                             sign(strcmp(texts[i], texts[k])));
        for (size_t n = 0; n < 5; n++) {
            assert_int_equal(own_strnlen(texts[i], n), strnlen(texts[i], n));
            assert_int_equal(sign(own_strncmp(texts[i], "abcx", n)),
                             sign(strncmp(texts[i], "abcx", n)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_moves),
        cmocka_unit_test(memory_copies),
        cmocka_unit_test(memory_fills),
        cmocka_unit_test(memory_compares),
        cmocka_unit_test(memory_is_searched),
        cmocka_unit_test(memory_orders),
        cmocka_unit_test(texts_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
