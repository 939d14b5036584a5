/*
 * test_monitor.c - promise: discs are mounted and unmounted as they are inserted and removed, even
 * beside a drive that does not answer. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "kernel/monitor.h"
#include "tests/host/partition_image.h"
#include "tests/host/rig.h"

enum { SEEDS = 40, BAD_BYTES = 64 * 1024 };

static uint8_t *image;
static size_t image_bytes;

static bool is_mounted(const char *device)
{
    static struct mount_info info;
    bool found = false;
    for (unsigned n = 0; vfs_mount_info(n, &info) != -ENOENT; n++)
        found |= strcmp(info.device, device) == 0;
    return found;
}

/* The first drive does not answer. The disc of the second one is nevertheless mounted, unmounted
 * and mounted again at once. */
static void bad_disc_body(void *unused)
{
    (void)unused;
    static uint8_t bad[BAD_BYTES];
    static const struct monitor_options options = { .build_id = "none" };
    rig_start();
    kassert(monitor_start(&options) == 0);
    kassert(monitor_wait_settled(TIME_NEVER) == 0);
    struct faulty *silent = faulty_create(0, bad, BAD_BYTES, faulty_limits(), FAULTY_LATE);
    faulty_hold(silent, true);
    thread_sleep_until(time_now_us() + 1000);
    uint64_t start_us = time_now_us();
    struct faulty *good = faulty_create(1, image, image_bytes, faulty_limits(), FAULTY_LATE);
    kassert(monitor_wait_idle(good->device, TIME_NEVER) == 0);
    kassert(is_mounted("disk1") && !is_mounted("disk0"));
    faulty_change(good, NULL, 0);
    kassert(monitor_wait_idle(good->device, TIME_NEVER) == 0 && !is_mounted("disk1"));
    faulty_change(good, image, image_bytes);
    kassert(monitor_wait_idle(good->device, TIME_NEVER) == 0 && is_mounted("disk1"));
    kassert(!run_is_simulated() || time_now_us() - start_us < 100000);
    faulty_hold(silent, false);
    kassert(monitor_wait_idle(silent->device, TIME_NEVER) == 0);
    device_remove(good->device);
    device_remove(silent->device);
    kassert(monitor_wait_idle(good->device, TIME_NEVER) == 0 && !is_mounted("disk1"));
    kassert(monitor_wait_idle(silent->device, TIME_NEVER) == 0);
    monitor_stop();
    faulty_destroy(good);
    faulty_destroy(silent);
    rig_stop();
}

/* At start-up, too: a drive that does not answer costs its deadline once, and others nothing. */
static void start_body(void *unused)
{
    (void)unused;
    static uint8_t bad[BAD_BYTES];
    static const struct monitor_options options = { .build_id = "none" };
    rig_start();
    struct faulty *silent = faulty_create(0, bad, BAD_BYTES, faulty_limits(), FAULTY_LATE);
    struct faulty *good = faulty_create(1, image, image_bytes, faulty_limits(), FAULTY_LATE);
    faulty_hold(silent, true);
    uint64_t start_us = time_now_us();
    kassert(monitor_start(&options) == 0);
    kassert(monitor_wait_idle(good->device, TIME_NEVER) == 0 && is_mounted("disk1"));
    kassert(!run_is_simulated() || time_now_us() - start_us < 100000);

    /* Real threads do not wait that long here. */
    if (!run_is_simulated())
        faulty_hold(silent, false);
    kassert(monitor_wait_settled(TIME_NEVER) == 0);
    kassert(time_now_us() - start_us < DEADLINE_SETTLE_US);
    faulty_hold(silent, false);
    kassert(monitor_wait_idle(silent->device, TIME_NEVER) == 0);
    monitor_stop();
    faulty_destroy(good);
    faulty_destroy(silent);
    rig_stop();
}

/* ---- partitions --------------------------------------------------------------------------- */

enum { PART_FIRST = 64, DISK_BYTES = 4 << 20 };

static uint8_t disk_bytes[DISK_BYTES];

static bool exists(const char *device)
{
    struct device *found = device_find(device);
    device_put(found);
    return found;
}

/* Makes a disk whose first partition is the volume, or which is the volume as a whole with a
 * partition table in front of it. */
