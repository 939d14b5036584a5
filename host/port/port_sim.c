/*
 * port_sim.c - threads and time of kernel/port.h as coroutines under a seeded scheduler: see sim.h.
 *
 * The caller of sim_run() is the scheduler. A thread switches only to the scheduler, and the
 * scheduler to a thread; threads never switch to each other. AddressSanitizer must be informed of
 * each switch, or it would report the stack of a coroutine as an overflow of another stack.
 */
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "host/port/backend.h"
#include "host/port/host.h"
#include "host/port/sim.h"
#include "kernel/build.h"
#include "lib/macros.h"

const char spindle_build_id[] = "host";

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_FIBERS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WITH_FIBERS 1
#endif

#ifdef WITH_FIBERS
#include <sanitizer/common_interface_defs.h>
#else
static void __sanitizer_set_death_callback(void (*callback)(void))
{
    (void)callback;
}

static void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t bytes)
{
    (void)save, (void)bottom, (void)bytes;
}

static void __sanitizer_finish_switch_fiber(void *save, const void **bottom, size_t *bytes)
{
    (void)save, (void)bottom, (void)bytes;
}
#endif

enum { STACK_BYTES = 256 << 10 };

/* The event happens once in that many cases, on average. */
enum { CHANCE_PREEMPT = 4, CHANCE_SPURIOUS = 32 };

struct sim_thread {
    struct thread thread;
    ucontext_t context;
    void *stack, *fake_stack;
    uint64_t deadline_us;      /* while parked */
    bool permit;
    bool deaf;                 /* sleeps or joins: a permit does not wake it */
    struct sim_thread *joiner; /* the thread that waits in thread_join() for this one */
};

static struct {
    bool running;
    uint64_t seed, random, now_us, switches;
    struct list all;
    unsigned count;
    struct sim_thread *current; /* NULL while the scheduler runs */
    /* the scheduler's own context and stack */
    ucontext_t context;
    void *fake_stack;
    const void *stack;
    size_t stack_bytes;
} sim = { .all = LIST_INIT(sim.all) };

static struct sim_thread outside; /* thread_current() of the scheduler and outside sim_run() */

