/*
 * test_sync.c - promise: mutexes, semaphores and wait queues lose no wake-up and count none twice,
 * and a wrong order of locks panics. Linked once with port_threads.c and once with port_sim.c: see
 * run.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "host/port/run.h"
#include "kernel/sched/sync.h"
#include "lib/string.h"

enum { THREADS = 4, MS = 1000 };

/* Enough rounds for contention under pthreads, few enough for hundreds of seeds. */
static unsigned rounds(void)
{
    return run_is_simulated() ? 20 : 5000;
}

static void run_threads(unsigned count, void (*entry)(void *argument), void *argument)
{
    struct thread *threads[8];
    kassert(count <= 8);
    for (unsigned i = 0; i < count; i++) {
        threads[i] = thread_create("helper", PRIORITY_NORMAL, entry, argument);
        kassert(threads[i] != NULL);
    }
    for (unsigned i = 0; i < count; i++)
        thread_join(threads[i]);
}

/* ---- mutexes ------------------------------------------------------------------------------ */

struct exclusion {
    struct mutex mutex;
    unsigned inside, total, by_try;
};

static void enter_often(void *argument)
{
    struct exclusion *e = argument;
    for (unsigned i = 0; i < rounds(); i++) {
        bool by_try = i % 3 == 0 && mutex_try_lock(&e->mutex);
        if (!by_try)
            mutex_lock(&e->mutex);
        kassert(mutex_is_mine(&e->mutex));
        kassert(e->inside++ == 0);
        if (i % 8 == 0)
            thread_yield();
        kassert(--e->inside == 0);
        e->total++;
        e->by_try += by_try;
        mutex_unlock(&e->mutex);
        kassert(!mutex_is_mine(&e->mutex));
    }
}

static void mutex_body(void *argument)
{
    (void)argument;
    struct exclusion e = { .total = 0 };
    mutex_init(&e.mutex, RANK_VNODE);
    run_threads(THREADS, enter_often, &e);
    kassert(e.total == THREADS * rounds());
    kassert(e.mutex.holder == 0 && list_empty(&e.mutex.waiters.waiters));
}

static void mutex_excludes(void **state)
{
    (void)state;
    run_body(mutex_body);
}

static void try_own(void *argument)
{
    struct mutex *mutex = argument;
    kassert(!mutex_is_mine(mutex));
    kassert(!mutex_try_lock(mutex));
}

static void try_body(void *argument)
{
    (void)argument;
    struct mutex mutex = MUTEX_INIT(mutex, RANK_FSD);
    kassert(mutex_try_lock(&mutex));
    run_threads(1, try_own, &mutex);
    mutex_unlock(&mutex);
    kassert(*lock_ranks_held() == 0);
}

static void try_lock_refuses(void **state)
{
    (void)state;
    run_body(try_body);
}

/* ---- ranks -------------------------------------------------------------------------------- */

static struct mutex vnode_lock = MUTEX_INIT(vnode_lock, RANK_VNODE);
static struct mutex other_vnode_lock = MUTEX_INIT(other_vnode_lock, RANK_VNODE);
static struct mutex cache_lock = MUTEX_INIT(cache_lock, RANK_CACHE);
static struct spin queue_spin = SPIN_INIT(RANK_QUEUE);

static void take_mutex(void *argument)
{
    mutex_lock(argument);
}

static void take_spin(void *argument)
{
    spin_lock(argument);
}

static void expect_panic(const char *message, void (*body)(void *), void *argument)
{
    const char *text = host_panic_of(body, argument);
    kassert(text != NULL);
    if (strcmp(text, message) != 0)
        panic("panic says \"%s\"", text);
}

static void allocate(void *argument)
{
    *(void **)argument = mem_alloc(1);
}

static void rank_body(void *argument)
{
    (void)argument;
    void *memory;
    mutex_lock(&vnode_lock);
    mutex_lock(&cache_lock);
    spin_lock(&queue_spin);
    kassert(*lock_ranks_held() == (1u << RANK_VNODE | 1u << RANK_CACHE | 1u << RANK_QUEUE));
    spin_unlock(&queue_spin);
    expect_panic("lock of rank VNODE taken while one of rank CACHE is held", take_mutex,
                 &other_vnode_lock);
    mutex_unlock(&cache_lock);
    expect_panic("lock of rank VNODE taken while one of rank VNODE is held", take_mutex,
                 &other_vnode_lock);
    mutex_unlock(&vnode_lock);

    struct spin log_spin = SPIN_INIT(RANK_LOG);
    spin_lock(&log_spin);
    expect_panic("lock of rank QUEUE taken while one of rank LOG is held", take_spin,
                 &queue_spin);
    expect_panic("lock of rank HEAP taken while one of rank LOG is held", allocate, &memory);
    spin_unlock(&log_spin);
    kassert(*lock_ranks_held() == 0);
}

static void wrong_order_panics(void **state)
{
    (void)state;
    run_body(rank_body);
}

