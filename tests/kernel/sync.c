/*
 * sync.c - self tests of mutexes, semaphores and wait queues on the kernel's threads. The host
 * tests (tests/host/dev/test_sync.c) cover the same code on both back ends of the host.
 */
#include "kernel/sched/sync.h"
#include "kernel/sched/timer.h"
#include "kernel/selftest.h"

enum { ROUNDS = 2000, WORKERS = 4 };

static struct mutex mutex;
static struct semaphore semaphore;
static struct spin spin = SPIN_INIT(RANK_QUEUE);
static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
static unsigned total;
static status_t outcome;

static void add_under_mutex(void *argument)
{
    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        mutex_lock(&mutex);
        unsigned before = total;
        if (i % 8 == 0)
            thread_yield(); /* lets the others run, which the mutex must keep out */
        total = before + 1;
        mutex_unlock(&mutex);
    }
}

SELFTEST(mutex_keeps_others_out)
{
    struct thread *workers[WORKERS];

    mutex_init(&mutex, RANK_VNODE);
    total = 0;
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = thread_create("adder", i % 2 ? PRIORITY_NORMAL : PRIORITY_IO,
                                   add_under_mutex, NULL);
        SELFTEST_CHECK(workers[i]);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        thread_join(workers[i]);
    SELFTEST_CHECK(total == WORKERS * ROUNDS);
    SELFTEST_CHECK(!mutex_is_mine(&mutex));
}

SELFTEST(semaphore_waits_until_its_deadline)
{
    uint64_t start = time_now_us();

    semaphore_init(&semaphore, 1);
    SELFTEST_CHECK(semaphore_down(&semaphore, 0) == 0);
    SELFTEST_CHECK(semaphore_down(&semaphore, 0) == -ETIMEDOUT);
    SELFTEST_CHECK(semaphore_down(&semaphore, start + 15000) == -ETIMEDOUT);
    SELFTEST_CHECK(time_now_us() >= start + 15000);
}

static void up(void *context)
{
    semaphore_up(context);
}

SELFTEST(semaphore_up_from_an_interrupt_wakes)
{
    struct timer timer;

    semaphore_init(&semaphore, 0);
    timer_init(&timer, up, &semaphore);
    for (unsigned i = 0; i < 20; i++) {
        timer_start(&timer, time_now_us() + i * 100);
        SELFTEST_CHECK(semaphore_down(&semaphore, TIME_NEVER) == 0);
    }
    SELFTEST_CHECK(semaphore.count == 0);
}

static void wait_in_queue(void *argument)
{
    uint64_t deadline_us = *(const uint64_t *)argument;

    spin_lock(&spin);
    outcome = wait_queue_wait_interruptible(&queue, &spin, deadline_us);
    spin_unlock(&spin);
}

static status_t wait_and(void (*disturb)(struct thread *thread), uint64_t deadline_us)
{
    struct thread *thread = thread_create("waiter", PRIORITY_IO, wait_in_queue, &deadline_us);

    if (!thread)
        return -ENOMEM;
    disturb(thread);
    thread_join(thread);
    return outcome;
}

static void wake(struct thread *thread)
{
    (void)thread;
    spin_lock(&spin);
    wait_queue_wake_all(&queue);
    spin_unlock(&spin);
}

static void leave_alone(struct thread *thread)
{
    (void)thread;
}

SELFTEST(wait_queue_distinguishes_wake_deadline_and_interrupt)
{
    SELFTEST_CHECK(wait_and(wake, TIME_NEVER) == 0);
    SELFTEST_CHECK(wait_and(leave_alone, time_now_us() + 3000) == -ETIMEDOUT);
    SELFTEST_CHECK(wait_and(thread_interrupt, TIME_NEVER) == -EINTR);
    /* A stale permit does not end the wait. */
    SELFTEST_CHECK(wait_and(thread_unpark, time_now_us() + 3000) == -ETIMEDOUT);
    SELFTEST_CHECK(list_empty(&queue.waiters));
}
