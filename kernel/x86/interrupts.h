/*
 * interrupts.h - interrupt lines of the two 8259s, remapped to vectors 0x20..0x2f.
 *
 * Several handlers may share a line (PCI): each is asked and says whether its device raised it.
 * The line is enabled while it has a handler. Handlers run with interrupts off on the stack of
 * whatever was interrupted; they call "any context" functions only. Spurious interrupts 7 and 15
 * are recognised by the in-service register and counted.
 *
 * Locking     register/unregister: threads. After unregister returns the handler runs no more.
 */
#ifndef KERNEL_X86_INTERRUPTS_H
#define KERNEL_X86_INTERRUPTS_H

#include "kernel/port.h"

enum { INTERRUPT_LINES = 16 };

struct interrupt_handler {
    bool (*handle)(void *context); /* true: my device raised it */
    void *context;
    struct list link;              /* interrupts.c's */
};

/* 0, or -EINVAL for a line that does not exist (0xff in PCI's register: not routed). */
status_t interrupt_register(unsigned line, struct interrupt_handler *handler) MUST_CHECK;
void interrupt_unregister(unsigned line, struct interrupt_handler *handler);

#endif
