/*
 * test_drives.c - devices as files (fs/devfs), and virtual drives when reclaim, removal and
 * dismounting meet.
 *
 * Promises    A file of a device shows one medium or reports an errno, whatever is inserted
 *             meanwhile. A RAM drive leaves the last eighth of memory. Drives can be on drives up
 *             to VIRTUAL_LEVEL_MAX. A failed allocation leaves nothing behind. A last reference may
 *             be dropped by any thread, and of several removals one succeeds.
 *
 * For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/drives.h"

/* ---- devfs -------------------------------------------------------------------------------- */

enum { DISK_BYTES = 100 * 512 };

static uint8_t disks[2][DISK_BYTES];

static void fill_disks(void)
{
    for (unsigned i = 0; i < sizeof(disks); i++)
        disks[i / DISK_BYTES][i % DISK_BYTES] =
            (uint8_t)(i * 11 + (i >> 8) * 3 + i / DISK_BYTES * 77);
}

static void expect_disk(const char *path, const uint8_t *disk, size_t bytes)
{
    static uint8_t got[DISK_BYTES + 100];
    ssize_t length = rig_get_file(path, got, sizeof(got));
    if (length != (ssize_t)bytes)
        panic("%s: %zd", path, length);
    kassert(memcmp(got, disk, bytes) == 0);
}

static void devfs_body(void *unused)
{
    (void)unused;
    static uint8_t byte[512];
    struct file *old, *again;
    rig_start();
    fill_disks();
    struct faulty *faulty = faulty_create(0, disks[0], DISK_BYTES, faulty_limits(), FAULTY_MIXED);
    expect_disk("/System/Devices/faulty0", disks[0], DISK_BYTES);
    expect_disk("/System/Devices/Classes/disk0", disks[0], DISK_BYTES);
    expect("writing", rig_open("/System/Devices/faulty0", OPEN_WRITE, &old), 0);
    expect("alone", rig_open("/System/Devices/faulty0", OPEN_READ, &again), -EBUSY);
    file_close(old);
    faulty_write_protect(faulty);
    expect("no writing", rig_open("/System/Devices/faulty0", OPEN_WRITE, &old), -EROFS);
    expect("no directory", rig_walk("/System/Devices/faulty0/x"), -ENOTDIR);
    expect("control", rig_open("/System/Devices/virtual/control", OPEN_READ, &old), -EOPNOTSUPP);
    kassert(rig_open("/System/Devices/Classes/disk0", OPEN_READ, &old) == 0);
    kassert(file_read_at(old, 0, byte, 512) == 512);
    faulty_change(faulty, disks[1], DISK_BYTES - 512);
    kassert(file_read_at(old, 0, byte, 512) == -ESTALE);
    kassert(file_read_at(old, DISK_BYTES, byte, 512) == -ESTALE);
    expect_disk("/System/Devices/Classes/disk0", disks[1], DISK_BYTES - 512);
    kassert(rig_open("/System/Devices/faulty0", OPEN_READ, &again) == 0);
    kassert(file_read_at(old, 0, byte, 512) == -ESTALE); /* also after the next open */
    faulty_change(faulty, NULL, 0);
    kassert(file_read_at(again, 0, byte, 512) == -ENOMEDIUM);
    kassert(rig_get_file("/System/Devices/faulty0", byte, 1) == -ENOMEDIUM);
    expect("no medium", rig_walk("/System/Devices/faulty0"), 0);
    faulty_change(faulty, disks[0], DISK_BYTES);
    expect_disk("/System/Devices/faulty0", disks[0], DISK_BYTES);
    file_close(old);
    device_remove(faulty->device);
    kassert(file_read_at(again, 0, byte, 512) == -ENODEV);
    expect("removed", rig_walk("/System/Devices/faulty0"), -ENOENT);
    expect("alias removed", rig_walk("/System/Devices/Classes/disk0"), -ENOENT);
    file_close(again);
    faulty_destroy(faulty);
    rig_stop();
}

