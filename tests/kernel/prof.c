/*
 * prof.c - self tests of the profiler: it finds a busy function and its callers, and counts idle
 * time as idle.
 */
#include "kernel/prof.h"
#include "kernel/selftest.h"
#include "kernel/x86/alarm.h"
#include "kernel/x86/dispatch.h"
#include "lib/string.h"

enum { INTERVAL_US = 200, SAMPLES = 30, LIMIT_US = 10000000 };

static volatile uint64_t turns;

static __attribute__((noinline)) void prof_turn(void)
{
    for (unsigned i = 0; i < 20000; i++) /* longer than reading a slow clock */
        turns = turns + 1;
}

/* Counts alarms instead of time, since an emulator may pause. */
static bool was_sampled(uint64_t rung, uint64_t start_us)
{
    return interrupt_counts()->raised[alarm_source()] - rung >= SAMPLES ||
           time_now_us() - start_us > LIMIT_US;
}

static __attribute__((noinline)) void prof_be_busy(void)
{
    uint64_t rung = interrupt_counts()->raised[alarm_source()], start_us = time_now_us();
    while (!was_sampled(rung, start_us))
        prof_turn();
}

/* Profiles prof_be_busy() and returns the counts of one function. */
static status_t profile(const char *callers_of, const char *name, struct prof_run *run,
                        struct prof_function *found)
{
    struct prof_function function;
    status_t status = prof_start(INTERVAL_US, callers_of);
    *found = (struct prof_function){ 0 };
    if (status)
        return status;
    prof_be_busy();
    *run = prof_stop();
    while (prof_take(true, &function))
        if (strcmp(function.name, name) == 0)
            *found = function;
    prof_end();
    return 0;
}

SELFTEST(prof_finds_the_busy_function)
{
    struct prof_run run;
    struct prof_function turn, caller;
    SELFTEST_CHECK(!profile(NULL, "prof_turn", &run, &turn));
    SELFTEST_CHECK(run.samples >= 5 && run.idle < run.samples);
    SELFTEST_CHECK(turn.self > (run.samples - run.idle) / 2);
    SELFTEST_CHECK(!profile(NULL, "prof_be_busy", &run, &caller));
    SELFTEST_CHECK(caller.total > caller.self && caller.total > (run.samples - run.idle) / 2);
}

SELFTEST(prof_finds_callers)
{
    struct prof_run run;
    struct prof_function turn, caller;
    SELFTEST_CHECK(!profile("prof_turn", "prof_be_busy", &run, &caller));
    SELFTEST_CHECK(caller.self > (run.samples - run.idle) / 2);
    SELFTEST_CHECK(!profile("prof_turn", "prof_turn", &run, &turn));
    SELFTEST_CHECK(turn.total == 0);
}

SELFTEST(prof_counts_idle_time)
{
    SELFTEST_CHECK(!prof_start(INTERVAL_US, NULL));
    uint64_t rung = interrupt_counts()->raised[alarm_source()], start_us = time_now_us();
    while (!was_sampled(rung, start_us))
        thread_sleep_until(time_now_us() + 5000);
    struct prof_run run = prof_stop();
    prof_end();
    SELFTEST_CHECK(run.idle > run.samples / 2);
}

SELFTEST(prof_one_at_a_time)
{
    SELFTEST_CHECK(prof_start(INTERVAL_US, "no such function") == -ENOENT);
    SELFTEST_CHECK(!prof_start(INTERVAL_US, NULL));
    SELFTEST_CHECK(prof_start(INTERVAL_US, NULL) == -EBUSY);
    (void)prof_stop();
    prof_end();
}
