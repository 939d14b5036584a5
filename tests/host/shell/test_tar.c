/*
 * test_tar.c - promise: tar reads what it has written, in whole and in damaged pieces; no member is
 * written outside the directory or through a link of the archive.
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

enum { BLOCK = 512, ARCHIVE_MAX = 64 * 1024, ROUNDS = 300 };

static uint8_t archive[ARCHIVE_MAX];

/* Appends a member to the archive, with a valid checksum. */
static size_t member(size_t at, const char *name, char type, const char *link,
                     const char *content)
{
    uint8_t *block = archive + at;
    size_t bytes = strlen(content);
    unsigned sum = 0;
    memset(block, 0, 2 * BLOCK);
    snprintf((char *)block, 100, "%s", name);
    snprintf((char *)block + 100, 8, "%07o", 0644);
    snprintf((char *)block + 124, 12, "%011o", (unsigned)bytes);
    snprintf((char *)block + 136, 12, "%011o", 1000000000);
    block[156] = (uint8_t)type;
    snprintf((char *)block + 157, 100, "%s", link);
    memcpy(block + 257, "ustar\00000", 8);
    memset(block + 148, ' ', 8);
    for (unsigned i = 0; i < BLOCK; i++)
        sum += block[i];
    snprintf((char *)block + 148, 8, "%06o", sum);
    memcpy(block + BLOCK, content, bytes);
    return at + BLOCK + (bytes ? BLOCK : 0);
}

BODY(round_trip)
{
    char name[300];
    start();
    rig_mkdir("/d");
    rig_mkdir("/d/e");
    put("/d/f", "hello\n");
    put("/d/empty", "");
    put("/d/e/g", "deep\n");
    memset(name, 'x', sizeof(name));
    memcpy(name, "/d/", 3);
    name[200] = '\0';
    put(name, "long\n");
    says("ln -s f /d/link; cd /; tar -cf /a.tar d; rm -r /d; tar xf /a.tar", "");
    says("cat /d/f /d/e/g /d/link /d/x*; wc -c < /d/empty", "hello\ndeep\nhello\nlong\n0\n");
    says("tar -tf /a.tar d/e", "d/e/\nd/e/g\n");
    says("tar -c d/f | tar -xO", "hello\n");
    says("mkdir /t1; tar xf /a.tar -C /t1; find /t1 -name f", "/t1/d/f\n");
    says("rm -r /d; mkdir /o; tar -xf /a.tar -C /o --strip-components 1 d/f; ls /o", "f\n");
    run("tar -tf /a.tar none", 2, "", "tar: none: Not found in archive\n");
    run("tar -tf /o/f", 2, "",
        "tar: /o/f: This does not look like a tar archive, or it is damaged\n");
    run("tar -t -x -f /a.tar", 2, "", NULL);
    run("tar -c -f /b.tar /none", 2, "", "tar: /none: No such file or directory\n");
    stop();
}

BODY(selection)
{
    start();
    rig_mkdir("/d");
    rig_mkdir("/d/skip");
    put("/d/a", "A\n");
    put("/d/b.o", "B\n");
    put("/d/skip/c", "C\n");
    put("/x", "skip\n*.o\n");
    put("/list", "d/a\nd/b.o\n");
    says("cd /; tar -c --exclude skip --exclude '*.o' d | tar t; tar cX /x d | tar t",
         "d/\nd/a\nd/\nd/a\n");
    says("tar cf /t.tar d; tar tf /t.tar -X /x; tar Ox d/a < /t.tar", "d/\nd/a\nA\n");
    says("tar -c -T /list | tar -t; tar c --no-recursion d | tar t", "d/a\nd/b.o\nd/\n");
    says("tar c --owner me:7 --group 9 --mtime @86400 d/a | tar tv | cut -d ' ' -f 2- | "
         "sed 's/  */ /g'", "me/9 2 1970-01-02 00:00 d/a\n");
    run("tar -c --mtime nonsense d/a", 2, NULL, NULL);
    run("tar -c -X /none d/a", 2, NULL, "tar: /none: No such file or directory\n");
    stop();
}

BODY(escapes)
{
    start();
    rig_mkdir("/o");
    rig_mkdir("/out");
    size_t at = member(0, "../evil", '0', "", "bad");
    at = member(at, "/abs", '0', "", "good");
    at = member(at, "way", '2', "/out", "");
    at = member(at, "way/evil", '0', "", "bad");
    at = member(at, "a/../../evil", '5', "", "");
    rig_put_file("/t.tar", archive, at);
    run("tar -xf /t.tar -C /o", 2, "", NULL);
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
        size_t at = member(0, "pax", 'x', "", "19 path=some/name2\n");
        at = member(at, "one", '0', "", "content");
        at = member(at, "long", 'L', "", "another/name");
        at = member(at, "two", '5', "", "");
        for (int i = rand() % 4; i >= 0; i--)
            archive[(size_t)rand() % at] = (uint8_t)rand();
        rig_put_file("/t.tar", archive, (size_t)rand() % (at + 1));
        IGNORE(shell_run_text(&shell, "tar -tvf /t.tar; tar -xf /t.tar -C /o"));
    }
    says("ls / | grep -v '^Drives$\\|^System$\\|^dev$\\|^o$\\|^t.tar$' | wc -l", "0\n");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_selection),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
