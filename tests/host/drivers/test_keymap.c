/* test_keymap.c - drivers/input/keymap.c: scancodes become the bytes that a terminal sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/input/keymap.c"

static struct keymap keymap;
static char typed[256];

static int start(void **state)
{
    (void)state;
    memset(&keymap, 0, sizeof keymap);
    return 0;
}

/* Returns the bytes for some scancodes; other actions are shown as <letter>. */
static const char *type(const char *codes, size_t count)
{
    static const char *const actions[] = { "", "", "<B>", "<F>", "<R>" };
    typed[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        enum keymap_action action = keymap_take(&keymap, (uint8_t)codes[i]);
        strcat(typed, actions[action]);
        if (action == KEYMAP_BYTES)
            strncat(typed, keymap.bytes, keymap.count);
    }
    return typed;
}
#define TYPE(codes) type(codes, sizeof(codes) - 1)

static void letters(void **state)
{
    (void)state;
    assert_string_equal(TYPE("\x26\xa6\x1f\x9f\x39\xb9\x1c\x9c"), "ls \r");
    assert_string_equal(TYPE("\x2a\x26\xa6\xaa\x26\x02\x36\x02\xb6"), "Ll1!");
    assert_string_equal(TYPE("\x3a\xba\x1e\x02\x2a\x1e\xaa\x3a\x1e"), "A1aa");
    assert_string_equal(TYPE("\x0e\x0f\x01"), "\x7f\t\033");
    assert_string_equal(TYPE("\x29\x2b\x35\x0c\x0d\x1a\x1b\x27\x28\x33\x34"), "`\\/-=[];',.");
    assert_string_equal(TYPE("\x2a\x29\x2b\x35\x0c\x0d\x1a\x1b\x27\x28\x33\x34"), "~|?_+{}:\"<>");
}

static void control_and_alt(void **state)
{
    (void)state;
    assert_string_equal(TYPE("\x1d\x2e\xae\x9d\x2e"), "\003c");
    assert_string_equal(TYPE("\xe0\x1d\x13\xe0\x9d\x13"), "\022r");
    assert_string_equal(TYPE("\x38\x30\xb8\x30"), "\033bb");
    assert_string_equal(TYPE("\x1d\x2a\x0c\xaa\x9d"), "\037");
}

static void keys_without_characters(void **state)
{
    (void)state;
    assert_string_equal(TYPE("\xe0\x48\xe0\xc8\xe0\x50\xe0\x4d\xe0\x4b"),
                        "\033[A\033[B\033[C\033[D");
    assert_string_equal(TYPE("\xe0\x47\xe0\x4f\xe0\x53\xe0\x49\xe0\x51"),
                        "\033[H\033[F\033[3~\033[5~\033[6~");
    assert_string_equal(TYPE("\x3b\x58"), "\033OP\033[24~");
    assert_string_equal(TYPE("\x1d\xe0\x4d\x9d\xe0\x4d"), "\033[1;5C\033[C");
    /* some keyboards send extended shifts around the arrows: those do not count */
    assert_string_equal(TYPE("\xe0\x2a\xe0\x48\xe0\xc8\xe0\xaa\x1e"), "\033[Aa");
}

static void other_actions(void **state)
{
    (void)state;
    assert_string_equal(TYPE("\x2a\xe0\x49\xe0\x51\xaa\xe0\x49"), "<B><F>\033[5~");
    assert_string_equal(TYPE("\x1d\x38\xe0\x53"), "<R>");
}

/* The six codes of Pause are not taken for other keys; unknown codes are ignored. */
static void pause_and_unknown(void **state)
{
    (void)state;
    assert_string_equal(TYPE("\xe1\x1d\x45\xe1\x9d\xc5\x1e"), "a");
    assert_string_equal(TYPE("\x5b\x7f\xe0\x5b\xe0\x1e\x54\x00\xfa\x1e"), "a");
    for (unsigned code = 0; code < 256; code++)
        (void)keymap_take(&keymap, (uint8_t)code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(letters, start),
        cmocka_unit_test_setup(control_and_alt, start),
        cmocka_unit_test_setup(keys_without_characters, start),
        cmocka_unit_test_setup(other_actions, start),
        cmocka_unit_test_setup(pause_and_unknown, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
