/*
 * test_options.c - options as lists: which may be repeated, what a second value is answered, and
 * long names that are cut; numbers, and what head and tail make of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "host/port/host.h"
#include "lib/macros.h"
#include "shell/language/run.h"
#include "shell/options.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

BODY(repeated_flags)
{
    (void)unused;
    start();
    put("/f", "1\n2\n3\n");
    says("cat -n -n --number /f", "     1\t1\n     2\t2\n     3\t3\n");
    says("ls -11 -1 /f", "/f\n");
    stop();
}

/* Every option of every table that takes a value and does not repeat refuses a second one. */
static void refuses_twice(const struct shell_command *command)
{
    for (const struct shell_option *o = command->options; o && (o->letter || o->name); o++) {
        char dashed[40], line[160], wanted[160];
        if (!o->argument || option_repeats(o) || *o->argument == '[' ||
            (o->name && *o->name == '-'))
            continue;
        if (o->letter)
            snprintf(dashed, sizeof(dashed), "-%c", o->letter);
        else
            snprintf(dashed, sizeof(dashed), "--%s", o->name);
        snprintf(line, sizeof(line), "%s %s 1 %s 1 x", command->name, dashed, dashed);
        snprintf(wanted, sizeof(wanted), "%s: option %s given twice; try %s --help\n",
                 command->name, dashed, command->name);
        run(line, SHELL_USAGE, "", wanted);
    }
}

BODY(repeated_values)
{
    (void)unused;
    start();
    each_command(refuses_twice);
    put("/f", "1\n2\n3\n");
    run("head -n 1 --lines=2 /f", SHELL_USAGE, "",
        "head: option --lines=2 given twice; try head --help\n");
    run("head -1 -2 /f", SHELL_USAGE, "", "head: option -2 given twice; try head --help\n");
    stop();
}

BODY(prefixes)
{
    (void)unused;
    start();
    put("/f", "1\n2\n3\n");
    says("head --line=1 /f", "1\n");
    says("head --li 1 /f", "1\n");
    says("cat --number /f", "     1\t1\n     2\t2\n     3\t3\n");
    run("grep --no-f 1 /f", SHELL_DONE, "1\n", "");
    run("grep --re 1 /f", SHELL_USAGE, "",
        "grep: option --re is ambiguous: --recursive --regexp; try grep --help\n");
    run("ls --h", SHELL_USAGE, "",
        "ls: option --h is ambiguous: --human-readable --hide-control-chars --help; "
        "try ls --help\n");
    run("cat --he", SHELL_DONE, NULL, "");
    kassert(strncmp(out.text, "usage: cat", 10) == 0);
    run("cat --help=1", SHELL_USAGE, "",
        "cat: option --help=1 does not take a value; try cat --help\n");
    run("cat --=1", SHELL_USAGE, "", "cat: unknown option --=1; try cat --help\n");
    run("cat --numbers", SHELL_USAGE, "", "cat: unknown option --numbers; try cat --help\n");
    stop();
}

BODY(grep_patterns)
{
    (void)unused;
    start();
    put("/f", "alpha\nbeta\ngamma\na.c\n");
    says("grep -e alpha -e beta /f", "alpha\nbeta\n");
    says("grep -v -e alpha --regexp=beta /f", "gamma\na.c\n");
    says("grep 'alpha\ngamma' /f", "alpha\ngamma\n");
    says("grep -F -e 'a.c\nbet' /f", "beta\na.c\n");
    says("grep -x -e alph -e beta /f", "beta\n");
    says("grep -o -e al -e alph -e ta /f", "alph\nta\n");
    says("grep -c -e '' -e alpha /f", "4\n");
    run("grep -e alpha -e '[' /f", SHELL_USAGE, "", NULL);
    put("/p", "alpha\ngam");
    put("/empty", "");
    says("grep -f /p /f", "alpha\ngamma\n");
    says("grep -f /p -e beta -f /empty /f", "alpha\nbeta\ngamma\n");
    says("echo bet | grep --file=- /f", "beta\n");
    run("grep -f /empty /f", SHELL_FAILED, "", "");
    says("grep -v -f /empty -c /f", "4\n");
    run("grep -f /none /f", SHELL_USAGE, "", "grep: /none: No such file or directory\n");
    put("/p", "alpha\n\n");
    says("grep -c -f /p /f", "4\n");
    put("/p", "alpha\n[\n");
    run("grep -f /p /f", SHELL_USAGE, "", NULL);
    stop();
}

/* Each allocation of a command with many values may fail. */
BODY(values_without_memory)
{
    (void)unused;
    start();
    put("/f", "alpha\nbeta\n");
    unsigned long nth = 0;
    do {
        host_fail_nth_allocation(++nth);
        shell_run_text(&shell, "grep -e alpha -e beta -e gamma /f");
        host_fail_nth_allocation(0);
    } while (shell.status != SHELL_DONE && nth < 10000);
    kassert(nth > 5 && nth < 10000);
    stop();
}

/* ---- numbers ------------------------------------------------------------------------------ */

