/*
 * test_cpio.c - promise: cpio reads what it has written, in whole and in damaged pieces; no member
 * is written outside the directory or through a link of the archive.
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
#include "lib/macros.h"
#include "shell/language/run.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

enum { ARCHIVE_MAX = 16 * 1024, ROUNDS = 300, FILE_MODE = 0100644, LINK_MODE = 0120777 };

static uint8_t archive[ARCHIVE_MAX];

static size_t padded(size_t at)
{
    return (at + 3) & ~(size_t)3;
}

/* Appends a member in the form newc. */
static size_t member(size_t at, const char *name, unsigned mode, unsigned links, unsigned number,
                     const char *content)
{
    size_t bytes = strlen(content);
    memset(archive + at, 0, sizeof(archive) - at);
    at += (size_t)sprintf((char *)archive + at,
                          "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s", number,
                          mode, 0, 0, links, 1000000000, (unsigned)bytes, 0, 0, 0, 0,
                          (unsigned)strlen(name) + 1, 0, name);
    at = padded(at + 1);
    memcpy(archive + at, content, bytes);
    return padded(at + bytes);
}

static void make_tree(void)
{
    rig_mkdir("/d");
    rig_mkdir("/d/e");
    put("/d/a", "A\n");
    put("/d/e/b", "deep\n");
    says("cd /; ln -s a /d/l; touch -d @1000000000 /d/a /d/e/b", "");
}

BODY(round_trip)
{
    start();
    make_tree();
    static const char *const forms[] = { "newc", "odc", "crc" };
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        char line[200];
        snprintf(line, sizeof(line), "cd /; find d | cpio -o -H %s --quiet > /t; cpio -t < /t "
                                     "--quiet; rm -rf /o; mkdir /o; cpio -idm --quiet -D /o < /t",
                 forms[i]);
        says(line, "d\nd/a\nd/e\nd/e/b\nd/l\n");
        says("cat /o/d/l /o/d/e/b; stat -c %Y /o/d/a", "A\ndeep\n1000000000\n");
    }
    says("cpio -t -v --quiet < /t | grep -v ' d$\\| d/e$\\| d/l'",
         "-rw-r--r--   1 root     root            2 Sep  9  2001 d/a\n"
         "-rw-r--r--   1 root     root            5 Sep  9  2001 d/e/b\n");
    says("cpio -it --quiet 'd/e*' < /t; cpio -itf --quiet 'd/*' < /t; "
         "cpio -i --to-stdout --quiet '*b' < /t", "d/e\nd/e/b\nd\ndeep\n");
    says("find d | cpio -pd --quiet /p; cat /p/d/l; printf 'd/a\\0d/l\\0' | "
         "cpio -0oL --quiet | cpio -tv --quiet | cut -c1-34",
         "A\n-rw-r--r--   1 root     root      \n-rw-r--r--   1 root     root      \n");
    run("find d | cpio -o > /t; cpio -t -F /t | wc -l", 0, "5\n", "2 blocks\n2 blocks\n");
    stop();
}

BODY(replacing)
{
    start();
    make_tree();
    says("echo d/a | cpio -o --quiet > /t; mkdir /o; cd /o", "");
    run("cpio -i --quiet < /t", 2, "", "cpio: d/a: No such file or directory\n");
    says("cpio -id --quiet < /t; echo new > d/a; touch -d @2000000000 d/a", "");
    run("cpio -i --quiet < /t; cat d/a", 0, "new\n",
        "cpio: d/a not created: newer or same age version exists\n");
    says("cpio -iu --quiet < /t; cat d/a", "A\n");
    stop();
}

BODY(errors)
{
    start();
    put("/text", "this is not an archive\n");
    run("cpio -t < /text", 2, "", "cpio: not a cpio archive, or it is damaged\n1 block\n");
    run("cpio -t < /dev/null", 2, "", "cpio: premature end of archive\n0 blocks\n");
    run("cpio -t --quiet -F /none", 2, "", "cpio: /none: No such file or directory\n");
    run("echo /none | cpio -o --quiet > /t", 2, "", "cpio: /none: No such file or directory\n");
    run("cpio", 2, "", "cpio: You must specify one of the options -o, -i, -p and -t\n");
    run("cpio -p", 2, "", "cpio: -p needs the name of a directory\n");
    run("cpio -o -H bin", 2, "",
        "cpio: invalid archive format 'bin'; valid are newc, odc, crc\n");
    says("echo /text | cpio -o -H crc --quiet > /t; sed -i s/archive/Archive/ /t", "");
    run("cpio -i --to-stdout --quiet < /t", 2, "this is not an Archive\n", NULL);
    stop();
}

/* Of the names of one file, the last has the content. */
BODY(names_of_one_file)
{
    start();
    size_t at = member(0, "one", FILE_MODE, 3, 7, "");
    at = member(at, "empty", FILE_MODE, 2, 8, "");
    at = member(at, "two", FILE_MODE, 3, 7, "");
    at = member(at, "three", FILE_MODE, 3, 7, "content\n");
    at = member(at, "TRAILER!!!", 0, 1, 0, "");
    rig_put_file("/t", archive, at);
    says("mkdir /o; cd /o; cpio -im --quiet < /t; cat one two three; wc -c < empty; "
         "stat -c %Y one", "content\ncontent\ncontent\n0\n1000000000\n");
    stop();
}

BODY(escapes)
{
    start();
    rig_mkdir("/o");
    rig_mkdir("/out");
    size_t at = member(0, "../evil", FILE_MODE, 1, 1, "bad");
    at = member(at, "/abs", FILE_MODE, 1, 2, "good");
    at = member(at, "way", LINK_MODE, 1, 3, "/out");
    at = member(at, "way/evil", FILE_MODE, 1, 4, "bad");
    at = member(at, "TRAILER!!!", 0, 1, 0, "");
    rig_put_file("/t", archive, at);
    run("cd /o; cpio -id --quiet < /t", 2, "", NULL);
    says("ls / | grep evil | wc -l; ls /out; cat /o/abs", "0\ngood");
    stop();
}

/* Archives with bytes that were changed, or cut: they are refused, or extracted below /o. */
BODY(damaged)
{
    start();
    srand(1);
    rig_mkdir("/o");
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t at = member(0, "one", FILE_MODE, 1, 1, "content");
        at = member(at, "two", FILE_MODE, 2, 2, "");
        at = member(at, "link", LINK_MODE, 1, 3, "target");
        at = member(at, "three", FILE_MODE, 2, 2, "more");
        at = member(at, "TRAILER!!!", 0, 1, 0, "");
        for (int i = rand() % 4; i >= 0; i--)
            archive[(size_t)rand() % at] =
                rand() % 3 ? (uint8_t)rand() : (uint8_t) "0123456789ABCDEF"[rand() % 16];
        rig_put_file("/t", archive, (size_t)rand() % (at + 1));
        IGNORE(shell_run_text(&shell, "cpio -tv < /t; cd /o; cpio -id < /t"));
    }
    says("ls / | grep -v '^Drives$\\|^System$\\|^dev$\\|^o$\\|^t$' | wc -l", "0\n");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_replacing),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_names_of_one_file),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