static void test_devfs(void **state)
{
    (void)state;
    rig_run(devfs_body, NULL, 40);
}

/* A reader while discs are swapped: each open file shows one disc or an error. */
static void swapper_main(void *argument)
{
    for (unsigned i = 0; i < 12; i++) {
        for (uint64_t n = rig_random() % 20; n; n--)
            thread_yield();
        faulty_change(argument, i % 3 == 2 ? NULL : disks[i % 2], DISK_BYTES);
    }
}

static void swap_body(void *unused)
{
    (void)unused;
    static uint8_t got[DISK_BYTES];
    rig_start();
    fill_disks();
    struct faulty *faulty = faulty_create(0, disks[0], DISK_BYTES, faulty_limits(), FAULTY_MIXED);
    struct thread *swapper = thread_create("swapper", PRIORITY_NORMAL, swapper_main, faulty);
    for (unsigned i = 0; i < 20; i++) {
        struct file *file;
        ssize_t length = rig_open("/System/Devices/faulty0", OPEN_READ, &file);
        if (!length) {
            length = file_read_at(file, 0, got, sizeof(got));
            file_close(file);
        }
        kassert(length >= 0 || length == -ESTALE || length == -ENOMEDIUM || length == -EIO);
        if (length > 0)
            kassert(memcmp(got, disks[0], (size_t)length) == 0 ||
                    memcmp(got, disks[1], (size_t)length) == 0);
    }
    thread_join(swapper);
    faulty_destroy(faulty);
    rig_stop();
}

static void test_swap(void **state)
{
    (void)state;
    rig_run(swap_body, NULL, 60);
}

/* ---- virtual drives ----------------------------------------------------------------------- */

static status_t add_drive(enum virtual_store store, const char *path, uint64_t bytes,
                          uint32_t block, uint32_t flags, char *alias)
{
    return drives_add(&(struct wanted){ .store = store, .image = path, .size_bytes = bytes,
                                        .block_bytes = block, .flags = flags }, alias);
}

static status_t remove_drive(const char *alias)
{
    return drives_remove(alias, VIRTUAL_IF_IDLE);
}

static void ram_body(void *unused)
{
    (void)unused;
    static uint8_t data[20000 / 512 * 512], got[sizeof(data)];
    char alias[DEVICE_NAME_BYTES];
    struct device_handle handle;
    rig_start();
    memset(data, 0, sizeof(data));
    expect("add", add_drive(VIRTUAL_RAM, NULL, 20000, 512, 0, alias), 0);
    struct device *device = device_find(alias);
    kassert(device && strcmp(alias, "virtual0") == 0);
    kassert(device_medium(device).bytes == 20000 && device_open(device, &handle) == 0);
    kassert(io_wait(&handle, IO_READ, 0, got, sizeof(got), NULL) == 0);
    kassert(memcmp(got, data, sizeof(got)) == 0); /* zeroes */
    memset(data + 4096, 'x', 6144);
    kassert(io_wait(&handle, IO_WRITE, 4096, data + 4096, 6144, NULL) == 0);
    kassert(io_wait(&handle, IO_FLUSH, 0, NULL, 0, NULL) == 0);
    kassert(io_wait(&handle, IO_READ, 0, got, sizeof(got), NULL) == 0);
    kassert(memcmp(got, data, sizeof(got)) == 0);
    kassert(io_wait(&handle, IO_WRITE, sizeof(data), data, 512, NULL) == -ENOSPC);
    expect("busy", remove_drive(alias), -EBUSY);
    device_close(&handle);
    expect("remove", remove_drive(alias), 0);
    expect("again", remove_drive(alias), -ENODEV);
    kassert(device_open(device, &handle) == -ENODEV);
    device_put(device);
    expect("no block", add_drive(VIRTUAL_RAM, NULL, 511, 512, 0, alias), -ENODATA);
    expect("no bytes", add_drive(VIRTUAL_RAM, NULL, 0, 512, 0, alias), -ENODATA);
    expect("bad block", add_drive(VIRTUAL_RAM, NULL, 8192, 513, 0, alias), -EINVAL);
    expect("bad store", add_drive((enum virtual_store)7, NULL, 8192, 512, 0, alias), -EINVAL);
    expect("too large", add_drive(VIRTUAL_RAM, NULL, UINT64_MAX, 512, 0, alias), -EINVAL);
    expect("size of struct", drives_control(VIRTUAL_REGISTER, got, 10), -EINVAL);
    expect("unknown", drives_control(77, got, 10), -EOPNOTSUPP);
    expect("temporary", add_drive(VIRTUAL_RAM, NULL, 512, 512, VIRTUAL_TEMPORARY, alias), 0);
    expect("its removal", remove_drive(alias), 0);
    rig_stop();
}

