/*
 * test_stress.c - commands that make, mount, change and remove drives, against each other in a
 * pipe: every pair of them once, then random lines of three to five for STRESS_SECONDS (0). Nothing
 * panics, hangs or is left behind. For both back ends, `make tsan` and `make stress`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/dev/event.h"
#include "kernel/log.h"
#include "kernel/monitor.h"
#include "lib/macros.h"
#include "shell/language/run.h"
#include "tests/host/drives.h"
#include "tests/host/packet_drive.h"
#include "tests/host/shown.h"

static const char *const commands[] = {
    "vdrive add --cd /image", "vdrive add --overlay --rw /image2", "vdrive add --ram /image",
    "vdrive add --into 0 /image", "vdrive new 64K", "vdrive rm 0", "vdrive rm --lazy 0",
    "vdrive rm --now 0", "vdrive info 0", "vdrive list", "vdrive save 0 /saved", "vdrive diff 0",
    "vdrive commit 0", "vdrive discard 0", "vdrive fault 0 bad 3", "vdrive fault 0 delay 1",
    "vdrive fault 0 attention", "vdrive fault 0 swap /image", "vdrive fault 0 clear",
    "mount virtual0 /m", "mount cdrom0 /m", "mount /image /m", "mount", "umount /m",
    "umount virtual0", "umount cdrom0", "eject cdrom0", "toram /m", "toram /Drives/virtual0",
    "toram /Drives/cdrom0", "df", "devices", "volinfo virtual0", "volinfo cdrom0", "ls -lR /m",
    "cat /System/Devices/Classes/virtual0", "cat /System/Devices/Classes/cdrom0",
};

enum { COMMANDS = ARRAY_LENGTH(commands), LINE_BYTES = 320 };

static struct shell shell;
static struct device *cdrom;
static uint8_t *image;
static size_t image_bytes;

/* The image is in two files and in the CD drive. */
static void put_image(void)
{
    if (!image)
        image = rig_load_image("rock_ridge_everything", &image_bytes);
    rig_put_file("/image", image, image_bytes);
    rig_put_file("/image2", image, image_bytes);
    cdrom = packet_drive_plug_in(0);
    packet_drive.image = image;
}

static void run_line(const char *line)
{
    shown_clear();
    (void)shell_run_text(&shell, line);
}

/* There is a virtual drive, and a disc in the CD drive; every other time something is mounted. */
static void prepare(unsigned n)
{
    static const char *const adds[] = {
        "vdrive add --overlay --rw /image2", "vdrive add --cd /image", "vdrive add --ram /image",
    };
    static const char *const mounts[] = { "mount virtual0 /m", "mount cdrom0 /m",
                                          "mount /image /m" };
    if (drives_listed("virtual0"))
        run_line(adds[n % ARRAY_LENGTH(adds)]);
    if (!device_medium(cdrom).present) {
        packet_drive_put_disc(1, (uint32_t)(image_bytes / PACKET_DRIVE_BLOCK));
        event_post(EVENT_POLL, cdrom);
        IGNORE(monitor_wait_idle(cdrom, time_now_us() + 1000000));
    }
    if (n % 2)
        run_line(mounts[n / 2 % ARRAY_LENGTH(mounts)]);
}

static void run_pair(unsigned a, unsigned b)
{
    char line[LINE_BYTES];
    snprintf(line, sizeof(line), "%s | %s > /System/Devices/null", commands[a], commands[b]);
    run_line(line);
}

static void run_random(void)
{
    char line[LINE_BYTES];
    size_t used = 0;
    for (unsigned n = 3 + (unsigned)(rig_random() % 3); n; n--)
        used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s",
                                 commands[rig_random() % COMMANDS],
                                 n > 1 ? " | " : " > /System/Devices/null");
    run_line(line);
}

static void unmount_all(void)
{
    static struct mount_info info;
    struct path *root = path_root();
    for (unsigned n = 0; vfs_mount_info(n, &info) != -ENOENT;)
        n += vfs_unmount(root, info.path) != 0; /* those of the VFS stay, and those in use */
    path_put(root);
}

/* Drives may be on mounts of others. */
static void take_all_away(void)
{
    for (unsigned i = 0; i < 10; i++) {
        struct virtual_list list = { .struct_bytes = sizeof(list) };
        unmount_all();
        while (!drives_control(VIRTUAL_LIST, &list, sizeof(list)))
            IGNORE(drives_remove(list.device, VIRTUAL_NOW));
        thread_sleep_until(time_now_us() + 1000);
    }
}

static void begin(void)
{
    static const struct monitor_options options = { .build_id = "none" };
    shown_shell_start(&shell);
    put_image();
    rig_mkdir("/m");
    kassert(monitor_start(&options) == 0);
}

static void end(void)
{
    take_all_away();
    monitor_stop();
    take_all_away();
    packet_drive_unplug(cdrom);
    shown_shell_stop(&shell);
    free(image);
    image = NULL;
}

static void pairs_body(void *unused)
{
    (void)unused;
    begin();
    for (unsigned pair = 0; pair < COMMANDS * COMMANDS; pair++) {
        prepare(pair + pair / COMMANDS);
        run_pair(pair / COMMANDS, pair % COMMANDS);
        if (pair % COMMANDS == COMMANDS - 1)
            take_all_away();
    }
    end();
}

static void random_body(void *unused)
{
    (void)unused;
    const char *seconds = getenv("STRESS_SECONDS");
    uint64_t end_us = time_now_us() + (seconds ? (uint64_t)atoi(seconds) : 0) * 1000000;
    begin();
    for (unsigned n = 1; time_now_us() < end_us; n++) {
        prepare(n);
        run_random();
        if (n % 64 == 0)
            take_all_away();
    }
    end();
}

static void test_pairs(void **state)
{
    (void)state;
    rig_run(pairs_body, NULL, run_is_simulated() ? 5 : 1);
}

static void test_random(void **state)
{
    (void)state;
    if (!run_is_simulated()) /* it has no clock to end by */
        rig_run(random_body, NULL, 1);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
