/*
 * test_sort.c - promise: sort orders lines as POSIX says, and no tool divides a long line.
 *
 * GNU's sort and grep gave the expected answers; tests/differential asks them about many more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/commands/lines/sort_key.h"
#include "tests/host/faulty.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

/* ---- order -------------------------------------------------------------------------------- */

BODY(order)
{
    (void)unused;
    start();
    put("/n", "10\n9\n-3\n2.5\n\n-0\n1e3\n99999999999999999999\n99999999999999999998\n");
    says("sort -n /n", "-3\n\n-0\n1e3\n2.5\n9\n10\n99999999999999999998\n99999999999999999999\n");
    put("/f", "b\n_\nA\na\nB\n[\n");
    says("sort -f /f", "A\na\nB\nb\n[\n_\n"); /* POSIX folds to upper case */
    says("sort -fu /f", "A\nb\n[\n_\n");
    says("sort -fs /f", "A\na\nb\nB\n[\n_\n");
    put("/d", "a-b\nab\na b\n");
    says("sort -d /d", "a b\na-b\nab\n");
    put("/b", "  b\n a\nc\n");
    says("sort -b /b", " a\n  b\nc\n");
    says("sort /b", "  b\n a\nc\n");
    stop();
}

BODY(keys)
{
    (void)unused;
    start();
    put("/k", "b 2 x\na 10 y\na 9 z\n");
    says("sort -k 2n /k", "b 2 x\na 9 z\na 10 y\n");
    says("sort -k 1,1 -k 2,2nr /k", "a 10 y\na 9 z\nb 2 x\n");
    says("sort -k1,1 -s /k", "a 10 y\na 9 z\nb 2 x\n");
    says("sort -u -k 1,1 /k", "a 10 y\nb 2 x\n");
    put("/c", "x:3:q\ny:1\nz:2:p\n");
    says("sort -t : -k 2 /c", "y:1\nz:2:p\nx:3:q\n");
    says("sort -t : -k 3 /c", "y:1\nz:2:p\nx:3:q\n");
    says("sort -t : -k 1.1,1.1r /c", "z:2:p\ny:1\nx:3:q\n");
    run("sort -k 0 /c", SHELL_TROUBLE, "", "sort: -k: 0: invalid key\n");
    run("sort -k 1,0 /c", SHELL_TROUBLE, "", "sort: -k: 1,0: invalid key\n");
    run("sort -k 1.0 /c", SHELL_TROUBLE, "", NULL);
    run("sort -k 1x /c", SHELL_TROUBLE, "", NULL);
    run("sort -k 1, /c", SHELL_TROUBLE, "", NULL);
    run("sort -t :: /c", SHELL_TROUBLE, "", "sort: -t: ::: not a single character\n");
    run("sort -t '' /c", SHELL_TROUBLE, "", NULL);

    /* -d ignores what -i would; letters that no key uses may contradict each other (GNU). */
    put("/d", "aa\na\tb\n");
    says("sort -d -i /d", "a\tb\naa\n");
    run("sort -n -i /d", SHELL_TROUBLE, "",
        "sort: only one of -h, -M, -n, -V and -di can be given\n");
    says("sort -n -i -k 1,1f /d", "a\tb\naa\n");
    stop();
}

BODY(nuls_are_bytes)
{
    (void)unused;
    static const char data[] = "a\0z\na\0B\na\0b\n", folded[] = "a\0B\na\0b\na\0z\n";
    start();
    rig_put_file("/n", data, sizeof(data) - 1);
    rig_put_file("/f", folded, sizeof(folded) - 1);
    run("sort -f /n | cmp - /f", SHELL_DONE, "", "");
    says("sort -fu /n | wc -l", "2\n"); /* not one: lines do not end at a NUL */
    stop();
}