BODY(wrong_numbers)
{
    (void)unused;
    static const struct { const char *line, *said; } cases[] = {
        { "head -n x /f", "head: -n: invalid number: 'x'\n" },
        { "head -n 5x /f", "head: -n: invalid number: '5x'\n" },
        { "head -n '' /f", "head: -n: invalid number: ''\n" },
        { "head -n - /f", "head: -n: invalid number: '-'\n" },
        { "head -n --5 /f", "head: -n: invalid number: '--5'\n" },
        { "head -c 99999999999999999999 /f",
          "head: -c: number too large: '99999999999999999999'\n" },
        { "tail -n +-1 /f", "tail: -n: invalid number: '+-1'\n" },
        { "tail -c 16E /f", "tail: -c: number too large: '16E'\n" },
        { "hexdump -s -1 /f", "hexdump: -s: invalid number: '-1'\n" },
        { "hexdump -n 1X /f", "hexdump: -n: invalid number: '1X'\n" },
        { "hexdump /f 0x", "hexdump: OFFSET: invalid number: '0x'\n" },
        { "hexdump /f 0 1e30", "hexdump: LENGTH: invalid number: '1e30'\n" },
        { "tree -L 0 /f",
          "tree: -L: number out of range (at least 1): '0'\n" },
        { "sleep 0 1x", "sleep: TIME: invalid number: '1x'\n" },
        { "sleep 99999999999999999999", "sleep: TIME: number too large: '99999999999999999999'\n" },
        { "history 1x", "history: COUNT: invalid number: '1x'\n" },
        { "exit x", "exit: Illegal number: x\n" },
        { "bench -n 0 file /f",
          "bench: -n: number out of range (at least 1): '0'\n" },
        { "vdrive new 1M5", "vdrive new: SIZE: invalid number: '1M5'\n" },
        { "vdrive add --offset 5% /f", "vdrive add: --offset: invalid number: '5%'\n" },
    };
    start();
    put("/f", "1\n");
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        run(cases[i].line, SHELL_USAGE, "", cases[i].said);
    run("hexdump -s 1 /f 0", SHELL_USAGE, "", NULL);
    says("sleep 0 0.001s 0m", "");
    says("hexdump -C -s 1 -n 0x1 /f",
         "00000001  0a                                                |.|\n00000002\n");
    stop();
}

/* What head and tail shall write of text[bytes], the slow way. */
static size_t line_start(const char *text, size_t bytes, size_t line)
{
    size_t at = 0;
    while (line-- && at < bytes) {
        const char *end = memchr(text + at, '\n', bytes - at);
        at = end ? (size_t)(end - text) + 1 : bytes;
    }
    return at;
}

static void expect_part(const char *command, const char *text, size_t bytes, char unit,
                        const char *sign, size_t amount)
{
    size_t lines = 0;
    for (size_t i = 0; i < bytes; i++)
        lines += text[i] == '\n' || i + 1 == bytes;
    size_t count = unit == 'c' ? bytes : lines, from_end = amount < count ? count - amount : 0;
    size_t first = amount < count ? amount : count, from = 0, to = count;
    if (*command == 'h')
        to = *sign == '-' ? from_end : first;
    else
        from = *sign == '+' ? amount ? amount - 1 : 0 : from_end;
    from = min(from, count);
    if (unit == 'n') {
        from = line_start(text, bytes, from);
        to = line_start(text, bytes, to);
    }

    char line[80], wanted[16384];
    memcpy(wanted, text + from, to - from);
    wanted[to - from] = '\0';
    snprintf(line, sizeof(line), "%s -%c %s%zu /f", command, unit, sign, amount);
    says(line, wanted);
    snprintf(line, sizeof(line), "cat /f | %s -%c %s%zu", command, unit, sign, amount);
    says(line, wanted);
}

static void expect_parts(const char *text, const size_t *amounts, size_t count)
{
    put("/f", text);
    for (size_t i = 0; i < 2 * count; i++) {
        char unit = i % 2 ? 'c' : 'n';
        expect_part("head", text, strlen(text), unit, "", amounts[i / 2]);
        expect_part("head", text, strlen(text), unit, "-", amounts[i / 2]);
        expect_part("tail", text, strlen(text), unit, "", amounts[i / 2]);
        expect_part("tail", text, strlen(text), unit, "-", amounts[i / 2]);
        expect_part("tail", text, strlen(text), unit, "+", amounts[i / 2]);
    }
}

/* Every part of files and of streams, with and without a last line end, over many pieces. */
BODY(parts)
{
    (void)unused;
    static const char *const texts[] = { "", "\n", "a", "a\n", "a\nb", "a\nb\n", "\n\n", "\n\na",
                                         "ab\n\nc\nd\n" };
    static const size_t amounts[] = { 0, 1, 2, 3, 4, 100 };
    start();
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
        expect_parts(texts[i], amounts, 6);

    static const size_t large[] = { 0, 1, 2, 799, 800, 1500, 1600, 3999, 4000, 4001, 8192, 12799,
                                    12800, 20000 };
    static char text[12801];
    for (size_t i = 0; i < 12800; i++)
        text[i] = i % 8 == 7 ? '\n' : (char)('a' + i % 26);
    expect_parts(text, large, ARRAY_LENGTH(large));
    text[12799] = '\0';
    expect_parts(text, large, ARRAY_LENGTH(large));
    memset(text + 4000, 'x', 8100); /* a line longer than a piece */
    expect_parts(text, large, ARRAY_LENGTH(large));
    stop();
}

BODY(last_given)
{
    (void)unused;
    start();
    put("/f", "1\n2\n3\n");
    says("head -c 1 -n 2 /f", "1\n2\n");
    says("head -n 2 -c 1 /f", "1");
    says("tail -qv -n 1 /f", "==> /f <==\n3\n");
    says("tail -vq -n 1 /f /f", "3\n3\n");
    says("head -n -1 /System/Devices/null", "");
    says("cat /System/Devices/zero | head -c -5 | head -c 2 | wc -c", "2\n");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repeated_flags),
        cmocka_unit_test(test_repeated_values),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_grep_patterns),
        cmocka_unit_test(test_values_without_memory),
        cmocka_unit_test(test_wrong_numbers),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_last_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
