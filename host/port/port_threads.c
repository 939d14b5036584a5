/*
 * port_threads.c - threads and time of kernel/port.h over pthreads: real concurrency.
 *
 * A thread that thread_create() did not make, such as the one that runs main(), gets a struct
 * thread when it first calls thread_current().
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "host/port/backend.h"
#include "host/port/host.h"
#include "kernel/build.h"
#include "lib/macros.h"

const char spindle_build_id[] = "host";

struct pthread_thread {
    struct thread thread;
    pthread_t handle;
    pthread_mutex_t lock; /* guards `permit` */
    pthread_cond_t given;
    bool permit;
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list all = LIST_INIT(all);
/* The members of `all`, and detached threads that have left it but still free their memory. */
static unsigned live_count;

static _Thread_local struct thread *self;
static _Thread_local struct pthread_thread foreign; /* `self` of a thread not made here */

/* ---- time --------------------------------------------------------------------------------- */

static uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t start_us;

__attribute__((constructor)) static void note_start(void)
{
    start_us = clock_us();
}

uint64_t time_now_us(void)
{
    return clock_us() - start_us;
}

int64_t time_wall_s(void)
{
    return (int64_t)time(NULL);
}

/* Converts a deadline to CLOCK_MONOTONIC. TIME_NEVER and its like are cut to 146,000 years, since
 * the sum must not overflow. */
static struct timespec timespec_of(uint64_t deadline_us)
{
    uint64_t us = min(deadline_us, UINT64_MAX / 4) + start_us;
    return (struct timespec){ .tv_sec = (time_t)(us / 1000000),
                              .tv_nsec = (long)(us % 1000000) * 1000 };
}

void thread_sleep_until(uint64_t deadline_us)
{
    host_assert_may_sleep("sleep");
    struct timespec when = timespec_of(deadline_us);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR)
        ;
}

/* ---- threads ------------------------------------------------------------------------------ */

static void init_thread(struct pthread_thread *t)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->given, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void free_thread(struct pthread_thread *t)
{
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->given);
    mem_free(t);
}

struct thread *thread_current(void)
{
    if (!self) {
        host_thread_init(&foreign.thread, "main", PRIORITY_NORMAL, NULL, NULL);
        init_thread(&foreign);
        foreign.thread.state = THREAD_RUNNING;
        self = &foreign.thread;
    }
    return self;
}

static void leave_all(struct pthread_thread *t)
{
    pthread_mutex_lock(&all_lock);
    list_remove(&t->thread.link);
    live_count--;
    pthread_mutex_unlock(&all_lock);
}

/* Ends the running thread, which frees itself if it is detached. Otherwise thread_join() does. */
static void end_thread(struct pthread_thread *t)
{
    pthread_mutex_lock(&all_lock);
    t->thread.ended = true;
    t->thread.state = THREAD_ENDED;
    bool detached = t->thread.detached;
    if (detached)
        list_remove(&t->thread.link);
    pthread_mutex_unlock(&all_lock);
    if (!detached)
        return;

    /* mem_free() asks for the running thread. As `t` is being freed, let it see a foreign one. */
    self = NULL;
    free_thread(t);

    /* Count it out last: host_leftovers() waits for the count, then expects no memory in use. */
    pthread_mutex_lock(&all_lock);
    live_count--;
    pthread_mutex_unlock(&all_lock);
}

static void *run_thread(void *argument)
{
    struct pthread_thread *t = argument;
    self = &t->thread;
    t->thread.entry(t->thread.argument);
    code_use_end(&t->thread.code_use);

    /* No other thread could ever release the lock. */
    if (t->thread.ranks || t->thread.spins_held)
        panic("thread %s ends with a lock held", t->thread.name);
    end_thread(t);
    return NULL;
}

struct thread *thread_create(const char *name, enum thread_priority priority,
                             void (*entry)(void *argument), void *argument)
{
    struct pthread_thread *t = host_thread_fails() ? NULL : mem_zalloc(sizeof(*t));
    if (!t)
        return NULL;
    host_thread_init(&t->thread, name, priority, entry, argument);
    init_thread(t);
    t->thread.state = THREAD_RUNNING;

    /* Start it under the lock, so that it cannot end before it is in the list. */
    pthread_mutex_lock(&all_lock);
    list_push_back(&all, &t->thread.link);
    live_count++;
    int failed = pthread_create(&t->handle, NULL, run_thread, t);
    pthread_mutex_unlock(&all_lock);

    if (failed) {
        code_use_end(&t->thread.code_use);
        leave_all(t);
        free_thread(t);
        return NULL;
    }
    return &t->thread;
}

void thread_join(struct thread *thread)
{
    struct pthread_thread *t = container_of(thread, struct pthread_thread, thread);
    host_assert_may_sleep("join");
    pthread_join(t->handle, NULL);
    leave_all(t);
    free_thread(t);
}

void thread_detach(struct thread *thread)
{
    struct pthread_thread *t = container_of(thread, struct pthread_thread, thread);

    /* Detach it under the lock: once that is released, the thread may end and free itself. */
    pthread_mutex_lock(&all_lock);
    bool ended = thread->ended;
    thread->detached = true;
    if (!ended)
        pthread_detach(t->handle);
    pthread_mutex_unlock(&all_lock);

    /* It ended before it was detached, so it has not freed itself. */
    if (ended)
        thread_join(thread);
}

void thread_yield(void)
{
    sched_yield();
}

void thread_each(void (*visit)(const struct thread_info *info, void *context), void *context)
{
    pthread_mutex_lock(&all_lock);
    list_each(link, &all) {
        struct thread_info info;
        host_thread_info(container_of(link, struct thread, link), &info);
        visit(&info, context);
    }
    pthread_mutex_unlock(&all_lock);
}

unsigned host_thread_count(void)
{
    pthread_mutex_lock(&all_lock);
    unsigned count = live_count;
    pthread_mutex_unlock(&all_lock);
    return count;
}

/* ---- park --------------------------------------------------------------------------------- */

void thread_park(uint64_t deadline_us)
{
    struct pthread_thread *t = container_of(thread_current(), struct pthread_thread, thread);
    host_assert_may_sleep("park");
    struct timespec when = timespec_of(deadline_us);
    int result = 0;

    /* A permit that was given before the call is consumed without a wait. */
    pthread_mutex_lock(&t->lock);
    t->thread.state = THREAD_PARKED;
    while (!t->permit && result != ETIMEDOUT)
        result = deadline_us == TIME_NEVER ? pthread_cond_wait(&t->given, &t->lock)
                                           : pthread_cond_timedwait(&t->given, &t->lock, &when);
    t->permit = false;
    t->thread.state = THREAD_RUNNING;
    pthread_mutex_unlock(&t->lock);
}

void thread_unpark(struct thread *thread)
{
    struct pthread_thread *t = container_of(thread, struct pthread_thread, thread);
    pthread_mutex_lock(&t->lock);
    t->permit = true;
    pthread_cond_signal(&t->given);
    pthread_mutex_unlock(&t->lock);
}

/* ---- spinlocks ---------------------------------------------------------------------------- */

void backend_spin_contended(struct spin *spin)
{
    (void)spin;
    sched_yield();
}

/* The host preempts threads wherever it likes. */
void backend_spins_released(void)
{
}

/* Runs over pthreads cannot be repeated. */
void backend_describe_run(void)
{
}
