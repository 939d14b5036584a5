/*
 * dispatch.h - the machine's side of interrupts.h: start-up, the way from a vector to the handlers,
 * and what was counted.
 *
 * Locking     Interrupts off, except interrupt_is_handling() interrupt_counts() and
 *             interrupt_handler_name().
 */
#ifndef KERNEL_X86_DISPATCH_H
#define KERNEL_X86_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/x86/interrupts.h"

/* Moves the 8259s' vectors away from the exceptions' and masks every line. */
void interrupts_start(void);

/* Runs the source's handlers, acknowledges the interrupt, and lets the scheduler preempt the
 * interrupted thread. */
void interrupt_dispatch(unsigned source);

/* Counts an interrupt that the local APIC reported as spurious. */
void interrupt_note_spurious(void);

/* Returns true inside an interrupt handler. */
bool interrupt_is_handling(void);

struct interrupt_counts {
    uint64_t raised[INTERRUPT_SOURCES], unclaimed[INTERRUPT_SOURCES], spurious;
};
const struct interrupt_counts *interrupt_counts(void);

/* Copies the name of a source's n-th handler. Returns false if it has fewer. Threads. */
bool interrupt_handler_name(unsigned source, unsigned number, char *text, size_t bytes);

#endif
