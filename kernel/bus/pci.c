/*
 * pci.c - functions for drivers of PCI devices, whichever mechanism accesses configuration space.
 */
#include "kernel/bus/pci.h"

enum {
    PCI_COMMAND = 0x04,
    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
    PCI_COMMAND_NO_INTERRUPT = 1 << 10,
};

const struct bus_type pci_bus = { .name = "pci" };

const struct pci_function *pci_function_of(const struct device *device)
{
    return device_bus_data(device, &pci_bus);
}

void pci_enable(const struct pci_function *function)
{
    uint32_t command = function->access->read32(function, PCI_COMMAND) & 0xffff;
    command |= PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
    command &= ~(uint32_t)PCI_COMMAND_NO_INTERRUPT;

    /* The upper half is the status register, whose bits a written 1 clears: write zeros there. */
    function->access->write32(function, PCI_COMMAND, command);
}
