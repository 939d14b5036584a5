/*
 * test_bench.c - what the bench command prints and refuses; never how fast it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/faulty.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

/* Three lines a repetition: a rate, how much was done, and how long it took. */
static void measures(const char *line, const char *name, unsigned long long amount,
                     const char *unit, int repeat)
{
    char want[64], rate_unit[32], tail[8];
    run(line, SHELL_DONE, NULL, "");
    const char *at = out.text;
    for (int i = 0; i < repeat; i++) {
        unsigned long long whole, micro, tenth;
        int used = 0;
        snprintf(want, sizeof(want), "BENCH %s %%llu.%%1llu %%31s BENCH %s.amount%%n", name, name);
        kassert(sscanf(at, want, &whole, &tenth, rate_unit, &used) == 3 && used);
        snprintf(want, sizeof(want), "%s/s", strcmp(unit, "bytes") ? unit : "MiB");
        kassert(strcmp(rate_unit, want) == 0);
        at += used;
        snprintf(want, sizeof(want), " %llu %s\nBENCH %s.time ", amount, unit, name);
        if (strncmp(at, want, strlen(want)) != 0)
            panic("%s said:\n%s\nnot%s", line, at, want);
        at += strlen(want);
        kassert(sscanf(at, "%llu.%6llu %7s%n", &whole, &micro, tail, &used) == 3);
        kassert(whole + micro > 0 && strcmp(tail, "s") == 0);
        at = strchr(at, '\n') + 1;
    }
    kassert(!*at);
}

BODY(bench)
{
    (void)unused;
    static uint8_t disk[256 * 1024];
    start();
    struct faulty *faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_SYNC);
    rig_mkdir("/d");
    rig_mkdir("/d/e");
    put("/d/f", "12345");
    put("/d/e/g", "678");
    measures("bench raw disk0", "raw", sizeof(disk), "bytes", 1);
    measures("bench raw -s 65536 -n 3 disk0", "raw", 3 * 65536, "bytes", 1);
    measures("bench -r 2 file /d/f", "file", 5, "bytes", 2);
    measures("bench random disk0", "random", 2000, "reads", 1);
    measures("bench random -s 2 -n 7 /d/f", "random", 7, "reads", 1);
    measures("bench walk /d", "walk", 3, "entries", 1);
    measures("bench stat /d", "stat", 2, "entries", 1);
    measures("bench stat -n 1 /d", "stat", 1, "entries", 1);
    measures("bench stat -n 3 /d", "stat", 2, "entries", 1); /* there are no more */
    measures("bench small /d", "small", 2, "files", 1);
    measures("bench absent -n 50 /d", "absent", 50, "names", 1);
    rig_mkdir("/made");
    measures("bench create -n 300 /made", "create", 300, "files", 1);
    measures("bench stat /made", "stat", 300, "entries", 1);
    measures("bench remove /made", "remove", 300, "files", 1);
    measures("bench stat /made", "stat", 0, "entries", 1);
    measures("bench create -s 100 -n 2 /made", "create", 2, "files", 1);
    measures("bench file /made/file-1", "file", 100, "bytes", 1);
    unsigned long before = faulty->reads;
    measures("bench random -n 9 -r 3 disk0", "random", 9, "reads", 3);
    kassert(faulty->reads - before == 27); /* no cache stands between */

    /* Several in flight: the same amount, each read once. */
    before = faulty->reads;
    measures("bench raw -q 32 -s 4096 disk0", "raw", sizeof(disk), "bytes", 1);
    kassert(faulty->reads - before <= sizeof(disk) / 4096); /* adjacent ones may be merged */
    measures("bench random -q 5 -n 33 disk0", "random", 33, "reads", 1);

    faulty->fail_nth = 2;
    fails("bench raw -q 8 -s 4096 disk0", "bench: disk0: Input/output error\n");
    faulty->fail_nth = 2;
    fails("bench raw -s 4096 disk0", "bench: disk0: Input/output error\n");
    faulty_destroy(faulty);
    stop();
}

BODY(bench_refuses)
{
    (void)unused;
    start();
    put("/f", "12345");
    put("/no-such-name-3", "");
    run("bench", SHELL_DONE, NULL, "");
    kassert(strstr(out.text, "raw ") && strstr(out.text, "small "));
    run("bench fly /f", SHELL_USAGE, "", "bench: fly: no such measurement; `bench` lists them\n");
    run("bench file", SHELL_USAGE, "", NULL);
    run("bench -s 4194305 file /f", SHELL_USAGE, "", 
        "bench: -s: number out of range (1 to 4194304): '4194305'\n");
    fails("bench raw /f", "bench: /f: No such device\n");
    fails("bench random /f", "bench: /f: Too small\n"); /* smaller than a read */
    fails("bench walk /f", "bench: /f: Not a directory\n");
    fails("bench random -q 2 -s 2 /f", "bench: /f: No such device\n");
    fails("bench walk -q 2 /", "bench: walk: reads one after another, without -q\n");
    fails("bench file /", "bench: /: Is a directory\n");
    fails("bench absent /", "bench: /: File exists\n");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench),
        cmocka_unit_test(test_bench_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
