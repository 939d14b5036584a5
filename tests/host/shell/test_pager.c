/*
 * test_pager.c - guards more's keys: what an emulated terminal of 6 x 20 shows at each prompt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "host/port/host.h"
#include "kernel/console.h"
#include "lib/macros.h"
#include "shell/editor/keys.h"
#include "shell/language/run.h"
#include "shell/terminal.h"
#include "tests/host/rig.h"
#include "tests/host/shown.h"

enum { ROWS = 6, COLUMNS = 20 };

/* ---- an emulated terminal ----------------------------------------------------------------- */

static struct {
    char cells[ROWS][COLUMNS + 1];
    unsigned row, column;
} screen;

static void screen_clear(void)
{
    for (unsigned row = 0; row < ROWS; row++)
        memset(screen.cells[row], ' ', COLUMNS);
    screen.row = screen.column = 0;
}

static void screen_put(char c)
{
    if (c == '\r') {
        screen.column = 0;
    } else if (c == '\n' && screen.row + 1 < ROWS) {
        screen.row++;
    } else if (c == '\n') {
        memmove(screen.cells[0], screen.cells[1], sizeof(screen.cells[0]) * (ROWS - 1));
        memset(screen.cells[ROWS - 1], ' ', COLUMNS);
    } else {
        kassert(screen.column < COLUMNS && (unsigned char)c >= ' ');
        screen.cells[screen.row][screen.column++] = c;
    }
}

/* Obeys the sequence at `at`; returns what follows it. */
static const char *screen_obey(const char *at)
{
    if (!strncmp(at, "\033[H", 3)) {
        screen.row = screen.column = 0;
    } else if (!strncmp(at, "\033[J", 3)) {
        for (unsigned row = screen.row; row < ROWS; row++)
            memset(screen.cells[row], ' ', COLUMNS);
    } else if (!strncmp(at, "\033[K", 3)) {
        memset(screen.cells[screen.row] + screen.column, ' ', COLUMNS - screen.column);
    } else if (!strncmp(at, "\033[7m", 4)) {
        return at + 4;
    } else {
        kassert(!strncmp(at, "\033[m", 3));
    }
    return at + 3;
}

/* The rows without trailing blanks, joined by |. */
static void screen_text(char *text)
{
    for (unsigned row = 0; row < ROWS; row++) {
        size_t length = COLUMNS;
        while (length && screen.cells[row][length - 1] == ' ')
            length--;
        memcpy(text, screen.cells[row], length);
        text += length;
        *text++ = row + 1 < ROWS ? '|' : '\0';
    }
}

/* Compares the screens at the prompts, and the last one, after more has ended. Those that show a
 * pattern while it is typed are left out. */
static void expect_screens(const char *what, const char *const *wanted)
{
    char text[ROWS * (COLUMNS + 1)];
    screen_clear();
    for (const char *at = shown_text(); *at;) {
        bool prompt_ends = !strncmp(at, "\033[m", 3);
        if (*at == '\033')
            at = screen_obey(at);
        else
            screen_put(*at++);
        screen_text(text);
        if ((!prompt_ends && *at) || strstr(text, "|/"))
            continue;
        if (!*wanted || strcmp(text, *wanted) != 0)
            panic("%s: shown is\n%s\nnot\n%s", what, text, *wanted ? *wanted : "the end");
        wanted++;
    }
    if (*wanted)
        panic("%s: not shown: %s", what, *wanted);
}

/* ---- more --------------------------------------------------------------------------------- */

#define MORE "|--More--"

