/*
 * test_grep.c - grep: what it selects and writes, its status, and lines of any length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/port/host.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

static const char none[] = "grep: /none: No such file or directory\n";

/* POSIX: 0 selected, 1 not, more than 1 after an error; -q is 0 with a match, errors or not. */
BODY(status)
{
    (void)unused;
    start();
    put("/f", "a\nb\na\n");
    rig_mkdir("/d");
    says("grep -q a /f", "");
    run("grep -q a /none /f", SHELL_DONE, "", none);
    says("grep -q a /f /none", "");
    run("grep -q x /none /f", SHELL_TROUBLE, "", none);
    run("grep x /f", SHELL_FAILED, "", "");
    run("grep a /f /none", SHELL_TROUBLE, "/f:a\n/f:a\n", none);
    run("grep -c a /none", SHELL_TROUBLE, "", none);
    run("grep -s a /none", SHELL_TROUBLE, "", "");
    run("grep -s a /none /f", SHELL_TROUBLE, "/f:a\n/f:a\n", "");
    run("grep a /d", SHELL_TROUBLE, "", "grep: /d: Is a directory\n");
    run("grep -r a /none", SHELL_TROUBLE, "", none);
    run("grep -r a ''", SHELL_TROUBLE, "", "grep: : No such file or directory\n");
    run("grep -E -F a /f", SHELL_TROUBLE, "", NULL);
    run("grep -m x a /f", SHELL_USAGE, "", NULL);
    run("cmp /f /none", SHELL_TROUBLE, "", "cmp: /none: No such file or directory\n");
    run("cmp -s /f /none", SHELL_TROUBLE, "", "");
    run("sort /none", SHELL_TROUBLE, "", "sort: /none: No such file or directory\n");
    stop();
}

BODY(selected)
{
    (void)unused;
    start();
    put("/f", "1\na\n2\n3\n4\na\n5");
    put("/g", "x\n");
    rig_mkdir("/d");
    put("/d/h", "a\n");
    says("grep -L a /f /g", "/g\n");
    run("grep -L x /f", SHELL_FAILED, "/f\n", "");
    says("grep -lL a /f /g", "/g\n");
    says("grep -m1 a /f; grep -cm1 a /f", "a\n1\n");
    run("grep -m0 a /f", SHELL_FAILED, "", "");
    says("grep -nA1 a /f", "2:a\n3-2\n--\n6:a\n7-5\n");
    says("grep -nB1 a /f", "1-1\n2:a\n--\n5-4\n6:a\n");
    says("grep -C2 a /f", "1\na\n2\n3\n4\na\n5\n");
    says("grep -2 a /f", "1\na\n2\n3\n4\na\n5\n");
    says("grep -A0 a /f", "a\n--\na\n");
    says("grep -m1 -A9 a /f", "a\n2\n3\n4\na\n5\n");
    says("grep -oB1 a /f", "a\n--\na\n");
    says("grep -A1 [ax] /f /g", "/f:a\n/f-2\n--\n/f:a\n/f-5\n--\n/g:x\n");
    says("grep -hH x /g; grep -Hh x /g", "/g:x\nx\n");
    says("grep -r a /d; grep -r x /g; cd /d; grep -r a; cd /", "/d/h:a\nx\nh:a\n");
    says("mkdir /i; for i in a b ab; do echo 1 > /i/$i; done; cd /i; "
         "grep -l --include='a*' --exclude='?' --include=a 1 *; echo; "
         "grep -l --exclude='?' --include=a 1 *; cd /; rm -r /i", "a\nab\n\na\nab\n");
    says("grep -c '' /f; grep -e '' -c /g; grep -c $'a\\n3' /f", "7\n1\n3\n");
    stop();
}