static void test_ram(void **state)
{
    (void)state;
    rig_run(ram_body, NULL, 20);
}

/* A RAM drive leaves the last eighth of memory. */
static void ram_space_body(void *unused)
{
    (void)unused;
    static uint8_t data[65536];
    char alias[DEVICE_NAME_BYTES];
    struct device_handle handle;
    rig_start();
    size_t limit = page_total_count() * PAGE_BYTES;
    expect("add", add_drive(VIRTUAL_RAM, NULL, 64 << 20, 512, 0, alias), 0);
    host_memory_limit(host_memory_used() + (4 << 20));
    struct device *device = device_find(alias);
    kassert(device_open(device, &handle) == 0);
    status_t status = 0;
    uint64_t done = 0;
    for (uint64_t at = 0; !status; at += sizeof(data))
        status = io_wait(&handle, IO_WRITE, at, data, sizeof(data), &done);
    kassert(status == -ENOSPC && done < sizeof(data));
    kassert(page_free_count() >= page_total_count() / 8 - 1);
    device_close(&handle);
    device_put(device);
    host_memory_limit(limit);
    expect("remove", remove_drive(alias), 0);
    rig_stop();
}

static void test_ram_space(void **state)
{
    (void)state;
    rig_run(ram_space_body, NULL, 3);
}

static void file_body(void *unused)
{
    (void)unused;
    static uint8_t data[10000], got[sizeof(data)];
    char alias[DEVICE_NAME_BYTES];
    rig_start();
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 13 + (i >> 8));
    rig_put_file("/img", data, sizeof(data));
    rig_put_file("/small", data, 2047);
    rig_put_file("/none", data, 0);
    expect("nothing there", add_drive(VIRTUAL_FILE, "/x", 0, 512, 0, alias), -ENOENT);
    expect("directory", add_drive(VIRTUAL_FILE, "/Drives", 0, 512, 0, alias), -EISDIR);
    expect("smaller", add_drive(VIRTUAL_FILE, "/small", 0, 2048, 0, alias), -ENODATA);
    expect("empty", add_drive(VIRTUAL_FILE, "/none", 0, 512, 0, alias), -ENODATA);
    for (uint32_t block = 512; block <= 4096; block *= 2) {
        struct device_handle handle;
        expect("add", add_drive(VIRTUAL_FILE, "/img", 0, block, 0, alias), 0);
        uint64_t size = sizeof(data); /* the part of a block at the end too */
        struct device *device = device_find(alias);
        kassert(device_level(device) == 1 && device_medium(device).bytes == size);
        kassert(device_open(device, &handle) == 0);
        kassert(io_wait(&handle, IO_READ, 0, got, size, NULL) == 0);
        kassert(memcmp(got, data, size) == 0);
        kassert(io_wait(&handle, IO_WRITE, 0, got, block, NULL) == -EROFS);
        device_close(&handle);
        kassert(rig_get_file(drives_path(alias), got, sizeof(got)) == (ssize_t)size);
        device_put(device);
        expect("remove", remove_drive(alias), 0);
    }
    rig_stop();
}

static void test_file(void **state)
{
    (void)state;
    rig_run(file_body, NULL, 20);
}

