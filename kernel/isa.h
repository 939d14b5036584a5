/*
 * isa.h - what is at fixed places in a PC: ports, and the lines of the interrupt controllers.
 *
 * Some devices, such as an IDE channel in compatibility mode, are not described by any bus. Their
 * drivers know the ports and the line, and get to them here.
 *
 * Model       The machine fills struct isa_machine and passes it to isa_use(): the kernel once at
 *             start-up, a host test with a model of the devices. Without a machine, as in a program
 *             on a host, nothing can be mapped.
 * Interrupts  As in kernel/bus/pci.h: lines are shared, and a handler runs with interrupts off.
 * Locking     isa_use() before any driver runs; the others: the device's driver.
 */
#ifndef KERNEL_ISA_H
#define KERNEL_ISA_H

#include "kernel/registers.h"

struct isa_interrupt {
    bool (*handle)(void *context); /* returns true if the device raised the interrupt */
    void *context;
    const char *name;              /* for `irqs`; borrowed while the line is connected */
    uint64_t machine_private[12];  /* the machine's, while the line is connected */
};

struct isa_machine {
    const struct register_access *ports;
    void *model; /* of the windows */
    status_t (*connect)(unsigned line, struct isa_interrupt *interrupt);
    void (*disconnect)(unsigned line, struct isa_interrupt *interrupt);
};

extern const struct isa_machine isa_pc; /* kernel/x86/isa.c */

void isa_use(const struct isa_machine *machine);

/* Returns a window of ports; -ENODEV without a machine. */
status_t isa_map(uint16_t port, uint32_t bytes, struct registers *window) MUST_CHECK;
/* Connects a line. -ENODEV if there is none that works: the driver polls. */
status_t isa_connect(unsigned line, struct isa_interrupt *interrupt) MUST_CHECK;
/* Afterwards the handler does not run. */
void isa_disconnect(unsigned line, struct isa_interrupt *interrupt);

#endif
