/*
 * threads.c - self tests of threads: priorities, permits, slices, joining, and that ended threads
 * leave no memory behind.
 */
#include "kernel/mm/space.h"
#include "kernel/port.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/timer.h"
#include "kernel/selftest.h"
#include "kernel/x86/cpu.h"
#include "lib/string.h"

/* Written by a test's threads, read by the test. */
static struct {
    _Atomic unsigned count;
    char trace[16];
    _Atomic bool stop, flag;
    _Atomic uint64_t spins[3];
} shared;

static void note(char c)
{
    shared.trace[shared.count++] = c;
}

static void note_argument(void *argument)
{
    note(*(const char *)argument);
}

static void sleep_us(uint64_t us)
{
    thread_sleep_until(time_now_us() + us);
}

static void reset(void)
{
    memset(&shared, 0, sizeof(shared));
}

/* A thread of equal priority runs after its creator, unless the creator's slice ends in between. */
SELFTEST(higher_priority_runs_at_once_and_lower_later)
{
    reset();
    struct thread *low = thread_create("low", PRIORITY_IDLE, note_argument, "l");
    struct thread *same = thread_create("same", PRIORITY_NORMAL, note_argument, "n");
    struct thread *high = thread_create("high", PRIORITY_IO, note_argument, "h");
    note('m');
    SELFTEST_CHECK(low && same && high);
    thread_join(low);
    thread_join(same);
    thread_join(high);
    const char *trace = shared.trace;
    SELFTEST_CHECK(strcmp(trace, "hmnl") == 0 || strcmp(trace, "hnml") == 0 ||
                   strcmp(trace, "nhml") == 0);
}

static void park_once(void *argument)
{
    (void)argument;
    thread_park(TIME_NEVER);
    note('p');
}

SELFTEST(unpark_of_a_higher_thread_switches_at_once)
{
    reset();
    struct thread *high = thread_create("high", PRIORITY_IO, park_once, NULL);
    SELFTEST_CHECK(high);
    SELFTEST_CHECK(shared.count == 0);
    thread_unpark(high);
    SELFTEST_CHECK(shared.count == 1);
    thread_join(high);
}

SELFTEST(unpark_under_a_spin_switches_when_it_ends)
{
    static struct spin spin = SPIN_INIT(RANK_QUEUE);

    reset();
    struct thread *high = thread_create("high", PRIORITY_IO, park_once, NULL);
    SELFTEST_CHECK(high);
    spin_lock(&spin);
    thread_unpark(high);
    bool ran_under_spin = shared.count != 0;
    spin_unlock(&spin);
    SELFTEST_CHECK(!ran_under_spin && shared.count == 1);
    thread_join(high);
}

static void unpark_argument(void *context)
{
    thread_unpark(context);
}

/* The test's thread never yields, so only the interrupt can have switched to the other one. */
SELFTEST(unpark_from_an_interrupt_preempts)
{
    struct timer timer;

    reset();
    struct thread *high = thread_create("high", PRIORITY_IO, park_once, NULL);
    SELFTEST_CHECK(high);
    timer_init(&timer, unpark_argument, high);
    uint64_t start = time_now_us();
    timer_start(&timer, start + 2000);
    while (shared.count == 0 && time_now_us() - start < 10000000)
        ;
    bool preempted = shared.count == 1;
    thread_unpark(high);
    thread_join(high);
    SELFTEST_CHECK(preempted);
}

SELFTEST(permit_before_park_is_not_lost)
{
    uint64_t start = time_now_us();

    thread_unpark(thread_current());
    thread_park(start + 5000000);
    SELFTEST_CHECK(time_now_us() - start < 5000000);

    /* A permit given several times is one permit, and it is consumed. */
    thread_unpark(thread_current());
    thread_unpark(thread_current());
    thread_park(TIME_NEVER);
    start = time_now_us();
    thread_park(start + 20000);
    SELFTEST_CHECK(time_now_us() - start >= 20000);
}

SELFTEST(park_ends_at_its_deadline_not_before)
{
    for (unsigned i = 0; i < 20; i++) {
        uint64_t deadline = time_now_us() + i * 300;
        thread_park(deadline);
        SELFTEST_CHECK(time_now_us() >= deadline);
    }
    uint64_t start = time_now_us();
    thread_park(start + 120000); /* longer than the alarm's limit */
    SELFTEST_CHECK(time_now_us() >= start + 120000);
}

static void spin_until_stopped(void *argument)
{
    _Atomic uint64_t *spins = argument;
    while (!shared.stop)
        ++*spins;
}

/* No thread yields, so each one runs only because a slice has ended. */
SELFTEST(equals_take_turns)
{
    struct thread *threads[3];

    reset();
    for (unsigned i = 0; i < 3; i++) {
        threads[i] = thread_create("spinner", PRIORITY_NORMAL, spin_until_stopped,
                                   &shared.spins[i]);
        SELFTEST_CHECK(threads[i]);
    }
    while (shared.spins[0] == 0 || shared.spins[1] == 0 || shared.spins[2] == 0)
        ;
    shared.stop = true;
    for (unsigned i = 0; i < 3; i++)
        thread_join(threads[i]);
}

