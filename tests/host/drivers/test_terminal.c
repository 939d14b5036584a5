/*
 * test_terminal.c - promise: characters and control sequences change the screen as on an xterm, and
 * no sequence of bytes writes outside it (drivers/video/terminal.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/video/terminal.c"
#include "lib/macros.h"
#include "lib/utf8.c"

enum { COLUMNS = 10, ROWS = 4, LINES = 9 };

static uint32_t memory[COLUMNS * LINES];
static struct terminal screen;

static int start(void **state)
{
    (void)state;
    terminal_init(&screen, COLUMNS, ROWS, LINES, memory);
    return 0;
}

static void show(const char *text)
{
    terminal_write(&screen, text, strlen(text));
}

/* Returns a line without the blanks at its end, and with '#' for characters beyond ASCII. */
static const char *line(int number)
{
    static char text[COLUMNS + 1];
    size_t length = 0;
    for (unsigned column = 0; column < COLUMNS; column++) {
        uint32_t code = terminal_line(&screen, number)[column] & CELL_CODE_MASK;
        text[column] = code < 0x7f ? (char)code : '#';
        if (code != ' ')
            length = column + 1;
    }
    text[length] = '\0';
    return text;
}

static unsigned front(unsigned row, unsigned column)
{
    return terminal_line(&screen, (int)row)[column] >> CELL_FRONT_SHIFT & CELL_COLOUR_MASK;
}

static unsigned back(unsigned row, unsigned column)
{
    return terminal_line(&screen, (int)row)[column] >> CELL_BACK_SHIFT & CELL_COLOUR_MASK;
}

/* ---- sequences and the rows that they leave ----------------------------------------------- */

enum { STEPS_MAX = 6, EXPECTED_MAX = 3 };

/* Writes `bytes`, then compares rows. A row with negative number is in the history. */
struct step {
    const char *bytes; /* NULL: the end of the steps */
    struct expected_row {
        int row;
        const char *text; /* NULL: no more rows */
    } rows[EXPECTED_MAX + 1];
};

/* Each begins with an empty screen, and each of its steps with what the one before left. */
static const struct sequence {
    const char *name;
    struct step steps[STEPS_MAX + 1];
    unsigned row, column; /* of the cursor at the end */
} sequences[] = {
    { "lines wrap late", {
        { "0123456789", { { 0, "0123456789" }, { 1, "" } } },
        { "\r\nab", { { 0, "0123456789" }, { 1, "ab" } } },
        { "cdefghijkl", { { 1, "abcdefghij" }, { 2, "kl" } } },
    }, 2, 2 },
    { "backspace and tab", {
        { "abc\b \b\tx\ty", { { 0, "ab      xy" } } },
        { "\r\b\bz", { { 0, "zb      xy" } } },
    }, 0, 1 },
    { "the cursor stays on the screen", {
        { "\033[3;4H*\033[A\033[2D*\033[99;99H*", { { 2, "   *" }, { 1, "  *" },
                                                     { 3, "         *" } } },
        { "\033[99A\033[99D^\033[5G5\033[4d4\033[2B\033[F1\033[E2\033[99C>",
          { { 0, "^   5" }, { 2, "1  *" }, { 3, "2    4   >" } } },
    }, 3, 9 },
    { "erase", {
        { "0123456789\033[1;5H\033[K", { { 0, "0123" } } },
        { "\033[1;3H\033[1K", { { 0, "   3" } } },
        { "\033[2Kx\r\nsecond\r\nthird\033[2;4H\033[J", { { 0, "  x" }, { 1, "sec" }, { 2, "" } } },
        { "\033[1;3H\033[1J", { { 0, "" }, { 1, "sec" } } },
        { "\033[2J", { { 1, "" } } },
    }, 0, 2 },
    { "insert and delete cells", {
        { "abcdef\033[1;3H\033[2@", { { 0, "ab  cdef" } } },
        { "\033[3P", { { 0, "abdef" } } },
        { "\033[99@", { { 0, "ab" } } },
    }, 0, 2 },
    { "insert and delete lines", {
        { "\033[2;1Hx\r\ny\033[2;1H\033[L", { { 1, "" }, { 2, "x" } } },
        { "\033[2;1H\033[M\033[1;1H\033[M", { { 0, "x" }, { 1, "y" } } },
        { "\033[99M\033[99L\033M", { { 0, "" } } },
    }, 0, 0 },
    { "save and restore the cursor", {
        { "ab\033[31m\0337\033[4;4H\033[0mx\0338y", { { 0, "aby" } } },
        { "\033[s\r\n\033[uz", { { 0, "abyz" } } },
        { "\033c", { { 0, "" } } },
    }, 0, 0 },
    { "unknown sequences are swallowed", {
        { "a\033[6n\033[>c\033]0;title\007b\033]2;t\033\\c\033(Bd\033[1;2;3;4;5;6;7;8;9;10;11m"
          "\033[99999999999Ce", { { 0, "abcd     e" } } },
    }, 0, 9 },
};

