/*
 * sync.h - what waits: wait queues, mutexes, semaphores.
 *
 * Portable: built on spins and park/unpark of kernel/port.h, so the kernel and both back ends of
 * the host build run the very same code.
 *
 * Interface   wait_queue: a condition variable. The caller holds the spin that guards the
 *             condition, tests it, and waits in a loop; wake calls hold that spin too.
 *             mutex: sleeping, ranked, owned; not recursive.
 *             semaphore: counting; up() may be called from an interrupt.
 * Locking     Wait functions may sleep: no spin but the one handed over may be held.
 * Ownership   All objects are embedded in the caller's; none allocates.
 */
#ifndef KERNEL_SCHED_SYNC_H
#define KERNEL_SCHED_SYNC_H

#include "kernel/port.h"

struct wait_queue {
    struct list waiters;
};

#define WAIT_QUEUE_INIT(name) { LIST_INIT((name).waiters) }

void wait_queue_init(struct wait_queue *queue);
/* Atomically releases `spin` and sleeps; holds it again on return. 0 when woken, -ETIMEDOUT at
 * `deadline_us` (TIME_NEVER: none). */
status_t wait_queue_wait(struct wait_queue *queue, struct spin *spin, uint64_t deadline_us);
/* The same, and -EINTR as soon as the thread is interrupted. */
status_t wait_queue_wait_interruptible(struct wait_queue *queue, struct spin *spin,
                                       uint64_t deadline_us);
void wait_queue_wake_one(struct wait_queue *queue);
void wait_queue_wake_all(struct wait_queue *queue);

struct mutex {
    struct spin guard;
    struct thread *owner;
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
/* 0, or -ETIMEDOUT once `deadline_us` has come (a deadline in the past: try only). */
status_t semaphore_down(struct semaphore *semaphore, uint64_t deadline_us);

#endif
