/*
 * interrupts.h - the interrupt lines of the two 8259s, remapped to vectors 0x20..0x2f.
 *
 * Model       Several handlers may share a line, as PCI devices do: each is called and returns
 *             whether its device raised the interrupt. A line is enabled while it has a handler.
 *             Handlers run with interrupts off, on the stack of the interrupted thread, and call
 *             only functions that are documented for any context.
 * Protection  A line that stays raised without being claimed would interrupt endlessly. After
 *             10,000 unclaimed interrupts in a row it is masked, so that a broken device costs its
 *             driver a timeout instead of stopping the machine. Spurious interrupts 7 and 15 are
 *             recognised by the in-service register and counted.
 * Locking     register/unregister: threads. The handler does not run after unregister has returned.
 * Status      The 8259s only: no I/O APIC, no MSI.
 * References  Intel 8259A data sheet.
 */
#ifndef KERNEL_X86_INTERRUPTS_H
#define KERNEL_X86_INTERRUPTS_H

#include "kernel/code.h"
#include "kernel/port.h"

enum { INTERRUPT_LINES = 16 };

struct interrupt_handler {
    bool (*handle)(void *context); /* returns true if its device raised the interrupt */
    void *context;
    struct list link;              /* owned by interrupts.c, with the next */
    struct code_use code_use;
};

/* Adds a handler, borrowed until interrupt_unregister(). -EINVAL if the line does not exist; 0xff
 * in a PCI function's register means "not connected". */
status_t interrupt_register(unsigned line, struct interrupt_handler *handler) MUST_CHECK;
void interrupt_unregister(unsigned line, struct interrupt_handler *handler);

#endif