BODY(check)
{
    (void)unused;
    start();
    put("/in", "a\nb\nb\n");
    put("/out", "b\na\nc\n");
    run("sort -c /in", SHELL_DONE, "", "");
    run("sort -c /out", SHELL_FAILED, "", "sort: /out:2: disorder: a\n");
    run("sort -C /out", SHELL_FAILED, "", "");
    run("sort -cC /out", SHELL_TROUBLE, "", "sort: -c and -C are incompatible\n");
    run("sort -cu /in", SHELL_FAILED, "", "sort: /in:3: disorder: b\n");
    run("sort -c /none", SHELL_TROUBLE, "", NULL);
    run("sort -c /in /out", SHELL_TROUBLE, "", "sort: /out: extra operand not allowed with -c\n");
    run("sort /none", SHELL_TROUBLE, "", "sort: /none: No such file or directory\n");
    stop();
}

/* ---- long lines --------------------------------------------------------------------------- */

enum { LONG_BYTES = 200001 };

/* One line of many times "a=1;", and a short one. */
static void put_long_line(const char *path)
{
    char *data = malloc(LONG_BYTES + 2);
    for (size_t i = 0; i < LONG_BYTES; i++)
        data[i] = "a=1;"[i % 4];
    memcpy(data + LONG_BYTES - 1, "\nz\n", 3);
    rig_put_file(path, data, LONG_BYTES + 2);
    free(data);
}

BODY(long_lines)
{
    (void)unused;
    start();
    put_long_line("/l");
    says("grep -c a=1 /l; grep -n z /l; cat /l | grep -c a", "1\n2:z\n1\n");
    says("sort /l | wc; sort -r /l | wc -lc", "      2       2  200003\n      2  200003\n");
    run("sort /l | cmp - /l", SHELL_DONE, "", "");
    says("cat -n /l | tail -n 1; cat -n /l | wc -l", "     2\tz\n2\n");
    says("head -n 1 /l | wc -c; tail -n 1 /l", "200001\nz\n");
    stop();
}

/* A line that memory cannot hold is an error, not two lines; what needs no whole line works. */
BODY(line_larger_than_memory)
{
    (void)unused;
    enum { MEMORY = 12 << 20 };
    host_memory_limit(MEMORY);
    start();
    run("head -c 40M /System/Devices/zero | grep -c x", SHELL_FAILED, "0\n", "");
    says("head -c 40M /System/Devices/zero | grep -vc x", "1\n");
    run("head -c 40M /System/Devices/zero | grep x", SHELL_TROUBLE, "",
        "grep: (standard input): Out of memory\n");
    run("head -c 40M /System/Devices/zero | sort", SHELL_TROUBLE, "",
        "sort: (standard input): Out of memory\n");
    says("head -c 40M /System/Devices/zero | wc -lc", "      0 41943040\n");
    says("head -c 40M /System/Devices/zero | cat -n | wc -c", "41943047\n");
    says("head -c 40M /System/Devices/zero | head -n 1 | wc -c", "41943040\n");
    stop();
}

/* ---- "no" is not trouble ------------------------------------------------------------------ */

BODY(trouble)
{
    (void)unused;
    start();
    put("/a", "one\n");
    put("/b", "two\n");
    run("grep one /a", SHELL_DONE, "one\n", "");
    run("grep none /a", SHELL_FAILED, "", "");
    run("grep one /none", SHELL_TROUBLE, "", NULL);
    run("grep one /a /none", SHELL_TROUBLE, "/a:one\n", NULL);
    run("grep -q one /none /a", SHELL_DONE, "", NULL);
    run("grep -q none /none /a", SHELL_TROUBLE, "", NULL);
    run("cmp /a /a", SHELL_DONE, "", "");
    run("cmp /a /b", SHELL_FAILED, NULL, "");
    run("cmp /a /none", SHELL_TROUBLE, "", NULL);
    run("cmp -s /a /none", SHELL_TROUBLE, "", "");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_nuls_are_bytes),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_line_larger_than_memory),
        cmocka_unit_test(test_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
