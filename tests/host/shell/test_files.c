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
#include "tests/host/faulty.h"
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

/* ramfs has no modes: they are shown as 0 or a question mark, never as something left over. */
BODY(what_is_known_of_files)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    rig_mkdir("/d/e");
    put("/d/a", "hello\n");
    put("/d/e/b", "");
    says("cd /d; ln -s a l; touch -d @86400 a; ls -p; ls -C; ls --color=never",
         "a\ne/\nl\na  e  l\na\ne\nl\n");
    says("ls --color e; ls --color -d e", "b\n\x1b[01;34me\x1b[0m\n");
    says("ls -m; ls -m -w 5; ls -Cw 5; ls -xw 5; ls -x1; ls -lC -w 0",
         "a, e, l\na, e,\nl\na  l\ne\na  e\nl\na\ne\nl\na  e  l\n");
    says("ls --group-directories-first -r; ls --sort=size; ls -I 'a*' -I l",
         "e\nl\na\na\nl\ne\ne\n");
    says("ls -s; ls -sh a; ls -Ld l e; ls -H l; ls -Z a; ls -F --file-type",
         "total 2\n1 a\n0 e\n1 l\n6 a\ne\nl\nl\n? a\na\ne/\nl@\n");

    /* -L: a link that leads nowhere is an error, and remains a link. */
    says("mkdir n; ln -s none n/d; ln -s .. n/up; ln -s ../e n/e", "");
    run("ls -LF n", SHELL_FAILED, "d@\ne/\nup/\n",
        "ls: cannot access 'n/d': No such file or directory\n");
    run("ls -LZ n", SHELL_FAILED, "? d\n? e\n? up\n",
        "ls: cannot access 'n/d': No such file or directory\n");

    /* A directory has several names then, but is not listed inside itself. */
    says("ls -LR n/e; ls -LRd n", "n/e:\nb\nn\n");
    says("mkdir m; ln -s . m/m; ln -s ../e m/e; ln -s ../e m/f", "");
    run("ls -LR m", SHELL_TROUBLE, "m:\ne\nf\nm\n\nm/e:\nb\n\nm/f:\nb\n",
        "ls: m/m: not listing already-listed directory\n");
    says("rm -r m n", "");
    says("ls -l --time-style=+%j a; ls -l --full-time a; ls -l --time-style=iso a",
         "- 6 002 a\n- 6 1970-01-02 00:00:00.000000000 +0000 a\n- 6 1970-01-02  a\n");
    says("> 'x\ty z'; ls -b x*; ls -q x*; ls -N x*; ls -Q x*; rm x*",
         "x\\ty\\ z\nx?y z\nx\ty z\n\"x\\ty z\"\n");
    says("> v10; > v9.c; ls -v v*; ls -X v*; ls -c v*; rm v*",
         "v9.c\nv10\nv10\nv9.c\nv10\nv9.c\n");
    says("ls --sort=x 2>&1; echo $?", "ls: invalid argument 'x' for '--sort'\n2\n");
    says("ls -n a", "-  1    0    0 6 1970-01-02 00:00 a\n");
    says("touch -d 2012-01-23T12:34:56.123456789 t; date -r t +%T.%N_%3N_%12N; "
         "stat -c %y t; cp -p t u; date -r u -In",
         "12:34:56.123456789_123_123456789000\n2012-01-23 12:34:56.123456789 +0000\n"
         "2012-01-23T12:34:56,123456789+00:00\n");
    says("touch -a -d @9 t; touch -m -d @8.5 t; stat -c '%X %Y %y' t; touch -r t u; "
         "stat -c '%X %Y' u; touch --time=atime -d @7 t; stat -c '%X %Y' t; rm t u",
         "9 8 1970-01-01 00:00:08.500000000 +0000\n9 8\n7 8\n");
    says("echo text | file -; file -b - < /dev/null; printf '\\037\\213\\010' | file -i -; "
         "printf 070701 | file -b -",
         "/dev/stdin: ASCII text\nempty\n/dev/stdin: application/gzip; charset=binary\n"
         "ASCII cpio archive (SVR4 with no CRC)\n");
    says("file -L l; file -Lh l; uptime -s | grep -c '^[0-9-]* [0-9:]*$'",
         "l: ASCII text\nl: symbolic link to a\n1\n");
    says("stat -c '%n %s %F %Y %h %b %y' a", "a 6 regular file 86400 1 1 1970-01-02 "
         "00:00:00.000000000 +0000\n");
    says("stat -c '%N %F %a %Q%%' l e e/b", "'l' -> 'a' symbolic link 0 ?%\n'e' directory 0 ?%\n"
         "'e/b' regular empty file 0 ?%\n");
    says("stat --printf='%n\\t%s\\n' a; du -b .; du -ab -d 1", "a\t6\n0\t./e\n6\t.\n6\t./a\n"
         "0\t./e\n0\t./l\n6\t.\n");
    says("mkdir dd; printf 12345 > dd/f; ln -s dd ll; du -b ll; du -bH ll; du -b ll/; du -bHP ll; "
         "rm -r dd ll", "0\tll\n5\tll\n5\tll/\n0\tll\n");
    says("du -sm . ; du -k -s", "1\t.\n4\t.\n");
    fails("du -s -d 2", "du: cannot both summarize and show all entries\n");
    stop();
}

