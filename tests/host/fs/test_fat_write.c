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

#include "fs/fat/boot.h"
#include "fs/fat/fat.h"
#include "fs/fat/tools/tools.h"
#include "host/port/host.h"
#include "kernel/log.h"
#include "kernel/sched/sync.h"
#include "lib/macros.h"
#include "tests/host/host_image.h"
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

/* Returns whether fsck.fat finds nothing. */
static bool fsck(void)
{
    return host_run("fsck.fat -n $V", image, volume->bytes);
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
    writable_random(400);
    end();
}

static void test_random(void **state)
{
    (void)state;
    for (unsigned n = 0; n < ARRAY_LENGTH(volumes); n++)
        rig_run(random_body, &n, 10);
}

/* ---- other programs ----------------------------------------------------------------------- */

/* What is written here is read by mtools, and the reverse, after which it is changed here. */
static void exchange_body(void *n)
{
    static uint8_t bytes[2000];
    begin(&volumes[*(unsigned *)n], FAULTY_MIXED);
    writable_mount();
    rig_mkdir("/m/A directory");
    rig_put_file("/m/A directory/ünï 日本", "written here\n", 13);
    rig_put_file("/m/lower.txt", "short\n", 6);
    rig_put_file("/m/A directory/gone", "gone\n", 5);
    rig_unlink("/m/A directory/gone");
    writable_unmount();

    kassert(host_run("mtype -i $V '::/A directory/ünï 日本' | grep -qx 'written here' && "
                     "mdir -b -i $V ::/ | grep -qx '::/lower.txt' && mtype -i $V ::/LOWER.TXT && "
                     "! mtype -i $V '::/A directory/gone' && "
                     "printf there | mcopy -i $V - '::/A directory/From mtools, ß' && "
                     "mdel -i $V ::/lower.txt && mmd -i $V ::/sub",
                     image, volume->bytes));
    writable_mount();
    kassert(rig_get_file("/m/A directory/From mtools, ß", bytes, sizeof(bytes)) == 5);
    kassert(!memcmp(bytes, "there", 5));
    kassert(rig_walk("/m/lower.txt") == -ENOENT);
    rig_put_file("/m/sub/again", bytes, sizeof(bytes));
    rig_unlink("/m/A directory/From mtools, ß");
    writable_unmount();
    kassert(host_run("mtype -i $V ::/sub/again | wc -c | grep -qx 2000", image, volume->bytes));
    end();
}

static void test_exchange(void **state)
{
    (void)state;
    for (unsigned n = 0; n < ARRAY_LENGTH(volumes); n++)
        rig_run(exchange_body, &n, 1);
}

/* ---- what fails --------------------------------------------------------------------------- */

/* Ends a test in which something failed: the volume may be marked, and needs no other repair. */
static void end_repaired(void)
{
    kassert(check(true, true) == 0);
    end();
}

static void full_body(void *unused)
{
    static const struct volume small = { 12, 300 << 10, 512, 512 };
    (void)unused;
    begin(&small, FAULTY_MIXED);
    writable_random_begin();
    writable_random_changes(300, true);
    writable_random_end();
    end();
}

static void test_device_full(void **state)
{
    (void)state;
    rig_run(full_body, NULL, 20);
}

static void writes_body(void *nth)
{
    begin(&volumes[rig_random() % 2], FAULTY_MIXED);
    writable_random_begin();
    disk->fail_nth_write = *(unsigned long *)nth;
    writable_random_changes(60, true);
    disk->fail_nth_write = 0;
    expect("sync", vfs_sync(NULL) ? vfs_sync(NULL) : 0, 0);
    writable_random_end();
    end_repaired();
}

static void test_each_write_fails(void **state)
{
    (void)state;
    for (unsigned long nth = 1; nth <= 60; nth++)
        rig_run(writes_body, &nth, 1);
}

static void allocations_body(void *nth)
{
    begin(&volumes[0], FAULTY_MIXED);
    writable_random_begin();
    host_fail_nth_allocation(*(unsigned long *)nth);
    writable_random_changes(40, true);
    host_fail_nth_allocation(0);
    writable_random_end();
    end_repaired();
}

static void test_each_allocation_fails(void **state)
{
    (void)state;
    for (unsigned long nth = 1; nth <= 400; nth += 1 + nth / 20)
        rig_run(allocations_body, &nth, 1);
}

static bool marked_dirty(void)
{
    return image[volume->bits == 32 ? BOOT_STATE_32 : BOOT_STATE_16] & BOOT_STATE_DIRTY;
}

static status_t remount(const char *words)
{
    struct path *root = path_root();
    status_t status = vfs_remount(root, "/m", words);
    path_put(root);
    return status;
}

/* A mark that could not be written: the volume ends clean, and is marked while it is in use. */
static void marks_body(void *n)
{
    begin(&volumes[*(unsigned *)n], FAULTY_MIXED);
    expect("mount", rig_mount("/m", "disk0"), 0);
    disk->fail_nth_write = 1;
    expect("rw", remount("rw"), -EIO);
    expect("rw", remount("rw"), 0);
    kassert(marked_dirty());
    kassert(host_run("mdir -i $V :: >/dev/null", image, volume->bytes));

    disk->fail_nth_write = 1;
    expect("ro", remount("ro"), -EIO);
    rig_put_file("/m/a", "a", 1);
    expect("sync", vfs_sync(NULL), 0);
    kassert(marked_dirty());
    writable_unmount();
    kassert(!marked_dirty());
    end();
}

static void test_marks_fail(void **state)
{
    (void)state;
    for (unsigned n = 0; n < ARRAY_LENGTH(volumes); n++)
        rig_run(marks_body, &n, 1);
}

