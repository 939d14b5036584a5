/*
 * timer.h - one-shot timers.
 *
 * Model       A timer calls `fire` once, in interrupt context, at its deadline or a little later.
 *             Any number may be pending, in a list sorted by deadline; the alarm is set for the
 *             first.
 * Locking     All calls: any context. `fire` runs with interrupts off; its timer is no longer
 *             pending by then and may be started again.
 * Ownership   Embedded in the caller's object, which must cancel it before it is freed. `fire` does
 *             not run after timer_cancel() has returned (there is one processor).
 */
#ifndef KERNEL_SCHED_TIMER_H
#define KERNEL_SCHED_TIMER_H

#include "kernel/port.h"

struct timer {
    struct list link; /* owned by timer.c */
    uint64_t deadline_us;
    void (*fire)(void *context);
    void *context;
};

void timer_init(struct timer *timer, void (*fire)(void *context), void *context);
/* Starts the timer, or moves its deadline. It fires at once if the deadline has passed, and never
 * if that is TIME_NEVER. */
void timer_start(struct timer *timer, uint64_t deadline_us);
/* Stops the timer; returns true if it was pending. */
bool timer_cancel(struct timer *timer);
bool timer_is_pending(const struct timer *timer);

/* Postpones the alarm to the first deadline that is still pending: a timer that was stopped would
 * interrupt a halted processor. Interrupts off. */
void timer_prepare_halt(void);

/* Fires all timers whose deadline has come. The scheduler's hook for the alarm; interrupts off. */
void timer_interrupt(void);

#endif