/* Links are copied as links with -r, -P, -d and -a, and followed otherwise. */
BODY(copies_of_links)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    rig_mkdir("/d/e");
    put("/d/e/f", "1");
    says("cd /; ln -s e/f d/l; ln -s e d/m; ln -s none d/n; ln -s .. d/e/up; cp d/l x; "
         "cp -d d/l y; cp -P d/n z; cat x; readlink y z", "1e/f\nnone\n");
    says("cp -r d r; cp -rH d/m s; readlink r/l r/m r/n; cat s/f; echo", "e/f\ne\nnone\n1\n");
    says("rm r/n; cp -rL r t 2>&1; find t -type f; find t -type l",
         "cp: cannot copy cyclic symbolic link 'r/e/up'\n"
         "cp: cannot copy cyclic symbolic link 'r/m/up'\nt/e/f\nt/l\nt/m/f\n");
    says("mkdir p; cp --parents d/e/f p; cp -s d/e/f lf; find p -type f; cat lf; echo",
         "p/d/e/f\n1\n");

    /* The directories of the path are made even if the operand does not exist (GNU). */
    says("mkdir pa; cp --parents d/e/none d/none/x pa 2>&1; cp -v --parents ./d/e/f pa; "
         "cp --parents d/e/f/x d/e/f/x/y pa 2>&1; find pa; cp --parents d/e/f pa/d/e/f 2>&1; true",
         "cp: cannot stat 'd/e/none': No such file or directory\n"
         "cp: failed to get attributes of 'd/none': No such file or directory\n"
         "'./d/e/f' -> 'pa/./d/e/f'\n"
         "cp: 'pa/d/e/f' exists but is not a directory\n"
         "cp: 'pa/d/e/f' exists but is not a directory\n"
         "pa\npa/d\npa/d/e\npa/d/e/f\n"
         "cp: with --parents, the destination must be a directory\n");
    says("cp -rv --parents d/e/ pa/d/e 2>&1 | head -n 2",
         "d -> pa/d/e/d\n'd/e/' -> 'pa/d/e/d/e'\n");
    says("rm -r pa", "");
    fails("cp -d d/l d/l", "cp: d/l and d/l are the same file\n");
    fails("cp -d d/l d", "cp: d/l and d/l are the same file\n");
    fails("cp --parents d/l x", "cp: with --parents, the destination must be a directory\n");
    fails("cp -s d/l p/l",
          "cp: 'p/l': can make relative symbolic links only in current directory\n");
    fails("cp --preserve=x x y", "cp: invalid argument 'x' for '--preserve'\n");
    fails("mkdir q q/l; cp -d d/l q", "cp: cannot overwrite directory 'q/l' with non-directory\n");
    says("touch -d @86400 x; cp --preserve=all x k; stat -c %Y k; cp -a --no-preserve=all x k; "
         "test k -nt x", "86400\n");
    rig_mkdir("/in");
    kassert(vfs_mount(shell.directory, "/in", "", "ramfs", NULL) == 0);
    says("mv d/l in; readlink in/l; test -e d/l || umount in", "e/f\n");
    stop();
}

