/*
 * test_vdrive.c - the vdrive commands where the machine is not needed: drives that hold each
 * other, and every allocation failing. What they say is looked at in tests/system/test_vdrive.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/dev/device.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "shell/language/run.h"
#include "tests/host/rig.h"
#include "tests/host/shown.h"

enum { IMAGE_BYTES = 20480, NTH_MAX = 2000 };

static struct shell shell;
static uint8_t image[IMAGE_BYTES];

static void start(void)
{
    shown_shell_start(&shell);
    for (size_t i = 0; i < sizeof(image); i++)
        image[i] = (uint8_t)(i * 7 + i / 256);
    rig_put_file("/image", image, sizeof(image));
    rig_put_file("/change", "changed", 7);
}

static void run(const char *line, int status)
{
    shown_clear();
    int got = shell_run_text(&shell, line);
    if (got != status)
        panic("%s: status %d, not %d: %s", line, got, status, shown_text());
}

/* ---- every allocation fails ----------------------------------------------------------------- */

struct nth_case {
    const char *before, *line, *after;
};

static const struct nth_case nth_cases[] = {
    { "", "vdrive new 64K", "vdrive rm 0" },
    { "", "vdrive add --offset 1000 /image", "vdrive rm 0" },
    { "", "vdrive add --ram /image", "vdrive rm 0" },
    { "", "vdrive add --overlay --rw --sector 1024 /image", "vdrive rm 0" },
    { "", "vdrive add --rw --geometry 3,4,5,512 /image", "vdrive rm 0" },
    { "vdrive add /image", "vdrive info 0; vdrive list", "vdrive rm 0" },
    { "vdrive add /image", "vdrive save 0 /saved", "vdrive rm 0; rm -f /saved" },
    { "vdrive add /image", "vdrive fault 0 bad 3; vdrive fault 0 clear", "vdrive rm 0" },
    { "vdrive add /image", "vdrive fault 0 swap /image", "vdrive rm 0" },
    { "vdrive add --overlay --rw /image; cp /change /System/Devices/Classes/virtual0",
      "vdrive diff 0; vdrive commit 0", "vdrive discard 0; vdrive rm 0" },
};

/* Each failure is reported, and what is left can be removed. */
static void nth_case(const struct nth_case *one)
{
    bool more = true;
    for (unsigned long n = 1; more && n < NTH_MAX; n++) {
        shell_run_text(&shell, one->before);
        shown_clear();
        host_fail_nth_allocation(n);
        int status = shell_run_text(&shell, one->line);
        more = host_failure_happened();
        host_fail_nth_allocation(0);
        if (status != SHELL_DONE && !(more && status == SHELL_FAILED))
            panic("%s: allocation %lu: status %d: %s", one->line, n, status, shown_text());
        if (status == SHELL_FAILED && !strchr(shown_text(), ':'))
            panic("%s: allocation %lu: nothing is reported", one->line, n);
        shell_run_text(&shell, one->after);
        run("vdrive list | wc -l > /lines; cmp /lines /one", SHELL_DONE);
        (void)vfs_reclaim(1000);
    }
    kassert(!more);
}

static void nth_body(void *unused)
{
    (void)unused;
    start();
    rig_put_file("/one", "1\n", 2);
    for (size_t i = 0; i < ARRAY_LENGTH(nth_cases); i++)
        nth_case(&nth_cases[i]);
    shown_shell_stop(&shell);
}

static void test_nth(void **state)
{
    (void)state;
    rig_run(nth_body, NULL, 3);
}

/* ---- a drive on a drive on a drive ---------------------------------------------------------- */

static void chain_body(void *unused)
{
    (void)unused;
    start();
    run("vdrive add --overlay /image; vdrive add virtual0; vdrive add --ram virtual1", SHELL_DONE);
    run("vdrive rm 0", SHELL_FAILED);
    shown_must_be("busy", "vdrive rm: virtual0: used as the image of virtual1\n"
                          "vdrive rm: virtual0: in use, open 1 time; use --lazy or --now to "
                          "remove it anyway\n");
    run("vdrive rm --now 0", SHELL_DONE);
    shown_must_be("now", "virtual0: halted, open 1 time; removed at the last close\n");
    run("cat /System/Devices/Classes/virtual1", SHELL_FAILED);
    run("vdrive rm 1; vdrive info 0", SHELL_FAILED);
    run("cmp /image /System/Devices/Classes/virtual2", SHELL_DONE);
    run("vdrive add /image", SHELL_DONE);
    run("vdrive rm 2; vdrive rm 0", SHELL_DONE);
    shown_shell_stop(&shell);
}

static void test_chain(void **state)
{
    (void)state;
    rig_run(chain_body, NULL, 20);
}

/* ---- into a halted drive ------------------------------------------------------------------ */

