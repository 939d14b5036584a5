/*
 * test_exfat_limits.c - promise: a full exFAT volume, a volume of a tebibyte, files of every size,
 * and a hundred thousand names in a directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/exfat/exfat.h"
#include "fs/exfat/record.h"
#include "fs/exfat/tools/tools.h"
#include "kernel/log.h"
#include "kernel/vfs/internal.h"
#include "lib/macros.h"
#include "tests/host/host_image.h"
#include "tests/host/writable.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* ---- volumes ------------------------------------------------------------------------------ */

static struct host_image image;
static struct faulty *disk;

/* Formats a sparse file of the host. */
static void begin(uint64_t bytes, uint32_t cluster_bytes)
{
    struct volume_format format = { .label = "", .cluster_bytes = cluster_bytes };
    struct device_handle handle;
    host_image_begin(&image, bytes);
    rig_start();
    rig_mkdir("/m");
    disk = faulty_create(0, image.bytes, bytes, faulty_limits(), FAULTY_SYNC);
    expect("open", device_open(disk->device, &handle), 0);
    expect("claim", device_claim(&handle), 0);
    expect("format", exfat_format(&handle, &format), 0);
    device_release(&handle);
    device_close(&handle);
}

static void print_finding(struct check_report *report, const char *text, bool repaired)
{
    (void)report, (void)repaired;
    panic("check: %s", text);
}

/* Ends with a volume that is not mounted, and has no fault. */
static void end(void)
{
    struct check_report report = { .found = print_finding };
    struct device_handle handle;
    expect("open", device_open(disk->device, &handle), 0);
    expect("check", exfat_check(&handle, false, &report), 0);
    device_close(&handle);
    faulty_destroy(disk);
    rig_stop();

    kassert(host_image_run(&image, "fsck.exfat -n $V"));
    host_image_end(&image);
}

static uint64_t free_bytes(void)
{
    struct path *root = path_root(), *path;
    struct fs_info info;
    expect("walk", path_walk(root, "/m", 0, &path), 0);
    expect("info", fsd_get_usage(path->mount->fsd, &info), 0);
    path_put(path);
    path_put(root);
    return info.free_bytes;
}

/* Returns the size that the directory lists for a file. */
static uint64_t listed_size(const char *name)
{
    struct path *root = path_root(), *path;
    struct node_info info;
    expect("walk", path_walk(root, "/m", 0, &path), 0);
    expect("info", path_child_info(path, name, true, INFO_STANDARD, &info), 0);
    path_put(path);
    path_put(root);
    return info.size_bytes;
}

/* ---- full --------------------------------------------------------------------------------- */

static void full_body(void *unused)
{
    (void)unused;
    begin(MIB, 512 + 512 * (rig_random() % 2));
    writable_random_begin();
    writable_random_changes(300, true);
    writable_random_end();
    end();
}

static void test_full(void **state)
{
    (void)state;
    rig_run(full_body, NULL, 12);
}

/* The n-th write fails: bytes stay in memory, and are written again. */
static void writes_body(void *nth)
{
    begin(2 * MIB, 512);
    disk->fail_nth_write = *(unsigned long *)nth;
    writable_random_begin();
    writable_random_changes(60, true);
    disk->fail_nth_write = 0;
    writable_random_end();
    end();
}

static void test_each_write_fails(void **state)
{
    (void)state;
    for (unsigned long nth = 2; nth <= 40; nth++)
        rig_run(writes_body, &nth, 1);
}