/* SplitMix64: any seed will do, neighbouring ones too. */
uint64_t sim_random(void)
{
    uint64_t x = sim.random += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t sim_switches(void)
{
    return sim.switches;
}

static bool chance(unsigned one_in)
{
    return sim_random() % one_in == 0;
}

static struct sim_thread *sim_thread_of(struct thread *thread)
{
    return container_of(thread, struct sim_thread, thread);
}

static struct sim_thread *sim_current(void)
{
    return sim_thread_of(thread_current());
}

struct thread *thread_current(void)
{
    if (sim.current)
        return &sim.current->thread;
    if (!outside.thread.number)
        host_thread_init(&outside.thread, "outside", PRIORITY_NORMAL, NULL, NULL);
    return &outside.thread;
}

/* ---- switching ---------------------------------------------------------------------------- */

/* Switches from the running thread, which has set its new state, to the scheduler. */
static void switch_out(void)
{
    struct sim_thread *t = sim.current;
    if (!t)
        panic("wait outside sim_run()");

    /* With NULL the sanitizer frees its data for this stack: the thread will not return. */
    bool ends = t->thread.state == THREAD_ENDED;
    __sanitizer_start_switch_fiber(ends ? NULL : &t->fake_stack, sim.stack, sim.stack_bytes);
    swapcontext(&t->context, &sim.context);
    __sanitizer_finish_switch_fiber(t->fake_stack, &sim.stack, &sim.stack_bytes);
}

/* Switches from the scheduler to the thread, and returns when the thread switches out. */
static void switch_to(struct sim_thread *t)
{
    sim.switches++;
    sim.current = t;
    t->thread.state = THREAD_RUNNING;
    __sanitizer_start_switch_fiber(&sim.fake_stack, t->stack, STACK_BYTES);
    swapcontext(&sim.context, &t->context);
    __sanitizer_finish_switch_fiber(sim.fake_stack, NULL, NULL);
    sim.current = NULL;
}

/* The first function on a thread's stack. It completes the switch_to() that started the thread. */
static void start_thread(void)
{
    struct sim_thread *t = sim.current;
    __sanitizer_finish_switch_fiber(NULL, &sim.stack, &sim.stack_bytes);
    t->thread.entry(t->thread.argument);
    code_use_end(&t->thread.code_use);

    /* No other thread could ever release the lock. */
    if (t->thread.ranks || t->thread.spins_held)
        panic("thread %s ends with a lock held", t->thread.name);

    /* The scheduler, or thread_join(), frees the stack that this still runs on. */
    t->thread.ended = true;
    t->thread.state = THREAD_ENDED;
    if (t->joiner)
        t->joiner->thread.state = THREAD_READY;
    switch_out();
}

static void give_way(void)
{
    sim.current->thread.state = THREAD_READY;
    switch_out();
}

/* ---- threads ------------------------------------------------------------------------------ */

struct thread *thread_create(const char *name, enum thread_priority priority,
                             void (*entry)(void *argument), void *argument)
{
    if (!sim.running)
        panic("thread_create outside sim_run()");
    struct sim_thread *t = host_thread_fails() ? NULL : mem_zalloc(sizeof(*t));
    if (!t)
        return NULL;
    host_thread_init(&t->thread, name, priority, entry, argument);

    /* The stack is not charged to the pool: it is much larger than in the kernel. */
    t->stack = malloc(STACK_BYTES);
    if (!t->stack || getcontext(&t->context))
        abort();
    t->context.uc_stack.ss_sp = t->stack;
    t->context.uc_stack.ss_size = STACK_BYTES;
    makecontext(&t->context, start_thread, 0);

    t->thread.state = THREAD_READY;
    list_push_back(&sim.all, &t->thread.link);
    sim.count++;
    return &t->thread;
}

static void free_thread(struct sim_thread *t)
{
    list_remove(&t->thread.link);
    sim.count--;
    free(t->stack);
    mem_free(t);
}

void thread_join(struct thread *thread)
{
    struct sim_thread *t = sim_thread_of(thread);
    host_assert_may_sleep("join");

    /* Be deaf: an unpark meant for a later thread_park() must not end the wait. */
    while (!thread->ended) {
        t->joiner = sim_current();
        t->joiner->thread.state = THREAD_PARKED;
        t->joiner->deadline_us = TIME_NEVER;
        t->joiner->deaf = true;
        switch_out();
        sim_current()->deaf = false;
    }
    free_thread(t);
}

/* A thread that is detached before it ends is freed by reap(). */
void thread_detach(struct thread *thread)
{
    thread->detached = true;
    if (thread->ended)
        free_thread(sim_thread_of(thread));
}

void thread_yield(void)
{
    host_assert_may_sleep("yield");
    sim.now_us++;
    give_way();
}

void thread_each(void (*visit)(const struct thread_info *info, void *context), void *context)
{
    list_each(link, &sim.all) {
        struct thread_info info;
        host_thread_info(container_of(link, struct thread, link), &info);
        visit(&info, context);
    }
}

unsigned host_thread_count(void)
{
    return sim.count;
}

/* ---- park and time ------------------------------------------------------------------------ */

uint64_t time_now_us(void)
{
    return sim.now_us;
}

int64_t time_wall_s(void)
{
    enum { FIRST_OF_2001 = 978307200 };
    return FIRST_OF_2001 + (int64_t)(sim.now_us / 1000000);
}

void thread_park(uint64_t deadline_us)
{
    struct sim_thread *t = sim_current();
    host_assert_may_sleep("park");

    /* A park that does not wait is still a point where another thread may run. */
    if (!t->permit && deadline_us > sim.now_us && sim.current && !chance(CHANCE_SPURIOUS)) {
        t->deadline_us = deadline_us;
        t->thread.state = THREAD_PARKED;
        switch_out();
    } else if (sim.current) {
        give_way();
    } else if (!t->permit && deadline_us == TIME_NEVER) {
        panic("wait outside sim_run()");
    }
    t->permit = false;
}

void thread_unpark(struct thread *thread)
{
    struct sim_thread *t = sim_thread_of(thread);
    t->permit = true;
    if (thread->state == THREAD_PARKED && !t->deaf)
        thread->state = THREAD_READY;
}

void thread_sleep_until(uint64_t deadline_us)
{
    struct sim_thread *t = sim_current();
    host_assert_may_sleep("sleep");
    while (sim.now_us < deadline_us) {
        t->deadline_us = deadline_us;
        t->thread.state = THREAD_PARKED;
        t->deaf = true;
        switch_out();
        t->deaf = false;
    }
}

/* Threads switch only while they hold no spinlock, so a contended one is a fault of the back end or
 * of code that panicked while it held the spinlock. */
void backend_spin_contended(struct spin *spin)
{
    panic("spinlock of rank %u is held by a thread that does not run", spin->rank);
}

void backend_describe_run(void)
{
    if (sim.running)
        fprintf(stderr, "to reproduce: SIM_SEED=%llu (%llu us, %llu switches)\n",
                (unsigned long long)sim.seed, (unsigned long long)sim.now_us,
                (unsigned long long)sim.switches);
}

void backend_spins_released(void)
{
    if (sim.current && chance(CHANCE_PREEMPT))
        give_way();
}

/* ---- the scheduler ------------------------------------------------------------------------ */

static void print_thread(const struct thread_info *info, void *context)
{
    (void)context;
    fprintf(stderr, "  %3u %-8s %s\n", info->number, info->state, info->name);
}

static _Noreturn void fail_run(const char *why)
{
    fprintf(stderr, "sim_run: %s; %zu bytes in use\n", why, host_memory_used());
    thread_each(print_thread, NULL);
    backend_describe_run();
    abort();
}

static struct sim_thread *pick_ready(void)
{
    struct sim_thread *picked = NULL;
    unsigned seen = 0;

    /* Replace the choice by the n-th ready thread with probability 1/n. Then all are equally
     * likely, after one pass over the list. */
    list_each(link, &sim.all) {
        struct thread *thread = container_of(link, struct thread, link);
        if (thread->state == THREAD_READY && chance(++seen))
            picked = sim_thread_of(thread);
    }
    return picked;
}

static uint64_t next_deadline(void)
{
    uint64_t next = TIME_NEVER;
    list_each(link, &sim.all) {
        struct sim_thread *t = sim_thread_of(container_of(link, struct thread, link));
        if (t->thread.state == THREAD_PARKED && t->deadline_us < next)
            next = t->deadline_us;
    }
    return next;
}

static void wake_due(void)
{
    list_each(link, &sim.all) {
        struct sim_thread *t = sim_thread_of(container_of(link, struct thread, link));
        if (t->thread.state == THREAD_PARKED && t->deadline_us <= sim.now_us)
            t->thread.state = THREAD_READY;
    }
}

/* Frees the detached threads that have ended: no thread_join() will. */
static void reap(void)
{
    list_each_safe(link, &sim.all) {
        struct thread *thread = container_of(link, struct thread, link);
        if (thread->ended && thread->detached)
            free_thread(sim_thread_of(thread));
    }
}

/* Runs one thread until it waits. Returns false if no thread is left. */
static bool step(uint64_t give_up_us)
{
    struct sim_thread *t;
    wake_due();

    /* No thread is runnable: advance the clock to the next deadline. */
    while (!(t = pick_ready())) {
        uint64_t next = next_deadline();
        if (list_empty(&sim.all))
            return false;
        if (next == TIME_NEVER)
            fail_run("deadlock: no thread can run");
        if (next > give_up_us)
            fail_run("threads are left");
        sim.now_us = next;
        wake_due();
    }

    switch_to(t);
    reap();
    return true;
}

void sim_run(uint64_t seed, void (*main)(void *argument), void *argument)
{
    size_t used_before = host_memory_used();
    if (sim.running)
        fail_run("sim_run inside sim_run, or after one that an assertion of cmocka left");
    __sanitizer_set_death_callback(backend_describe_run);

    sim.running = true;
    sim.seed = sim.random = seed;
    sim.now_us = sim.switches = 0;
    struct thread *thread = thread_create("main", PRIORITY_NORMAL, main, argument);
    if (!thread)
        fail_run("no memory for the first thread");

    /* When main has returned, detached threads have SIM_LINGER_US to end as well. */
    uint64_t give_up_us = TIME_NEVER;
    bool lingering = false;
    while (step(give_up_us)) {
        if (!lingering && thread->ended) {
            thread_detach(thread);
            lingering = true;
            give_up_us = sim.now_us + SIM_LINGER_US;
        }
        if (lingering && sim.now_us > give_up_us)
            fail_run("threads are left");
    }

    if (host_memory_used() > used_before)
        fail_run("memory is left");
    sim.running = false;
}

void sim_run_seeds(uint64_t first, unsigned count, void (*main)(void *argument), void *argument)
{
    const char *only = getenv("SIM_SEED");
    if (only) {
        sim_run(strtoull(only, NULL, 0), main, argument);
        return;
    }

    for (unsigned i = 0; i < count; i++)
        sim_run(first + i, main, argument);
}
