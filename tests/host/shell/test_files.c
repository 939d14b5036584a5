/*
 * test_files.c - options of the commands for files that the differential test does not cover:
 * questions, and what is left when a part of a tree stays.
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

/* Each question takes one line of the input; a directory with something in it is not asked for. */
BODY(rm_asks)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    rig_mkdir("/d/e");
    put("/d/a", "x");
    put("/d/e/b", "");
    put("/d/z", "y");
    put("/answers", "y\ny\nyes\nno\nyes\n");
    run("rm -ri /d < /answers", SHELL_DONE, "",
        "rm: descend into directory '/d'? rm: remove regular file '/d/a'? "
        "rm: descend into directory '/d/e'? rm: remove regular empty file '/d/e/b'? "
        "rm: remove regular file '/d/z'? ");
    says("find /d", "/d\n/d/e\n/d/e/b\n");
    run("rm -rI /d < /dev/null; ls /d", SHELL_DONE, "e\n",
        "rm: remove 1 argument recursively? ");
    run("echo y | rm -rIv /d", SHELL_DONE, "removed '/d/e/b'\nremoved directory '/d/e'\n"
        "removed directory '/d'\n", "rm: remove 1 argument recursively? ");
    stop();
}

/* Nothing leaks if an allocation fails, and the tree is removed once memory is there. */
BODY(rm_without_memory)
{
    (void)unused;
    start();
    for (unsigned n = 1; n < 80; n++) {
        rig_mkdir("/d");
        rig_mkdir("/d/e");
        put("/d/e/f", "x");
        host_fail_nth_allocation(n);
        (void)shell_run_text(&shell, "rm -r /d");
        host_fail_nth_allocation(0);
        (void)shell_run_text(&shell, "rm -rf /d");
        says("ls /", "Drives\nSystem\ndev\n");
    }
    stop();
}

BODY(cat_shows)
{
    (void)unused;
    start();
    put("/f", "a\tb\n\n\n\xc3\xa9\001\177\r\n");
    says("cat -A /f", "a^Ib$\n$\n$\nM-CM-)^A^?^M$\n");
    says("cat -sn /f | cat -T", "     1^Ia^Ib\n     2^I\n     3^I\xc3\xa9\001\177\r\n");
    says("cat -b /f /f | grep -c '[0-9]'", "4\n");
    put("/cr", "x\r");
    says("cat -E /cr /f", "x\ra\tb$\n$\n$\n\xc3\xa9\001\177^M$\n");
    says("wc -m -L /f", "11  9 /f\n");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rm_asks), cmocka_unit_test(test_rm_without_memory),
        cmocka_unit_test(test_cat_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