/* What was refused, or removed, leaves no cluster behind; and what is promised cannot be taken. */
static void space_body(void *unused)
{
    (void)unused;
    static uint8_t bytes[64 * 1024];
    struct file *file, *other;
    begin(2 * MIB, 4096);
    writable_mount();
    uint64_t free = free_bytes(), wrote = 0;
    expect("open", rig_open("/m/file", OPEN_WRITE | OPEN_CREATE, &file), 0);
    expect("open", rig_open("/m/other", OPEN_WRITE | OPEN_CREATE, &other), 0);

    /* Bytes that are only in memory have their room. */
    ssize_t got;
    while ((got = file_write(file, bytes, sizeof(bytes))) > 0)
        wrote += (uint64_t)got;
    kassert(got == -ENOSPC && wrote > free - 2 * sizeof(bytes) && wrote <= free);
    kassert(file_set_size(other, 200000) == -ENOSPC && file_size(other) == 0);
    kassert(listed_size("file") == wrote);
    expect("sync", vfs_sync(NULL), 0);
    kassert(free_bytes() < 2 * sizeof(bytes));

    /* Clusters of a file that was cut are there for another at once. */
    expect("cut", file_set_size(file, 1), 0);
    while ((got = file_write(other, bytes, sizeof(bytes))) > 0)
        wrote -= (uint64_t)got;
    kassert(got == -ENOSPC && (int64_t)wrote < 2 * (int64_t)sizeof(bytes));
    file_close(file);
    file_close(other);
    rig_unlink("/m/file");
    rig_unlink("/m/other");
    expect("sync", vfs_sync(NULL), 0);
    kassert(free_bytes() == free);
    writable_unmount();
    end();
}

static void test_space(void **state)
{
    (void)state;
    rig_run(space_body, NULL, 2);
}

static void write_file(const char *path, uint64_t bytes)
{
    static const uint8_t zeroes[512];
    struct file *file;
    expect(path, rig_open(path, OPEN_WRITE | OPEN_CREATE, &file), 0);
    for (uint64_t at = 0; at < bytes; at += sizeof(zeroes))
        kassert(file_write(file, zeroes, sizeof(zeroes)) == sizeof(zeroes));
    file_close(file);
    expect("sync", vfs_sync(NULL), 0);
}

/* Returns the volume's, which stays mounted. */
static struct fsd *mounted_fsd(void)
{
    struct path *root = path_root(), *path;
    expect("walk", path_walk(root, "/m", 0, &path), 0);
    struct fsd *fsd = path->mount->fsd;
    path_put(path);
    path_put(root);
    return fsd;
}

/* The bits of a removed file are in several blocks; memory is exhausted when some are cleared. The
 * next file gets clusters before those of the removed one, and must not get its. */
static void release_body(void *nth)
{
    begin(8 * MIB, 512);
    writable_mount();
    write_file("/m/hole", 200 * 512);
    write_file("/m/file", free_bytes() - 50 * 512);
    rig_unlink("/m/hole");
    expect("sync", vfs_sync(NULL), 0);

    struct fsd *fsd = mounted_fsd();
    rig_unlink("/m/file");
    host_fail_nth_allocation(*(unsigned long *)nth);
    IGNORE(fsd->ops->flush(fsd));
    host_fail_nth_allocation(0);
    write_file("/m/next", 240 * 512);
    writable_unmount();
    end();
}

/* The bits of a removed file are not found: the flush fails, but its name is removed durably. */
static void release_lost_body(void *unused)
{
    (void)unused;
    begin(8 * MIB, 512);
    writable_mount();
    write_file("/m/file", 5 * MIB);
    struct exfat *exfat = exfat_of(mounted_fsd());
    unsigned commits = changes_commits(exfat->changes);
    rig_unlink("/m/file");

    struct runs bitmap = exfat->bitmap_runs;
    exfat->bitmap_runs = (struct runs){ 0 };
    expect("flush", exfat_flush(&exfat->fsd), -EUCLEAN);
    kassert(changes_commits(exfat->changes) == commits + 1);
    exfat->bitmap_runs = bitmap;
    expect("flush", exfat_flush(&exfat->fsd), 0);
    writable_unmount();
    end();
}

/* Returns the set of a file that is not mounted now. */
static uint8_t *set_of(const char *path)
{
    struct path *root = path_root(), *found;
    expect("mount", rig_mount("/m", "disk0"), 0);
    expect("walk", path_walk(root, path, 0, &found), 0);
    uint8_t *set = image.bytes + found->vnode->id;
    path_put(found);
    path_put(root);
    expect("unmount", rig_unmount("/m"), 0);
    return set;
}

static void ignore_finding(struct check_report *report, const char *text, bool repaired)
{
    (void)report, (void)text, (void)repaired;
}

