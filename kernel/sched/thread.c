/*
 * thread.c - the scheduler: which thread runs, park and unpark, creation and end of threads. See
 * thread.h.
 */
#include "kernel/sched/thread.h"
#include "kernel/code.h"
#include "kernel/mm/space.h"
#include "kernel/panic.h"
#include "kernel/sched/timer.h"
#include "kernel/x86/context.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/dispatch.h"
#include "lib/macros.h"
#include "lib/string.h"

enum state { STATE_RUNNING, STATE_READY, STATE_PARKED, STATE_ENDED };
enum { PRIORITIES = PRIORITY_IDLE + 1, NAME_BYTES = 16 };

struct thread {
    struct list link;        /* in the queue of its priority, or in `dead` */
    struct list all_link;    /* in `all` */
    uint64_t context;        /* while it does not run */
    void *stack;             /* NULL: the boot stack */
    enum state state;
    enum thread_priority priority;
    bool permit, interrupted, detached;
    uint32_t ranks_held;     /* while it does not run; else in struct cpu */
    int64_t slice_left_us;
    uint64_t cpu_us;
    unsigned number;
    struct thread *joiner;
    struct timer timer;      /* its deadline while parked */
    struct code_use code_use; /* of entry */
    void (*entry)(void *argument);
    void *argument;
    char name[NAME_BYTES];
};

static struct list ready[PRIORITIES] = { LIST_INIT(ready[0]), LIST_INIT(ready[1]),
                                         LIST_INIT(ready[2]) };
static struct list all = LIST_INIT(all);
static struct list dead = LIST_INIT(dead); /* detached and ended; the reaper frees them */
static struct thread main_thread, *reaper;
static unsigned next_number, count;
static uint64_t running_since_us; /* when the current thread was last charged */
static bool idle;                 /* in wait_for_ready() */
static struct timer slice_timer;

struct thread *thread_current(void)
{
    return this_cpu()->thread;
}

/* ---- choosing the next thread ---------------------------------------------------------------- */

/* Charges the current thread for the time since it was last charged. Returns the time. */
static uint64_t charge_current(void)
{
    struct thread *current = thread_current();
    uint64_t now = time_now_us();
    current->cpu_us += now - running_since_us;
    current->slice_left_us -= (int64_t)(now - running_since_us);
    running_since_us = now;
    return now;
}

/* An equal thread is ready: the current one gets the rest of its slice. A timer that was started
 * for another thread and fires earlier is left alone, since most threads park before: it then
 * starts itself again. */
static void limit_slice(void)
{
    uint64_t end_us = running_since_us + (uint64_t)max(thread_current()->slice_left_us, 0);
    if (!timer_is_pending(&slice_timer) || slice_timer.deadline_us > end_us)
        timer_start(&slice_timer, end_us);
}

static void slice_timer_fired(void *context)
{
    (void)context;
    const struct thread *current = thread_current();
    if (idle || list_empty(&ready[current->priority]))
        return;

    charge_current();
    if (current->slice_left_us > 0)
        limit_slice();
    else
        this_cpu()->switch_wanted = true;
}

static void make_ready(struct thread *thread)
{
    const struct thread *current = thread_current();
    thread->state = STATE_READY;
    list_push_back(&ready[thread->priority], &thread->link);

    /* An interrupt has ended the halt of wait_for_ready(), which takes the thread itself. */
    if (idle)
        return;

    /* Preempt a thread of lower priority. An equal thread waits until the slice ends. */
    if (thread->priority < current->priority)
        this_cpu()->switch_wanted = true;
    else if (thread->priority == current->priority)
        limit_slice();
}

static struct thread *take_ready(void)
{
    for (unsigned i = 0; i < PRIORITIES; i++)
        if (!list_empty(&ready[i]))
            return container_of(list_pop_front(&ready[i]), struct thread, link);
    return NULL;
}

static struct thread *wait_for_ready(void)
{
    struct thread *next = take_ready();
    if (next)
        return next;

    /* Interrupts are on only while the processor halts, so no thread can become ready between
     * take_ready() and the halt. No slice ends meanwhile: its timer would wake the machine. */
    idle = true;
    timer_cancel(&slice_timer);
    do {
        timer_prepare_halt();
        cpu_wait_interrupt();
    } while (!(next = take_ready()));
    idle = false;

    /* The time of a halt is charged to no thread. */
    running_since_us = time_now_us();
    return next;
}

/* Gives the processor to the next thread; returns when the caller gets it back. The caller is
 * charged, and queued, parked or ended; interrupts are off. */
