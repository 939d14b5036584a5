/*
 * test_stress.c - pairs of commands that make, mount, change and take drives away, against each
 * other in a pipe, for STRESS_SECONDS (4): nothing panics, hangs or is left behind. For threads,
 * for `make tsan` and `make stress`.
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
#include "kernel/monitor.h"
#include "lib/macros.h"
#include "shell/language/run.h"
#include "tests/host/drives.h"
#include "tests/host/shown.h"

static const char *const commands[] = {
    "vdrive add --cd /image", "vdrive add --overlay --rw /image", "vdrive add --ram /image",
    "vdrive add --into 0 /image", "vdrive new 64K", "vdrive rm 0", "vdrive rm --lazy 0",
    "vdrive rm --now 0", "vdrive info 0", "vdrive list", "vdrive save 0 /saved",
    "vdrive diff 0", "vdrive commit 0", "vdrive discard 0", "vdrive fault 0 bad 3",
    "vdrive fault 0 delay 1", "vdrive fault 0 attention", "vdrive fault 0 swap /image",
    "vdrive fault 0 clear", "mount virtual0 /m", "mount /image /m", "mount", "umount /m",
    "umount virtual0", "eject virtual0", "toram /m", "toram /Drives/virtual0", "df", "devices",
    "volinfo virtual0", "ls -lR /m", "cat /System/Devices/Classes/virtual0",
};

enum { COMMANDS = ARRAY_LENGTH(commands), SECONDS = 4 };

static void put_image(void)
{
    char path[512];
    uint8_t *image = NULL;
    size_t bytes;
    for (unsigned n = 0; !image && rig_image(n, path, sizeof(path)); n++)
        if (strstr(path, "rock_ridge_everything") != NULL)
            image = rig_load(path, &bytes);
    kassert(image != NULL);
    rig_put_file("/image", image, bytes);
    free(image);
}

static void run_pair(struct shell *shell, unsigned a, unsigned b)
{
    char line[160];
    snprintf(line, sizeof(line), "%s | %s | %s > /System/Devices/null", commands[a], commands[b],
             commands[rig_random() % COMMANDS]);
    shown_clear();
    (void)shell_run_text(shell, line);
}

static void unmount_all(void)
{
    static struct mount_info info;
    struct path *root = path_root();
    for (unsigned n = 0; vfs_mount_info(n, &info) != -ENOENT;)
        n += vfs_unmount(root, info.path) != 0; /* those of the VFS stay, and those in use */
    path_put(root);
}

/* Drives may lie on mounts of others. */
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

static void stress_body(void *unused)
{
    (void)unused;
    static const struct monitor_options options = { .build_id = "none" };
    static struct shell shell;
    const char *seconds = getenv("STRESS_SECONDS");
    shown_shell_start(&shell);
    put_image();
    rig_mkdir("/m");
    kassert(monitor_start(&options) == 0);
    uint64_t end_us = time_now_us() + (seconds ? (uint64_t)atoi(seconds) : SECONDS) * 1000000;
    for (unsigned n = 0; time_now_us() < end_us; n++) {
        unsigned pair = (unsigned)(rig_random() % (COMMANDS * COMMANDS));
        run_pair(&shell, pair / COMMANDS, pair % COMMANDS);
        if (n % 64 == 63)
            take_all_away();
    }
    take_all_away();
    monitor_stop();
    take_all_away();
    shown_shell_stop(&shell);
}

static void test_stress(void **state)
{
    (void)state;
    if (!run_is_simulated())
        rig_run(stress_body, NULL, 1);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
