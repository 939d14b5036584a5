/*
 * test_stop.c - ^C ends whatever runs or waits, soon. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "shell/language/run.h"
#include "tests/host/packet_drive.h"
#include "tests/host/rig.h"
#include "tests/host/shown.h"
#include "tests/host/stopper.h"

enum { SEEDS = 25 };

/* ---- stopping ----------------------------------------------------------------------------- */

/* Runs a text that ^C ends after a while; it must be over soon, and every thread of it. */
static void run_stopped(struct shell *shell, const char *text)
{
    struct stopper stopper;
    unsigned threads = host_thread_count();
    uint64_t start = time_now_us();
    stopper_start(&stopper, 20000);
    int status = shell_run_text(shell, text);
    if (status != SHELL_INTERRUPTED || shell->status != status)
        panic("%s: status %d", text, status);
    kassert(time_now_us() - start < 120000 || !run_is_simulated());
    stopper_end(&stopper);
    if (host_thread_count() != threads)
        panic("%s: %u threads, not %u", text, host_thread_count(), threads);
}

/* What never waits, and so lets no time pass in the simulation, asks for ^C. */
static void run_endless(struct shell *shell, const char *text)
{
    host_set_patience(1000);
    int status = shell_run_text(shell, text);
    host_set_patience(LONG_MAX);
    thread_clear_interrupt();
    if (status != SHELL_INTERRUPTED)
        panic("%s: status %d", text, status);
}

static void body_stop(void *argument)
{
    struct shell shell;
    (void)argument;
    shown_shell_start(&shell);
    rig_put_file("/s", "sleep 1000\necho not reached\n", 28);
    rig_put_file("/s2", "source /s\necho not reached\n", 27);
    run_stopped(&shell, "sleep 1000; echo not reached");
    run_stopped(&shell, "sleep 1000 || echo not reached");
    run_stopped(&shell, "sleep 1000 | sleep 1000 | sleep 1000; echo not reached");
    run_stopped(&shell, "sleep 1000 | cat | cat");
    run_stopped(&shell, "find / -exec sleep 1000 \\; -exec echo not reached \\;");
    run_stopped(&shell, "cat /s | sleep 1000");
    run_stopped(&shell, "source /s2; echo not reached");
    run_stopped(&shell, "source /s2 | cat; echo not reached");
    run_endless(&shell, "cat /System/Devices/zero > /System/Devices/null");
    run_endless(&shell, "sha256sum /System/Devices/zero; echo not reached");
    run_endless(&shell, "head -c -5 /System/Devices/zero > /System/Devices/null");
    run_endless(&shell, "tail -c 5 < /System/Devices/zero");
    run_endless(&shell, "cat /System/Devices/zero | cat > /System/Devices/null");
    shown_must_be("stop", "");
    kassert(shell_run_text(&shell, "echo alive") == 0);
    shown_must_be("stop", "alive\n");
    shown_shell_stop(&shell);
}

enum { DISK_BYTES = 1 << 20 };

static uint8_t disk[DISK_BYTES];

/* The disk does not answer; ^C ends the reader, and the read ends later by itself. */
static void body_stop_while_disk_hangs(void *argument)
{
    struct shell shell;
    (void)argument;
    shown_shell_start(&shell);
    struct faulty *faulty = faulty_create(0, disk, DISK_BYTES, faulty_limits(), FAULTY_LATE);
    kassert(shell_run_text(&shell, "cat /System/Devices/Classes/disk0 > /copy") == 0);
    rig_evict();
    faulty_hold(faulty, true);
    for (unsigned i = 0; i < 3; i++) {
        struct stopper stopper;
        stopper_start(&stopper, 1000);
        kassert(shell_run_text(&shell, i == 1 ? "cat /System/Devices/Classes/disk0 | cat"
                                              : "cat /System/Devices/Classes/disk0") ==
                SHELL_INTERRUPTED);
        stopper_end(&stopper);
    }
    shown_must_be("hang", "");
    faulty_hold(faulty, false);
    if (rig_random() % 2)
        kassert(shell_run_text(&shell, "cat /System/Devices/Classes/disk0 > /copy") == 0);
    faulty_destroy(faulty);
    shown_shell_stop(&shell);
}

/* Whatever hangs: mounting, writing past the cache, opening alone while a write hangs. And what was
 * left in flight ends by itself, with all that belongs to it. */
static void body_stop_what_hangs(void *argument)
{
    struct shell shell;
    (void)argument;
    shown_shell_start(&shell);
    rig_put_file("/data", disk, DISK_BYTES / 4);
    rig_mkdir("/m");
    struct faulty *faulty = faulty_create(0, disk, DISK_BYTES, faulty_limits(), FAULTY_LATE);
    faulty_hold(faulty, true);
    run_hanging(&shell, "cp /data /System/Devices/Classes/disk0");
    run_hanging(&shell, "mount disk0 /m");
    run_hanging(&shell, "volinfo disk0");
    run_hanging(&shell, "file disk0");
    run_hanging(&shell, "cat /System/Devices/Classes/disk0");
    shown_must_be("hang", "");
    faulty_hold(faulty, false);
    thread_sleep_until(time_now_us() + 1000000);
    kassert(shell_run_text(&shell, "cp /data /System/Devices/Classes/disk0") == 0);
    shown_must_be("hang", "");
    faulty_destroy(faulty);
    shown_shell_stop(&shell);
}

static struct device *plug_in_image(uint8_t **image)
{
    size_t bytes;
    *image = rig_load_image("rock_ridge_everything", &bytes);
    struct device *cdrom = packet_drive_plug_in(0);
    packet_drive.image = *image;
    packet_drive_put_disc(1, (uint32_t)(bytes / PACKET_DRIVE_BLOCK));
    kassert(device_poll(cdrom) == 0);
    return cdrom;
}

/* A read is in flight, of a command that was ended. While a file of the disc is open, eject reports
 * that at once; else it waits for the drive until ^C, and the tray does not open afterwards. */
static void body_stop_eject(void *argument)
{
    struct shell shell;
    struct file *file;
    uint8_t *image;
    (void)argument;
    shown_shell_start(&shell);
    struct device *cdrom = plug_in_image(&image);
    rig_mkdir("/m");
    run_at_once(&shell, "mount cdrom0 /m", SHELL_DONE);
    kassert(rig_open("/m", OPEN_DIRECTORY, &file) == 0);

    atomic_store(&packet_drive.read_us, 5000000);
    run_hanging(&shell, "find /m -type f -exec cat {} \\; > /System/Devices/null");
    run_at_once(&shell, "eject", SHELL_FAILED);
    shown_must_be("eject", "eject: cdrom0: /m is in use\n");
    file_close(file);
    shown_clear();
    run_hanging(&shell, "eject");
    shown_must_be("eject", "");

    thread_sleep_until(time_now_us() + 20000000);
    kassert(packet_drive.disc == 1);
    run_at_once(&shell, "eject", SHELL_DONE);
    kassert(packet_drive.disc == 0);
    packet_drive_unplug(cdrom);
    shown_shell_stop(&shell);
    free(image);
}

static void test_stop(void **state)
{
    (void)state;
    rig_run(body_stop, NULL, SEEDS);
    rig_run(body_stop_while_disk_hangs, NULL, 4 * SEEDS);
    rig_run(body_stop_what_hangs, NULL, 2 * SEEDS);
    if (run_is_simulated()) /* reads of seconds */
        rig_run(body_stop_eject, NULL, 2 * SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
