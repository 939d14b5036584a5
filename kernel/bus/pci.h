/*
 * pci.h - functions on the PCI bus, as devices below "pci".
 *
 * drivers/pci publishes a device for each function, named bus:slot.function ("00:01.1"), whose
 * bus_data of type pci_bus is a `struct pci_function`. A driver examines it in add_device, and uses
 * the functions below:
 *
 *     pci_map() each window of registers -> reset the device -> pci_connect() its interrupts
 *     -> pci_enable() -> run -> stop the device -> pci_disable() -> pci_disconnect() -> pci_unmap()
 *
 * Model       The bus driver fills struct pci_ops, which is all that differs between the kernel's
 *             bus and a test's model of a function. A device can write to memory only between
 *             pci_enable() and pci_disable().
 * Interrupts  pci_connect() uses MSI-X, else MSI, else the function's line. A handler runs with
 *             interrupts off, and may be called although its device raised none (lines are shared):
 *             it returns whether its device did. MSI handlers return true.
 * Locking     Configuration reads and writes: any thread. The others: the device's driver.
 * Ownership   A pci_function lives as long as its device.
 * References  PCI Local Bus 3.0, sections 3.2.2.3 (mechanism #1), 6.1 (header), 6.7 (capabilities),
 *             6.8 (MSI, MSI-X), appendix D (class codes).
 */
#ifndef KERNEL_BUS_PCI_H
#define KERNEL_BUS_PCI_H

#include "kernel/code.h"
#include "kernel/dev/device.h"
#include "kernel/registers.h"

enum { PCI_BARS = 6 };

struct pci_bar {
    uint64_t base;   /* 0: the register is not implemented, or not assigned */
    uint64_t bytes;
    bool io;         /* in port space; else in memory space */
};

struct pci_function;

/* One interrupt of a function: a message, or its line. The driver sets handle and context. */
struct pci_interrupt {
    bool (*handle)(void *context); /* returns true if the device raised the interrupt */
    void *context;
    uint64_t bus_private[20];      /* the bus driver's, from pci_connect() to pci_disconnect() */
};

struct pci_ops {
    uint32_t (*read32)(const struct pci_function *function, unsigned offset);
    void (*write32)(const struct pci_function *function, unsigned offset, uint32_t value);
    /* As pci_map and so on below, with arguments that were checked. */
    status_t (*map)(const struct pci_function *function, const struct pci_bar *bar,
                    uint64_t offset, uint32_t bytes, struct registers *window);
    void (*unmap)(const struct pci_function *function, struct registers *window);
    int (*connect)(const struct pci_function *function, struct pci_interrupt interrupts[],
                   unsigned wanted);
    void (*disconnect)(const struct pci_function *function, struct pci_interrupt interrupts[],
                       unsigned count);
};

struct pci_function {
    const struct pci_ops *ops;
    uint8_t bus, slot, function;
    uint16_t vendor, product;
    uint8_t class_code, subclass, interface, revision;
    uint8_t interrupt_line; /* as the firmware set it; 0xff: not routed */
    struct pci_bar bars[PCI_BARS];
};

/* Capability identifiers (PCI 3.0 appendix H). */
enum {
    PCI_CAPABILITY_MSI = 0x05,
    PCI_CAPABILITY_VENDOR = 0x09,
    PCI_CAPABILITY_MSIX = 0x11,
};

extern const struct bus_type pci_bus;

/* Returns NULL if the device is not a PCI function. */
const struct pci_function *pci_function_of(const struct device *device);

/* Reads or writes 1, 2 or 4 bytes of configuration space that do not cross a multiple of 4. */
uint32_t pci_read(const struct pci_function *function, unsigned offset, unsigned bytes);
void pci_write(const struct pci_function *function, unsigned offset, unsigned bytes,
               uint32_t value);
/* Returns the offset of the next capability of this kind in the list, after the one at `after` (0:
 * the first); 0: there is none. Capabilities are in 0x40..0xff; a list that loops ends. */
unsigned pci_find_capability(const struct pci_function *function, uint8_t id, unsigned after);

/* Maps `bytes` registers of a BAR, from `offset` on. -ENODEV if the BAR is not assigned or too
 * short, -ENOMEM. */
status_t pci_map(const struct pci_function *function, unsigned bar, uint64_t offset,
                 uint32_t bytes, struct registers *window) MUST_CHECK;
/* Does nothing if the window was not mapped. */
void pci_unmap(const struct pci_function *function, struct registers *window);

/* Enables port space, memory space and bus mastering in the command register; disables bus
 * mastering. */
void pci_enable(const struct pci_function *function);
void pci_disable(const struct pci_function *function);

/* Connects up to `wanted` interrupts, and returns how many: more than one are MSI-X vectors, in the
 * order of the table. -ENODEV if the function has no interrupt that works: its driver polls. */
int pci_connect(const struct pci_function *function, struct pci_interrupt interrupts[],
                unsigned wanted) MUST_CHECK;
/* Afterwards no handler runs. `count` as pci_connect() returned it; 0 or less: nothing to do. */
void pci_disconnect(const struct pci_function *function, struct pci_interrupt interrupts[],
                    int count);

#endif