static void rows_are_as_expected(void **state)
{
    for (size_t i = 0; i < ARRAY_LENGTH(sequences); i++) {
        const struct sequence *sequence = &sequences[i];
        start(state);
        for (const struct step *step = sequence->steps; step->bytes; step++) {
            show(step->bytes);
            for (const struct expected_row *row = step->rows; row->text; row++)
                if (strcmp(line(row->row), row->text) != 0)
                    fail_msg("%s, step %d, row %d: \"%s\", not \"%s\"", sequence->name,
                             (int)(step - sequence->steps), row->row, line(row->row), row->text);
        }

        if (screen.at.row != sequence->row || screen.at.column != sequence->column)
            fail_msg("%s: the cursor is at %u, %u", sequence->name, screen.at.row,
                     screen.at.column);
    }
}

/* ---- history, colours, characters --------------------------------------------------------- */

static void old_lines_are_kept(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        show(i == 0 ? "l0" : (char[]){ '\r', '\n', 'l', (char)('a' + i), '\0' });
    assert_string_equal(line(3), "lt");
    assert_string_equal(line(0), "lq");
    assert_int_equal(screen.history, LINES - ROWS);
    assert_string_equal(line(-1), "lp");
    assert_string_equal(line(-5), "ll");
}

static void colours(void **state)
{
    (void)state;
    show("\033[31mr\033[1mR\033[44mb\033[7mi\033[0mp\033[97;103mB\033[m.");
    show("\033[38;5;2mg\033[48;2;1;2;3mt");
    assert_int_equal(front(0, 0), 1);
    assert_int_equal(front(0, 1), 9);
    assert_int_equal(back(0, 2), 4);
    assert_int_equal(front(0, 3), 4);
    assert_int_equal(back(0, 3), 9);
    assert_int_equal(front(0, 4), 7);
    assert_int_equal(back(0, 4), 0);
    assert_int_equal(front(0, 5), 15);
    assert_int_equal(back(0, 5), 11);
    assert_int_equal(front(0, 7), 2);
    assert_string_equal(line(0), "rRbipB.gt");
}

static void attributes_are_saved_and_cursor_hidden(void **state)
{
    (void)state;
    show("ab\033[31m\0337\033[4;4H\033[0mx\0338y\033[?25l");
    assert_int_equal(front(0, 2), 1);
    assert_true(screen.cursor_hidden);
    show("\033[?25h");
    assert_false(screen.cursor_hidden);
}

static void characters_of_several_bytes(void **state)
{
    (void)state;
    show("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" "e\xcc\x81");
    assert_int_equal(terminal_line(&screen, 0)[0] & CELL_CODE_MASK, 0xe4);
    assert_int_equal(terminal_line(&screen, 0)[1] & CELL_CODE_MASK, 0x20ac);
    assert_int_equal(terminal_line(&screen, 0)[2] & CELL_CODE_MASK, 0x1f600);
    assert_string_equal(line(0), "###e"); /* the accent takes no cell */
    show("\r\n\xc3" "a\xff\x80" "b\xe2\x82\r");
    assert_string_equal(line(1), "#a##b#");
}

/* With any bytes, the cursor stays on the screen, and nothing is written outside the cells; the
 * sanitizer checks that. */
static void random_bytes(void **state)
{
    static const char bytes[] = "\033[]?;0129ABCDEFGHJKLMPSTXdfmhlsu@78c\r\n\b\t"
                                "\xc3\xa4\xe2\x82xyz";
    (void)state;
    srandom(1);
    for (int i = 0; i < 200000; i++) {
        terminal_write(&screen, &bytes[(size_t)random() % (sizeof(bytes) - 1)], 1);
        assert_true(screen.at.row < ROWS && screen.at.column < COLUMNS);
        assert_true(screen.history <= LINES - ROWS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_as_expected),
        cmocka_unit_test_setup(old_lines_are_kept, start),
        cmocka_unit_test_setup(attributes_are_saved_and_cursor_hidden, start),
        cmocka_unit_test_setup(colours, start),
        cmocka_unit_test_setup(characters_of_several_bytes, start),
        cmocka_unit_test_setup(random_bytes, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