/* With -o sync, a rename that cannot be made durable was made nevertheless: paths follow it. */
static void move_body(void *n)
{
    begin(&volumes[*(unsigned *)n], FAULTY_MIXED);
    writable_mount();
    rig_mkdir("/m/a");
    rig_mkdir("/m/empty");
    expect("sync", remount("sync"), 0);
    struct path *root = path_root(), *moved, *replaced;
    expect("a", path_walk(root, "/m/a", 0, &moved), 0);
    expect("empty", path_walk(root, "/m/empty", 0, &replaced), 0);

    disk->fail_nth_write = 1;
    expect("rename", vfs_rename(root, "/m/a", "/m/empty"), -EIO);
    char text[20];
    path_text(moved, text, sizeof(text));
    kassert(!strcmp(text, "/m/empty") && path_is_unlinked(replaced));
    rig_mkdir("/m/a");
    rig_mkdir("/m/empty/inside");
    expect("inside", rig_walk("/m/a/inside"), -ENOENT);

    writable_clear("/m");
    path_put(moved);
    path_put(replaced);
    path_put(root);
    writable_unmount();
    end();
}

static void test_move_not_durable(void **state)
{
    (void)state;
    for (unsigned n = 0; n < ARRAY_LENGTH(volumes); n++)
        rig_run(move_body, &n, 1);
}

/* A removed file that is open when the volume becomes read-only: its clusters are freed later. */
static void removed_body(void *unused)
{
    (void)unused;
    struct file *file;
    begin(&volumes[1], FAULTY_MIXED);
    writable_mount();
    rig_put_file("/m/a", image, 5000);
    expect("open", rig_open("/m/a", OPEN_READ, &file), 0);
    rig_unlink("/m/a");
    expect("ro", remount("ro"), 0);
    kassert(marked_dirty());

    unsigned long writes = disk->writes;
    file_close(file);
    expect("sync", vfs_sync(NULL), 0);
    kassert(disk->writes == writes);
    expect("rw", remount("rw"), 0);
    writable_unmount();
    kassert(!marked_dirty());
    end();
}

static void test_removed_open(void **state)
{
    (void)state;
    rig_run(removed_body, NULL, 1);
}

/* Bytes beyond what the format can hold are refused before any is written. */
static void limits_body(void *unused)
{
    (void)unused;
    struct file *file;
    char path[40];
    unsigned count = 0;
    status_t status = 0;
    begin(&volumes[1], FAULTY_SYNC);
    writable_mount();
    expect("open", rig_open("/m/large", OPEN_WRITE | OPEN_CREATE, &file), 0);
    kassert(file_write_at(file, UINT32_MAX - 10, image, 20) == -EFBIG);
    kassert(file_set_size(file, (uint64_t)UINT32_MAX + 1) == -EFBIG);
    kassert(file_set_size(file, UINT32_MAX) == -ENOSPC);
    kassert(file_size(file) == 0);
    file_close(file);
    for (size_t i = 0; i < 5; i++) {
        static const char *const refused[] = { "/m/a:b", "/m/a*", "/m/dot.", "/m/blank ", "/m/?" };
        expect(refused[i], rig_open(refused[i], OPEN_WRITE | OPEN_CREATE, &file), -EINVAL);
    }

    /* the root of FAT16 cannot grow: it has a label, "large", and the rest of 512 records */
    while (!status) {
        snprintf(path, sizeof(path), "/m/%u", count);
        status = rig_try_mkdir(path);
        count += !status;
    }
    expect("full", status, -ENOSPC);
    kassert(count == 510);
    writable_clear("/m");
    writable_unmount();
    end();
}

static void test_limits(void **state)
{
    (void)state;
    rig_run(limits_body, NULL, 1);
}

/* As many names as a directory can have, each with a long name: 2 records of 65,536. */
static void names_body(void *unused)
{
    (void)unused;
    char path[60];
    unsigned count = 0;
    status_t status = 0;
    struct file *file;
    begin(&volumes[3], FAULTY_SYNC);
    writable_mount();
    rig_mkdir("/m/d");
    while (!status) {
        snprintf(path, sizeof(path), "/m/d/Name %05u", count);
        status = rig_open(path, OPEN_WRITE | OPEN_CREATE, &file);
        if (!status)
            file_close(file);
        count += !status;
    }
    expect("full", status, -ENOSPC);
    kassert(count == 65536 / 2 - 1);
    writable_clear("/m");
    writable_unmount();
    end();
}

static void test_many_names(void **state)
{
    (void)state;
    rig_run(names_body, NULL, 1);
}

/* ---- reclaim ------------------------------------------------------------------------------- */

/* Any allocation may forget files that are not in use: also one under the lock of an index. */
static void reclaim_body(void *unused)
{
    struct mutex lock;
    (void)unused;
    begin(&volumes[1], FAULTY_SYNC);
    writable_mount();
    for (char name[] = "/m/a"; name[3] <= 'z'; name[3]++)
        rig_put_file(name, "text", 4);
    expect("sync", vfs_sync(NULL), 0);

    mutex_init(&lock, RANK_FSD);
    mutex_lock(&lock);
    IGNORE(vfs_reclaim(1000));
    mutex_unlock(&lock);
    kassert(vfs_counts().unused_vnodes == 0);
    writable_unmount();
    end();
}

static void test_reclaim(void **state)
{
    (void)state;
    rig_run(reclaim_body, NULL, 5);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conformance),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_exchange),
        cmocka_unit_test(test_device_full),
        cmocka_unit_test(test_each_write_fails),
        cmocka_unit_test(test_each_allocation_fails),
        cmocka_unit_test(test_marks_fail),
        cmocka_unit_test(test_move_not_durable),
        cmocka_unit_test(test_removed_open),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_reclaim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