static void repair(void)
{
    struct check_report report = { .found = ignore_finding };
    struct device_handle handle;
    expect("open", device_open(disk->device, &handle), 0);
    expect("claim", device_claim(&handle), 0);
    IGNORE(exfat_check(&handle, true, &report)); /* it has found something */
    device_release(&handle);
    device_close(&handle);
}

/* Two files of a damaged volume have the same clusters. They are free once. */
static void crossed_body(void *unused)
{
    (void)unused;
    begin(2 * MIB, 512);
    writable_mount();
    write_file("/m/one", 40 * 512);
    write_file("/m/two", 40 * 512);
    writable_unmount();
    uint8_t *one = set_of("/m/one"), *two = set_of("/m/two");
    bytes_put_le32(two + EXFAT_ENTRY_BYTES + STREAM_CLUSTER,
                   bytes_le32((struct bytes){ one, 2 * EXFAT_ENTRY_BYTES },
                              EXFAT_ENTRY_BYTES + STREAM_CLUSTER));
    bytes_put_le16(two + FILE_CHECKSUM,
                   exfat_set_checksum((struct bytes){ two, 3 * EXFAT_ENTRY_BYTES }));

    writable_mount();
    uint64_t before = free_bytes();
    rig_unlink("/m/one");
    rig_unlink("/m/two");
    expect("sync", vfs_sync(NULL), 0);
    kassert(free_bytes() == before + 40 * 512);
    writable_unmount();
    repair();
    end();
}

static void test_release(void **state)
{
    (void)state;
    rig_run(crossed_body, NULL, 1);
    for (unsigned long nth = 1; nth <= 12; nth++)
        rig_run(release_body, &nth, 1);
    rig_run(release_lost_body, NULL, 1);
}

/* ---- sizes --------------------------------------------------------------------------------- */

enum { SIZE_FIRST = 1000, SIZE_APPENDED = 1700, SIZE_EXTENDED = 4700, SIZE_CUT = 2000 };

static void fill_file(struct file *file, uint64_t offset, uint64_t end)
{
    uint8_t bytes[SIZE_EXTENDED];
    memset(bytes, 'x', sizeof(bytes));
    kassert(file_write_at(file, offset, bytes, end - offset) == (ssize_t)(end - offset));
}

/* Reads a file of the medium as it is now, though it is in use. */
static ssize_t read_on_medium(const char *path, void *bytes, size_t room)
{
    struct faulty *copy = faulty_create(1, image.bytes, image.size, faulty_limits(), FAULTY_SYNC);
    faulty_write_protect(copy);
    rig_mkdir("/n");
    expect("mount", rig_mount("/n", "disk1"), 0);
    ssize_t count = rig_get_file(path, bytes, room);
    expect("unmount", rig_unmount("/n"), 0);
    rig_unlink("/n");
    faulty_destroy(copy);
    return count;
}

/* Expects a file whose bytes before `end` were written, and the others were not. */
static void expect_on_medium(uint64_t size, uint64_t end)
{
    uint8_t bytes[SIZE_EXTENDED + 1];
    ssize_t count = read_on_medium("/n/file", bytes, sizeof(bytes));
    kassert(count == (ssize_t)size);
    for (uint64_t at = 0; at < size; at++)
        kassert(bytes[at] == (at < end ? 'x' : 0));
}

/* A file has bytes in memory when it is extended, and another one is synced. The new size must not
 * be durable before these bytes: they would be zeroes, which the file never had there. */
static void extended_body(void *cut)
{
    struct file *file, *other;
    begin(2 * MIB, 512);
    writable_mount();
    expect("open", rig_open("/m/file", OPEN_WRITE | OPEN_CREATE, &file), 0);
    expect("open", rig_open("/m/other", OPEN_WRITE | OPEN_CREATE, &other), 0);
    fill_file(file, 0, SIZE_FIRST);
    expect("sync", vfs_sync(NULL), 0);

    fill_file(file, SIZE_FIRST, SIZE_APPENDED);
    expect("extend", file_set_size(file, SIZE_EXTENDED), 0);
    expect("sync", file_flush(other), 0);
    expect_on_medium(SIZE_FIRST, SIZE_FIRST);

    uint64_t size = cut ? SIZE_CUT : SIZE_EXTENDED;
    if (cut)
        expect("cut", file_set_size(file, size), 0);
    expect("sync", file_flush(file), 0);
    expect_on_medium(size, SIZE_APPENDED);

    /* without bytes in memory, it is recorded at once */
    expect("extend", file_set_size(file, SIZE_EXTENDED), 0);
    expect("sync", file_flush(other), 0);
    expect_on_medium(SIZE_EXTENDED, SIZE_APPENDED);
    file_close(file);
    file_close(other);
    writable_unmount();
    end();
}

