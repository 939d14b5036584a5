/*
 * dispatch.h - the inner side of kernel/x86/interrupts.h: start-up and the way from a vector to
 * the handlers.
 */
#ifndef KERNEL_X86_DISPATCH_H
#define KERNEL_X86_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

/* Moves the 8259s' vectors off the exceptions' and masks every line. */
void interrupts_start(void);

/* Runs the line's handlers, acknowledges, and lets the scheduler preempt what was interrupted. */
void interrupt_dispatch(unsigned line);

/* While this count is not zero, an interrupt only sets its line's bit here, unacknowledged, and
 * leaves interrupts off for what it came across. kernel/sched/spin.c counts. */
extern unsigned interrupts_deferred, interrupts_waiting;
/* Runs what waits. Interrupts off, and nothing deferred any more. */
void interrupt_dispatch_waiting(void);

/* Is the caller inside an interrupt handler? */
bool interrupt_is_handling(void);

struct interrupt_counts {
    uint64_t raised[16], unclaimed[16], spurious;
};
const struct interrupt_counts *interrupt_counts(void);

#endif
