/* test_terminal.c - drivers/video/terminal.c: characters and control sequences change the
 * screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/video/terminal.c"
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

/* A line without the blanks at its end; characters beyond ASCII as '#'. */
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

static void assert_at(unsigned row, unsigned column)
{
    assert_int_equal(screen.at.row, row);
    assert_int_equal(screen.at.column, column);
}

static void lines_wrap_late(void **state)
{
    (void)state;
    show("0123456789");
    assert_at(0, 9);
    show("\r\nab");
    assert_string_equal(line(0), "0123456789");
    assert_string_equal(line(1), "ab");
    show("cdefghijkl");
    assert_string_equal(line(1), "abcdefghij");
    assert_string_equal(line(2), "kl");
}

static void backspace_and_tab(void **state)
{
    (void)state;
    show("abc\b \b\tx\ty");
    assert_string_equal(line(0), "ab      xy");
    show("\r\b\bz");
    assert_string_equal(line(0), "zb      xy");
}

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

static void cursor_moves_within_the_screen(void **state)
{
    (void)state;
    show("\033[3;4H*\033[A\033[2D*\033[99;99H*");
    assert_string_equal(line(2), "   *");
    assert_string_equal(line(1), "  *");
    assert_string_equal(line(3), "         *");
    show("\033[99A\033[99D^\033[5G5\033[4d4\033[2B\033[F1\033[E2\033[99C>");
    assert_string_equal(line(0), "^   5");
    assert_string_equal(line(2), "1  *");
    assert_string_equal(line(3), "2    4   >");
}

static void parts_are_erased(void **state)
{
    (void)state;
    show("0123456789\033[1;5H\033[K");
    assert_string_equal(line(0), "0123");
    show("\033[1;3H\033[1K");
    assert_string_equal(line(0), "   3");
    show("\033[2Kx\r\nsecond\r\nthird\033[2;4H\033[J");
    assert_string_equal(line(0), "  x");
    assert_string_equal(line(1), "sec");
    assert_string_equal(line(2), "");
    show("\033[1;3H\033[1J");
    assert_string_equal(line(0), "");
    assert_string_equal(line(1), "sec");
    show("\033[2J");
    assert_string_equal(line(1), "");
    assert_at(0, 2);
}

static void cells_and_lines_are_inserted_and_deleted(void **state)
{
    (void)state;
    show("abcdef\033[1;3H\033[2@");
    assert_string_equal(line(0), "ab  cdef");
    show("\033[3P");
    assert_string_equal(line(0), "abdef");
    show("\033[99@");
    assert_string_equal(line(0), "ab");
    show("\033[2;1Hx\r\ny\033[2;1H\033[L");
    assert_string_equal(line(1), "");
    assert_string_equal(line(2), "x");
    show("\033[1;1H\033[2M");
    assert_string_equal(line(0), "x");
    assert_string_equal(line(1), "y");
    show("\033[99M\033[99L\033M");
    assert_string_equal(line(0), "");
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

static void place_is_saved_and_cursor_hidden(void **state)
{
    (void)state;
    show("ab\033[31m\0337\033[4;4H\033[0mx\0338y\033[?25l");
    assert_string_equal(line(0), "aby");
    assert_int_equal(front(0, 2), 1);
    assert_true(screen.cursor_hidden);
    show("\033[?25h\033[s\r\n\033[uz");
    assert_false(screen.cursor_hidden);
    assert_string_equal(line(0), "abyz");
    show("\033c");
    assert_string_equal(line(0), "");
    assert_at(0, 0);
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

static void unknown_sequences_leave_nothing(void **state)
{
    (void)state;
    show("a\033[6n\033[>c\033]0;title\007b\033]2;t\033\\c\033(Bd\033[1;2;3;4;5;6;7;8;9;10;11m"
         "\033[99999999999Ce");
    assert_string_equal(line(0), "abcd     e");
}

/* Whatever bytes it gets, the cursor stays on the screen and nothing is written outside the cells
 * (the sanitizer checks that). */
static void nonsense(void **state)
{
    static const char bytes[] = "\033[]?;0129ABCDEFGHJKLMPSTXdfmhlsu@78c\r\n\b\t"
                                "\xc3\xa4\xe2\x82xyz";
    (void)state;
    srandom(1);
    for (int i = 0; i < 200000; i++) {
        terminal_write(&screen, &bytes[(size_t)random() % (sizeof bytes - 1)], 1);
        assert_true(screen.at.row < ROWS && screen.at.column < COLUMNS);
        assert_true(screen.history <= LINES - ROWS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_wrap_late, start),
        cmocka_unit_test_setup(backspace_and_tab, start),
        cmocka_unit_test_setup(old_lines_are_kept, start),
        cmocka_unit_test_setup(cursor_moves_within_the_screen, start),
        cmocka_unit_test_setup(parts_are_erased, start),
        cmocka_unit_test_setup(cells_and_lines_are_inserted_and_deleted, start),
        cmocka_unit_test_setup(colours, start),
        cmocka_unit_test_setup(place_is_saved_and_cursor_hidden, start),
        cmocka_unit_test_setup(characters_of_several_bytes, start),
        cmocka_unit_test_setup(unknown_sequences_leave_nothing, start),
        cmocka_unit_test_setup(nonsense, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
