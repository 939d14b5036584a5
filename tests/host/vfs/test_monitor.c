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

#include "kernel/log.h"
#include "kernel/monitor.h"
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

static void test_bad_disc(void **state)
{
    (void)state;
    image = rig_load_image("rock_ridge_everything", &image_bytes);
    rig_run(bad_disc_body, NULL, SEEDS);
    free(image);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_disc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
