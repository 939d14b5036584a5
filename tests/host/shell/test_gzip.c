/*
 * test_gzip.c - promise: gunzip, zcat and gzip -d give the content of what zlib and gzip pack,
 * whole or not at all, and report in GNU's words and statuses what is wrong.
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
#include "tests/host/rig.h"
#include "tests/host/said.h"

enum { BYTES = 200000 };

static char content[BYTES + 1];
static uint8_t packed[2 * BYTES];

static void make_content(size_t bytes)
{
    size_t at = 0;
    for (unsigned i = 0; at < bytes; i++)
        at += (size_t)snprintf(content + at, bytes + 1 - at, "line %u of a text\n", i);
    content[bytes] = '\0';
}

/* Packs the content, behind packed[at]. Returns the end. */
static size_t pack(size_t at, size_t bytes)
{
    z_stream stream = { 0 };
    kassert(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, 0) == Z_OK);
    stream.next_in = (uint8_t *)content;
    stream.avail_in = (unsigned)bytes;
    stream.next_out = packed + at;
    stream.avail_out = (unsigned)(sizeof(packed) - at);
    kassert(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&stream);
    return sizeof(packed) - stream.avail_out;
}

BODY(names)
{
    start();
    make_content(BYTES);
    size_t bytes = pack(0, BYTES);
    rig_put_file("/plain", content, BYTES);
    rig_put_file("/a.gz", packed, bytes);
    says("touch -d @1000000000 /a.gz; gunzip -k /a.gz; cmp /a /plain; stat -c %Y /a",
         "1000000000\n");
    run("gunzip /a.gz", 2, "", "gunzip: /a already exists; not overwritten\n");
    run("gzip -dfv /a.gz", 0, "", NULL);
    run("gunzip /a.gz", 1, "", "gunzip: /a.gz: No such file or directory\n");
    rig_put_file("/b.tgz", packed, bytes);
    rig_put_file("/c.x", packed, bytes);
    says("gunzip /b.tgz; cmp /b.tar /plain; gunzip -S .x /c.x; cmp /c /plain", "");
    run("gunzip /plain", 2, "", "gunzip: /plain: unknown suffix -- ignored\n");
    run("gunzip -q /plain", 2, "", "");
    rig_mkdir("/d.gz");
    run("gunzip /d", 2, "", "gunzip: /d.gz is a directory -- ignored\n");
    run("gunzip /none", 1, "", "gunzip: /none.gz: No such file or directory\n");
    stop();
}

BODY(output)
{
    start();
    make_content(BYTES);
    size_t one = pack(0, BYTES), two = pack(one, BYTES);
    rig_put_file("/plain", content, BYTES);
    rig_put_file("/a.gz", packed, one);
    rig_put_file("/aa.gz", packed, two);
    says("zcat /a | cmp - /plain; cat /a.gz | gunzip | cmp - /plain; gunzip -c < /a.gz | "
         "cmp - /plain; gzip -dc /a.gz /a.gz | cksum; zcat /aa | cksum; cat /plain /plain | cksum",
         "2345423730 400000\n2345423730 400000\n2345423730 400000\n");
    says("gunzip -t /a.gz; zcat -f /plain /a | cksum; ls /a*",
         "2345423730 400000\n/a.gz\n/aa.gz\n");
    run("gunzip -tv /a.gz", 0, "", "/a.gz:\t OK\n");
    run("zcat /plain", 1, "", "zcat: /plain: not in gzip format\n");
    run("cat /plain | gzip -d", 1, "", "gzip: (standard input): not in gzip format\n");
    says("printf x | zcat -f; printf '' | zcat -f", "x");
    stop();
}

BODY(packing)
{
    start();
    make_content(BYTES);
    rig_put_file("/f", content, BYTES);
    says("touch -d @1000000000 /f; cp -p /f /g; gzip /f; [ -f /f ] || stat -c %Y /f.gz; gunzip /f; "
         "cmp /f /g; gzip -c /f | zcat | cmp - /g; gzip -k9 /f; gzip -c < /f | gunzip | cmp - /g",
         "1000000000\n");
    run("gzip /f", 2, "", "gzip: /f.gz already exists; not overwritten\n");
    run("gzip /f.gz", 2, "", "gzip: /f.gz already has a suffix -- unchanged\n");
    run("gzip /none", 1, "", "gzip: /none: No such file or directory\n");
    rig_mkdir("/d");
    run("gzip /d", 2, "", "gzip: /d is a directory -- ignored\n");
    says("gzip -S .x /g; gzip -dS .x /g; cmp /f /g; : > /e; gzip /e; zcat /e; "
         "printf abc | gzip | wc -c", "23\n");
    says("cd /; tar czf /t.tgz f g; gzip -t < /t.tgz; tar tf /t.tgz; rm f; tar xzf /t.tgz; "
         "cmp f g; tar -c -I gzip g | tar tz", "f\ng\ng\n");
    stop();
}

/* Whatever is wrong, no file with a part of the content is left. */
BODY(damaged)
{
    start();
    make_content(5000);
    size_t bytes = pack(0, 5000);
    rig_put_file("/t.gz", packed, bytes / 2);
    run("gunzip /t.gz", 1, "", "gunzip: /t.gz: unexpected end of file\n");
    packed[bytes - 5] ^= 1;
    rig_put_file("/c.gz", packed, bytes);
    run("gunzip /c.gz", 1, "", "gunzip: /c.gz: invalid compressed data--crc error\n");
    packed[bytes - 5] ^= 1;
    packed[bytes - 1] ^= 1;
    rig_put_file("/l.gz", packed, bytes);
    run("gunzip /l.gz", 1, "", "gunzip: /l.gz: invalid compressed data--length error\n");
    packed[bytes - 1] ^= 1;
    says("ls -A / | grep -v '^[.A-Z]'", "c.gz\ndev\nl.gz\nt.gz\n");

    memcpy(packed + bytes, "rest", 4);
    rig_put_file("/g.gz", packed, bytes + 4);
    run("gunzip /g.gz", 2, "", "gunzip: /g.gz: decompression OK, trailing garbage ignored\n");
    says("wc -c < /g", "5000\n");
    stop();
}

/* Random damage: either the content, or an error and no file. */
BODY(noise)
{
    start();
    srand(1);
    for (unsigned round = 0; round < 300; round++) {
        make_content(3000);
        size_t bytes = pack(0, 3000);
        for (int i = rand() % 4; i >= 0; i--)
            packed[(size_t)rand() % bytes] = (uint8_t)rand();
        rig_put_file("/n.gz", packed, bytes);
        says("gunzip -f /n.gz 2> /err && { wc -c < /n; rm /n; }; [ -f /n ] && echo left; true",
             NULL);
        kassert(!strcmp(out.text, "") || !strcmp(out.text, "3000\n"));
    }
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_packing),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
