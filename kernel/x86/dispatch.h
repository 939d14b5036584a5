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

/* Is the caller inside an interrupt handler? */
bool interrupt_is_handling(void);

struct interrupt_counts {
    uint64_t raised[16], unclaimed[16], spurious;
};
const struct interrupt_counts *interrupt_counts(void);

#endif