static void switch_away(void)
{
    struct cpu *cpu = this_cpu();
    struct thread *previous = cpu->thread;

    /* A spinlock held across a switch would defer every interrupt from now on. */
    kassert(cpu->deferred == 0);

    /* The ranks belong to a thread, which may hold mutexes while it does not run. */
    struct thread *next = wait_for_ready();
    cpu->switch_wanted = false;
    cpu->thread = next;
    next->state = STATE_RUNNING;
    previous->ranks_held = cpu->ranks_held;
    cpu->ranks_held = next->ranks_held;

    /* A thread that runs alone needs no limit. make_ready() sets it when an equal appears. */
    if (next->slice_left_us <= 0)
        next->slice_left_us = THREAD_SLICE_US;
    if (!list_empty(&ready[next->priority]))
        limit_slice();

    /* Returns when another thread switches back. */
    if (next != previous)
        context_switch(&previous->context, next->context);
}

/* The hook for the end of interrupts and spinlocks: switches threads if that is wanted. Interrupts
 * are off. */
static void preempt(void)
{
    const struct cpu *cpu = this_cpu();

    /* Inside a handler or with a spinlock held, the switch follows at the end of those. */
    if (!cpu->switch_wanted || cpu->deferred != 0 || idle || panic_is_active())
        return;

    /* The thread stays ready, before its equals as long as its slice is not used up. */
    struct thread *current = cpu->thread;
    charge_current();
    current->state = STATE_READY;
    if (current->slice_left_us > 0)
        list_push_front(&ready[current->priority], &current->link);
    else
        list_push_back(&ready[current->priority], &current->link);
    switch_away();
}

/* Ends a section with interrupts off that may have made a thread ready. If they were off before
 * it, the switch has to wait for the end of the interrupt or of the spinlock. */
static void leave(uint64_t flags)
{
    if (flags & CPU_FLAG_INTERRUPTS) {
        preempt();
        cpu_interrupts_on();
    }
}

void thread_yield(void)
{
    uint64_t flags = cpu_interrupts_save();
    struct thread *current = thread_current();

    /* After its equals. If there are none, switch_away() takes this thread again. */
    charge_current();
    current->state = STATE_READY;
    list_push_back(&ready[current->priority], &current->link);
    switch_away();
    cpu_interrupts_restore(flags);
}

/* ---- park and unpark ------------------------------------------------------------------------- */

static void unpark_at_deadline(void *context)
{
    thread_unpark(context);
}

void thread_park(uint64_t deadline_us)
{
    uint64_t flags = cpu_interrupts_save();
    struct thread *current = thread_current();
    kassert((flags & CPU_FLAG_INTERRUPTS) && !interrupt_is_handling());

    /* Interrupts are off from the check of the permit to the switch, so a wake-up cannot come in
     * between. A timer whose deadline is TIME_NEVER never fires. */
    if (!current->permit && charge_current() < deadline_us) {
        timer_start(&current->timer, deadline_us);
        current->state = STATE_PARKED;
        switch_away();
        timer_cancel(&current->timer);
    }

    /* A return at the deadline uses up the permit too. */
    current->permit = false;
    cpu_interrupts_restore(flags);
}

void thread_unpark(struct thread *thread)
{
    uint64_t flags = cpu_interrupts_save();

    /* If the thread is not parked, the permit ends its next thread_park(). */
    thread->permit = true;
    if (thread->state == STATE_PARKED)
        make_ready(thread);
    leave(flags);
}

void thread_sleep_until(uint64_t deadline_us)
{
    /* A permit left from earlier ends the park early. */
    while (time_now_us() < deadline_us)
        thread_park(deadline_us);
}

void thread_interrupt(struct thread *thread)
{
    uint64_t flags = cpu_interrupts_save();

    /* In this order: an interruptible wait that the unpark ends must find the flag. */
    thread->interrupted = true;
    thread_unpark(thread);
    leave(flags);
}

bool thread_interrupted(void)
{
    return __atomic_load_n(&thread_current()->interrupted, __ATOMIC_RELAXED);
}

void thread_clear_interrupt(void)
{
    __atomic_store_n(&thread_current()->interrupted, false, __ATOMIC_RELAXED);
}

/* ---- creation and end ------------------------------------------------------------------------ */

static void destroy(struct thread *thread)
{
    uint64_t flags = cpu_interrupts_save();
    list_remove(&thread->all_link);
    count--;
    cpu_interrupts_restore(flags);

    space_stack_free(thread->stack);
    mem_free(thread);
}

/* The reaper. A thread cannot free its own stack, so detached threads are freed by this one, which
 * has the highest priority and therefore runs at once. */
static void reap(void *argument)
{
    (void)argument;

    /* A thread that dies between the check and the park has given the permit. */
    for (;;) {
        uint64_t flags = cpu_interrupts_save();
        struct list *link = list_pop_front(&dead);
        cpu_interrupts_restore(flags);
        if (link)
            destroy(container_of(link, struct thread, link));
        else
            thread_park(TIME_NEVER);
    }
}

