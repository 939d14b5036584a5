/*
 * test_editor.c - the shell's line editor, key by key. For both back ends.
 *
 * What a terminal shows is looked at in tests/system/test_shell.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/console.h"
#include "lib/macros.h"
#include "shell/editor/editor.h"
#include "shell/editor/history.h"
#include "shell/editor/text_ring.h"
#include "lib/width.h"
#include "shell/language/run.h"
#include "shell/terminal.h"
#include "tests/host/rig.h"
#include "tests/host/shown.h"

enum { SEEDS = 25 };

/* ---- small parts -------------------------------------------------------------------------- */

static void test_text_ring(void **state)
{
    static char memory[16];
    struct text_ring ring = TEXT_RING_INIT(memory);
    (void)state;
    kassert(!text_ring_get(&ring, 0) && !text_ring_get(&ring, 1));
    text_ring_drop_last(&ring);
    text_ring_add(&ring, "one", 3);
    text_ring_add(&ring, "twotwo", 6);
    text_ring_add(&ring, "fo", 2); /* 4 + 7 + 3 */
    assert_string_equal(text_ring_get(&ring, 1), "one");
    assert_string_equal(text_ring_get(&ring, 3), "fo");
    text_ring_add(&ring, "x", 1);
    text_ring_add(&ring, "y", 1);
    kassert(ring.first == 2 && ring.end == 6);
    assert_string_equal(text_ring_get(&ring, 2), "twotwo");
    text_ring_drop_last(&ring);
    assert_string_equal(text_ring_get(&ring, 4), "x");
    text_ring_add(&ring, "0123456789abcdef", 16); /* does not fit */
    kassert(ring.end == 5);
    text_ring_add(&ring, "0123456789abcde", 15);
    kassert(ring.first == 5 && ring.end == 6);
}

static void test_width(void **state)
{
    (void)state;
    kassert(text_width("abc", 3) == 3);
    kassert(text_width("\xc3\xa9\xcc\x81", 4) == 1);             /* e acute, one more acute */
    kassert(text_width("\xe6\xbc\xa2\xf0\x9f\x98\x80", 7) == 4); /* two wide ones */
    kassert(text_width("\xff\xc3", 2) == 2);                     /* no UTF-8 */
}

/* ---- the editor --------------------------------------------------------------------------- */

static void type(const char *keys, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        console_input((uint8_t)keys[i]);
}

static struct editor editor;

/* The keys end a line; returns how. */
static enum editor_end read_keys(const char *keys, size_t bytes, struct shell *shell)
{
    enum editor_end end = EDITOR_RUNS;
    type(keys, bytes);
    kassert(editor_read(&editor, shell ? "$ " : "", shell, &end) == 0);
    return end;
}

struct key_case {
    const char *keys, *wanted, *echo; /* echo NULL: whatever */
};

/* Not one byte more than was typed and what BS takes off. */
static const struct key_case plain_cases[] = {
    { "echo a\r", "echo a", "$ echo a\r\n" },
    { "echo a\n", "echo a", "$ echo a\r\n" },
    { "\r", "", "$ \r\n" },
    { "\n", "", "$ \r\n" }, /* the LF of CR LF counts not, this one does: see below */
    { "ab\bc\b\b\bx\r", "x", "$ ab\b \bc\b \b\b \bx\r\n" },
    { "\xc3\xa9\b\b.\r", ".", "$ \xc3\xa9\b \b.\r\n" },
    { "\xe6\xbc\xa2\b.\r", ".", "$ \xe6\xbc\xa2\b \b\b \b.\r\n" },
    { "\xff\xfe\b\xc3.\r", "\xff\xc3.", "$ \xff\xfe\b \b\xc3.\r\n" },
    { "a\x04" "b\r", "ab", "$ ab\r\n" },
    { "\x04\x04" "b\r", "b", "$ b\r\n" },
};

