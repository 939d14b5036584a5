/*
 * test_queue_counts.c - promise: a device's queue counts what it does, and transfers that do not
 * end are reported (statistics.h, watch.c). For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/port/host.h"
#include "kernel/dev/queue/statistics.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/rig.h"
#include "tests/host/slow.h"

/* ---- statistics --------------------------------------------------------------------------- */

static void counts_body(void *argument)
{
    (void)argument;
    struct device_statistics now, before;
    requests_create();
    slow_create((struct io_limits){ .block_bytes = BLOCK, .depth = 2 });

    /* Two in flight; of those that wait, two join a third; one fails. */
    submit(0, 3000, 1);
    submit(1, 3100, 1);
    submit(2, 10, 2);
    submit(3, 12, 2);
    submit(4, 14, 1);
    submit(5, 200, 1);
    slow.bad_block = 200;
    kassert(device_statistics(slow.device, &before) == 0);
    kassert(before.depth == 2 && before.in_flight == 2 && !before.requests);
    slow_end_all();
    wait_for(6);
    kassert(device_statistics(slow.device, &now) == 0);
    kassert(now.requests == 6 && now.merges == 2 && now.errors == 1 && now.bytes == 7 * BLOCK);
    kassert(now.in_flight == 0 && now.highest == 2);

    submit(0, 3000, 1);
    slow_end_all();
    wait_for(1);
    before = now;
    kassert(device_statistics(slow.device, &now) == 0);
    statistics_subtract(&now, &before);
    kassert(now.requests == 1 && now.bytes == BLOCK && !now.errors && !now.merges);
    kassert(device_statistics(device_root(), &now) == -ENODEV);
    slow_destroy();
    requests_destroy();
}

/* 100 requests of 1 ms, 2 ms, ... 100 ms. */
static void latency_body(void *argument)
{
    (void)argument;
    struct device_statistics now = { 0 };
    kassert(statistics_latency_us(&now, 50) == 0 && statistics_latency_us(&now, 100) == 0);
    for (uint64_t ms = 1; ms <= 100; ms++) {
        struct io_request request = { .submitted_us = time_now_us() - ms * 1000 };
        statistics_count_request(&now, &request, 0);
    }
    static const unsigned percents[] = { 1, 10, 50, 99, 100 };
    for (unsigned i = 0; i < ARRAY_LENGTH(percents); i++) {
        uint64_t exact = percents[i] * 1000, us = statistics_latency_us(&now, percents[i]);
        kassert(us >= exact && us <= exact * 5 / 4 + 2000);
    }

    /* The extremes have steps, too. */
    struct device_statistics extremes = { 0 };
    for (uint64_t us = 1; us; us *= 2)
        statistics_count_request(&extremes, &(struct io_request){ .submitted_us = -us }, 0);
    kassert(extremes.requests == 64);
}

static void test_statistics(void **state)
{
    (void)state;
    rig_run(counts_body, NULL, 4);
    rig_run(latency_body, NULL, 1);
}

/* ---- transfers that do not end -------------------------------------------------------------- */

static void overdue_body(void *argument)
{
    (void)argument;
    static char text[1000];
    requests_create();
    slow_create((struct io_limits){ .block_bytes = BLOCK, .depth = 2 });
    text[0] = '\0';
    host_console_capture(text, sizeof(text));

    /* Two reads, of which the second is younger; both are reported once, and then when their age
     * has doubled. */
    submit(0, 70, 1);
    thread_sleep_until(time_now_us() + 30000000);
    submit(1, 80, 1);
    thread_sleep_until(time_now_us() + 29000000);
    kassert(!strstr(text, "has not ended"));
    thread_sleep_until(time_now_us() + 10000000);
    kassert(strstr(text, "disk0: a read at block 70 has not ended after 6"));
    kassert(!strstr(text, "block 80"));
    thread_sleep_until(time_now_us() + 30000000);
    kassert(strstr(text, "disk0: a read at block 80 has not ended after 6"));
    thread_sleep_until(time_now_us() + 41000000);
    kassert(strstr(text, "block 70 has not ended after 1"));

    /* A removed device is reported, too. */
    device_remove(slow.device);
    text[0] = '\0';
    host_console_capture(text, sizeof(text));
    thread_sleep_until(time_now_us() + 200000000);
    kassert(strstr(text, "block 70 has not ended after 2"));

    slow_end_all();
    wait_for(2);
    text[0] = '\0';
    host_console_capture(text, sizeof(text));
    thread_sleep_until(time_now_us() + 1000000000);
    kassert(!text[0]);
    host_console_capture(NULL, 0);
    slow_destroy();
    requests_destroy();
}

static void test_overdue(void **state)
{
    (void)state;
    if (run_is_simulated()) /* it takes minutes */
        rig_run(overdue_body, NULL, 2);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_overdue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
