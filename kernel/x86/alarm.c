/*
 * alarm.c - programs the PIT's one-shot interrupt: see alarm.h.
 */
#include "kernel/x86/alarm.h"
#include "kernel/port.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/interrupts.h"
#include "kernel/x86/pit.h"
#include "kernel/x86/ports.h"
#include "lib/macros.h"

enum {
    DELAY_US_MAX = 50000,             /* fits in the 16 bits of the count */
    DELAY_WITHOUT_TSC_US_MAX = 25000, /* half the time after which the clock's counter wraps */
};

static uint64_t set_us = TIME_NEVER; /* when the programmed alarm rings */

static uint64_t longest_delay_us(void)
{
    return clock_is_tsc() ? DELAY_US_MAX : DELAY_WITHOUT_TSC_US_MAX;
}

void alarm_set(uint64_t deadline_us)
{
    /* The programmed alarm rings no later than this. The hook then sets the next one. */
    if (deadline_us >= set_us)
        return;

    /* A delay that the count cannot express is cut, and the rest is waited for after the alarm. If
     * the cut alarm is not earlier than the programmed one, that is kept: the port writes cost more
     * than an early interrupt. */
    uint64_t now = time_now_us();
    uint64_t delay = deadline_us > now ? deadline_us - now : 0;
    delay = min(delay, longest_delay_us());
    if (now + delay >= set_us)
        return;
    set_us = now + delay;

    /* The second byte starts the count. It is at least 1, since 0 would mean 65536. */
    uint64_t ticks = delay * PIT_HZ / 1000000 + 1;
    port_out8(PIT_COMMAND, PIT_ONE_SHOT_0);
    port_out8(PIT_CHANNEL_0, (uint8_t)ticks);
    port_out8(PIT_CHANNEL_0, (uint8_t)(ticks >> 8));
}

/* Makes sure that the clock is read before its 16-bit counter wraps. */
static void keep_clock_alive(void)
{
    if (!clock_is_tsc())
        alarm_set(time_now_us() + DELAY_WITHOUT_TSC_US_MAX);
}

static bool handle_alarm(void *context)
{
    (void)context;

    /* Nothing is programmed now, so any deadline that the hook sets is the earliest. */
    set_us = TIME_NEVER;
    cpu_hooks.alarm();
    keep_clock_alive();
    return true;
}

void alarm_start(void)
{
    static struct interrupt_handler handler = { .handle = handle_alarm };

    if (interrupt_register(ALARM_LINE, &handler))
        panic("alarm: interrupt line %d cannot be used", ALARM_LINE);
    keep_clock_alive();
}
