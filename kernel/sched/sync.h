/*
 * sync.h - synchronization that may sleep: wait queues, mutexes, semaphores.
 *
 * Portable: built on spinlocks and park/unpark of kernel/port.h, so that the kernel and both back
 * ends of the host build run the same code.
 *
 * Interface   wait_queue: a condition variable. The caller holds the spinlock that guards the
 *             condition, tests it, and waits in a loop; wake calls hold that spinlock too.
 *             mutex: sleeping, ranked, owned; not recursive. One atomic exchange takes it while it
 *             is free, and one releases it while no thread waits.
 *             semaphore: counting; semaphore_up() may be called from an interrupt.
 * Locking     Functions that wait may be called with no spinlock held, except the one they are
 *             given.
 * Ownership   All objects are embedded in the caller's; nothing is allocated.
 */
#ifndef KERNEL_SCHED_SYNC_H
#define KERNEL_SCHED_SYNC_H

#include "kernel/port.h"

struct wait_queue {
    struct list waiters;
};

#define WAIT_QUEUE_INIT(name) { LIST_INIT((name).waiters) }

void wait_queue_init(struct wait_queue *queue);
/* Atomically releases `spin` and sleeps; takes it again before it returns. Returns 0 when woken,
 * -ETIMEDOUT at `deadline_us` (TIME_NEVER: no deadline). */
status_t wait_queue_wait(struct wait_queue *queue, struct spin *spin, uint64_t deadline_us);
/* The same, and returns -EINTR as soon as the thread is interrupted. */
status_t wait_queue_wait_interruptible(struct wait_queue *queue, struct spin *spin,
                                       uint64_t deadline_us);
void wait_queue_wake_one(struct wait_queue *queue);
void wait_queue_wake_all(struct wait_queue *queue);

struct mutex {
    struct spin guard;        /* guards `waiters` */
    _Atomic uintptr_t holder; /* the thread that owns it; bit 0: others wait; 0: free */
    struct wait_queue waiters;
    unsigned rank;
};

#define MUTEX_INIT(name, the_rank) \
    { .guard = SPIN_INIT(RANK_SCHED), .waiters = WAIT_QUEUE_INIT((name).waiters), \
      .rank = (the_rank) }

void mutex_init(struct mutex *mutex, enum lock_rank rank);
void mutex_lock(struct mutex *mutex);
bool mutex_try_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
bool mutex_is_mine(struct mutex *mutex); /* for assertions "caller holds X" */

struct semaphore {
    struct spin guard;
    unsigned count;
    struct wait_queue waiters;
};

#define SEMAPHORE_INIT(name, the_count) \
    { .guard = SPIN_INIT(RANK_SCHED), .count = (the_count), \
      .waiters = WAIT_QUEUE_INIT((name).waiters) }

void semaphore_init(struct semaphore *semaphore, unsigned count);
void semaphore_up(struct semaphore *semaphore);
/* Waits until the count is not 0 and decrements it. -ETIMEDOUT at `deadline_us`; with a deadline in
 * the past it does not wait. */
status_t semaphore_down(struct semaphore *semaphore, uint64_t deadline_us);

#endif
