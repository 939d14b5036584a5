/*
 * time.c - self tests of clock, timers and interrupts. They do not depend on the speed of the
 * machine: they check that things happen, in order, and not too early.
 */
#include "kernel/log.h"
#include "kernel/sched/timer.h"
#include "kernel/selftest.h"
#include "kernel/x86/alarm.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/dispatch.h"
#include "kernel/x86/interrupts.h"
#include "kernel/x86/pit.h"
#include "kernel/x86/ports.h"
#include "lib/string.h"

SELFTEST(clock_never_goes_back)
{
    uint64_t last = time_now_us();

    for (unsigned i = 0; i < 100000; i++) {
        uint64_t now = time_now_us();
        SELFTEST_CHECK(now >= last);
        last = now;
    }
    uint64_t start = time_now_us();
    while (time_now_us() == start)
        ;
    SELFTEST_CHECK(clock_frequency_hz() > 0);
}

static char fired[8];
static unsigned fired_count;
static struct thread *waiter;

static void note_fired(void *context)
{
    if (fired_count < sizeof(fired) - 1)
        fired[fired_count++] = *(const char *)context;
    thread_unpark(waiter);
}

static void wait_fired(unsigned count)
{
    while (__atomic_load_n(&fired_count, __ATOMIC_RELAXED) < count)
        thread_park(TIME_NEVER);
}

static void reset(void)
{
    memset(fired, 0, sizeof(fired));
    fired_count = 0;
    waiter = thread_current();
}

SELFTEST(timers_fire_in_order_of_deadline)
{
    struct timer a, b, c;
    uint64_t now = time_now_us();

    reset();
    timer_init(&a, note_fired, "a");
    timer_init(&b, note_fired, "b");
    timer_init(&c, note_fired, "c");
    timer_start(&c, now + 9000);
    timer_start(&a, now + 3000);
    timer_start(&b, now + 6000);
    wait_fired(3);
    SELFTEST_CHECK(time_now_us() >= now + 9000);
    SELFTEST_CHECK(strcmp(fired, "abc") == 0);
    SELFTEST_CHECK(!timer_is_pending(&a) && !timer_cancel(&a));
}

SELFTEST(cancelled_timer_does_not_fire)
{
    struct timer gone, moved;
    uint64_t now = time_now_us();

    reset();
    timer_init(&gone, note_fired, "g");
    timer_init(&moved, note_fired, "m");
    uint64_t flags = cpu_interrupts_save(); /* an emulator may pause longer than any deadline */
    timer_start(&gone, now + 2000);
    timer_start(&moved, now + 1000);
    timer_start(&moved, now + 4000);
    bool cancelled = timer_cancel(&gone), again = timer_cancel(&gone);
    cpu_interrupts_restore(flags);
    wait_fired(1);
    SELFTEST_CHECK(cancelled && !again);
    SELFTEST_CHECK(strcmp(fired, "m") == 0 && time_now_us() >= now + 4000);
}

SELFTEST(timer_in_the_past_fires_at_once)
{
    struct timer timer;

    reset();
    timer_init(&timer, note_fired, "p");
    timer_start(&timer, 0);
    wait_fired(1);
    SELFTEST_CHECK(fired_count == 1);
}

/* Without another ready thread there is no tick. Other threads may have distant deadlines, for
 * which the alarm rings every 50 ms; a tick at the length of a slice would ring 20 times. */
SELFTEST(no_alarms_while_nothing_waits)
{
    uint64_t start = time_now_us();

    thread_sleep_until(start + 60000);
    uint64_t before = interrupt_counts()->raised[alarm_source()];
    while (time_now_us() - start < 260000)
        ;
    uint64_t alarms = interrupt_counts()->raised[alarm_source()] - before;
    SELFTEST_CHECK(alarms <= 12);
}

static _Atomic unsigned asked;

static bool deny(void *context)
{
    (void)context;
    asked++;
    return false;
}