/* -i asks for each file that would be replaced, -u keeps those that are not older. */
BODY(copies_ask)
{
    (void)unused;
    start();
    rig_mkdir("/d");
    put("/a", "1");
    put("/b", "2");
    put("/d/a", "old");
    put("/d/b", "old");
    run("cd /; printf 'n\\ny\\n' | cp -i a b d; cat d/a d/b", SHELL_DONE, "old2",
        "cp: overwrite 'd/a'? cp: overwrite 'd/b'? ");
    says("touch -d 2001-01-01 a; touch -d 2002-01-01 d/a; cp -u a d; cat d/a", "old");
    says("touch -d 2003-01-01 a; cp -u -t d a; cat d/a; mv -u b d/b; cat d/b", "12");
    says("touch -d 2002-01-01 d; touch -d 2001-01-01 a; cp -u -T a d", "");
    says("cp -T a d/c; cat d/c; mv -t d a; ls d", "1a\nb\nc\n");
    fails("cp b", "cp: missing destination file operand after 'b'\n");
    fails("mv -T b c d", "mv: extra operand 'd'\n");
    stop();
}

/* Blocks that cannot be read are left out, or with sync replaced by zeroes, and counted. */
BODY(dd_reads_a_bad_disk)
{
    static uint8_t disk[8 * 512];
    (void)unused;
    start();
    for (size_t i = 0; i < sizeof(disk); i++)
        disk[i] = (uint8_t)('a' + i / 512);
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_SYNC);
    faulty->bad_from = 3 * 512;
    faulty->bad_to = 4 * 512;
    /* no short read of a pipe while there is more in it */
    says("head -c 10240 /dev/zero | dd ibs=5 of=/p 2>/err; head -n 1 /err; rm /p /err",
         "2048+0 records in\n");
    run("dd if=/dev/Classes/disk0 of=/f bs=512 status=none", SHELL_FAILED, "",
        "dd: error reading '/dev/Classes/disk0': Input/output error\n");
    says("wc -c /f", "1536 /f\n");
    run("dd if=/dev/Classes/disk0 of=/g bs=512 conv=noerror,sync", SHELL_DONE, "", NULL);
    kassert(strstr(err.text, "7+1 records in\n8+0 records out\n4096 bytes"));
    says("tr -d '\\000' < /g | fold -w 512 | cut -c 1 | tr -d '\\n'; wc -c /g", "abcefgh4096 /g\n");
    faulty_destroy(faulty);
    stop();
}

/* The command is interrupted, the shell is not; ^C ends both. */
BODY(timeout_interrupts)
{
    (void)unused;
    start();
    run("timeout 0.5 sleep 9; echo $?", SHELL_DONE, "124\n", "");
    says("timeout 9 echo a; timeout 0 echo b; timeout 1m sleep 0.1", "a\nb\n");
    run("timeout 9 false", SHELL_FAILED, "", "");
    run("timeout -p 0.1 sleep 9", 143, "", "");
    run("timeout -s KILL 0.1 sleep 9", 137, "", "");
    run("timeout --preserve-status -s 2 0.1 sleep 9", 130, "", "");
    run("timeout -v 0.1 sleep 9", 124, "", "timeout: sending signal TERM to command 'sleep'\n");
    run("timeout -s X 1 true", 125, "", "timeout: 'X': invalid signal\n");
    run("timeout", 125, "", "timeout: missing operand; try timeout --help\n");
    run("timeout 1 /", 126, "", NULL);
    run("timeout 9 none", SHELL_NO_COMMAND, "", NULL);
    run("timeout x echo", 125, "", "timeout: invalid time interval 'x'\n");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rm_asks), cmocka_unit_test(test_rm_without_memory),
        cmocka_unit_test(test_cat_shows), cmocka_unit_test(test_copies_ask),
        cmocka_unit_test(test_copies_of_links),
        cmocka_unit_test(test_dd_reads_a_bad_disk),
        cmocka_unit_test(test_timeout_interrupts), cmocka_unit_test(test_what_is_known_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