static void body_plain(void *argument)
{
    struct shell shell;
    (void)argument;
    shown_shell_start(&shell);
    for (size_t i = 0; i < ARRAY_LENGTH(plain_cases); i++) {
        const struct key_case *one = &plain_cases[i];
        editor.after_cr = false;
        shown_clear();
        kassert(read_keys(one->keys, strlen(one->keys), &shell) == EDITOR_LINE);
        shown_must_be(one->keys, one->echo);
        if (strcmp(editor.edit.text, one->wanted) != 0)
            panic("%s: the line is %s", one->keys, editor.edit.text);
    }
    kassert(!terminal_is_seen());
    shown_shell_stop(&shell);
}

static void body_plain_ends(void *argument)
{
    struct shell shell;
    (void)argument;
    shown_shell_start(&shell);
    shown_clear();
    kassert(read_keys("abc\x03", 4, &shell) == EDITOR_GIVEN_UP);
    shown_must_be("^C", "$ abc^C\r\n");
    kassert(read_keys("a\r\nb\n\nc\r", 8, &shell) == EDITOR_LINE); /* pasted: all of it is kept */
    kassert(strcmp(editor.edit.text, "a") == 0);
    kassert(read_keys("", 0, &shell) == EDITOR_LINE && strcmp(editor.edit.text, "b") == 0);
    kassert(read_keys("", 0, &shell) == EDITOR_LINE && strcmp(editor.edit.text, "") == 0);
    kassert(read_keys("", 0, &shell) == EDITOR_LINE && strcmp(editor.edit.text, "c") == 0);
    kassert(read_keys("ab\x04" "c\r", 5, NULL) == EDITOR_LINE);
    kassert(read_keys("\x04", 1, NULL) == EDITOR_AT_END);
    kassert(!terminal_is_seen());
    shown_shell_stop(&shell);
}

static void body_longest(void *argument)
{
    static char line[SHELL_LINE_BYTES + 1];
    struct shell shell;
    (void)argument;
    shown_shell_start(&shell);
    memset(line, 'x', SHELL_LINE_BYTES);
    line[SHELL_LINE_BYTES - 1] = '\r';
    kassert(read_keys(line, SHELL_LINE_BYTES, &shell) == EDITOR_LINE);
    kassert(editor.edit.length == SHELL_LINE_BYTES - 1 && !editor.edit.too_long);
    line[SHELL_LINE_BYTES - 1] = 'x';
    line[SHELL_LINE_BYTES] = '\r';
    kassert(read_keys(line, SHELL_LINE_BYTES + 1, &shell) == EDITOR_LINE);
    kassert(editor.edit.too_long);
    shown_shell_stop(&shell);
}

static struct console console = { .name = "test", .write = shown_add };

/* Before the tests that show the terminal to be one, which it then stays. */
static void test_plain(void **state)
{
    (void)state;
    console_register(&console);
    rig_run(body_plain, NULL, 3);
    rig_run(body_plain_ends, NULL, 3);
    rig_run(body_longest, NULL, 3);
}

#define UP "\033[A"
#define DOWN "\033[B"
#define RIGHT "\033[C"
#define LEFT "\033[D"