static _Noreturn void end_current(void)
{
    struct thread *current = thread_current();
    cpu_interrupts_off();
    kassert(this_cpu()->ranks_held == 0);

    /* Interrupts stay off up to the switch. The reaper or the joiner is ready then, and frees this
     * stack only when it runs, on its own. */
    charge_current();
    current->state = STATE_ENDED;
    if (current->detached) {
        list_push_back(&dead, &current->link);
        thread_unpark(reaper);
    } else if (current->joiner) {
        thread_unpark(current->joiner);
    }

    switch_away();
    panic("an ended thread was switched to");
}

/* The first function on a new thread's stack. */
static void begin_current(void)
{
    /* switch_away() starts the thread with interrupts off. */
    cpu_interrupts_on();
    struct thread *current = thread_current();
    current->entry(current->argument);
    code_use_end(&current->code_use);
    end_current();
}

static void init_thread(struct thread *thread, const char *name, enum thread_priority priority)
{
    memcpy(thread->name, name, strnlen(name, NAME_BYTES - 1));
    thread->priority = priority;
    thread->slice_left_us = THREAD_SLICE_US;
    list_init(&thread->link);
    timer_init(&thread->timer, unpark_at_deadline, thread);
}

static void enlist(struct thread *thread)
{
    thread->number = next_number++;
    list_push_back(&all, &thread->all_link);
    count++;
}

struct thread *thread_create(const char *name, enum thread_priority priority,
                             void (*entry)(void *argument), void *argument)
{
    struct thread *thread = mem_zalloc(sizeof(*thread));
    if (!thread)
        return NULL;

    thread->stack = space_stack_alloc();
    if (!thread->stack) {
        mem_free(thread);
        return NULL;
    }

    init_thread(thread, name, priority);
    thread->entry = entry;
    thread->argument = argument;
    code_use_begin(&thread->code_use, (const void *)entry, "thread", thread->name);
    thread->context = context_create((char *)thread->stack + STACK_BYTES, begin_current);

    /* A thread of higher priority runs before this returns, and may have ended by then. */
    uint64_t flags = cpu_interrupts_save();
    enlist(thread);
    make_ready(thread);
    leave(flags);
    return thread;
}

void thread_join(struct thread *thread)
{
    kassert(thread != thread_current() && !thread->detached);

    /* The joiner is set before the state is read. A thread that ends in between wakes the joiner,
     * whose permit ends the park. */
    __atomic_store_n(&thread->joiner, thread_current(), __ATOMIC_RELAXED);
    while (__atomic_load_n(&thread->state, __ATOMIC_RELAXED) != STATE_ENDED)
        thread_park(TIME_NEVER);
    destroy(thread);
}

void thread_detach(struct thread *thread)
{
    uint64_t flags = cpu_interrupts_save();
    bool ended = thread->state == STATE_ENDED;
    kassert(!thread->detached);
    thread->detached = true;
    cpu_interrupts_restore(flags);

    /* A thread that ended before did not go to the reaper. */
    if (ended)
        destroy(thread);
}

void thread_start(void)
{
    /* The running code is a thread already; it needs only a descriptor. */
    init_thread(&main_thread, "main", PRIORITY_NORMAL);
    enlist(&main_thread);
    this_cpu()->thread = &main_thread;
    timer_init(&slice_timer, slice_timer_fired, NULL);
    running_since_us = time_now_us();

    /* From now on alarms fire timers, and interrupts switch threads. */
    cpu_hooks.alarm = timer_interrupt;
    cpu_hooks.preempt = preempt;

    reaper = thread_create("reaper", PRIORITY_IO, reap, NULL);
    if (!reaper)
        panic("threads: not enough memory for the reaper");

    /* Let the reaper run until it parks, since thread_create() could not switch to it: interrupts
     * are off. */
    preempt();
    cpu_interrupts_on();
}

/* ---- information ----------------------------------------------------------------------------- */

const char *thread_name(const struct thread *thread)
{
    return thread->name;
}

unsigned thread_count(void)
{
    return count;
}

bool thread_is_idle(void)
{
    return idle;
}

static const char *state_name(enum state state)
{
    static const char *const names[] = { [STATE_RUNNING] = "running",
                                         [STATE_READY] = "ready",
                                         [STATE_PARKED] = "parked",
                                         [STATE_ENDED] = "ended" };
    return names[state];
}

void thread_each(void (*visit)(const struct thread_info *info, void *context), void *context)
{
    uint64_t flags = cpu_interrupts_save();

    /* Include the caller's own time up to now. */
    charge_current();
    list_each(link, &all) {
        const struct thread *thread = container_of(link, struct thread, all_link);
        struct thread_info info = {
            .name = thread->name,
            .state = state_name(thread->state),
            .priority = thread->priority,
            .number = thread->number,
            .cpu_us = thread->cpu_us,
        };
        visit(&info, context);
    }
    cpu_interrupts_restore(flags);
}

static void report_thread(const struct panic_scene *scene)
{
    const struct thread *current = thread_current();
    (void)scene;
    if (current)
        panic_print("  thread \"%s\"\n", current->name);
}
PANIC_REPORTER(thread, PANIC_REPORT_THREAD, report_thread);
