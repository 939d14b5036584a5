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
#include <zlib.h>

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
    says("echo d/e/g >/l; tar -tf /a.tar -T /l; tar -tf /a.tar --no-recursion d", "d/e/g\nd/\n");
    says("tar -tf /a.tar --strip-components 9 d/f; tar -xvf /a.tar -C /o --strip-components 9 d/f",
         "d/f\n");

    /* After a header that is invalid, the next one is found. */
    says("tar -xf /a.tar; tar -cf /c.tar d/f d/e/g; "
         "printf x | dd of=/c.tar conv=notrunc seek=150 bs=1 status=none", "");
    run("tar -tf /c.tar", 2, "d/e/g\n",
        "tar: This does not look like a tar archive\ntar: Skipping to next header\n");
    run("tar -cf /c.tar d/f; head -c 1536 /c.tar | tar -t", 0, "d/f\n",
        "tar: A lone zero block at 3\n");
    run("tar -t </dev/null", 2, "", NULL);
    says("mkdir /o2; tar -c d/e | tar -x -C /o2; rm -r /o2/d/e; echo f >/o2/d/e; "
         "tar -c d/e | tar -x -C /o2; cat /o2/d/e/g", "deep\n");
    says("tar -c -C /none d 2>/dev/null | wc -c", "0\n");
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
    says("tar c d | tar t --exclude '[ab]' --no-wildcards --exclude '?'; "
         "tar c d | tar t --no-wildcards --exclude '*' --wildcards --exclude 's*'; "
         "tar c d | tar t --no-wildcards -X /x",
         "d/\nd/b.o\nd/skip/\nd/skip/c\nd/\nd/a\nd/b.o\nd/\nd/a\nd/b.o\n");
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
    at = member(at, "d//two", '0', "", "slashes");
    at = member(at, "way", '2', "/out", "");
    at = member(at, "way/evil", '0', "", "bad");
    at = member(at, "a/../../evil", '5', "", "");
    rig_put_file("/t.tar", archive, at);
    run("tar -xf /t.tar -C /o", 2, "", NULL);
    says("ls / | grep evil | wc -l; ls /out; cat /o/abs", "0\ngood");
    run("tar -xf /t.tar -C /o --strip-components=1 d//two; ls /two", 2, "", NULL);
    says("cat /o/two", "slashes");
    stop();
}

/* ---- names, modes, directories ------------------------------------------------------------ */

BODY(names)
{
    start();
    rig_mkdir("/d");
    rig_mkdir("/d/e");
    put("/d/a", "A\n");
    put("/d/e/b", "B\n");
    says("cd /; tar -c -C d a -C e b | tar -t; tar -cC d . | tar -t | sort",
         "a\nb\n./\n./a\n./e/\n./e/b\n");
    run("tar cf /t.tar -C /none a", 2, "", "tar: /none: No such file or directory\n");
    run("tar cf /t.tar -C /d/a a", 2, "", "tar: /d/a: Not a directory\n");
    run("tar cf /t.tar /d/../d/a; tar tf /t.tar", 0, "d/a\n",
        "tar: Removing leading `/d/../' from member names\n");
    says("tar cPf /t.tar /d/a ../d/e; tar tf /t.tar", "/d/a\n../d/e/\n../d/e/b\n");
    says("tar c --mode u=rwx,go= d/a | tar tv | cut -c1-10; "
         "tar c --mode 640 d/a | tar tv | cut -c1-10; tar c --mode a+X,o-r d | tar tv | "
         "cut -c1-10 | sort -u", "-rwx------\n-rw-r-----\n-rw-r-----\ndrwxr-x--x\n");
    run("tar c --mode u+q d/a", 2, "", "tar: Invalid mode given on option: 'u+q'\n");
    says("tar cf /t.tar d; tar tf /t.tar --wildcards '*b'; "
         "tar tf /t.tar --strip 1 --show-transformed", "d/e/b\na\ne/\ne/b\n");
    says("printf 'd/a\\0d/e/b\\0' > /l; tar c --null -T /l | tar t; mkdir /o; "
         "tar c --mtime @86400 d | tar x -C /o; stat -c %Y /o/d /o/d/e; "
         "tar tf /t.tar d/a --exclude a", "d/a\nd/e/b\n86400\n86400\n");
    stop();
}

/* ---- packed ------------------------------------------------------------------------------- */