/* Drives on drives, through devfs: VIRTUAL_LEVEL_MAX of them and no more. */
static void levels_body(void *unused)
{
    (void)unused;
    static uint8_t data[8192];
    char aliases[VIRTUAL_LEVEL_MAX + 1][DEVICE_NAME_BYTES];
    const char *path = "/img";
    rig_start();
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 5 + (i >> 8));
    rig_put_file("/img", data, sizeof(data));
    unsigned level = 0;
    for (; level < VIRTUAL_LEVEL_MAX; level++) {
        expect("add", add_drive(VIRTUAL_FILE, path, 0, 512, 0, aliases[level]), 0);
        path = drives_path(aliases[level]);
        expect_disk(path, data, sizeof(data));
    }
    expect("one more", add_drive(VIRTUAL_FILE, path, 0, 512, 0, aliases[level]), -EMLINK);
    expect("in use by the next", remove_drive(aliases[0]), -EBUSY);
    while (level--)
        expect("remove", remove_drive(aliases[level]), 0);
    rig_stop();
}

static void test_levels(void **state)
{
    (void)state;
    rig_run(levels_body, NULL, 10);
}

static void drive_allocations_body(void *unused)
{
    (void)unused;
    static uint8_t data[4096];
    char alias[DEVICE_NAME_BYTES];
    bool more = true;
    rig_start();
    rig_put_file("/img", data, sizeof(data));
    for (unsigned long n = 2; more; n++) {
        host_fail_nth_allocation(n);
        status_t status = add_drive(VIRTUAL_FILE, "/img", 0, 512, 0, alias);
        more = host_failure_happened();
        host_fail_nth_allocation(0);
        kassert(!status || (more && status == -ENOMEM));
        if (!status)
            expect("remove", remove_drive(alias), 0);
    }
    rig_stop();
}

static void test_drive_allocations(void **state)
{
    (void)state;
    rig_run(drive_allocations_body, NULL, 5);
}

/* ---- meetings ----------------------------------------------------------------------------- */

static uint8_t *volume;
static size_t volume_bytes;

static _Atomic bool over;

static void reclaim_main(void *unused)
{
    (void)unused;
    while (!atomic_load(&over)) {
        (void)vfs_reclaim(rig_random() % 50);
        thread_yield();
    }
}

static void churn_main(void *argument)
{
    char path[32];
    for (unsigned i = 0; i < 20; i++) {
        snprintf(path, sizeof(path), "/c%u", *(unsigned *)argument + (unsigned)(rig_random() % 2));
        struct file *file;
        if (!rig_open(path, OPEN_WRITE | OPEN_CREATE, &file)) {
            kassert(file_write(file, path, 8) == 8);
            file_close(file);
        }
        if (rig_random() % 2)
            IGNORE(rig_try_unlink(path));
    }
}

/* Files are made and removed by two threads while reclaim takes their vnodes. */
static void churn_body(void *unused)
{
    (void)unused;
    unsigned bases[2] = { 0, 1 }; /* one name in common */
    rig_start();
    atomic_store(&over, false);
    struct thread *reclaim = thread_create("reclaim", PRIORITY_NORMAL, reclaim_main, NULL);
    struct thread *a = thread_create("a", PRIORITY_NORMAL, churn_main, &bases[0]);
    struct thread *b = thread_create("b", PRIORITY_NORMAL, churn_main, &bases[1]);
    thread_join(a);
    thread_join(b);
    atomic_store(&over, true);
    thread_join(reclaim);
    rig_stop();
}

static void test_churn(void **state)
{
    (void)state;
    rig_run(churn_body, NULL, 150);
}

static void mounter_body(void *unused)
{
    (void)unused;
    static uint8_t data[5000];
    rig_start();
    rig_mkdir("/m");
    struct faulty *faulty = faulty_create(0, volume, volume_bytes, faulty_limits(), FAULTY_MIXED);
    atomic_store(&over, false);
    struct thread *reclaim = thread_create("reclaim", PRIORITY_NORMAL, reclaim_main, NULL);
    for (unsigned i = 0; i < 6; i++) {
        char path[32];
        expect("mount", rig_mount("/m", "disk0"), 0);
        snprintf(path, sizeof(path), "/m/file%03u.t", (unsigned)(rig_random() % 100));
        kassert(rig_get_file(path, data, sizeof(data)) >= 0);
        expect("unmount", rig_unmount("/m"), 0);
    }
    atomic_store(&over, true);
    thread_join(reclaim);
    faulty_destroy(faulty);
    rig_stop();
}

