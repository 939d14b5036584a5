/*
 * test_crash_fat.c - promise: whenever power fails while a FAT volume is changed, it mounts, and
 * has what it must have (tests/host/crash_model.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/log.h"
#include "tests/host/crash.h"

/* What the model predicts is what the VFS does. */
static void test_model(void **state)
{
    (void)state;
    struct crash_plan plan = { .first = 0, .step = 17, .count = crash_sequences() / 17 + 50 };
    crash_rehearse(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
