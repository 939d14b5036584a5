/*
 * test_vdrive_hangs.c - drives whose image is on a disk that does not answer: looking at them and
 * removing them takes less than 100 ms, every other command ends with ^C, and once the disk answers
 * again nothing is left behind. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/log.h"
#include "shell/language/run.h"
#include "tests/host/drives.h"
#include "tests/host/faulty.h"
#include "tests/host/shown.h"
#include "tests/host/stopper.h"

enum { DISK_BYTES = 1 << 20, SEEDS = 40 };

static uint8_t disk[DISK_BYTES];
static struct shell shell;
static struct faulty *faulty;

static void start(void)
{
    shown_shell_start(&shell);
    rig_put_file("/other", disk, DISK_BYTES / 4);
    rig_mkdir("/m");
    faulty = faulty_create(0, disk, DISK_BYTES, faulty_limits(), FAULTY_LATE);
    kassert(shell_run_text(&shell, "D=/System/Devices/Classes; N=/System/Devices/null") == 0);
}

/* The disk answers again: the drive's file can be opened alone, and no thread is left. */
static void stop(unsigned threads)
{
    faulty_hold(faulty, false);
    thread_sleep_until(time_now_us() + 1000000);
    if (host_thread_count() != threads)
        panic("stop: %u threads, not %u", host_thread_count(), threads);
    shown_clear();
    run_at_once(&shell, "vdrive list | wc -l; vdrive add --rw disk0 && vdrive rm 0", SHELL_DONE);
    shown_must_be("nothing is left", "1\nvirtual0: 2048 blocks of 512 bytes\n");
    faulty_destroy(faulty);
    shown_shell_stop(&shell);
}

/* A drive on the disk, with a read that hangs; its reader was ended by ^C. */
static void hang(const char *add)
{
    run_at_once(&shell, add, SHELL_DONE);
    rig_evict();
    faulty_hold(faulty, true);
    run_hanging(&shell, "cat $D/virtual0");
}

static void look_body(void *unused)
{
    (void)unused;
    start();
    unsigned threads = host_thread_count();
    hang("vdrive add disk0; vdrive fault 0 bad 100");
    run_at_once(&shell, "vdrive info 0 > $N", SHELL_DONE);
    run_at_once(&shell, "vdrive list > $N", SHELL_DONE);
    run_at_once(&shell, "devices > $N", SHELL_DONE);
    run_at_once(&shell, "ls -l $D > $N", SHELL_DONE);
    run_at_once(&shell, "vdrive rm 0", SHELL_FAILED); /* the read in flight has it open */
    run_at_once(&shell, "vdrive rm --now 0", SHELL_DONE);
    run_at_once(&shell, "vdrive info 0; vdrive list", SHELL_DONE);
    stop(threads);
}

/* What changes the drive waits for the transfer in flight, until ^C; nothing is changed then. */
static void change_body(void *unused)
{
    struct virtual_info info;
    (void)unused;
    start();
    unsigned threads = host_thread_count();
    hang("vdrive add --overlay --rw disk0");
    run_hanging(&shell, "vdrive fault 0 bad 3");
    run_hanging(&shell, "vdrive fault 0 attention");
    run_hanging(&shell, "vdrive fault 0 swap /other");
    run_hanging(&shell, "vdrive diff 0");
    run_hanging(&shell, "vdrive commit 0");
    run_hanging(&shell, "vdrive discard 0");
    run_hanging(&shell, "vdrive save 0 /saved");
    run_hanging(&shell, "mount virtual0 /m");
    expect("info", drives_info("virtual0", &info), 0);
    kassert(!info.faults && info.size_bytes == DISK_BYTES && info.state == VIRTUAL_REGISTERED);
    run_at_once(&shell, "vdrive rm --now 0", SHELL_DONE);
    stop(threads);
}

/* Opening an image reads it: whether it has CD sectors, and all of it for --ram. */
static void open_body(void *unused)
{
    (void)unused;
    start();
    unsigned threads = host_thread_count();
    faulty_hold(faulty, true);
    run_hanging(&shell, "vdrive add disk0");
    run_hanging(&shell, "vdrive add --ram --sector 512 disk0");
    run_hanging(&shell, "mount $D/disk0 /m");
    stop(threads);
}

/* A change that waits for the store itself, while it holds the drive. */
static void commit_body(void *unused)
{
    (void)unused;
    start();
    unsigned threads = host_thread_count();
    run_at_once(&shell, "vdrive add --overlay --rw disk0; cp /other $D/virtual0", SHELL_DONE);
    faulty_hold(faulty, true);
    run_hanging(&shell, "vdrive commit 0");
    run_at_once(&shell, "vdrive info 0 > $N", SHELL_DONE);
    run_at_once(&shell, "vdrive rm --now 0", SHELL_DONE);
    stop(threads);
}

/* An open drive is halted, and has another image at once. */
static void halt_body(void *unused)
{
    struct device_handle handle;
    (void)unused;
    start();
    unsigned threads = host_thread_count();
    hang("vdrive add disk0");
    expect("open", drives_open("virtual0", &handle), 0);
    run_at_once(&shell, "vdrive rm --now 0", SHELL_DONE);
    expect("halted", device_check(&handle), -ENODEV);
    run_at_once(&shell, "vdrive info 0 > $N; vdrive list > $N", SHELL_DONE);
    run_hanging(&shell, "vdrive add --into 0 /other");
    expect("still halted", device_check(&handle), -ENODEV);

    faulty_hold(faulty, false);
    thread_sleep_until(time_now_us() + 1000000);
    run_at_once(&shell, "vdrive add --into 0 /other; cmp /other $D/virtual0", SHELL_DONE);
    expect("another medium", device_check(&handle), -ESTALE);
    device_close(&handle);
    run_at_once(&shell, "vdrive rm 0", SHELL_DONE);
    stop(threads);
}

static void test_look(void **state)
{
    (void)state;
    rig_run(look_body, NULL, SEEDS);
}

static void test_change(void **state)
{
    (void)state;
    rig_run(change_body, NULL, SEEDS);
}

static void test_open(void **state)
{
    (void)state;
    rig_run(open_body, NULL, SEEDS);
}

static void test_commit(void **state)
{
    (void)state;
    rig_run(commit_body, NULL, SEEDS);
}

static void test_halt(void **state)
{
    (void)state;
    rig_run(halt_body, NULL, SEEDS);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_look),   cmocka_unit_test(test_change), cmocka_unit_test(test_open),
        cmocka_unit_test(test_commit), cmocka_unit_test(test_halt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
