/*
 * timer.h - one-shot timers.
 *
 * A timer calls `fire` once, in interrupt context, at its deadline or a little later. Any number
 * may be pending; they stand in a list sorted by deadline, of which the clock's alarm is set for
 * the first.
 *
 * Locking     All calls: any context. `fire` runs with interrupts off; the timer is no longer
 *             pending by then and may be started again.
 * Ownership   Embedded in the caller's object, which must stop it before it goes. After
 *             timer_cancel() `fire` runs no more (there is one processor).
 */
#ifndef KERNEL_SCHED_TIMER_H
#define KERNEL_SCHED_TIMER_H

#include "kernel/port.h"

struct timer {
    struct list link;
    uint64_t deadline_us;
    void (*fire)(void *context);
    void *context;
};

void timer_init(struct timer *timer, void (*fire)(void *context), void *context);
/* Starts it, or moves its deadline. A deadline in the past fires at once, TIME_NEVER not at all. */
void timer_start(struct timer *timer, uint64_t deadline_us);
/* Stops it; true when it was still pending. */
bool timer_cancel(struct timer *timer);
bool timer_is_pending(const struct timer *timer);

/* kernel/x86/clock.c calls it when the alarm rings. */
void timer_interrupt(void);

#endif
