/*
 * timer.c - the sorted list of pending timers: see timer.h.
 */
#include "kernel/sched/timer.h"
#include "kernel/x86/alarm.h"
#include "kernel/x86/cpu.h"
#include "lib/macros.h"

static struct list pending = LIST_INIT(pending); /* of struct timer, by deadline; interrupts off */

static struct timer *first_pending(void)
{
    return list_empty(&pending) ? NULL : container_of(pending.next, struct timer, link);
}

void timer_init(struct timer *timer, void (*fire)(void *context), void *context)
{
    *timer = (struct timer){ .fire = fire, .context = context };
    list_init(&timer->link);
}

bool timer_is_pending(const struct timer *timer)
{
    return !list_empty(&timer->link);
}

/* Searches from the end, since most deadlines are later than those already pending. */
static void insert(struct timer *timer)
{
    struct list *at = pending.prev;
    while (at != &pending && container_of(at, struct timer, link)->deadline_us > timer->deadline_us)
        at = at->prev;
    list_insert_after(at, &timer->link);
}

void timer_start(struct timer *timer, uint64_t deadline_us)
{
    uint64_t flags = cpu_interrupts_save();

    /* The alarm is changed only for an earlier deadline. After a later one it rings once for
     * nothing, which costs less than to program it again. */
    list_remove(&timer->link);
    timer->deadline_us = deadline_us;
    if (deadline_us != TIME_NEVER) {
        insert(timer);
        if (first_pending() == timer)
            alarm_set(deadline_us);
    }
    cpu_interrupts_restore(flags);
}

bool timer_cancel(struct timer *timer)
{
    uint64_t flags = cpu_interrupts_save();
    bool was_pending = timer_is_pending(timer);
    list_remove(&timer->link);
    cpu_interrupts_restore(flags);
    return was_pending;
}

void timer_prepare_halt(void)
{
    const struct timer *timer = first_pending();
    alarm_postpone(timer ? timer->deadline_us : TIME_NEVER);
}

void timer_interrupt(void)
{
    /* The time is read once, so that this loop ends: a timer that its own `fire` starts again with
     * a deadline that has passed waits for the next alarm. */
    uint64_t now = time_now_us();
    struct timer *timer;
    while ((timer = first_pending()) && timer->deadline_us <= now) {
        /* Removed first, so that `fire` may start it again. */
        list_remove(&timer->link);
        timer->fire(timer->context);
        if (first_pending() == timer)
            break;
    }

    /* Each alarm rings once. */
    if ((timer = first_pending()))
        alarm_set(timer->deadline_us);
}