BODY(packed)
{
    static uint8_t file[ARCHIVE_MAX];
    start();
    size_t at = member(0, "one", '0', "", "content of one\n");
    memset(archive + at, 0, 2 * BLOCK);
    z_stream stream = { 0 };
    kassert(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, 0) == Z_OK);
    stream.next_in = archive;
    stream.avail_in = (unsigned)at + 2 * BLOCK;
    stream.next_out = file;
    stream.avail_out = sizeof(file);
    kassert(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    size_t bytes = sizeof(file) - stream.avail_out;
    deflateEnd(&stream);

    rig_put_file("/p.tgz", file, bytes);
    rig_put_file("/plain.tar", archive, at);
    rig_put_file("/cut.tgz", file, bytes / 2);
    says("tar tf /p.tgz; tar -tzf /p.tgz; cat /p.tgz | tar tz; cd /; tar xzf p.tgz; cat one",
         "one\none\none\ncontent of one\n");
    run("tar -tzf /plain.tar", 2, "", "tar: /plain.tar: not in gzip format\n");
    run("tar -xOf /cut.tgz", 2, NULL, "tar: /cut.tgz: unexpected end of file\n");
    file[bytes - 6] ^= 1;
    rig_put_file("/p.tgz", file, bytes);
    run("tar -tf /p.tgz", 2, "one\n",
        "tar: /p.tgz: invalid compressed data--crc error\n");
    stop();
}

/* ---- sparse files ------------------------------------------------------------------------- */

/* Changes bytes of the member at `at`, and corrects its checksum. */
static void patch(size_t at, size_t offset, const char *text)
{
    uint8_t *block = archive + at;
    unsigned sum = 0;
    memcpy(block + offset, text, strlen(text));
    memset(block + 148, ' ', 8);
    for (unsigned i = 0; i < BLOCK; i++)
        sum += block[i];
    snprintf((char *)block + 148, 8, "%06o", sum);
}

/* "ab" at 3 and "cd" at 600, of 1000 bytes: in each of GNU's forms. */
BODY(sparse)
{
    static const char full[] =
        "tar xf /t.tar; wc -c < s; tr -d '\\0' < s; tail -c +601 s | head -c 2; "
        "tar xOf /t.tar | cmp - s; tar tvf /t.tar | sed 's/.* 1000 .*/1000/'";
    static const char *const maps[] = {
        "22 GNU.sparse.major=0\n28 GNU.sparse.map=3,2,600,2\n"
        "24 GNU.sparse.size=1000\n",
        "25 GNU.sparse.offset=003\n26 GNU.sparse.numbytes=02\n25 GNU.sparse.offset=600\n"
        "26 GNU.sparse.numbytes=02\n24 GNU.sparse.size=1000\n",
    };
    start();
    size_t at = member(0, "s", 'S', "", "abcd");
    patch(0, 386, "00000000003");
    patch(0, 398, "00000000002");
    patch(0, 410, "00000001130");
    patch(0, 422, "00000000002");
    patch(0, 483, "00000001750");
    rig_put_file("/t.tar", archive, at);
    says("cd /", "");
    says(full, "1000\nabcdcd1000\n");

    for (size_t i = 0; i < ARRAY_LENGTH(maps); i++) {
        at = member(0, "x", 'x', "", maps[i]);
        at = member(at, "s", '0', "", "abcd");
        rig_put_file("/t.tar", archive, at);
        says(full, "1000\nabcdcd1000\n");
    }

    at = member(0, "x", 'x', "", "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
                "28 GNU.sparse.realsize=1000\n21 GNU.sparse.name=s\n");
    size_t content = at;
    at = member(at, "GNUSparseFile.0/s", '0', "", "2\n3\n2\n600\n2\n");
    patch(content, 124, "00000001004");
    memset(archive + at, 0, BLOCK);
    memcpy(archive + at, "abcd", 4);
    rig_put_file("/t.tar", archive, at + BLOCK);
    says(full, "1000\nabcdcd1000\n");

    /* Areas that overlap, end after the file, or have more bytes than the archive. */
    static const char *const wrong[] = { "2\n3\n2\n4\n2\n", "2\n3\n2\n999\n2\n", "1\n3\n9\n",
                                         "9999999\n", "x", "1\n99999999999999999999\n" };
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
        memset(archive + content + BLOCK, 0, BLOCK);
        memcpy(archive + content + BLOCK, wrong[i], strlen(wrong[i]));
        rig_put_file("/t.tar", archive, at + BLOCK);
        run("tar xf /t.tar", 2, "", "tar: /t.tar: This does not look like a tar archive, or it is "
                                    "damaged\n");
    }
    stop();
}

/* ---- damage ------------------------------------------------------------------------------- */

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
        at = member(at, "sparse", 'S', "", "abcd");
        patch(at - 2 * BLOCK, 483, "00000001750");
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
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