static void test_mounter(void **state)
{
    (void)state;
    rig_run(mounter_body, NULL, 100);
}

/* An image on a disc that is taken out of the tree while the drive on it lives: the drive's end is
 * the dismount. Whatever thread has the last reference, nothing waits for itself. */
static void last_reference_body(void *unused)
{
    (void)unused;
    static uint8_t data[5000];
    char alias[DEVICE_NAME_BYTES];
    rig_start();
    rig_mkdir("/m");
    rig_mkdir("/n");
    struct faulty *faulty = faulty_create(0, volume, volume_bytes, faulty_limits(), FAULTY_MIXED);
    expect("mount", rig_mount("/m", "disk0"), 0);
    expect("add", add_drive(VIRTUAL_FILE, "/m/file099.t", 0, 512, 0, alias), -ENODATA);
    expect("device file", add_drive(VIRTUAL_FILE, "/System/Devices/faulty0", 0, 2048, 0, alias), 0);
    expect("mount", rig_mount("/n", alias), 0);
    kassert(rig_get_file("/n/file099.t", data, sizeof(data)) == 99);
    kassert(rig_get_file("/m/file099.t", data, sizeof(data)) == 99);
    expect("in use", remove_drive(alias), -EBUSY);
    struct device *drive = device_find(alias);
    struct file *file;
    kassert(rig_open("/n/file098.t", OPEN_READ, &file) == 0);
    kassert(vfs_unmount_device(drive) == 1);
    kassert(file_read(file, data, sizeof(data)) == 98);
    file_close(file); /* this dismounts */
    device_put(drive);
    expect("remove", remove_drive(alias), 0);
    kassert(vfs_unmount_device(faulty->device) == 1);
    faulty_destroy(faulty);
    rig_stop();
}

static void test_last_reference(void **state)
{
    (void)state;
    rig_run(last_reference_body, NULL, 100);
}

/* Two remove the same drive: one of them does. */
struct remover {
    const char *alias;
    _Atomic unsigned removed;
};

static void remover_main(void *argument)
{
    struct remover *remover = argument;
    status_t status = remove_drive(remover->alias);
    kassert(!status || status == -ENODEV);
    atomic_fetch_add(&remover->removed, !status);
}

static void removers_body(void *unused)
{
    (void)unused;
    static uint8_t data[4096];
    char alias[DEVICE_NAME_BYTES];
    rig_start();
    rig_put_file("/img", data, sizeof(data));
    expect("add", add_drive(VIRTUAL_FILE, "/img", 0, 512, 0, alias), 0);
    struct remover remover = { .alias = alias };
    struct thread *threads[3];
    for (unsigned i = 0; i < 3; i++)
        threads[i] = thread_create("remover", PRIORITY_NORMAL, remover_main, &remover);
    for (unsigned i = 0; i < 3; i++)
        thread_join(threads[i]);
    kassert(remover.removed == 1);
    rig_stop();
}

static void test_removers(void **state)
{
    (void)state;
    rig_run(removers_body, NULL, 200);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    volume = rig_load_image("plain_two_sector_directory", &volume_bytes);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devfs),    cmocka_unit_test(test_swap),
        cmocka_unit_test(test_ram),      cmocka_unit_test(test_ram_space),
        cmocka_unit_test(test_file),     cmocka_unit_test(test_levels),
        cmocka_unit_test(test_churn),    cmocka_unit_test(test_drive_allocations),
        cmocka_unit_test(test_mounter),  cmocka_unit_test(test_last_reference),
        cmocka_unit_test(test_removers),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(volume);
    return failed;
}
