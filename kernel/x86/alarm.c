/*
 * alarm.c - chooses a timer and programs it: see alarm.h.
 */
#include "kernel/x86/alarm.h"
#include "kernel/port.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/interrupts.h"
#include "kernel/x86/pit.h"
#include "kernel/x86/ports.h"
#include "lib/macros.h"

enum {
    PIT_LINE = 0,
    PIT_LONGEST_US = 50000,         /* fits in the 16 bits of the count */
    APIC_LONGEST_US = 2000000,      /* bounds the error of the calibration to a few ms */
    LONGEST_WITHOUT_TSC_US = 25000, /* half the time after which the clock's counter wraps */

    CALIBRATION_US = 4000,
    CALIBRATION_ERROR = 1024, /* it is wrong by less than one part in this many */
    MOMENT_TRIES = 4,
    TEST_US = 50,
    TEST_WAIT_US = 200000, /* an emulator may be busy */
    POSTPONE_US_MIN = 100000,
};

struct timer_kind {
    const char *name;
    uint64_t longest_us;
    void (*program)(uint64_t now_us, uint64_t delay_us);
    void (*stop)(void); /* NULL: not worth while */
};

static struct interrupt_handler handler;
static struct interrupt_message message; /* source: also that of the PIT */
static const struct timer_kind *kind;
static uint64_t apic_ticks_per_s;
static uint64_t set_us = TIME_NEVER; /* when the programmed alarm rings */

unsigned alarm_source(void)
{
    return message.source;
}

/* ---- the timers ------------------------------------------------------------------------------ */

static void program_deadline(uint64_t now_us, uint64_t delay_us)
{
    apic_timer_set_deadline(clock_tsc_at(now_us + delay_us));
}

static void stop_deadline(void)
{
    apic_timer_set_deadline(0);
}

static void program_count(uint64_t now_us, uint64_t delay_us)
{
    (void)now_us;

    /* At least 1, since 0 would stop the timer. */
    apic_timer_set_count((uint32_t)min(delay_us * apic_ticks_per_s / 1000000 + 1, UINT32_MAX));
}

static void stop_count(void)
{
    apic_timer_set_count(0);
}

static void program_pit(uint64_t now_us, uint64_t delay_us)
{
    (void)now_us;

    /* The second byte starts the count. It is at least 1, since 0 would mean 65536. */
    uint64_t ticks = delay_us * PIT_HZ / 1000000 + 1;
    port_out8(PIT_COMMAND, PIT_ONE_SHOT_0);
    port_out8(PIT_CHANNEL_0, (uint8_t)ticks);
    port_out8(PIT_CHANNEL_0, (uint8_t)(ticks >> 8));
}

static const struct timer_kind
    by_deadline = { "APIC timer, TSC deadline", APIC_LONGEST_US, program_deadline,
                    stop_deadline },
    by_count = { "APIC timer", APIC_LONGEST_US, program_count, stop_count },
    by_pit = { "PIT", PIT_LONGEST_US, program_pit, NULL };

/* ---- the alarm ------------------------------------------------------------------------------- */

void alarm_set(uint64_t deadline_us)
{
    /* The programmed alarm rings no later than this. The hook then sets the next one. */
    if (deadline_us >= set_us)
        return;

    /* A delay that the timer cannot count is cut, and the rest is waited for after the alarm. If
     * the cut alarm is not earlier than the programmed one, that is kept: to program it costs more
     * than an early interrupt. */
    uint64_t now = time_now_us();
    uint64_t delay = deadline_us > now ? deadline_us - now : 0;
    delay = min(delay, clock_is_tsc() ? kind->longest_us : (uint64_t)LONGEST_WITHOUT_TSC_US);
    if (now + delay >= set_us)
        return;
    set_us = now + delay;
    kind->program(now, delay);
}

