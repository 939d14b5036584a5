/*
 * stopper.c - runs commands against the clock and an interrupt: see stopper.h.
 */
#include "tests/host/stopper.h"
#include "shell/language/run.h"
#include "tests/host/rig.h"
#include "tests/host/shown.h"

enum { SOON_US = 100000, STOP_AFTER_US = 1000 };

static void stop_later(void *argument)
{
    struct stopper *stopper = argument;
    thread_sleep_until(time_now_us() + stopper->after_us);
    thread_interrupt(stopper->target);
}

void stopper_start(struct stopper *stopper, uint64_t after_us)
{
    stopper->target = thread_current();
    stopper->after_us = after_us;
    stopper->thread = thread_create("stopper", PRIORITY_NORMAL, stop_later, stopper);
    kassert(stopper->thread != NULL);
}

void stopper_end(struct stopper *stopper)
{
    thread_join(stopper->thread);
    kassert(thread_interrupted());
    thread_clear_interrupt();
}

void run_at_once(struct shell *shell, const char *text, int wanted)
{
    uint64_t start_us = time_now_us();
    int status = shell_run_text(shell, text);
    if (status != wanted)
        panic("%s: status %d, not %d: %s", text, status, wanted, shown_text());
    if (run_is_simulated() && time_now_us() - start_us > SOON_US)
        panic("%s: %llu us", text, (unsigned long long)(time_now_us() - start_us));
}

void run_hanging(struct shell *shell, const char *text)
{
    struct stopper stopper;
    stopper_start(&stopper, STOP_AFTER_US);
    run_at_once(shell, text, SHELL_INTERRUPTED);
    stopper_end(&stopper);
}
