/*
 * test_names.c - symbolic links and the names of paths: ln, readlink, realpath, basename, dirname.
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
#include "lib/macros.h"
#include "shell/language/run.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

/* Links are nodes of their own: they are listed, renamed and removed without their targets. */
BODY(links)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    put("/f", "text\n");
    says("cd /; ln -s f l; ln -s d dl; ln -s none dangling; ln -s /f d; readlink l dl/f",
         "f\n/f\n");
    says("cat l dl/f; echo more >> l; cat f", "text\ntext\ntext\nmore\n");
    says("mv l d/m; readlink d/m; rm d/m; cat f; ls d", "f\ntext\nmore\nf\n");
    says("find / -xdev -type l", "/d/f\n/dangling\n/dev\n/dl\n");
    says("rm /dl /dangling /d/f; ls /; ls d", "Drives\nSystem\nd\ndev\nf\n");

    /* A link through which a file is created, and one that leads to itself. */
    says("ln -s d/new n; echo x > n; cat d/new", "x\n");
    says("ln -s loop loop", "");
    fails("cat loop", "cat: loop: Too many levels of symbolic links\n");
    stop();
}

BODY(refused)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    put("/f", "text\n");
    fails("ln -s f /d/../f", "ln: failed to create symbolic link '/d/../f': File exists\n");
    fails("ln -s '' /x", "ln: failed to create symbolic link '/x': No such file or directory\n");
    fails("ln -s f /x/", "ln: failed to create symbolic link '/x/': No such file or directory\n");
    fails("ln -s f /dev/x", "ln: failed to create symbolic link '/dev/x': Read-only file system\n");
    fails("ln f /x", "ln: hard links are not supported; use -s\n");
    fails("ln -s a b /f", "ln: target '/f' is not a directory\n");
    says("ln -sf g /f; readlink /f; ln -sv /f /d; ln -snf x /d/f; readlink /d/f",
         "g\n'/d/f' -> '/f'\nx\n");
    stop();
}

BODY(paths)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    put("/d/f", "");
    says("cd /d; ln -s /d /l; ln -s ../d/f r; realpath r /l/f . / /l/../d",
         "/d/f\n/d/f\n/d\n/\n/d\n");
    says("mkdir -p /b/one/two /c; ln -s /b/one /c/up; cd /b; "
         "realpath -m --relative-base one one/x . ; "
         "realpath --relative-to=.. --relative-base=one one",
         "x\n/b\n/b/one\n");

    /* The last of -L, -P, -s and --no-symlinks counts. */
    says("realpath -L --no-symlinks /c/up; realpath --no-symlinks -L /c/up; realpath -s -P /c/up; "
         "realpath --no-symlinks --physical /c/up", "/c/up\n/b/one\n/b/one\n/b/one\n");
    says("ln -s loop /c/loop; readlink -m /c/loop /c/loop/x; readlink -f /c/loop || echo no; "
         "rm /c/loop", "/c/loop\n/c/loop/x\nno\n");
    run("realpath --no-symlinks -L /no/where", SHELL_FAILED, "",
        "realpath: /no/where: No such file or directory\n");
    says("realpath -L /c/up/..; realpath -P /c/up/..; ln -sr /b/one/two /c/r; readlink /c/r; cd /d",
         "/c\n/b\n../b/one/two\n");
    says("echo kept > /b/f; ln -sf '' /b/f 2>/dev/null || cat /b/f", "kept\n");
    fails("realpath -e no", "realpath: no: No such file or directory\n");
    fails("realpath f/", "realpath: f/: Not a directory\n");
    says("realpath -m a/b/../c f/g; realpath -s /l/r; realpath no",
         "/d/a/c\n/d/f/g\n/l/r\n/d/no\n");
    says("realpath --relative-to=/d / /d /d/x /dx; realpath --relative-to=/ /d",
         "..\n.\nx\n../dx\nd\n");
    says("readlink -f r; readlink -n r; readlink f; echo $?", "/d/f\n../d/f1\n");
    says("basename /a/b/ ; basename a.c .c; basename .c .c; basename -s x ax bx; basename //; "
         "basename -a a/b c/d", "b\na\n.c\na\nb\n/\nb\nd\n");
    says("dirname /a/b/ a /a // a//b '' ", "/a\n.\n/\n/\na\n.\n");
    stop();
}

/* Nothing is left, and nothing leaks, if any allocation fails. */
BODY(memory)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    for (unsigned n = 1; n < 60; n++) {
        host_fail_nth_allocation(n);
        (void)shell_run_text(&shell, "ln -s target /d/link; realpath -m /d/link/x >/dev/null");
        host_fail_nth_allocation(0);
        (void)shell_run_text(&shell, "rm -f /d/link");
    }
    says("ls -A /d", "");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links), cmocka_unit_test(test_refused), cmocka_unit_test(test_paths),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
