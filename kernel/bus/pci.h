/*
 * pci.h - functions on the PCI bus, as devices below "pci".
 *
 * drivers/pci publishes a device for each function, named bus:slot.function ("00:01.1"), whose
 * bus_data of type pci_bus is a `struct pci_function`. Drivers examine it in add_device and access
 * the configuration space through the functions below.
 *
 * Locking     Configuration reads and writes: any thread.
 * Ownership   A pci_function lives as long as its device.
 * References  PCI Local Bus 3.0, sections 3.2.2.3 (mechanism #1) and 6.1 (header), appendix D
 *             (class codes).
 */
#ifndef KERNEL_BUS_PCI_H
#define KERNEL_BUS_PCI_H

#include "kernel/dev/device.h"

struct pci_bar {
    uint64_t base;   /* 0: the register is not implemented, or not assigned */
    uint64_t bytes;
    bool io;         /* in port space; else in memory space */
};

struct pci_function;

struct pci_access {
    uint32_t (*read32)(const struct pci_function *function, unsigned offset);
    void (*write32)(const struct pci_function *function, unsigned offset, uint32_t value);
};

struct pci_function {
    const struct pci_access *access;
    uint8_t bus, slot, function;
    uint16_t vendor, product;
    uint8_t class_code, subclass, interface, revision;
    uint8_t interrupt_line; /* as the firmware set it; 0xff: not routed */
    struct pci_bar bars[6];
};

extern const struct bus_type pci_bus;

/* Returns NULL if the device is not a PCI function. */
const struct pci_function *pci_function_of(const struct device *device);

/* Enables port space, memory space, bus mastering and interrupts in the command register. */
void pci_enable(const struct pci_function *function);

#endif