/* History is: echo one; ls; echo two */
static const struct key_case terminal_cases[] = {
    /* moving */
    { "bc\x01" "a\x05" "d\r", "abcd", NULL },
    { "bc" LEFT LEFT "a" RIGHT RIGHT RIGHT "d\r", "abcd", NULL },
    { "bc\x02\x02" "a\x06\x06" "d\r", "abcd", NULL },
    { "b\033[Ha\033[Fc\033OHx\033OFy\033[1~1\033[4~2\r", "1xabcy2", NULL },
    { "one two  three\033b\033bX\033[1;5D\033[1;5DY\033[1;5C1\033f2\033f\033f3\r",
      "Yone1 Xtwo2  three3", NULL },
    { "a\xc3\xa9\xcc\x81" "b" LEFT LEFT "x\r", "ax\xc3\xa9\xcc\x81" "b", NULL },
    { LEFT RIGHT "\033[3~\x7f" "a\r", "a", NULL },
    /* taking off */
    { "abc\x7f\x7f\r", "a", NULL },
    { "abc" LEFT "\b\r", "ac", NULL },
    { "abc\x01\x04\033[3~\r", "c", NULL },
    { "a\xc3\xa9\xcc\x81\x7f" "b\r", "ab", NULL },
    /* cutting and yanking */
    { "one two\x17X\x19\r", "one Xtwo", NULL },
    { "one two" LEFT LEFT "\x0b<\x19>\r", "one t<wo>", NULL },
    { "one two\x02\x15[\x19]\r", "[one tw]o", NULL },
    { "one two three\x17\x17" "a \x19\r", "one a two three", NULL },
    { "one two\x01\033d\033d.\x19\r", ".one two", NULL },
    { "a/b c\033\x7f.\033\b.\r", "a/.", NULL },
    { "one\x15two\x15\x19\x19\033y\r", "twoone", NULL },
    { "abc\x14\r", "acb", NULL },
    { "abc\x01\x06\x14\x14\r", "bca", NULL },
    { "\xc3\xa9x\x14\r", "x\xc3\xa9", NULL },
    /* history */
    { UP "\r", "echo two", NULL },
    { "new" UP UP DOWN DOWN "er\r", "newer", NULL },
    { "new\x10\x10\x10\r", "echo one", NULL },
    { UP UP DOWN DOWN DOWN "x\r", "x", NULL },
    { "x\033<\r", "echo one", NULL },
    { "\x12" "ec\r", "echo two", NULL },
    { "\x12" "ec\x12\r", "echo one", NULL },
    { "\x12" "one\x12\x12\r", "echo one", NULL },
    { "old\x12" "ls\x07\r", "old", NULL },
    { "\x12" "lsx\x7f\x05!\r", "ls!", NULL },
    { "\x12" "two\x01" "# \r", "# echo two", NULL },
    { "\x12" "ls" UP "\r", "echo one", NULL },
    /* completion: in /t there are a, b.c, "c d", .hidden, sub */
    { "cat /ctl/t\tx\r", "cat /ctl/t$'\\x09'ab$'\\x1B' x", NULL },
    { "cat '/ctl/t\tx\r", "cat '/ctl/t'$'\\x09''ab'$'\\x1B''' x", NULL },
    { "cat \"/ctl/t\tx\r", "cat \"/ctl/t\"$'\\x09'\"ab\"$'\\x1B'\"\" x", NULL },
    { "cat /ctl/$'t\\t\tx\r", "cat /ctl/$'t\\tab\\x1B' x", NULL },
    { "cat /ctl/t$'\\x09'\tx\r", "cat /ctl/t$'\\x09'ab$'\\x1B' x", NULL },
    { "cat $'/ctl/q\t.\r", "cat $'/ctl/q\\'\\\\' .", NULL },
    { "cat ~/t/su\t\r", "cat ~/t/sub/", NULL },
    { "cat ~/lon\t\r", "cat ~/long ", NULL },
    { "cat /tilde/\tx\r", "cat /tilde/\\~/x", NULL },
    { "cat '~/lon\t'\r", "cat '~/lon'", NULL },
    { "cat a 2>su\t\r", "cat a 2>sub/", NULL },
    { "cat a 2>&1 su\t\r", "cat a 2>&1 sub/", NULL },
    { "histo\t5\r", "history 5", NULL },
    { "cat su\t\r", "cat sub/", NULL },
    { "cat sub/o\t\r", "cat sub/one ", NULL },
    { "cat sub/\tx\r", "cat sub/x", NULL },
    { "cat c\tx\r", "cat c\\ d x", NULL },
    { "cat 'c\tx\r", "cat 'c d' x", NULL },
    { "cat \"c\tx\r", "cat \"c d\" x", NULL },
    { "cat /t/su\to\t\r", "cat /t/sub/one ", NULL },
    { "cat .\t\r", "cat .hidden ", NULL },
    { "echo >su\t\r", "echo >sub/", NULL },
    { "true; histo\t\r", "true; history ", NULL },
    { "true|histo\t\r", "true|history ", NULL },
    { "cd \t\r", "cd sub/", NULL },
    { "echo $(histo\tx)\r", "echo $(history x)", NULL },
    { "echo \"$(cat su\t\r", "echo \"$(cat sub/", NULL },
    { "echo \"a $(true; histo\t) b\" su\t\r", "echo \"a $(true; history ) b\" sub/", NULL },
    { "echo `histo\t` su\t\r", "echo `history ` sub/", NULL },
    { "(histo\t\r", "(history ", NULL },
    { "( cd / ) | histo\t\r", "( cd / ) | history ", NULL },
    { "if histo\t\r", "if history ", NULL },
    { "true; while ! histo\t; do histo\t\r", "true; while ! history ; do history ", NULL },
    { "echo if su\t\r", "echo if sub/", NULL },
    { "my_f\tmy_a\t\r", "my_function my_a", NULL },
    { "x=1; my_al\t\r", "x=1; my_alias ", NULL },
    { "echo $(vdrive com\t\r", "echo $(vdrive commit ", NULL },
    { "echo '$(histo\t'\r", "echo '$(histo'", NULL },
    { "echo $LO\tx ${LO\t\r", "echo $LONGx ${LONG}", NULL },
    { "echo ${#LO\t\r", "echo ${#LONG}", NULL },
    { "A='b c' D= histo\t\r", "A='b c' D= history ", NULL },
    { "case x in (a|b) histo\t;; c) histo\t\r", "case x in (a|b) history ;; c) history ", NULL },
    { "f() { histo\t\r", "f() { history ", NULL },
    { "type my_f\t\r", "type my_function ", NULL },
    { "unset L\t\r", "unset LONG ", NULL },
    { "zzz\t\t.\r", "zzz.", NULL },
    { "sl\tx" LEFT LEFT LEFT "\t\r", "sleep p x", NULL },
    { "history --h\t\r", "history --help ", NULL },
    { "vdrive com\tx\r", "vdrive commit x", NULL },
    { "vdrive d\tx\r", "vdrive dix", NULL },
    { "vdrive add --ov\tsu\t\r", "vdrive add --overlay sub/", NULL },
    { "vdrive rm v\tx\r", "vdrive rm virtual0 x", NULL },
    { "vdrive nothing --h\t\r", "vdrive nothing --h", NULL },
    /* unknown sequences are ignored */
    { "a\033[15~\033[200~b\033[201~\033[[A\033Ok\033[1;2;3;4;5;6;7;8;9;10;11;12;13mc\r", "abc",
      NULL },
    { "a\033[24;80Rb\r", "ab", NULL },
    { "\x0f\x11\x1d" "a\r", "a", NULL },
};