/* As the monitor does: opens the drive as soon as there is a medium. */
static void open_when_there(void *argument)
{
    struct device *device = argument;
    struct device_handle handle;
    while (!device_medium(device).present)
        thread_yield();
    status_t status = device_open(device, &handle);
    if (status)
        panic("the medium is there, and cannot be opened: %s", status_text(status));
    device_close(&handle);
}

static void into_body(void *unused)
{
    (void)unused;
    start();
    run("vdrive add /image", SHELL_DONE);
    struct device *device = device_find("virtual0");
    struct device_handle handle;
    kassert(device && device_open(device, &handle) == 0);
    run("vdrive rm --now 0", SHELL_DONE);
    struct thread *thread = thread_create("opener", PRIORITY_NORMAL, open_when_there, device);
    run("vdrive add --into 0 /image", SHELL_DONE);
    thread_join(thread);
    kassert(device_check(&handle) == -ESTALE);
    device_close(&handle);
    device_put(device);
    run("vdrive rm 0", SHELL_DONE);
    shown_shell_stop(&shell);
}

static void test_into(void **state)
{
    (void)state;
    rig_run(into_body, NULL, 50);
}

/* ---- faults that were found --------------------------------------------------------------- */

static void put_disc(const char *path)
{
    char source[512];
    size_t bytes;
    kassert(rig_image(0, source, sizeof(source)));
    uint8_t *disc = rig_load(source, &bytes);
    rig_put_file(path, disc, bytes);
    free(disc);
}

/* `vdrive add` reports a drive that another command halts meanwhile: its block size, by which the
 * size is divided, is still the last image's. */
static void halted_meanwhile_body(void *unused)
{
    (void)unused;
    start();
    shell_run_text(&shell, "vdrive add /image | vdrive rm --now 0 | cat");
    shell_run_text(&shell, "vdrive add /image; vdrive add virtual0; vdrive rm --now 0");
    shell_run_text(&shell, "vdrive add --into 0 /image | vdrive rm --now 0 | vdrive info 0");
    shell_run_text(&shell, "vdrive rm --now 3; vdrive rm --now 2");
    shell_run_text(&shell, "vdrive rm --now 1; vdrive rm --now 0");
    run("vdrive list | wc -l > /lines; echo 1 | cmp - /lines", SHELL_DONE);
    shown_shell_stop(&shell);
}

static void test_halted_meanwhile(void **state)
{
    (void)state;
    rig_run(halted_meanwhile_body, NULL, 200);
}

/* A mount of the image that was withdrawn is not one of the drive's new image. */
static void stale_mount_body(void *unused)
{
    (void)unused;
    start();
    put_disc("/cd");
    rig_mkdir("/old");
    run("vdrive add --cd --no-mount /cd; mount virtual0 /old; vdrive rm --now 0", SHELL_DONE);
    run("vdrive add --into 0 --no-mount --cd /cd", SHELL_DONE);
    if (strstr(shown_text(), "/old") || !strstr(shown_text(), "virtual0: "))
        panic("stale mount: %s", shown_text());
    run("ls /old", SHELL_TROUBLE);
    shown_must_be("stale", "ls: cannot access '/old': The medium was changed\n");
    run("umount /old; vdrive rm 0", SHELL_DONE);
    shown_shell_stop(&shell);
}

static void test_stale_mount(void **state)
{
    (void)state;
    rig_run(stale_mount_body, NULL, 5);
}

/* The log names a block that could not be read once, then at its 10th failure; those that were read
 * with it are not named. */
static void bad_block_body(void *unused)
{
    static const char line[] = "virtual0: block 3: cannot be read\n";
    static char text[65536];
    uint64_t position = 0;
    (void)unused;
    start();
    run("vdrive add /image; vdrive fault 0 bad 3", SHELL_DONE);
    while (log_read(&position, text, sizeof(text)) > 0)
        ;
    for (unsigned i = 0; i < 12; i++) {
        run("hexdump -C -s 1536 -n 512 /System/Devices/Classes/virtual0", SHELL_FAILED);
        (void)vfs_reclaim(1000);
    }
    text[log_read(&position, text, sizeof(text) - 1)] = '\0';
    const char *first = strstr(text, line);
    kassert(first && !strstr(first + 1, line));
    kassert(strstr(first, "virtual0: block 3: cannot be read; failed 10 times\n"));
    kassert(!strstr(text, "block 2:") && !strstr(text, "block 4:"));
    run("vdrive rm 0", SHELL_DONE);
    shown_shell_stop(&shell);
}

static void test_bad_block(void **state)
{
    (void)state;
    rig_run(bad_block_body, NULL, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nth),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_into),
        cmocka_unit_test(test_halted_meanwhile),
        cmocka_unit_test(test_stale_mount),
        cmocka_unit_test(test_bad_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