/* Waits while the PIT raises its line once, whether or not it is the alarm. */
static void raise_line_0(void)
{
    uint64_t flags = cpu_interrupts_save();
    port_out8(PIT_COMMAND, PIT_ONE_SHOT_0);
    port_out8(PIT_CHANNEL_0, 0);
    port_out8(PIT_CHANNEL_0, 1); /* 256 ticks: 0.2 ms */
    cpu_interrupts_restore(flags);
    thread_sleep_until(time_now_us() + 2000);
}

SELFTEST(line_handlers_are_shared)
{
    static struct interrupt_handler handler = { .handle = deny };
    uint64_t raised = interrupt_counts()->raised[0];
    if (!clock_has_pit())
        return; /* nothing else raises a line at our wish */

    asked = 0;
    SELFTEST_CHECK(interrupt_register(0, &handler) == 0);
    raise_line_0();
    interrupt_unregister(0, &handler);
    unsigned while_registered = asked;
    raise_line_0();
    SELFTEST_CHECK(while_registered > 0 && asked == while_registered);
    SELFTEST_CHECK(interrupt_counts()->raised[0] - raised >= 1);
}

SELFTEST(invalid_lines_are_refused)
{
    static struct interrupt_handler handler = { .handle = deny };

    SELFTEST_CHECK(interrupt_register(0xff, &handler) == -EINVAL);
    SELFTEST_CHECK(interrupt_register(INTERRUPT_LINES, &handler) == -EINVAL);
}

static void look_at_context(void *context)
{
    *(bool *)context = interrupt_is_handling() && !(cpu_flags() & CPU_FLAG_INTERRUPTS);
    thread_unpark(waiter);
}

static uint64_t calls;

static bool count_call(void *context)
{
    (void)context;
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    return true;
}

/* Waits until a counter differs from `before`: a message takes a moment. Returns false if it does
 * not. */
static bool changes(const uint64_t *counter, uint64_t before)
{
    uint64_t start = time_now_us();
    while (__atomic_load_n(counter, __ATOMIC_RELAXED) == before)
        if (time_now_us() - start > 10000000)
            return false;
    return true;
}

SELFTEST(messages_are_deferred_and_unregistered)
{
    static struct spin spin = SPIN_INIT(RANK_QUEUE);
    static struct interrupt_handler handler = { .handle = count_call };
    struct interrupt_message message;

    /* Without a local APIC a driver uses the line. */
    status_t status = interrupt_register_message(&handler, &message);
    if (!apic_is_present()) {
        SELFTEST_CHECK(status == -ENODEV);
        return;
    }
    SELFTEST_CHECK(status == 0 && message.source >= INTERRUPT_LINES);

    /* The handler runs when the spinlock is released, and again for the next message. */
    for (unsigned round = 0; round < 3; round++) {
        calls = 0;
        spin_lock(&spin);
        apic_interrupt_self((uint8_t)message.data);
        SELFTEST_CHECK(changes(&this_cpu()->waiting, 0) && calls == 0);
        spin_unlock(&spin);
        SELFTEST_CHECK(changes(&calls, 0) && calls == 1);
    }

    /* A message that comes too late is only counted. */
    const uint64_t *unclaimed = &interrupt_counts()->unclaimed[message.source];
    uint64_t before = *unclaimed;
    interrupt_unregister(message.source, &handler);
    apic_interrupt_self((uint8_t)message.data);
    SELFTEST_CHECK(changes(unclaimed, before) && calls == 1);
}