static void check_terminal_case(const struct key_case *one, struct shell *shell)
{
    history_add("echo one");
    history_add("ls");
    history_add("echo two");
    editor.after_cr = false;
    shown_clear();
    kassert(read_keys(one->keys, strlen(one->keys), shell) == EDITOR_LINE);
    if (strcmp(editor.edit.text, one->wanted) != 0)
        panic("%s: the line is <%s>", one->keys, editor.edit.text);
    kassert(!shell_interrupted());
}

static void body_terminal(void *argument)
{
    struct shell shell;
    (void)argument;
    shown_shell_start(&shell);
    shown_make_tree();
    rig_mkdir("/ctl");
    rig_mkdir("/tilde");
    rig_mkdir("/tilde/~");
    rig_put_file("/ctl/t\tab\033", "", 0);
    rig_put_file("/ctl/q'\\", "", 0);
    kassert(shell_run_text(&shell, "cd /t; LONG=x; vdrive new 4K; my_function() { :; }; "
                                  "alias my_alias=ls") == 0);
    for (size_t i = 0; i < ARRAY_LENGTH(terminal_cases); i++)
        check_terminal_case(&terminal_cases[i], &shell);
    kassert(terminal_is_seen());
    shown_shell_stop(&shell);
}

/* A second Tab lists; the list is the same whatever the seed. */
static void body_list(void *argument)
{
    struct shell shell;
    (void)argument;
    rig_start();
    shown_make_tree();
    kassert(shell_init(&shell, shell_console_sink, NULL, NULL) == 0);
    kassert(shell_run_text(&shell, "cd /t") == 0);
    shown_clear();
    kassert(read_keys("cat \t\t\r", 7, &shell) == EDITOR_LINE);
    kassert(strstr(shown_text(), "a    b.c  c d  sub\r\n") != NULL);
    kassert(strcmp(editor.edit.text, "cat ") == 0);
    shown_shell_stop(&shell);
}