/* Reclaim takes a second lock of a rank by a try. Releasing it must not forget the first one. */
static void try_rank_body(void *argument)
{
    (void)argument;
    mutex_lock(&vnode_lock);
    kassert(mutex_try_lock(&other_vnode_lock));
    mutex_unlock(&other_vnode_lock);
    kassert(*lock_ranks_held() == 1u << RANK_VNODE);
    expect_panic("lock of rank VNODE taken while one of rank VNODE is held", take_mutex,
                 &other_vnode_lock);
    mutex_unlock(&vnode_lock);
    kassert(*lock_ranks_held() == 0);
}

static void try_keeps_ranks(void **state)
{
    (void)state;
    run_body(try_rank_body);
}

static void park_now(void *argument)
{
    (void)argument;
    thread_park(0);
}

static void sleep_body(void *argument)
{
    (void)argument;
    spin_lock(&queue_spin);
    kassert(spin_is_held(&queue_spin) && !spin_try_lock(&queue_spin));
    expect_panic("park with a spinlock held", park_now, NULL);
    spin_unlock(&queue_spin);
    mutex_lock(&vnode_lock);
    kassert(host_panic_of(take_mutex, &vnode_lock) != NULL); /* not recursive */
    mutex_unlock(&vnode_lock);
    kassert(!spin_is_held(&queue_spin));
}

static void misuse_panics(void **state)
{
    (void)state;
    run_body(sleep_body);
}

/* ---- semaphores and deadlines ------------------------------------------------------------- */

static void down_often(void *argument)
{
    for (unsigned i = 0; i < rounds(); i++)
        kassert(semaphore_down(argument, TIME_NEVER) == 0);
}

static void up_often(void *argument)
{
    for (unsigned i = 0; i < rounds(); i++)
        semaphore_up(argument);
}

static void semaphore_body(void *argument)
{
    (void)argument;
    struct semaphore semaphore = SEMAPHORE_INIT(semaphore, 2);
    kassert(semaphore_down(&semaphore, 0) == 0);
    kassert(semaphore_down(&semaphore, 0) == 0);
    kassert(semaphore_down(&semaphore, 0) == -ETIMEDOUT);
    struct thread *takers[2];
    for (unsigned i = 0; i < 2; i++)
        takers[i] = thread_create("taker", PRIORITY_IO, down_often, &semaphore);
    run_threads(3, up_often, &semaphore);
    for (unsigned i = 0; i < 2; i++)
        thread_join(takers[i]);
    kassert(semaphore.count == rounds());
    semaphore_init(&semaphore, 7);
    kassert(semaphore.count == 7);
}

static void semaphore_counts(void **state)
{
    (void)state;
    run_body(semaphore_body);
}

static void deadline_body(void *argument)
{
    (void)argument;
    struct semaphore semaphore = SEMAPHORE_INIT(semaphore, 0);
    uint64_t deadline = time_now_us() + 5 * MS;
    thread_unpark(thread_current()); /* a stale permit does not end the wait */
    kassert(semaphore_down(&semaphore, deadline) == -ETIMEDOUT);
    kassert(time_now_us() >= deadline);
    kassert(list_empty(&semaphore.waiters.waiters));
    deadline = time_now_us() + 3 * MS;
    thread_sleep_until(deadline);
    kassert(time_now_us() >= deadline);

    struct wait_queue queue = WAIT_QUEUE_INIT(queue);
    deadline = time_now_us() + 2 * MS;
    spin_lock(&queue_spin);
    kassert(wait_queue_wait(&queue, &queue_spin, deadline) == -ETIMEDOUT);
    kassert(spin_is_held(&queue_spin));
    spin_unlock(&queue_spin);
}

static void deadlines_end_waits(void **state)
{
    (void)state;
    run_body(deadline_body);
}

/* An up() at the same time as a deadline is neither lost nor counted twice. */
static void up_at_deadlines(void *argument)
{
    struct semaphore *semaphore = argument;
    for (unsigned i = 0; i < rounds() / 10; i++) {
        thread_sleep_until(time_now_us() + 10);
        semaphore_up(semaphore);
    }
}

static void race_body(void *argument)
{
    (void)argument;
    struct semaphore semaphore = SEMAPHORE_INIT(semaphore, 0);
    struct thread *giver = thread_create("giver", PRIORITY_NORMAL, up_at_deadlines, &semaphore);
    unsigned taken = 0;
    while (taken < rounds() / 10)
        if (semaphore_down(&semaphore, time_now_us() + 10) == 0)
            taken++;
    thread_join(giver);
    kassert(semaphore.count == 0 && list_empty(&semaphore.waiters.waiters));
}

static void deadline_races_are_exact(void **state)
{
    (void)state;
    run_body(race_body);
}

/* ---- interrupts --------------------------------------------------------------------------- */

struct interruption {
    struct spin spin;
    struct wait_queue queue;
    struct semaphore started;
    bool condition;
    status_t first, second;
};

static void wait_interruptibly(void *argument)
{
    struct interruption *i = argument;
    semaphore_up(&i->started);
    spin_lock(&i->spin);
    i->first = wait_queue_wait_interruptible(&i->queue, &i->spin, TIME_NEVER);
    kassert(spin_is_held(&i->spin) && thread_interrupted());
    i->second = wait_queue_wait_interruptible(&i->queue, &i->spin, TIME_NEVER);
    /* A wait that is not interruptible continues, and does not spin. */
    while (!i->condition)
        kassert(wait_queue_wait(&i->queue, &i->spin, TIME_NEVER) == 0);
    spin_unlock(&i->spin);
    thread_clear_interrupt();
    kassert(!thread_interrupted());
}