void alarm_postpone(uint64_t deadline_us)
{
    if (!kind->stop || !clock_is_tsc() || set_us == TIME_NEVER)
        return;

    /* Not for a little: to program the timer each time that the processor halts would cost more
     * than the interrupt. */
    uint64_t longest = time_now_us() + kind->longest_us;
    uint64_t later = deadline_us == TIME_NEVER ? TIME_NEVER : min(deadline_us, longest);
    if (later <= set_us || later - set_us < POSTPONE_US_MIN)
        return;

    /* If the alarm rings at this moment, its interrupt is pending and calls the hook. */
    kind->stop();
    set_us = TIME_NEVER;
    if (deadline_us != TIME_NEVER)
        alarm_set(deadline_us);
}

/* Makes sure that the clock is read before its 16-bit counter wraps. */
static void keep_clock_alive(void)
{
    if (!clock_is_tsc())
        alarm_set(time_now_us() + LONGEST_WITHOUT_TSC_US);
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

/* ---- start ----------------------------------------------------------------------------------- */

struct moment {
    uint64_t time_us, ticks;
};

/* Reads the clock and the timer at one moment. An emulator may interrupt at any point, so the
 * fastest of a few tries is the most accurate. */
static struct moment read_moment(void)
{
    struct moment best = { 0 };
    uint64_t best_gap = UINT64_MAX;

    for (int i = 0; i < MOMENT_TRIES; i++) {
        /* The timer counts down; the difference makes ticks rise with the time. */
        uint64_t before = time_now_us();
        uint64_t ticks = UINT32_MAX - apic_timer_count();
        uint64_t gap = time_now_us() - before;
        if (gap < best_gap) {
            best_gap = gap;
            best = (struct moment){ before + gap / 2, ticks };
        }
    }
    return best;
}

/* Returns the ticks that the local APIC's timer counts in a second; 0: it does not count. */
static uint64_t measure_apic(void)
{
    apic_timer_set_count(UINT32_MAX);
    struct moment start = read_moment();
    while (time_now_us() - start.time_us < CALIBRATION_US)
        ;
    struct moment end = read_moment();
    apic_timer_set_count(0);

    /* A little too many: an alarm that rings just before its deadline rings twice. */
    uint64_t ticks = (end.ticks - start.ticks) * 1000000 / (end.time_us - start.time_us);
    return ticks + ticks / CALIBRATION_ERROR;
}

/* Returns true if the timer rings: its interrupt is pending, since interrupts are off. Without this
 * test, a machine whose firmware or emulator is wrong about its timer would hang. */
static bool rings(const struct timer_kind *candidate)
{
    uint64_t now = time_now_us();
    candidate->program(now, TEST_US);
    while (!apic_is_pending((uint8_t)message.data))
        if (time_now_us() - now > TEST_WAIT_US)
            return false;
    return true;
}

/* Uses the local APIC's timer if there is one that works. */
static bool start_apic(void)
{
    if (!apic_timer_runs_always() || interrupt_register_message(&handler, &message))
        return false;

    /* A TSC that the clock cannot use has no known frequency. */
    if (apic_has_deadline() && clock_is_tsc()) {
        apic_timer_start((uint8_t)message.data, true);
        kind = &by_deadline;
        if (rings(kind))
            return true;
    }

    apic_timer_start((uint8_t)message.data, false);
    kind = &by_count;
    apic_ticks_per_s = measure_apic();
    if (apic_ticks_per_s && rings(kind))
        return true;

    apic_timer_stop();
    interrupt_unregister(message.source, &handler);
    return false;
}

void alarm_start(void)
{
    handler.handle = handle_alarm;
    if (!start_apic()) {
        kind = &by_pit;
        message.source = PIT_LINE;
        if (!clock_has_pit() || interrupt_register(PIT_LINE, &handler))
            panic("alarm: neither the local APIC's timer nor the PIT can be used");
    }
    handler.name = kind->name;
    keep_clock_alive();
}
