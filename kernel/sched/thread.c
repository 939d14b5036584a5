#include "kernel/sched/thread.h"
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
    struct list link;     /* in its priority's queue, or among the dead */
    struct list all_link; /* in `all` */
    uint64_t context;     /* while it does not run */
    void *stack;          /* NULL: the boot stack */
    enum state state;
    enum thread_priority priority;
    bool permit, interrupted, detached;
    uint32_t ranks_held;  /* while it does not run */
    int64_t slice_left_us;
    uint64_t cpu_us;
    unsigned number;
    struct thread *joiner;
    struct timer timer; /* its deadline while parked */
    void (*entry)(void *argument);
    void *argument;
    char name[NAME_BYTES];
};

static void end_slice(void *context);

static struct thread main_thread = {
    .state = STATE_RUNNING,
    .link = LIST_INIT(main_thread.link),
    .all_link = LIST_INIT(main_thread.all_link),
    .priority = PRIORITY_NORMAL,
    .slice_left_us = THREAD_SLICE_US,
    .name = "main",
};
static struct thread *current = &main_thread;
static struct list ready[PRIORITIES] = { LIST_INIT(ready[0]), LIST_INIT(ready[1]),
                                         LIST_INIT(ready[2]) };
static struct list all = LIST_INIT(all);
static struct list dead = LIST_INIT(dead); /* detached and ended: the reaper's */
static struct thread *reaper;
static unsigned next_number, count;
static uint64_t running_since_us; /* when `current` got the processor */
static bool halted;        /* in wait_for_ready() */
bool thread_switch_wanted; /* `current` is to give way at the next chance */
uint32_t thread_ranks;     /* that `current` holds, or the running interrupt handler */
static struct timer slice_timer = {
    .link = LIST_INIT(slice_timer.link), .fire = end_slice
};

/* ---- who runs ----------------------------------------------------------------------------- */

static void end_slice(void *context)
{
    (void)context;
    thread_switch_wanted = true;
}

/* Charges the current thread for the time since it was last charged. */
static void charge_current(void)
{
    uint64_t now = time_now_us();

    current->cpu_us += now - running_since_us;
    current->slice_left_us -= (int64_t)(now - running_since_us);
    running_since_us = now;
}

/* A competitor is ready: the current thread has what is left of its slice. */
static void start_slice(void)
{
    int64_t used = (int64_t)(time_now_us() - running_since_us);
    int64_t left = current->slice_left_us - used;

    timer_start(&slice_timer, time_now_us() + (uint64_t)(left > 0 ? left : 0));
}

static void make_ready(struct thread *thread)
{
    thread->state = STATE_READY;
    list_push_back(&ready[thread->priority], &thread->link);
    if (halted)
        return;
    if (thread->priority < current->priority)
        thread_switch_wanted = true;
    else if (thread->priority == current->priority && !timer_is_pending(&slice_timer))
        start_slice();
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

    halted = true;
    while (next == NULL) {
        cpu_wait_interrupt();
        next = take_ready();
    }
    halted = false;
    return next;
}

/* Gives the processor to the next thread; returns when the caller gets it back. The caller is
 * queued, parked or ended; interrupts are off. */
static void switch_away(void)
{
    struct thread *previous = current;

    kassert(interrupts_deferred == 0); /* no spin is held: it would never be served */
    charge_current();
    timer_cancel(&slice_timer);
    struct thread *next = wait_for_ready();
    running_since_us = time_now_us();
    thread_switch_wanted = false;
    current = next;
    next->state = STATE_RUNNING;
    previous->ranks_held = thread_ranks;
    thread_ranks = next->ranks_held;
    if (next->slice_left_us <= 0)
        next->slice_left_us = THREAD_SLICE_US;
    if (!list_empty(&ready[next->priority]))
        start_slice();
    if (next != previous)
        context_switch(&previous->context, next->context);
}

/* The current thread stays ready: before its equals while it has some of its slice left. */
static void give_way(void)
{
    struct list *queue = &ready[current->priority];

    charge_current();
    current->state = STATE_READY;
    if (current->slice_left_us > 0)
        list_push_front(queue, &current->link);
    else
        list_push_back(queue, &current->link);
    switch_away();
}

void thread_preempt_after_interrupt(void)
{
    if (thread_switch_wanted && interrupts_deferred == 0 && !halted && !panic_is_active())
        give_way();
}

void thread_preempt(void)
{
    if (!thread_switch_wanted)
        return;
    uint64_t flags = cpu_interrupts_save();
    thread_preempt_after_interrupt();
    cpu_interrupts_restore(flags);
}

/* Ends a stretch of scheduler's work that may have made somebody ready. With interrupts off
 * before it the switch has to wait: for the end of the interrupt or of the spin. */
static void leave(uint64_t flags)
{
    if (flags & CPU_FLAG_INTERRUPTS) {
        thread_preempt_after_interrupt();
        cpu_interrupts_on();
    }
}

