/*
 * test_fat_write.c - promise: FAT volumes are written as they should be, whatever fails meanwhile,
 * and neither `check` nor fsck.fat find a fault afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/fat/fat.h"
#include "fs/fat/tools/tools.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/writable.h"

enum { MIB = 1 << 20 };

struct volume {
    unsigned bits;
    uint64_t bytes;
    uint32_t cluster_bytes, sector_bytes;
};

static const struct volume volumes[] = {
    { 12, 2 * MIB, 512, 512 }, { 16, 8 * MIB, 512, 512 }, { 16, 64 * MIB, 4096, 4096 },
    { 32, 40 * MIB, 512, 512 },
};
static const struct volume *volume;
static uint8_t *image;
static struct faulty *disk;

/* ---- volumes ------------------------------------------------------------------------------ */

static void begin(const struct volume *chosen, enum faulty_manner manner)
{
    struct volume_format format = { .label = "TEST", .cluster_bytes = chosen->cluster_bytes };
    struct io_limits limits = faulty_limits();
    struct device_handle handle;
    volume = chosen;
    image = malloc(volume->bytes);
    kassert(image);
    memset(image, 0xa5, volume->bytes);
    limits.block_bytes = volume->sector_bytes;

    rig_start();
    rig_mkdir("/m");
    disk = faulty_create(0, image, volume->bytes, limits, manner);
    expect("open", device_open(disk->device, &handle), 0);
    expect("claim", device_claim(&handle), 0);
    expect("format", fat_format(&handle, &format), 0);
    device_release(&handle);
    device_close(&handle);
}

static void print_finding(struct check_report *report, const char *text, bool repaired)
{
    fprintf(stderr, "check: %s%s\n", text, repaired ? " (repaired)" : "");
    report->used_bytes++;
}

struct findings {
    struct check_report report;
    unsigned found, repaired;
    bool quiet;
};

static void count_finding(struct check_report *report, const char *text, bool repaired)
{
    struct findings *findings = container_of(report, struct findings, report);
    findings->found++;
    findings->repaired += repaired;
    if (!findings->quiet)
        print_finding(report, text, repaired);
}

/* Checks the volume by our own program. Returns the number of findings that are left. */
static unsigned check(bool repair, bool quiet)
{
    struct findings findings = { .report.found = count_finding, .quiet = quiet };
    struct device_handle handle;
    expect("open", device_open(disk->device, &handle), 0);
    if (repair)
        expect("claim", device_claim(&handle), 0);
    expect("check", fat_check(&handle, repair, &findings.report), 0);
    if (repair)
        device_release(&handle);
    device_close(&handle);
    return findings.found - findings.repaired;
}

/* Has fsck.fat look at the volume: true if it finds nothing. */
static bool fsck(void)
{
    char path[] = "/tmp/spindle_fat.XXXXXX", command[200];
    int fd = mkstemp(path);
    kassert(fd >= 0 && write(fd, image, volume->bytes) == (ssize_t)volume->bytes);
    close(fd);
    snprintf(command, sizeof(command), "fsck.fat -n %s >%s.out 2>&1 || { cat %s.out >&2; false; }",
             path, path, path);
    bool good = !system(command);
    if (good)
        unlink(path);
    snprintf(command, sizeof(command), "%s.out", path);
    unlink(command);
    return good;
}

static void end(void)
{
    kassert(check(false, false) == 0);
    kassert(fsck());
    faulty_destroy(disk);
    rig_stop();
    free(image);
}

/* ---- everything works --------------------------------------------------------------------- */

static void conform_body(void *n)
{
    static const struct writable fs = { .tree_files = 300, .folds = true };
    begin(&volumes[*(unsigned *)n], FAULTY_MIXED);
    writable_conform(&fs);
    end();
}

static void test_conformance(void **state)
{
    (void)state;
    for (unsigned n = 0; n < ARRAY_LENGTH(volumes); n++)
        rig_run(conform_body, &n, 2);
}

static void random_body(void *n)
{
    begin(&volumes[*(unsigned *)n], FAULTY_MIXED);
    writable_random(400, false);
    end();
}

static void test_random(void **state)
{
    (void)state;
    for (unsigned n = 0; n < ARRAY_LENGTH(volumes); n++)
        rig_run(random_body, &n, 10);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conformance),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