static const struct {
    const char *line, *keys;
    const char *screens[9]; /* at each prompt, and at the end */
} cases[] = {
    { "more /few", "", { "1|2|3|4|5|" } },
    { "more /ten", "q", { "1|2|3|4|5" MORE, "1|2|3|4|5|" } },
    { "more /ten", " ", { "1|2|3|4|5" MORE, "6|7|8|9|10|" } },
    { "more /ten", "\rj\003",
      { "1|2|3|4|5" MORE, "2|3|4|5|6" MORE, "3|4|5|6|7" MORE, "3|4|5|6|7|" } },

    /* back, to the start, and forward over rows that were shown before */
    { "more /ten", "jjkbbf",
      { "1|2|3|4|5" MORE, "2|3|4|5|6" MORE, "3|4|5|6|7" MORE, "2|3|4|5|6" MORE, "1|2|3|4|5" MORE,
        "1|2|3|4|5|Beginning of text", "6|7|8|9|10|" } },
    { "more /big", "  bbq",
      { "1|2|3|4|5" MORE, "6|7|8|9|10" MORE, "11|12|13|14|15" MORE, "6|7|8|9|10" MORE,
        "1|2|3|4|5" MORE, "1|2|3|4|5|" } },

    /* the arrows, and a key without a meaning */
    { "more /ten", "x\033[B\033[Aq",
      { "1|2|3|4|5" MORE, "1|2|3|4|5" MORE, "2|3|4|5|6" MORE, "1|2|3|4|5" MORE, "1|2|3|4|5|" } },

    /* a match on the screen, the same pattern again, and a match in the text that follows */
    { "more /big", "/[34]$\rn/^4.\r/\rq",
      { "1|2|3|4|5" MORE, "3|4|5|6|7" MORE, "4|5|6|7|8" MORE, "40|41|42|43|44" MORE,
        "41|42|43|44|45" MORE, "41|42|43|44|45|" } },
    { "more /ten", "/8\r", { "1|2|3|4|5" MORE, "8|9|10|||" } },

    /* no match; a wrong pattern, an erased and a cancelled one; n without a search */
    { "more /ten", "/none\rf", { "1|2|3|4|5" MORE, "1|2|3|4|5|Pattern not found",
                                 "6|7|8|9|10|" } },
    { "more /ten", "n/[\r/x\x7f\x7f/ab\003q",
      { "1|2|3|4|5" MORE, "1|2|3|4|5|No previous regular", "1|2|3|4|5|unmatched [",
        "1|2|3|4|5" MORE, "1|2|3|4|5" MORE, "1|2|3|4|5|" } },

    /* only the last 1024 rows are kept */
    { "more /big", "/^3000$\rbq", { "1|2|3|4|5" MORE, "3000|3001|3002|3003|3004" MORE,
                                    "2995|2996|2997|2998|2999" MORE,
                                    "2995|2996|2997|2998|2999|" } },
    { "more /big", "/nowhere\rbq",
      { "1|2|3|4|5" MORE, "3977|3978|3979|3980|3981|Pattern not found",
        "3977|3978|3979|3980|3981|No earlier text is", "3977|3978|3979|3980|3981|" } },

    /* rows are cut at the terminal's width; tabs, control characters, UTF-8 and its ruins */
    { "more /wide", "", { "abcdefghijklmnopqrst|uvwxyz|a       b|^A^?|\xc3\xa9\xff.|" } },
    { "more /few /few", "q", { "1|2|3|4|5" MORE, "1|2|3|4|5|" } },
};

static void type(const char *keys)
{
    for (; *keys; keys++)
        console_input((uint8_t)*keys);
}

static void put_numbers(const char *path, unsigned count)
{
    static char text[5 * 5000];
    size_t used = 0;
    for (unsigned i = 1; i <= count; i++)
        used += (size_t)sprintf(text + used, "%u\n", i);
    rig_put_file(path, text, used);
}

static void body_more(void *unused)
{
    static const char wide[] = "abcdefghijklmnopqrstuvwxyz\r\na\tb\n\x01\x7f\n\xc3\xa9\xff.\n";
    struct shell shell;
    (void)unused;
    rig_start();
    kassert(shell_init(&shell, shell_console_sink, NULL, NULL) == 0);
    terminal_seen();
    terminal_report(ROWS, COLUMNS);
    put_numbers("/few", 5);
    put_numbers("/ten", 10);
    put_numbers("/big", 5000);
    rig_put_file("/wide", wide, sizeof(wide) - 1);

    for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
        char what[80];
        snprintf(what, sizeof(what), "case %u: %s", i, cases[i].line);
        shown_clear();
        type(cases[i].keys);
        kassert(shell_run_text(&shell, cases[i].line) == SHELL_DONE);
        expect_screens(what, cases[i].screens);
        kassert(console_read(0) == -ETIMEDOUT); /* each key was used */
    }
    shown_shell_stop(&shell);
}

/* Without memory there is a message, and nothing is left behind. */
static void body_without_memory(void *unused)
{
    struct shell shell;
    (void)unused;
    rig_start();
    kassert(shell_init(&shell, shell_console_sink, NULL, NULL) == 0);
    put_numbers("/few", 5);
    bool failed = true;
    for (unsigned long nth = 1; failed; nth++) {
        host_fail_nth_allocation(nth);
        int status = shell_run_text(&shell, "more /few");
        failed = host_failure_happened();
        host_fail_nth_allocation(0);
        kassert(failed || status == SHELL_DONE);
    }
    shown_shell_stop(&shell);
}

static void test_more(void **state)
{
    static struct console console = { .name = "test", .write = shown_add };
    (void)state;
    console_register(&console);
    rig_run(body_more, NULL, 2);
}

static void test_without_memory(void **state)
{
    (void)state;
    rig_run(body_without_memory, NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