SELFTEST(messages_are_limited_and_freed)
{
    static struct interrupt_handler handlers[INTERRUPT_MESSAGES + 1];
    struct interrupt_message message[INTERRUPT_MESSAGES + 1];
    unsigned count = 0;
    if (!apic_is_present())
        return;

    /* Each has its own vector, and all are free again at the end. */
    for (unsigned round = 0; round < 2; round++) {
        for (count = 0; count <= INTERRUPT_MESSAGES; count++) {
            handlers[count] = (struct interrupt_handler){ .handle = count_call };
            if (interrupt_register_message(&handlers[count], &message[count]))
                break;
            SELFTEST_CHECK(count == 0 || message[count].data > message[count - 1].data);
        }
        SELFTEST_CHECK(count > 0 && count <= INTERRUPT_MESSAGES);
        for (unsigned i = 0; i < count; i++)
            interrupt_unregister(message[i].source, &handlers[i]);
    }
}

SELFTEST(timers_run_in_interrupt_context)
{
    bool handling = false;
    struct timer timer;

    reset();
    timer_init(&timer, look_at_context, &handling);
    timer_start(&timer, time_now_us() + 500);
    while (timer_is_pending(&timer))
        thread_park(TIME_NEVER);
    SELFTEST_CHECK(handling && !interrupt_is_handling());
}

static void set_flag(void *flag)
{
    __atomic_store_n((bool *)flag, true, __ATOMIC_RELAXED);
}

/* Waits until an alarm has been deferred and the timer is due: the alarm may ring earlier. */
static void await_held_back(const struct timer *timer)
{
    uint64_t start = time_now_us();
    while ((__atomic_load_n(&this_cpu()->waiting, __ATOMIC_RELAXED) == 0 ||
            time_now_us() < timer->deadline_us) &&
           time_now_us() - start < 10000000)
        ;
}

SELFTEST(spinlocks_defer_interrupts_until_the_last_is_released)
{
    static struct spin outer = SPIN_INIT(RANK_DEVICE), inner = SPIN_INIT(RANK_QUEUE);
    bool rang = false;
    struct timer timer;

    timer_init(&timer, set_flag, &rang);
    spin_lock(&outer);
    spin_lock(&inner);
    timer_start(&timer, time_now_us() + 500);
    await_held_back(&timer);
    spin_unlock(&outer); /* not in the order of locking */
    bool early = rang || !timer_is_pending(&timer);
    bool waits = !(cpu_flags() & CPU_FLAG_INTERRUPTS); /* the interrupt has come */
    spin_unlock(&inner);
    bool at_once = rang;
    timer_cancel(&timer);
    SELFTEST_CHECK(!early && waits && at_once);
    SELFTEST_CHECK((cpu_flags() & CPU_FLAG_INTERRUPTS) && *lock_ranks_held() == 0);
}

static void set_flag_when_woken(void *flag)
{
    thread_park(TIME_NEVER);
    set_flag(flag);
}

SELFTEST(spinlocks_defer_thread_switches)
{
    static struct spin spin = SPIN_INIT(RANK_DEVICE);
    static bool ran, rang;
    struct thread *thread;
    struct timer timer;

    ran = false;
    timer_init(&timer, set_flag, &rang);
    thread = thread_create("urgent", PRIORITY_IO, set_flag_when_woken, &ran);
    SELFTEST_CHECK(thread);
    spin_lock(&spin);
    thread_unpark(thread);
    timer_start(&timer, time_now_us() + 500);
    await_held_back(&timer); /* which is another reason to switch */
    bool early = __atomic_load_n(&ran, __ATOMIC_RELAXED);
    spin_unlock(&spin);
    bool at_once = __atomic_load_n(&ran, __ATOMIC_RELAXED);
    timer_cancel(&timer);
    thread_join(thread);
    SELFTEST_CHECK(!early && at_once);
}

SELFTEST(spinlocks_record_their_ranks)
{
    static struct spin outer = SPIN_INIT(RANK_DEVICE);

    SELFTEST_CHECK(spin_try_lock(&outer));
    SELFTEST_CHECK(!spin_try_lock(&outer));
    spin_unlock(&outer);
    SELFTEST_CHECK(*lock_ranks_held() == 0);
}