BODY(bytes)
{
    (void)unused;
    start();
    rig_put_file("/b", "a\n\0b\na\n", 7);
    rig_put_file("/z", "a\0b\nc\0d", 7);
    run("grep a /b", SHELL_DONE, "", "grep: /b: binary file matches\n");
    run("grep x /b", SHELL_FAILED, "", "");
    says("grep -c a /b; grep -l a /b", "2\n/b\n");
    says("grep -a a /b", "a\na\n");
    says("grep -zc . /z", "3\n");
    run("grep -z c /z", SHELL_DONE, NULL, "");
    kassert(out.used == 4 && memcmp(out.text, "b\nc", 4) == 0);
    stop();
}

/* ---- lines of any length -------------------------------------------------------------------- */

enum { LONG_BYTES = 200000 };

/* a=1;a=1; ... without a line end, "needle" at `at`, `tail` after all. */
static void put_long(const char *path, size_t at, const char *tail)
{
    char *text = malloc(LONG_BYTES + 100);
    for (size_t i = 0; i < LONG_BYTES; i += 4)
        memcpy(text + i, "a=1;", 4);
    memcpy(text + at, "\xc3\xa9needle\xc3\xa9", 10);
    strcpy(text + LONG_BYTES, tail);
    rig_put_file(path, text, strlen(text));
    free(text);
}

BODY(offsets)
{
    start();
    put("/t", "one\ntwo two\nthree\n");
    says("grep -b t /t; grep -bo two /t; grep -HnbB1 th /t", "4:two two\n12:three\n4:two\n8:two\n"
         "/t-2-4-two two\n/t:3:12:three\n");
    says("egrep -c 'one|three' /t; fgrep -c 'one|three' /t || echo none", "2\n0\nnone\n");
    says("wc -l < /t; wc -l - < /t; echo a b | xargs -n 1 -P 2 echo", "3\n3 -\na\nb\n");
    stop();
}

BODY(long_lines)
{
    (void)unused;
    start();
    put_long("/l", 131000, "\nshort\n");
    says("grep -c a=1 /l; grep -c . /l; grep -vc a=1 /l", "1\n2\n1\n");
    says("grep -c '^short$' /l; grep -c '^a.*;$' /l; grep -c needle /l", "1\n1\n1\n");
    run("grep -c '^needle' /l", SHELL_FAILED, "0\n", "");
    run("grep -cw needle /l", SHELL_FAILED, "0\n", "");
    says("grep -c ';.needle.[a=1;]' /l", "1\n");
    says("grep -cx '[a=1;]*.needle[^x]*' /l", "1\n");
    says("cat -n /l | wc -l; wc -l /l; head -n 1 /l | wc -c", "2\n2 /l\n200001\n");
    run("grep needle /l | wc -lc", SHELL_DONE, NULL, "");
    kassert(strstr(out.text, " 200001\n") != NULL);
    says("sort -r /l | wc -l; tail -n 2 /l | wc -c", "2\n200007\n");
    stop();
}

/* Wherever the needle is in the pieces, characters and words beside it are whole. */
BODY(long_line_edges)
{
    (void)unused;
    start();
    for (size_t at = 1984; at < 2080; at++) {
        put_long("/l", at, "");
        says("grep -q '[;1=a]\xc3\xa9needle.' /l", "");
        says("grep -q '.\\Bneedle\\B' /l", "");
        run("grep -q '\\bneedle' /l", SHELL_FAILED, "", "");
        says("grep -qi '\xc3\x89NEEDLE' /l", "");
    }
    stop();
}

BODY(long_line_without_memory)
{
    (void)unused;
    start();
    put_long("/l", 100, "");
    size_t limit = page_total_count() * PAGE_BYTES;
    host_memory_limit(host_memory_used() + 64 * 1024);
    run("grep needle /l", SHELL_TROUBLE, "", "grep: /l: Out of memory\n");
    run("sort /l", SHELL_TROUBLE, "", "sort: /l: Out of memory\n");
    says("grep -c needle /l", "1\n");
    host_memory_limit(limit);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_selected),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_long_line_edges),
        cmocka_unit_test(test_long_line_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
