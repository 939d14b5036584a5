/*
 * test_undone.c - commands of which one allocation or one thread fails, each in turn: the command
 * says so, drives, mounts and files are as before, every drive still answers, and the same command
 * works afterwards. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/port/host.h"
#include "kernel/dev/device.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "shell/language/run.h"
#include "tests/host/packet_drive.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

enum { NTH_MAX = 4000 };

static struct faulty *faulty;
static uint8_t disk[64 * 1024];

static const struct undone_case {
    const char *before, *line, *after;
} cases[] = {
    { "true", "vdrive new 64K", "vdrive rm 0" },
    { "true", "vdrive new --sector 2048 1G", "vdrive rm 0" },
    { "true", "vdrive add --ro --offset 2048 /cd", "vdrive rm 0" },
    { "true", "vdrive add --ram /cd", "vdrive rm 0" },
    { "true", "vdrive add --overlay /cd", "vdrive rm 0" },
    { "true", "vdrive add --overlay --rw faulty0", "vdrive rm 0" },
    { "true", "vdrive add --rw --geometry 3,4,5,512 /grows", "vdrive rm 0; cp /kept /grows" },
    { "vdrive add --cd /cd; mount virtual0 /m; vdrive rm --now 0", "vdrive add --into 0 /cd",
      "vdrive rm --now 0" },
    { "vdrive new 64K", "vdrive info 0 > $N", "true" },
    { "vdrive new 64K", "vdrive list > $N", "true" },
    { "vdrive new 64K", "vdrive save 0 /saved", "rm /saved" },
    { "vdrive new 64K; cp /kept /saved", "vdrive save 0 /saved", "cp /kept /saved" },
    { "vdrive new 64K", "vdrive fault 0 bad 100 1", "vdrive fault 0 clear" },
    { "vdrive new 64K", "vdrive fault 0 delay 1", "vdrive fault 0 clear" },
    { "vdrive add /cd", "vdrive fault 0 swap /cd2", "vdrive rm 0; vdrive add /cd" },
    { "vdrive new 64K", "vdrive rm 0", "vdrive new 64K" },
    { "vdrive new 64K", "vdrive rm --lazy 0", "vdrive new 64K" },
    { "vdrive new 64K", "vdrive rm --now 0", "vdrive new 64K" },
    { "vdrive add --overlay --rw faulty0; cp /kept $D/virtual0", "vdrive diff 0 > $N", "true" },
    { "vdrive add --overlay --rw faulty0; cp /kept $D/virtual0", "vdrive commit 0",
      "cp /kept $D/virtual0" },
    { "vdrive add --overlay --rw faulty0; cp /kept $D/virtual0", "vdrive discard 0",
      "cp /kept $D/virtual0" },
    { "vdrive add --cd /cd", "mount virtual0 /m", "umount /m" },
    { "vdrive add --cd /cd", "mount -o names=iso virtual0 /m", "umount /m" },
    { "true", "mount /cd /m", "umount /m" },
    { "mount /cd /m", "umount /m", "mount /cd /m" },
    { "mount /cd /m", "toram /m", "umount /m; mount /cd /m" },
    { "mount /cd /m", "mount > $N", "true" },
    /* eject unmounts before it asks the drive: when that fails, the disc can be mounted again */
    { "mount cdrom0 /m", "eject || mount cdrom0 /m", "umount /m; mount cdrom0 /m" },
    { "true", "eject", "true" },
    { "true", "cp /kept /copy", "rm /copy" },
    { "echo old > /copy", "cp /kept /copy", "echo old > /copy" },
    { "true", "mv /kept /moved", "mv /moved /kept" },
    { "echo old > /moved", "mv /kept /moved", "mv /moved /kept; echo old > /moved" },
    { "true", "mkdir /made", "rmdir /made" },
    { "mkdir /made", "rmdir /made", "mkdir /made" },
    { "true", "cat /kept | cat | cmp - /kept", "true" },
};

static struct device *cdrom;
static uint8_t *image;
static size_t image_bytes;

static void put_disc(void)
{
    packet_drive_put_disc(1, (uint32_t)(image_bytes / PACKET_DRIVE_BLOCK));
    kassert(device_poll(cdrom) == 0);
}

static void run_after(const struct undone_case *one)
{
    if (strstr(one->line, "eject"))
        put_disc();
    run(one->after, SHELL_DONE, NULL, NULL);
}

/* ---- state -------------------------------------------------------------------------------- */

static char *state_text(void)
{
    run("vdrive list; mount; find / | sort; sha256sum /kept /grows; "
        "cat /copy /moved /saved | sha256sum", SHELL_DONE, NULL, NULL);
    return strdup(out.text);
}

/* Every drive answers, well or badly. */
static void expect_answers(void)
{
    shell_run_text(&shell, "hexdump -n 512 $D/virtual0 > $N");
    shell_run_text(&shell, "ls /m > $N");
}

/* ---- one command -------------------------------------------------------------------------- */

static bool undone_nth(const struct undone_case *one, void (*fail_nth)(unsigned long n),
                       unsigned long n)
{
    char *before = state_text();
    out.used = err.used = 0;
    out.text[0] = err.text[0] = '\0';
    fail_nth(n);
    int status = shell_run_text(&shell, one->line);
    bool happened = host_failure_happened();
    fail_nth(0);
    if (status != SHELL_DONE && (!happened || !err.used))
        panic("%s: failure %lu: status %d: %s%s", one->line, n, status, out.text, err.text);

    expect_answers();
    if (status == SHELL_DONE)
        run_after(one);
    char *after = state_text();
    if (strcmp(before, after) != 0)
        panic("%s: failure %lu: status %d, before:\n%s\nafter:\n%s", one->line, n, status, before,
              after);
    free(before);
    free(after);

    /* what failed works without the failure */
    if (status != SHELL_DONE) {
        run(one->line, SHELL_DONE, NULL, NULL);
        run_after(one);
    }
    (void)vfs_reclaim(1000);
    return happened;
}

static void undone_case(const struct undone_case *one, void (*fail_nth)(unsigned long n))
{
    start();
    rig_put_file("/kept", "kept\n", 5);
    rig_put_file("/grows", "kept\n", 5);
    char path[512];
    kassert(rig_image(0, path, sizeof(path)));
    image = rig_load(path, &image_bytes);
    rig_put_file("/cd", image, image_bytes);
    rig_put_file("/cd2", image, image_bytes);
    cdrom = packet_drive_plug_in(0);
    packet_drive.image = image;
    put_disc();
    faulty = faulty_create(0, disk, sizeof(disk), faulty_limits(), FAULTY_LATE);
    run("mkdir /m; D=/System/Devices/Classes; N=/System/Devices/null", SHELL_DONE, NULL, NULL);
    shell_run_text(&shell, one->before);

    unsigned long n = 1;
    while (n < NTH_MAX && undone_nth(one, fail_nth, n))
        n++;
    kassert(n < NTH_MAX);
    shell_run_text(&shell, "umount /m; vdrive rm --now 0");
    faulty_destroy(faulty);
    packet_drive_unplug(cdrom);
    stop();
    free(image);
}

static void allocations_body(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        undone_case(&cases[i], host_fail_nth_allocation);
}

static void threads_body(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
        undone_case(&cases[i], host_fail_nth_thread);
}

static void test_allocations(void **state)
{
    (void)state;
    rig_run(allocations_body, NULL, 1);
}

static void test_threads(void **state)
{
    (void)state;
    rig_run(threads_body, NULL, 1);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
