/*
 * test_sed.c - promise: sed and the groups of regular expressions work on lines of any length and
 * any bytes, a file that is edited in place has its old content or its new one, and nothing is
 * leaked when memory is exhausted or ^C is typed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/port.h"
#include "shell/regex/regex.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

enum { LONG_BYTES = 200000 };

/* Matches and compares all groups: "0-3 0-1 -", a dash for one that did not match. */
static void groups(const char *pattern, unsigned flags, const char *text, const char *wanted)
{
    struct regex *regex;
    const char *why;
    struct regex_span spans[REGEX_SPANS];
    char got[128] = "";

    if (regex_create(pattern, flags | REGEX_GROUPS, &regex, &why))
        panic("%s: %s", pattern, why);
    if (regex_find_groups(regex, text, strlen(text), 0, spans) > 0)
        for (unsigned i = 0; i <= regex_group_count(regex); i++) {
            size_t used = strlen(got);
            if (spans[i].start == SIZE_MAX)
                snprintf(got + used, sizeof(got) - used, "%s-", i ? " " : "");
            else
                snprintf(got + used, sizeof(got) - used, "%s%zu-%zu", i ? " " : "",
                         spans[i].start, spans[i].end);
        }
    regex_destroy(regex);
    if (strcmp(got, wanted))
        panic("%s on %s: %s, not %s", pattern, text, got, wanted);
}

BODY(groups)
{
    start();
    groups("\\(a*\\)\\(b\\)", 0, "xaab", "1-4 1-3 3-4");
    groups("(a|(b))*", REGEX_EXTENDED, "ab", "0-2 1-2 1-2");
    groups("(x)|(y)", REGEX_EXTENDED, "y", "0-1 - 0-1");
    groups("(a*)*", REGEX_EXTENDED, "b", "0-0 -");
    groups("(a*)+", REGEX_EXTENDED, "aab", "0-2 0-2");
    groups("(.)\\1", REGEX_EXTENDED, "abccd", "2-4 2-3");
    groups("(a+)\\1b", REGEX_EXTENDED, "aaaaab", "1-6 1-3");
    groups("(a)\\1", REGEX_EXTENDED | REGEX_FOLD, "xaAx", "1-3 1-2");
    groups("^(.*)(.{2})$", REGEX_EXTENDED, "hello", "0-5 0-3 3-5");
    groups("(a)(b)?c", REGEX_EXTENDED, "ac", "0-2 0-1 -");
    groups("q", 0, "a", "");

    /* Exponential for a matcher that tries one way after the other: the work is bounded. */
    groups("(a*)*(a*)*(a*)*x", REGEX_EXTENDED, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "");
    groups("(a*)(a*)(a*)(a*)(a*)(a*)\\1\\2\\3x", REGEX_EXTENDED,
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "");
    stop();
}

BODY(scripts)
{
    start();
    put("/t", "one\ntwo\nthree\n");
    says("sed -n '$=' /t", "3\n");
    says("printf 'a\\tb\\\\t.\\n' | sed 's/[ \\t]/X/g; s/[\\.]/Y/g'", "aXbYtY\n");
    says("sed 's/\\(.\\)\\(.\\)/\\2\\1/;2d' /t", "noe\nhtree\n");
    says("sed -e '1a\\' -e '  x' -e '$!d' /t", "  x\nthree\n");
    says("sed '1!G;h;$!d' /t", "three\ntwo\none\n");
    says("sed -n '/two/,$p;/one/w /w' /t; cat /w", "two\nthree\none\n");
    says("sed -E 's/(e)|(t)/<\\1\\2>/2g' /t", "one\ntwo\nthr<e><e>\n");
    says("sed ':a;N;$!ba;s/\\n/,/g' /t", "one,two,three\n");
    run("sed 2q7 /t", 7, "one\ntwo\n", "");
    run("sed k /t", 1, "", "sed: -e expression #1, char 1: unknown command: `k'\n");
    run("sed 's/\\(x/y/' /t", 1, "", NULL);
    run("sed 's/x/\\1/' /t", 1, "", NULL);
    run("sed 'b x' /t", 1, "", "sed: can't find label for jump to `x'\n");
    run("sed '{p' /t", 1, "", NULL);
    run("sed p /none /t", 2, "one\none\ntwo\ntwo\nthree\nthree\n",
        "sed: can't read /none: No such file or directory\n");
    stop();
}

BODY(separate_files)
{
    start();
    put("/f", "1\na\n2\n");
    put("/g", "x\ny\n");

    /* Each file has a first and a last line, and begins its ranges again. */
    says("sed -s -n '0,/a/p' /f /f; sed -s -n '$=' /f /g", "1\na\n1\na\n3\n2\n");
    says("sed -s 'n;d' /f /g; sed -s 'N;s/\\n/+/' /f /g", "1\n2\nx\n1+a\n2\nx+y\n");
    says("sed -s '2,3d' /f /g; sed -s -n '1R /g' /f /f", "1\nx\nx\nx\n");

    /* All R of a file read it together. */
    says("sed -n -e 'R /g' -e 'R /g' /f", "x\ny\n");
    run("sed -n '/a/s//<\\1>/p' /f", 1, "",
        "sed: invalid reference to group 1: the last regular expression has 0\n");
    says("sed -n '/\\(a\\)/s//<\\1>/p' /f", "<a>\n");
    stop();
}

BODY(in_place)
{
    start();
    put("/a", "one\ntwo\n");
    put("/b", "three");
    says("sed -i '1s/.*/[&]/' /a /b; cat /a /b", "[one]\ntwo\n[three]");
    says("sed -i 1q /a; cat /a", "[one]\ntwo\n");
    run("sed -i s/ /none /b", 1, "", NULL);
    says("cat /b", "[three]");
    run("sed -i 's//x/' /b", 1, "", NULL);
    says("cat /b; ls / | grep part | wc -l", "[three]0\n");
    stop();
}

BODY(long_lines)
{
    char *line = malloc(LONG_BYTES + 1);
    start();
    kassert(line);
    memset(line, 'a', LONG_BYTES);
    line[LONG_BYTES] = '\0';
    put("/l", line);
    says("sed 's/a/b/g' /l | tr -d b", "");
    says("sed 's/\\(a*\\)a/\\1b/' /l | tr -d a", "b");
    says("sed -n 'H;H;x;$l 0' /l | wc -c", "400006\n");
    rig_put_file("/n", "a\0b\nc\0d\n", 8);
    says("sed 's/\\x00/-/;y/c/C/' /n | tr '\\0' 0", "a0b\nC0d\n");
    free(line);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_separate_files),
        cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
