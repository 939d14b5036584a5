/*
 * port_threads.c - threads and time of kernel/port.h over pthreads: real concurrency.
 *
 * The thread that runs main(), and any that was not made by thread_create(), gets a struct thread
 * of its own when it first asks who it is.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "host/port/backend.h"
#include "host/port/host.h"
#include "lib/macros.h"

struct pthread_thread {
    struct thread thread;
    pthread_t handle;
    pthread_mutex_t lock; /* guards `permit` */
    pthread_cond_t given;
    bool permit;
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list all = LIST_INIT(all);
static unsigned live_count; /* of `all` */

static _Thread_local struct thread *self;
static _Thread_local struct pthread_thread foreign;

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

/* As CLOCK_MONOTONIC's; deadlines beyond the host's time are as good as never. */
static struct timespec timespec_of(uint64_t deadline_us)
{
    uint64_t most = UINT64_MAX / 4;
    uint64_t us = (deadline_us < most ? deadline_us : most) + start_us;
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
    if (self == NULL) {
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

/* A detached thread frees itself, and is for its last steps one that thread_create() never made. */
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
    self = NULL;
    free_thread(t);
    pthread_mutex_lock(&all_lock);
    live_count--; /* last, so that whoever waits for it finds no memory in use */
    pthread_mutex_unlock(&all_lock);
}

static void *run_thread(void *argument)
{
    struct pthread_thread *t = argument;
    self = &t->thread;
    t->thread.entry(t->thread.argument);
    if (t->thread.ranks != 0 || t->thread.spins_held != 0)
        panic("thread %s ends with a lock held", t->thread.name);
    end_thread(t);
    return NULL;
}

struct thread *thread_create(const char *name, enum thread_priority priority,
                             void (*entry)(void *argument), void *argument)
{
    struct pthread_thread *t = host_thread_fails() ? NULL : mem_zalloc(sizeof(*t));
    if (t == NULL)
        return NULL;
    host_thread_init(&t->thread, name, priority, entry, argument);
    init_thread(t);
    t->thread.state = THREAD_RUNNING;
    pthread_mutex_lock(&all_lock);
    list_push_back(&all, &t->thread.link);
    live_count++;
    int failed = pthread_create(&t->handle, NULL, run_thread, t);
    pthread_mutex_unlock(&all_lock);
    if (failed) {
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
    pthread_mutex_lock(&all_lock);
    bool ended = thread->ended;
    thread->detached = true;
    if (!ended)
        pthread_detach(t->handle); /* under the lock, since after it the thread may free itself */
    pthread_mutex_unlock(&all_lock);
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

/* ---- spins -------------------------------------------------------------------------------- */

void backend_spin_contended(struct spin *spin)
{
    (void)spin;
    sched_yield();
}

void backend_spins_released(void)
{
}

void backend_describe_run(void)
{
}
