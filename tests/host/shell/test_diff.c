/*
 * test_diff.c - promise: diff compares directories as GNU's does, and cmp lists differences.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/port.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

BODY(directories)
{
    start();
    says("mkdir -p /a/x /b/x /a/d; echo 1 >/a/f; echo 2 >/b/f; echo s >/a/s; echo s >/b/s; "
         "echo i >/a/d/i; echo w >/b/x/w; cd /", "");
    run("diff a b", SHELL_FAILED, "Only in a: d\ndiff a/f b/f\n1c1\n< 1\n---\n> 2\n"
        "Common subdirectories: a/x and b/x\n", "");
    run("diff -rq a b", SHELL_FAILED,
        "Only in a: d\nFiles a/f and b/f differ\nOnly in b/x: w\n", "");
    run("diff -rN a b", SHELL_FAILED, "diff -rN a/d/i b/d/i\n1d0\n< i\ndiff -rN a/f b/f\n1c1\n"
        "< 1\n---\n> 2\ndiff -rN a/x/w b/x/w\n0a1\n> w\n", "");
    run("diff -qN b/x none", SHELL_FAILED, "Files b/x/w and none/w differ\n", "");
    run("diff -r a/x b/s", SHELL_TROUBLE, "", NULL);
    says("printf 'int f()  \\n1\\n2\\n3\\n' > p; sed s/3/4/ p > q; diff -p p q | tail -n +3; "
         "diff -U0 -F '[12]' p q | tail -n +3; diff -U0 -F x p q | sed -n 3p; rm p q",
         "@@ -1,4 +1,4 @@\n int f()  \n 1\n 2\n-3\n+4\n@@ -4 +4 @@ 2\n-3\n+4\n@@ -4 +4 @@\n");
    run("diff -F '\\(' a/f b/f", 2, "", NULL);
    says("diff a/f b/f/../f 2>/dev/null | head -n 1; diff -u -L one -L two a/f b/f | head -n 2",
         "--- one\n+++ two\n");
    run("rm a/s; ln -s f a/s; diff --no-dereference a/s b/s", SHELL_FAILED,
        "File a/s is a symbolic link while file b/s is a regular file\n", "");
    says("printf 'x\\r\\n' > c; echo x > e; diff --strip-trailing-cr c e; diff - - < c", "");
    stop();
}

BODY(directories_with_links)
{
    start();
    says("mkdir -p /a /b/d; touch /a/d; echo 1 >/a/f; ln -s none /a/l; ln -s none /b/l; "
         "ln -s ../a/f /b/f; ln -s gone /b/x; ln -s a /A2; cd /", "");

    /* A link without a file is a name of its directory, and an error. */
    run("diff a b", SHELL_TROUBLE,
        "File a/d is a regular empty file while file b/d is a directory\nOnly in b: x\n",
        "diff: a/l: No such file or directory\ndiff: b/l: No such file or directory\n");
    run("diff --no-dereference a b", SHELL_FAILED,
        "File a/d is a regular empty file while file b/d is a directory\n"
        "File a/f is a regular file while file b/f is a symbolic link\nOnly in b: x\n", "");

    /* The same directory, whatever its names, has no differences. */
    says("diff a A2; diff -r a/ ./a; diff a a; diff -s a/f b/f",
         "Files a/f and b/f are identical\n");

    /* An operand that is a link is not a directory then, so the other one is searched. */
    run("diff --no-dereference A2 b", SHELL_TROUBLE, "", "diff: b/A2: No such file or directory\n");
    run("diff --no-dereference -N none A2", SHELL_TROUBLE, "",
        "diff: none: No such file or directory\n");
    says("diff -s --no-dereference a/l b/l", "Files a/l and b/l are identical\n");

    run("diff -L one -L two a/d b", SHELL_FAILED,
        "File one is a regular empty file while file two is a directory\n", "");
    run("diff - a < a/f", SHELL_TROUBLE, "", "diff: cannot compare '-' to a directory\n");
    says("diff -s - - </dev/null", "Files - and - are identical\n");

    says("mkdir /m /n; ln -s . /m/z; ln -s . /n/z", "");
    run("diff -r m n", SHELL_TROUBLE, "", "diff: m/z: recursive directory loop\n");
    stop();
}

BODY(bytes)
{
    start();
    put("/a", "abcdef\n");
    put("/b", "abXdeY\n");
    run("cmp -l /a /b", SHELL_FAILED, "3 143 130\n6 146 131\n", "");
    run("cmp -b /a /b", SHELL_FAILED, "/a /b differ: byte 3, line 1 is 143 c 130 X\n", "");
    says("cmp -n 2 /a /b; cmp -i 3 -n 2 /a /b; cmp -i 3:3 -n 2 /a /b; cmp /a /b 6 6", "");
    run("head -c 4 /a | cmp /a", SHELL_FAILED, "", "cmp: EOF on - after byte 4, in line 1\n");
    run("cmp -l -s /a /b", SHELL_TROUBLE, "", "cmp: options -l and -s are incompatible\n");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_directories_with_links),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
