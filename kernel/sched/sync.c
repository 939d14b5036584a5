/*
 * sync.c - wait queues, mutexes and semaphores over spinlocks and park/unpark: see sync.h.
 *
 * Why no wake-up is lost: a waiter links itself into the queue while it holds the caller's
 * spinlock, and wakers hold that too. So a wake-up either comes before, when the condition is true
 * already, or finds the link. Between the release of the spinlock and thread_park(), the permit
 * keeps the wake-up.
 *
 * Why a stale permit does no harm: it ends one thread_park(), after which the waiter checks under
 * the spinlock whether it was unlinked, and parks again if not. The waiter is on the waiting
 * thread's stack. It leaves the queue, under the spinlock, before the function returns; a waker
 * that unlinked it has given the permit before it releases the spinlock, so it never accesses a
 * thread that has continued.
 */
#include "kernel/sched/sync.h"
#include "lib/macros.h"

/* ---- wait queues -------------------------------------------------------------------------- */

struct waiter {
    struct list link;
    struct thread *thread;
    bool woken; /* guarded by the spinlock of the queue's user */
};

void wait_queue_init(struct wait_queue *queue)
{
    list_init(&queue->waiters);
}

static bool deadline_came(uint64_t deadline_us)
{
    return deadline_us != TIME_NEVER && time_now_us() >= deadline_us;
}

/* A wake-up takes precedence over a deadline or an interrupt at the same time, since the waker
 * chose this waiter instead of another one. */
static status_t wait(struct wait_queue *queue, struct spin *spin, uint64_t deadline_us,
                     bool interruptible)
{
    kassert(spin_is_held(spin));
    struct waiter waiter = { .thread = thread_current() };
    status_t status = 0;

    /* At the end, so that the thread that has waited longest is woken first. */
    list_push_back(&queue->waiters, &waiter.link);
    while (!waiter.woken) {
        if (interruptible && thread_interrupted())
            status = -EINTR;
        else if (deadline_came(deadline_us))
            status = -ETIMEDOUT;
        if (status != 0)
            break;

        /* A wake-up from here on gives the permit, so thread_park() returns at once. */
        spin_unlock(spin);
        thread_park(deadline_us);
        spin_lock(spin);
    }

    /* A waker has removed the link already; then this has no effect. */
    list_remove(&waiter.link);
    return status;
}

status_t wait_queue_wait(struct wait_queue *queue, struct spin *spin, uint64_t deadline_us)
{
    return wait(queue, spin, deadline_us, false);
}

status_t wait_queue_wait_interruptible(struct wait_queue *queue, struct spin *spin,
                                       uint64_t deadline_us)
{
    return wait(queue, spin, deadline_us, true);
}

static void wake_first(struct wait_queue *queue)
{
    struct waiter *waiter = container_of(list_pop_front(&queue->waiters), struct waiter, link);

    /* The waiter stays valid until the spinlock is released, although its thread may be ready. */
    waiter->woken = true;
    thread_unpark(waiter->thread);
}

void wait_queue_wake_one(struct wait_queue *queue)
{
    if (!list_empty(&queue->waiters))
        wake_first(queue);
}

void wait_queue_wake_all(struct wait_queue *queue)
{
    while (!list_empty(&queue->waiters))
        wake_first(queue);
}

/* ---- mutexes ------------------------------------------------------------------------------ */

/* The bit of `holder` that makes its owner wake a thread. A thread sets it under the guard, which
 * it releases only once it waits. So mutex_unlock() takes the guard only if a thread waits, and
 * that thread cannot free the mutex's memory before the guard is released. */
#define WAITED ((uintptr_t)1)

static uintptr_t me(void)
{
    return (uintptr_t)thread_current();
}

void mutex_init(struct mutex *mutex, enum lock_rank rank)
{
    *mutex = (struct mutex){ .rank = rank };
    spin_init(&mutex->guard, RANK_SCHED);
    wait_queue_init(&mutex->waiters);
}

/* Any thread may ask: only the running thread itself can change the answer. */
bool mutex_is_mine(struct mutex *mutex)
{
    return (atomic_load_explicit(&mutex->holder, memory_order_relaxed) & ~WAITED) == me();
}

/* Changes `holder` if it is `from`. */
static bool holder_change(struct mutex *mutex, uintptr_t from, uintptr_t to)
{
    return atomic_compare_exchange_strong_explicit(&mutex->holder, &from, to, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

/* Takes a mutex that was held a moment ago. */
static __attribute__((noinline)) void lock_contended(struct mutex *mutex)
{
    /* The guard's rank, SCHED, is above every mutex's, so this is valid whatever locks the thread
     * holds. */
    spin_lock(&mutex->guard);
    for (;;) {
        /* The other threads that wait depend on this one: it may be the only one that was woken. */
        uintptr_t others = list_empty(&mutex->waiters.waiters) ? 0 : WAITED;
        if (holder_change(mutex, 0, me() | others))
            break;

        /* Its owner may release it at this moment, without the guard. */
        uintptr_t holder = atomic_load_explicit(&mutex->holder, memory_order_relaxed);
        if (!holder || !holder_change(mutex, holder, holder | WAITED))
            continue;
        status_t status = wait_queue_wait(&mutex->waiters, &mutex->guard, TIME_NEVER);
        kassert(status == 0);
    }
    spin_unlock(&mutex->guard);
}

void mutex_lock(struct mutex *mutex)
{
    kassert(!mutex_is_mine(mutex));
    lock_rank_enter(mutex->rank);
    if (!holder_change(mutex, 0, me()))
        lock_contended(mutex);
}

bool mutex_try_lock(struct mutex *mutex)
{
    bool taken = holder_change(mutex, 0, me());

    /* Noted without a check of the order: an attempt that does not wait cannot deadlock. */
    if (taken)
        lock_rank_note(mutex->rank);
    return taken;
}

void mutex_unlock(struct mutex *mutex)
{
    kassert(mutex_is_mine(mutex));
    lock_rank_leave(mutex->rank);
    if (holder_change(mutex, me(), 0))
        return;

    /* The mutex is released, not handed over: a running thread may take it before the woken one,
     * which then waits again. */
    spin_lock(&mutex->guard);
    atomic_store_explicit(&mutex->holder, 0, memory_order_release);
    wait_queue_wake_one(&mutex->waiters);
    spin_unlock(&mutex->guard);
}

/* ---- semaphores --------------------------------------------------------------------------- */

void semaphore_init(struct semaphore *semaphore, unsigned count)
{
    *semaphore = (struct semaphore){ .count = count };
    spin_init(&semaphore->guard, RANK_SCHED);
    wait_queue_init(&semaphore->waiters);
}

void semaphore_up(struct semaphore *semaphore)
{
    spin_lock(&semaphore->guard);
    semaphore->count++;
    wait_queue_wake_one(&semaphore->waiters);
    spin_unlock(&semaphore->guard);
}

/* A count that is available is taken even if the deadline has passed. A woken thread may find the
 * count taken by a thread that did not wait; it then waits again, until the same deadline. */
status_t semaphore_down(struct semaphore *semaphore, uint64_t deadline_us)
{
    status_t status = 0;

    spin_lock(&semaphore->guard);
    while (semaphore->count == 0 && status == 0)
        status = wait_queue_wait(&semaphore->waiters, &semaphore->guard, deadline_us);

    /* Even after -ETIMEDOUT: the count may have risen at the same time as the deadline came. */
    if (semaphore->count > 0) {
        semaphore->count--;
        status = 0;
    }
    spin_unlock(&semaphore->guard);
    return status;
}