SELFTEST(lower_does_not_run_while_higher_is_ready)
{
    reset();
    struct thread *low = thread_create("low", PRIORITY_IDLE, spin_until_stopped,
                                       &shared.spins[0]);
    SELFTEST_CHECK(low);
    uint64_t start = time_now_us();
    while (time_now_us() - start < 30000)
        ;
    bool ran_too_early = shared.spins[0] != 0;
    while (shared.spins[0] == 0)
        sleep_us(1000);
    shared.stop = true;
    thread_join(low);
    SELFTEST_CHECK(!ran_too_early);
}

static void wait_for_interrupt(void *argument)
{
    (void)argument;
    while (!thread_interrupted())
        thread_park(TIME_NEVER);
    thread_clear_interrupt();
    shared.flag = !thread_interrupted();
}

SELFTEST(interrupt_reaches_a_parked_thread)
{
    reset();
    struct thread *thread = thread_create("waiter", PRIORITY_NORMAL, wait_for_interrupt, NULL);
    SELFTEST_CHECK(thread);
    sleep_us(1000);
    thread_interrupt(thread);
    thread_join(thread);
    SELFTEST_CHECK(shared.flag);
}

static void count_up(void *argument)
{
    (void)argument;
    shared.count++;
}

SELFTEST(a_thousand_threads_joined_leave_nothing)
{
    size_t pages = page_free_count(), bytes = mem_used_bytes();
    unsigned threads = thread_count();

    reset();
    for (unsigned i = 0; i < 1000; i++) {
        struct thread *thread = thread_create("short", (enum thread_priority)(i % 3), count_up,
                                              NULL);
        SELFTEST_CHECK(thread);
        thread_join(thread);
    }
    SELFTEST_CHECK(shared.count == 1000);
    SELFTEST_CHECK(page_free_count() == pages && mem_used_bytes() == bytes);
    SELFTEST_CHECK(thread_count() == threads);
}

/* As many as fit in a small memory: each takes a little more than four pages. */
SELFTEST(many_threads_at_once_leave_nothing)
{
    enum { MOST = 1000 };
    static struct thread *all[MOST];
    size_t pages = page_free_count(), bytes = mem_used_bytes();
    unsigned made = 0;

    reset();
    while (made < MOST && page_free_count() > 64 &&
           (all[made] = thread_create("many", PRIORITY_NORMAL, count_up, NULL)))
        made++;
    for (unsigned i = 0; i < made; i++)
        thread_join(all[i]);
    SELFTEST_CHECK(made > 10 && shared.count == made);
    SELFTEST_CHECK(page_free_count() == pages && mem_used_bytes() == bytes);
}

SELFTEST(detached_threads_leave_nothing)
{
    size_t pages = page_free_count(), bytes = mem_used_bytes();

    reset();
    for (unsigned i = 0; i < 100; i++) {
        /* Half of them have ended by the time they are detached. */
        struct thread *thread = thread_create("loose", i % 2 ? PRIORITY_IO : PRIORITY_NORMAL,
                                              count_up, NULL);
        SELFTEST_CHECK(thread);
        thread_detach(thread);
        thread_yield();
    }
    while (shared.count < 100)
        sleep_us(1000);
    SELFTEST_CHECK(page_free_count() == pages && mem_used_bytes() == bytes);
}

static void see_thread(const struct thread_info *info, void *context)
{
    struct thread_info *seen = context;
    if (strcmp(info->name, "fifteen letters") == 0)
        *seen = *info;
}

SELFTEST(thread_each_reports_name_state_and_time)
{
    struct thread_info seen = { 0 };

    reset();
    struct thread *thread = thread_create("fifteen letters and more", PRIORITY_NORMAL,
                                          spin_until_stopped, &shared.spins[0]);
    SELFTEST_CHECK(thread);
    sleep_us(20000);
    thread_each(see_thread, &seen);
    shared.stop = true;
    SELFTEST_CHECK(strcmp(thread_name(thread), "fifteen letters") == 0);
    thread_join(thread);
    SELFTEST_CHECK(seen.state && strcmp(seen.state, "ready") == 0);
    SELFTEST_CHECK(seen.priority == PRIORITY_NORMAL && seen.cpu_us > 0);
}

static void look_at_stack(void *argument)
{
    (void)argument;
    char here;
    uint64_t stack = ((uint64_t)&here & ~(uint64_t)(STACK_BYTES - 1));
    shared.flag = space_rights(stack) != 0 && space_rights(stack - 1) == 0 &&
                  space_is_stack_guard(stack - 1) && space_rights(stack + STACK_BYTES) == 0;
}

SELFTEST(stacks_have_guards)
{
    reset();
    struct thread *thread = thread_create("guarded", PRIORITY_NORMAL, look_at_stack, NULL);
    SELFTEST_CHECK(thread);
    thread_join(thread);
    SELFTEST_CHECK(shared.flag);
}
