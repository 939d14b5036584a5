/*
 * interrupts.h - interrupts: the lines of the two 8259s, and messages to the local APIC.
 *
 * Model       Lines are vectors 0x20..0x2f. Several handlers may share one, as PCI devices do: each
 *             is called and returns whether its device raised the interrupt. A line is enabled
 *             while it has a handler. A message (MSI, MSI-X) is a write by a device to the local
 *             APIC; each has a vector and one handler of its own, from 0x30 on. Lines and messages
 *             are numbered together, as sources.
 *             Handlers run with interrupts off, on the stack of the interrupted thread, and call
 *             only functions that are documented for any context.
 * Protection  A line that stays raised without being claimed would interrupt endlessly. After
 *             10,000 unclaimed interrupts in a row it is masked, so that a broken device costs its
 *             driver a timeout instead of stopping the machine. Spurious interrupts are recognised
 *             and counted. A message whose handler was unregistered is counted as unclaimed.
 * Locking     register/unregister: threads. The handler does not run after unregister has returned.
 * Status      No I/O APIC. A device that sends messages endlessly is not stopped.
 * References  Intel 8259A data sheet; Intel SDM volume 3, 11.11 (messages).
 */
#ifndef KERNEL_X86_INTERRUPTS_H
#define KERNEL_X86_INTERRUPTS_H

#include "kernel/code.h"
#include "kernel/port.h"

enum {
    INTERRUPT_LINES = 16,
    INTERRUPT_MESSAGES = 47,
    INTERRUPT_SOURCES = INTERRUPT_LINES + INTERRUPT_MESSAGES,
};

struct interrupt_handler {
    bool (*handle)(void *context); /* returns true if its device raised the interrupt */
    void *context;
    const char *name;              /* for `irqs`, borrowed: the driver's or the device's */
    struct list link;              /* owned by interrupts.c, with the next */
    struct code_use code_use;
};

/* What a device must write, and where, to interrupt the processor. */
struct interrupt_message {
    uint64_t address;
    uint32_t data;
    unsigned source; /* for interrupt_unregister() */
};

/* Adds a handler, borrowed until interrupt_unregister(). -EINVAL if the line does not exist; 0xff
 * in a PCI function's register means "not connected". -ENODEV if the machine has no lines. */
status_t interrupt_register(unsigned line, struct interrupt_handler *handler) MUST_CHECK;

/* Allocates a message for a handler, borrowed as above, and describes it in *message. -ENODEV if
 * there is no local APIC, -EBUSY if all messages are in use. */
status_t interrupt_register_message(struct interrupt_handler *handler,
                                    struct interrupt_message *message) MUST_CHECK;

/* Removes a handler; frees the message. Its device must not send it any more. */
void interrupt_unregister(unsigned source, struct interrupt_handler *handler);

#endif