void thread_yield(void)
{
    uint64_t flags = cpu_interrupts_save();

    current->state = STATE_READY;
    list_push_back(&ready[current->priority], &current->link);
    switch_away();
    cpu_interrupts_restore(flags);
}

/* ---- park and unpark ---------------------------------------------------------------------- */

static void unpark_at_deadline(void *context)
{
    thread_unpark(context);
}

void thread_park(uint64_t deadline_us)
{
    uint64_t flags = cpu_interrupts_save();

    kassert((flags & CPU_FLAG_INTERRUPTS) && !interrupt_is_handling());
    if (!current->permit && (deadline_us == TIME_NEVER || time_now_us() < deadline_us)) {
        timer_start(&current->timer, deadline_us);
        current->state = STATE_PARKED;
        switch_away();
        timer_cancel(&current->timer);
    }
    current->permit = false;
    cpu_interrupts_restore(flags);
}

void thread_unpark(struct thread *thread)
{
    uint64_t flags = cpu_interrupts_save();

    thread->permit = true;
    if (thread->state == STATE_PARKED)
        make_ready(thread);
    leave(flags);
}

void thread_sleep_until(uint64_t deadline_us)
{
    while (time_now_us() < deadline_us)
        thread_park(deadline_us);
}

void thread_interrupt(struct thread *thread)
{
    uint64_t flags = cpu_interrupts_save();

    thread->interrupted = true;
    thread_unpark(thread);
    leave(flags);
}

bool thread_interrupted(void)
{
    return __atomic_load_n(&current->interrupted, __ATOMIC_RELAXED);
}

void thread_clear_interrupt(void)
{
    __atomic_store_n(&current->interrupted, false, __ATOMIC_RELAXED);
}

/* ---- birth and death ---------------------------------------------------------------------- */

static void destroy(struct thread *thread)
{
    uint64_t flags = cpu_interrupts_save();
    list_remove(&thread->all_link);
    count--;
    cpu_interrupts_restore(flags);

    space_stack_free(thread->stack);
    mem_free(thread);
}

/* Nobody can free the stack that he stands on, so detached threads leave it to this one, which is
 * of the highest priority and so does it at once. */
static void reap(void *argument)
{
    (void)argument;
    for (;;) {
        uint64_t flags = cpu_interrupts_save();
        struct list *link = list_pop_front(&dead);
        cpu_interrupts_restore(flags);
        if (link != NULL)
            destroy(container_of(link, struct thread, link));
        else
            thread_park(TIME_NEVER);
    }
}

static _Noreturn void end_current(void)
{
    cpu_interrupts_off();
    kassert(thread_ranks == 0);
    current->state = STATE_ENDED;
    if (current->detached) {
        list_push_back(&dead, &current->link);
        thread_unpark(reaper);
    } else if (current->joiner != NULL) {
        thread_unpark(current->joiner);
    }
    switch_away();
    panic("an ended thread runs");
}

static void begin_current(void)
{
    cpu_interrupts_on();
    current->entry(current->argument);
    end_current();
}

static void init_thread(struct thread *thread, const char *name)
{
    size_t length = strnlen(name, NAME_BYTES - 1);

    memcpy(thread->name, name, length);
    list_init(&thread->link);
    thread->slice_left_us = THREAD_SLICE_US;
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
    struct thread *thread = mem_zalloc(sizeof *thread);
    if (thread == NULL)
        return NULL;
    thread->stack = space_stack_alloc();
    if (thread->stack == NULL) {
        mem_free(thread);
        return NULL;
    }
    init_thread(thread, name);
    thread->priority = priority;
    thread->entry = entry;
    thread->argument = argument;
    thread->context = context_create((char *)thread->stack + STACK_BYTES, begin_current);

    uint64_t flags = cpu_interrupts_save();
    enlist(thread);
    make_ready(thread);
    leave(flags);
    return thread;
}

void thread_join(struct thread *thread)
{
    kassert(thread != current && !thread->detached);
    __atomic_store_n(&thread->joiner, current, __ATOMIC_RELAXED);
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
    if (ended)
        destroy(thread);
}

void thread_start(void)
{
    init_thread(&main_thread, "main");
    enlist(&main_thread);
    running_since_us = time_now_us();
    reaper = thread_create("reaper", PRIORITY_IO, reap, NULL);
    if (reaper == NULL)
        panic("thread: no memory for the first threads");
    cpu_interrupts_on();
    thread_preempt();
}

/* ---- asking ------------------------------------------------------------------------------- */

struct thread *thread_current(void)
{
    return current;
}

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
    return halted;
}

uint32_t *lock_ranks_held(void)
{
    return &thread_ranks;
}

uint32_t thread_enter_interrupt(void)
{
    uint32_t ranks = thread_ranks;

    thread_ranks = 0;
    return ranks;
}

void thread_leave_interrupt(uint32_t ranks)
{
    thread_ranks = ranks;
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
