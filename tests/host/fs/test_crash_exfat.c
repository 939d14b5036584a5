/*
 * test_crash_exfat.c - promise: whenever power fails while an exFAT volume is changed, it mounts,
 * and has what it must have (tests/host/crash_model.h); fsck.exfat finds lost clusters at most.
 * With CRASH_STATES=N, about N states are checked, of all sequences of operations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/log.h"
#include "tests/host/crash.h"

#define CHECK "python3 tests/host/fs/check_volume.py exfat %s"

static void test_small_clusters(void **state)
{
    (void)state;
    crash_test("exFAT, 512", "mkfs.exfat -c 512 %s >/dev/null", 4096, CHECK);
}

static void test_large_clusters(void **state)
{
    (void)state;
    crash_test("exFAT, 4096", "mkfs.exfat -c 4096 %s >/dev/null", 8192, CHECK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_clusters),
        cmocka_unit_test(test_large_clusters),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
