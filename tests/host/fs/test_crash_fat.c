/*
 * test_crash_fat.c - promise: whenever power fails while a FAT volume is changed, it mounts, and
 * has what it must have (tests/host/crash_model.h); fsck.fat finds lost clusters at most. With
 * CRASH_STATES=N, about N states are checked, of all sequences of operations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/log.h"
#include "tests/host/crash.h"

#define CHECK "python3 tests/host/fs/check_volume.py fat %s"

/* The VFS does what the model predicts. */
static void test_model(void **state)
{
    (void)state;
    crash_rehearse();
}

static void test_fat12(void **state)
{
    (void)state;
    crash_test("FAT12", "mkfs.fat -F 12 -s 1 %s >/dev/null", 400, CHECK);
}

static void test_fat16(void **state)
{
    (void)state;
    crash_test("FAT16", "mkfs.fat -F 16 -s 1 %s >/dev/null", 4700, CHECK);
}

static void test_fat32(void **state)
{
    (void)state;
    crash_test("FAT32", "mkfs.fat -F 32 -s 1 %s >/dev/null", 34500, CHECK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_fat12),
        cmocka_unit_test(test_fat16),
        cmocka_unit_test(test_fat32),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