static void make_disk(bool whole)
{
    const struct partition_image disk = { disk_bytes, DISK_BYTES, 512 };
    uint32_t count = (uint32_t)(image_bytes / 512);
    kassert(image_bytes < DISK_BYTES - 2 * PART_FIRST * 512);
    memset(disk_bytes, 0, DISK_BYTES);
    memcpy(disk_bytes + (whole ? 0 : PART_FIRST * 512), image, image_bytes);
    table_put_mbr(&disk, 0, 0, 0xcd, PART_FIRST, count);
    table_put_mbr(&disk, 0, 2, 0x83, PART_FIRST + count, 8);
}

static void change(struct faulty *disk, void *bytes)
{
    faulty_change(disk, bytes, bytes ? DISK_BYTES : 0);
    kassert(monitor_wait_idle(disk->device, TIME_NEVER) == 0);
}

/* The partitions come and go with the medium, and are mounted instead of the whole disk. */
static void parts_body(void *unused)
{
    (void)unused;
    static const struct monitor_options options = { .build_id = "none" };
    make_disk(false);
    rig_start();
    struct faulty *first = faulty_create(0, disk_bytes, DISK_BYTES, faulty_limits(), FAULTY_MIXED);
    kassert(monitor_start(&options) == 0 && monitor_wait_settled(TIME_NEVER) == 0);
    kassert(is_mounted("disk0p1") && !is_mounted("disk0") && exists("disk0p3"));
    kassert(rig_walk("/Drives/disk0p1") == 0 && rig_walk("/Drives/disk0") == -ENOENT);

    struct faulty *disk = faulty_create(1, disk_bytes, DISK_BYTES, faulty_limits(), FAULTY_MIXED);
    kassert(monitor_wait_idle(disk->device, TIME_NEVER) == 0);
    kassert(is_mounted("disk1p1") && !is_mounted("disk1") && exists("disk1p3"));
    change(disk, NULL);
    kassert(!is_mounted("disk1p1") && !exists("disk1p1") && !exists("disk1p3"));
    kassert(rig_walk("/Drives/disk1p1") == -ENOENT);
    change(disk, disk_bytes);
    change(disk, disk_bytes); /* at once: the new parts have the names of the old ones */
    kassert(is_mounted("disk1p1") && rig_walk("/Drives/disk1p1") == 0);
    device_remove(disk->device);
    kassert(monitor_wait_idle(disk->device, TIME_NEVER) == 0);
    kassert(!is_mounted("disk1p1") && rig_walk("/Drives/disk1p1") == -ENOENT);
    monitor_stop();
    faulty_destroy(disk);
    faulty_destroy(first);
    rig_stop();
}

/* A volume with a table in front of it is mounted as a whole; its partitions exist on request. */
static void whole_body(void *unused)
{
    (void)unused;
    static const struct monitor_options options = { .build_id = "none" };
    make_disk(true);
    rig_start();
    kassert(monitor_start(&options) == 0 && monitor_wait_settled(TIME_NEVER) == 0);
    struct faulty *disk = faulty_create(0, disk_bytes, DISK_BYTES, faulty_limits(), FAULTY_MIXED);
    kassert(monitor_wait_idle(disk->device, TIME_NEVER) == 0);
    kassert(is_mounted("disk0") && !exists("disk0p1"));

    kassert(device_want_parts(disk->device) == 0);
    kassert(monitor_wait_idle(disk->device, TIME_NEVER) == 0);
    kassert(is_mounted("disk0") && exists("disk0p1") && exists("disk0p3"));
    struct device *part = device_find("disk0p3");
    struct device_handle handle;
    kassert(device_want_parts(part) == -EINVAL && device_open(part, &handle) == 0);
    kassert(device_want_parts(disk->device) == -EBUSY);
    device_close(&handle);
    device_put(part);

    /* The request was for this medium only. */
    change(disk, disk_bytes);
    kassert(is_mounted("disk0") && !exists("disk0p1"));
    change(disk, NULL);
    kassert(device_want_parts(disk->device) == -ENOMEDIUM);
    device_remove(disk->device);
    kassert(monitor_wait_idle(disk->device, TIME_NEVER) == 0);
    monitor_stop();
    faulty_destroy(disk);
    rig_stop();
}

#define TEST(name) \
    static void test_##name(void **state) \
    { \
        (void)state; \
        image = rig_load_image("rock_ridge_everything", &image_bytes); \
        rig_run(name##_body, NULL, SEEDS); \
        free(image); \
    }
TEST(bad_disc)
TEST(start)
TEST(parts)
TEST(whole)

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_disc),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