/* Escape alone is told from a sequence by time. */
static void body_escape(void *argument)
{
    struct shell shell;
    struct keys keys = { 0 };
    struct key key;
    (void)argument;
    shown_shell_start(&shell);
    type("\033", 1);
    kassert(keys_read(&keys, &key, TIME_NEVER) == 0 && key.code == KEY_ESCAPE);
    kassert(keys_read(&keys, &key, 0) == -ETIMEDOUT);
    type("b", 1);
    kassert(keys_read(&keys, &key, TIME_NEVER) == 0 && key.code == KEY_ALT + 'b');
    type("b", 1);
    kassert(keys_read(&keys, &key, TIME_NEVER) == 0 && key.code == KEY_TEXT);
    shown_shell_stop(&shell);
}

/* Any bytes: nothing breaks, and Enter still ends the line. */
static void body_any_keys(void *argument)
{
    struct shell shell;
    (void)argument;
    shown_shell_start(&shell);
    shown_make_tree();
    kassert(shell_run_text(&shell, "cd /t") == 0);
    for (unsigned round = 0; round < 20; round++) {
        char keys[300];
        for (size_t i = 0; i < sizeof(keys); i++) {
            uint64_t random = rig_random();
            static const char likely[] = "\t\033[;ABCDR~'\"$\\ /sub*1\x7f\x15\x0b\x19\x12\x17\x14";
            keys[i] = random & 256 ? likely[random / 512 % (sizeof(likely) - 1)] : (char)random;
            if (keys[i] == '\r' || keys[i] == '\n' || keys[i] == 3)
                keys[i] = ' ';
        }
        shown_clear();
        type(keys, sizeof(keys));
        kassert(read_keys("mm\x07\r", 4, &shell) == EDITOR_LINE);
        kassert(editor.edit.length < SHELL_LINE_BYTES);
        kassert(strlen(editor.edit.text) <= editor.edit.length);
        editor.keys = (struct keys){ 0 };
    }
    shown_shell_stop(&shell);
}

static void test_terminal(void **state)
{
    (void)state;
    rig_run(body_terminal, NULL, 2);
    rig_run(body_list, NULL, 2);
    rig_run(body_escape, NULL, 5);
    rig_run(body_any_keys, NULL, SEEDS);
}

/* ---- ^C and what was typed around it ------------------------------------------------------ */

static int next_byte(void)
{
    return console_read(time_now_us() + 1000);
}

static void body_interrupt_byte(void *argument)
{
    (void)argument;
    rig_start();
    type("a\x03" "b", 3); /* not set: a byte like others */
    kassert(next_byte() == 'a' && next_byte() == 3 && next_byte() == 'b');
    console_set_interruptible(thread_current());
    type("c\x03" "d", 3);
    kassert(thread_interrupted() && console_read(0) == -EINTR);
    thread_clear_interrupt();
    kassert(next_byte() == 'c' && next_byte() == 'd' && next_byte() == -ETIMEDOUT);
    console_set_interruptible(NULL);
    type("\x03" "e", 2); /* typed behind the line that runs now: it is for that */
    console_set_interruptible(thread_current());
    kassert(thread_interrupted());
    thread_clear_interrupt();
    kassert(next_byte() == 'e' && next_byte() == -ETIMEDOUT);
    console_set_interruptible(NULL);
    rig_stop();
}

static void test_interrupt_byte(void **state)
{
    (void)state;
    rig_run(body_interrupt_byte, NULL, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_ring), cmocka_unit_test(test_width),
        cmocka_unit_test(test_plain),     cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_interrupt_byte),
    };
    return cmocka_run_group_tests_name("test_editor", tests, NULL, NULL);
}