static void interrupt_body(void *argument)
{
    (void)argument;
    struct interruption i = { .first = 1, .second = 1 };
    spin_init(&i.spin, RANK_DEVICE);
    wait_queue_init(&i.queue);
    semaphore_init(&i.started, 0);
    struct thread *waiter = thread_create("waiter", PRIORITY_NORMAL, wait_interruptibly, &i);
    kassert(semaphore_down(&i.started, TIME_NEVER) == 0);
    thread_interrupt(waiter);
    thread_sleep_until(time_now_us() + 2 * MS);
    spin_lock(&i.spin);
    i.condition = true;
    wait_queue_wake_all(&i.queue);
    spin_unlock(&i.spin);
    thread_join(waiter);
    kassert(i.first == -EINTR && i.second == -EINTR);
    kassert(list_empty(&i.queue.waiters));
}

static void interrupts_end_waits(void **state)
{
    (void)state;
    run_body(interrupt_body);
}

/* ---- producers and consumers -------------------------------------------------------------- */

struct belt {
    struct spin spin;
    struct wait_queue not_full, not_empty;
    unsigned slots[3], count;
    uint64_t put_sum, got_sum;
    unsigned to_get;
    struct mutex totals;
};

static void produce(void *argument)
{
    struct belt *b = argument;
    for (unsigned i = 1; i <= rounds(); i++) {
        spin_lock(&b->spin);
        while (b->count == 3)
            kassert(wait_queue_wait(&b->not_full, &b->spin, TIME_NEVER) == 0);
        b->slots[b->count++] = i;
        wait_queue_wake_one(&b->not_empty);
        spin_unlock(&b->spin);
        mutex_lock(&b->totals);
        b->put_sum += i;
        mutex_unlock(&b->totals);
    }
}

static void consume(void *argument)
{
    struct belt *b = argument;
    spin_lock(&b->spin);
    while (b->to_get > 0) {
        if (b->count == 0) {
            kassert(wait_queue_wait(&b->not_empty, &b->spin, TIME_NEVER) == 0);
            continue;
        }
        b->got_sum += b->slots[--b->count];
        if (--b->to_get == 0)
            wait_queue_wake_all(&b->not_empty);
        wait_queue_wake_one(&b->not_full);
    }
    spin_unlock(&b->spin);
}

static void belt_body(void *argument)
{
    (void)argument;
    struct belt b = { .to_get = 2 * rounds() };
    spin_init(&b.spin, RANK_QUEUE);
    wait_queue_init(&b.not_full);
    wait_queue_init(&b.not_empty);
    mutex_init(&b.totals, RANK_MOUNT);
    struct thread *producers[2];
    for (unsigned i = 0; i < 2; i++)
        producers[i] = thread_create("producer", PRIORITY_NORMAL, produce, &b);
    run_threads(3, consume, &b);
    for (unsigned i = 0; i < 2; i++)
        thread_join(producers[i]);
    kassert(b.count == 0 && b.got_sum == b.put_sum);
    kassert(b.got_sum == (uint64_t)rounds() * (rounds() + 1));
}

static void belt_loses_nothing(void **state)
{
    (void)state;
    run_body(belt_body);
}

/* ---- threads ---------------------------------------------------------------------------- */

static void count_thread(const struct thread_info *info, void *context)
{
    kassert(info->state != NULL && info->number > 0);
    if (strcmp(info->name, "a name that is ") == 0)
        ++*(unsigned *)context;
}

static void up_once(void *argument)
{
    semaphore_up(argument);
}

static void detached_body(void *argument)
{
    (void)argument;
    static struct semaphore done;
    semaphore_init(&done, 0);
    for (unsigned i = 0; i < 8; i++)
        thread_detach(thread_create("detached", PRIORITY_IDLE, up_once, &done));
    for (unsigned i = 0; i < 8; i++)
        kassert(semaphore_down(&done, TIME_NEVER) == 0);
    struct thread *held = thread_create("a name that is too long", PRIORITY_IO, down_often, &done);
    unsigned seen = 0;
    thread_each(count_thread, &seen);
    kassert(seen == 1 && strcmp(thread_name(held), "a name that is ") == 0);
    up_often(&done);
    thread_join(held);
}

static void threads_end(void **state)
{
    (void)state;
    run_body(detached_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutex_excludes),
        cmocka_unit_test(try_lock_refuses),
        cmocka_unit_test(wrong_order_panics),
        cmocka_unit_test(try_keeps_ranks),
        cmocka_unit_test(misuse_panics),
        cmocka_unit_test(semaphore_counts),
        cmocka_unit_test(deadlines_end_waits),
        cmocka_unit_test(deadline_races_are_exact),
        cmocka_unit_test(interrupts_end_waits),
        cmocka_unit_test(belt_loses_nothing),
        cmocka_unit_test(threads_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