/* A part of the bytes is written, then a write fails: their size is recorded, but not the new one,
 * which is after those that are missing. */
static void extended_fails_body(void *unused)
{
    enum { WRITTEN = 900 << 10, EXTENDED = 1000 << 10 };
    static uint8_t bytes[EXTENDED];
    (void)unused;
    struct file *file;
    begin(4 * MIB, 512);
    writable_mount();
    expect("open", rig_open("/m/file", OPEN_WRITE | OPEN_CREATE, &file), 0);
    memset(bytes, 'x', sizeof(bytes));
    kassert(file_write(file, bytes, WRITTEN) == WRITTEN);
    expect("extend", file_set_size(file, EXTENDED), 0);
    disk->bad_from = 600 * KIB; /* in the file */
    disk->bad_to = disk->bad_from + 512;
    disk->bad_writes = true;
    expect("sync", vfs_sync(NULL), -EIO);
    disk->bad_to = 0;

    ssize_t count = read_on_medium("/n/file", bytes, sizeof(bytes));
    kassert(count > 0 && count < WRITTEN && !memchr(bytes, 0, (size_t)count));
    expect("the error", file_flush(file), -EIO);
    expect("sync", file_flush(file), 0);
    file_close(file);
    kassert(listed_size("file") == EXTENDED);
    writable_unmount();
    end();
}

static void test_extended(void **state)
{
    (void)state;
    bool cut = true;
    rig_run(extended_fails_body, NULL, 1);
    rig_run(extended_body, NULL, 1);
    rig_run(extended_body, &cut, 1);
}

/* ---- the mark of a volume in use ----------------------------------------------------------- */

static status_t remount(const char *words)
{
    struct path *root = path_root();
    status_t status = vfs_remount(root, "/m", words);
    path_put(root);
    return status;
}

static bool is_marked(void)
{
    enum { FLAGS = 106, DIRTY = 2 };
    return image.bytes[FLAGS] & DIRTY;
}

/* What could not become read-only is writable, and marked; and the reverse. */
static void mark_fails_body(void *unused)
{
    (void)unused;
    begin(2 * MIB, 512);
    writable_mount();
    write_file("/m/file", 1000);
    disk->fail_nth_write = 1;
    expect("ro", remount("ro"), -EIO);
    expect("sync", vfs_sync(NULL), 0);
    kassert(is_marked());
    expect("ro", remount("ro"), 0);
    kassert(!is_marked());

    disk->fail_nth_write = 1;
    expect("rw", remount("rw"), -EIO);
    expect("sync", vfs_sync(NULL), 0);
    kassert(!is_marked());
    writable_unmount();
    end();
}

/* A removed file is open while the volume becomes read-only, and is closed then. */
static void mark_removed_body(void *unused)
{
    (void)unused;
    struct file *file;
    begin(2 * MIB, 512);
    writable_mount();
    uint64_t free = free_bytes();
    write_file("/m/file", 100000);
    expect("open", rig_open("/m/file", OPEN_READ, &file), 0);
    rig_unlink("/m/file");
    expect("ro", remount("ro"), 0);
    file_close(file);
    expect("sync", vfs_sync(NULL), 0);
    struct clusters *clusters = &exfat_of(mounted_fsd())->clusters;
    kassert(is_marked() && clusters_free_count(clusters) * 512 < free);

    expect("rw", remount("rw"), 0);
    expect("sync", vfs_sync(NULL), 0);
    kassert(free_bytes() == free);
    writable_unmount();
    kassert(!is_marked());
    end();
}

