/* pci.c - functions of bus 0, by configuration mechanism 1 (PCI 2.3, 3.2.2.3.2). See bare.h. */
#include "kernel/port.h"
#include "kernel/x86/ports.h"
#include "tests/bench/bare/bare.h"

enum {
    PCI_ADDRESS = 0xcf8,
    PCI_DATA = 0xcfc,
    PCI_COMMAND = 0x04,
    PORTS_MEMORY_MASTER = 7,
    FUNCTIONS = 256,
};

#define KERNEL_BASE 0xffffffff80000000u /* linker.ld */

uint32_t pci_read(uint32_t function, uint32_t offset)
{
    port_out32(PCI_ADDRESS, 0x80000000u | function << 8 | offset);
    return port_in32(PCI_DATA);
}

uint32_t pci_find(uint32_t offset, unsigned shift, uint32_t value, const char *what)
{
    for (uint32_t function = 0; function < FUNCTIONS; function++) {
        if (pci_read(function, offset) >> shift != value)
            continue;
        uint32_t command = pci_read(function, PCI_COMMAND) & 0xffff;
        port_out32(PCI_DATA, command | PORTS_MEMORY_MASTER);
        return function;
    }
    panic("no %s", what);
}

uint32_t physical_of(const volatile void *object)
{
    return (uint32_t)((uintptr_t)object - KERNEL_BASE);
}
