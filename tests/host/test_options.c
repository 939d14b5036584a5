/*
 * test_options.c - options as lists: which may be repeated, what a second value is answered, and
 * long names that are cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kernel/shell/options.h"
#include "tests/host/port/host.h"
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
        if (!o->argument || option_repeats(o) || (o->name && *o->name == '-'))
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
    table_each(entry, shell_commands, struct shell_command) {
        refuses_twice(*entry);
        for (const struct shell_command *const *part = (*entry)->parts; part && *part; part++)
            refuses_twice(*part);
    }
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
    says("cat --n /f", "     1\t1\n     2\t2\n     3\t3\n");
    run("grep --no 1 /f", SHELL_DONE, "1\n", "");
    run("grep --re 1 /f", SHELL_USAGE, "",
        "grep: option --re is ambiguous: --recursive --regexp; try grep --help\n");
    run("ls --h", SHELL_USAGE, "",
        "ls: option --h is ambiguous: --human-readable --help; try ls --help\n");
    run("cat --he", SHELL_DONE, NULL, "");
    kassert(strncmp(out.text, "usage: cat", 10) == 0);
    run("cat --help=1", SHELL_USAGE, "",
        "cat: option --help=1 takes no value; try cat --help\n");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repeated_flags),
        cmocka_unit_test(test_repeated_values),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_grep_patterns),
        cmocka_unit_test(test_values_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