static void test_mark(void **state)
{
    (void)state;
    rig_run(mark_fails_body, NULL, 2);
    rig_run(mark_removed_body, NULL, 2);
}

/* ---- sizes -------------------------------------------------------------------------------- */

static void tebibyte_body(void *unused)
{
    (void)unused;
    static uint8_t bytes[100000], got[100000];
    struct file *file;
    begin(1024 * GIB, 0);
    writable_mount();
    uint64_t free = free_bytes();
    expect("open", rig_open("/m/large", OPEN_READ | OPEN_WRITE | OPEN_CREATE, &file), 0);
    kassert(file_write_at(file, (uint64_t)INT64_MAX - 10, bytes, 20) == -EFBIG);
    kassert(file_set_size(file, (uint64_t)INT64_MAX + 1) == -EFBIG);
    kassert(file_set_size(file, INT64_MAX) == -ENOSPC && file_size(file) == 0);

    /* Larger than 4 GiB, in one piece, without a byte of zeroes written. */
    memset(bytes, 7, sizeof(bytes));
    expect("extend", file_set_size(file, 900 * GIB), 0);
    kassert(file_write_at(file, 5, bytes, sizeof(bytes)) == sizeof(bytes));
    kassert(file_read_at(file, 5, got, sizeof(got)) == sizeof(got));
    kassert(!memcmp(got, bytes, sizeof(got)));
    unsigned long written = disk->bytes;
    kassert(file_read_at(file, 700 * GIB, got, sizeof(got)) == sizeof(got) && !got[99]);
    kassert(disk->bytes - written < MIB && free_bytes() == free - 900 * GIB);
    file_close(file);
    writable_unmount();

    writable_mount();
    kassert(listed_size("large") == 900 * GIB && free_bytes() == free - 900 * GIB);
    expect("open", rig_open("/m/large", OPEN_READ | OPEN_WRITE, &file), 0);
    kassert(file_read_at(file, 5, got, sizeof(got)) == sizeof(got));
    kassert(!memcmp(got, bytes, sizeof(got)));
    expect("cut", file_set_size(file, 6 * GIB), 0);
    file_close(file);
    expect("sync", vfs_sync(NULL), 0);
    kassert(free_bytes() == free - 6 * GIB);
    writable_unmount();
    end();
}

static void test_tebibyte(void **state)
{
    (void)state;
    rig_run(tebibyte_body, NULL, 1);
}

/* ---- names -------------------------------------------------------------------------------- */

static void many_body(void *unused)
{
    (void)unused;
    enum { NAMES = 100000 };
    char path[60];
    struct file *file;
    begin(64 * MIB, 4096);
    writable_mount();
    rig_mkdir("/m/many");
    for (unsigned i = 0; i < NAMES; i++) {
        snprintf(path, sizeof(path), "/m/many/file %u", i);
        expect(path, rig_open(path, OPEN_WRITE | OPEN_CREATE, &file), 0);
        file_close(file);
    }
    writable_unmount();
    writable_mount();
    expect("found", rig_walk("/m/many/FILE 99999"), 0);

    /* Every other one is removed; new ones take their places. */
    for (unsigned i = 0; i < NAMES; i += 2) {
        snprintf(path, sizeof(path), "/m/many/file %u", i);
        rig_unlink(path);
    }
    expect("sync", vfs_sync(NULL), 0);
    uint64_t free = free_bytes();
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(path, sizeof(path), "/m/many/%u", i);
        rig_mkdir(path);
    }
    expect("sync", vfs_sync(NULL), 0);
    if (free - free_bytes() > 1010 * 4 * KIB)
        panic("%lu KiB are in use", (unsigned long)((free - free_bytes()) / KIB));
    writable_unmount();
    end();
}

static void test_many(void **state)
{
    (void)state;
    rig_run(many_body, NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_each_write_fails),
        cmocka_unit_test(test_space),
        cmocka_unit_test(test_release),
        cmocka_unit_test(test_extended),
        cmocka_unit_test(test_mark),
        cmocka_unit_test(test_tebibyte),
        cmocka_unit_test(test_many),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
