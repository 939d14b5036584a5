/*
 * pci.c - functions for drivers of PCI devices, whatever the bus is.
 */
#include "kernel/bus/pci.h"

enum {
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_CAPABILITIES = 0x34,

    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
    PCI_COMMAND_NO_INTERRUPT = 1 << 10,

    PCI_STATUS_CAPABILITIES = 1 << 4,

    CAPABILITIES_FIRST = 0x40, /* after the header */
};

const struct bus_type pci_bus = { .name = "pci" };

const struct pci_function *pci_function_of(const struct device *device)
{
    return device_bus_data(device, &pci_bus);
}

/* ---- configuration space -------------------------------------------------------------------- */

static uint32_t mask_of(unsigned bytes)
{
    return bytes == 4 ? UINT32_MAX : ((uint32_t)1 << bytes * 8) - 1;
}

uint32_t pci_read(const struct pci_function *function, unsigned offset, unsigned bytes)
{
    kassert(offset % 4 + bytes <= 4);
    uint32_t value = function->ops->read32(function, offset & ~3u);
    return value >> offset % 4 * 8 & mask_of(bytes);
}

void pci_write(const struct pci_function *function, unsigned offset, unsigned bytes,
               uint32_t value)
{
    kassert(offset % 4 + bytes <= 4);
    unsigned shift = offset % 4 * 8;
    uint32_t others = 0;

    /* The neighbours keep their values, except those of the status register after the command:
     * writing a 1 there clears it. */
    if (bytes < 4 && (offset & ~3u) != PCI_COMMAND)
        others = function->ops->read32(function, offset & ~3u) & ~(mask_of(bytes) << shift);
    function->ops->write32(function, offset & ~3u, others | (value & mask_of(bytes)) << shift);
}

unsigned pci_find_capability(const struct pci_function *function, uint8_t id, unsigned after)
{
    uint64_t seen = 0; /* a bit for each multiple of 4 */
    bool passed = !after;

    if (!(pci_read(function, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES))
        return 0;

    /* The list is followed from its start each time, until an offset occurs again: so a caller
     * that asks for one after the other ends too if the list loops. */
    unsigned offset = pci_read(function, PCI_CAPABILITIES, 1) & ~3u;
    while (offset >= CAPABILITIES_FIRST && !(seen >> offset / 4 & 1)) {
        if (passed && pci_read(function, offset, 1) == id)
            return offset;
        passed |= offset == after;
        seen |= (uint64_t)1 << offset / 4;

        /* The identifier is followed by the offset of the next capability. */
        offset = pci_read(function, offset + 1, 1) & ~3u;
    }
    return 0;
}

static void command_change(const struct pci_function *function, uint32_t clear, uint32_t set)
{
    uint32_t command = pci_read(function, PCI_COMMAND, 2);
    pci_write(function, PCI_COMMAND, 2, (command & ~clear) | set);
}

void pci_enable(const struct pci_function *function)
{
    command_change(function, PCI_COMMAND_NO_INTERRUPT,
                   PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void pci_disable(const struct pci_function *function)
{
    command_change(function, PCI_COMMAND_MASTER, 0);
}

/* ---- registers and interrupts ---------------------------------------------------------------- */

status_t pci_map(const struct pci_function *function, unsigned bar, uint64_t offset,
                 uint32_t bytes, struct registers *window)
{
    *window = (struct registers){ 0 };
    if (bar >= PCI_BARS || !function->bars[bar].base || !bytes ||
        offset > function->bars[bar].bytes || bytes > function->bars[bar].bytes - offset)
        return -ENODEV;

    /* Many firmwares leave the decoding of a device off that they do not use themselves. */
    command_change(function, 0, function->bars[bar].io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY);
    return function->ops->map(function, &function->bars[bar], offset, bytes, window);
}

void pci_unmap(const struct pci_function *function, struct registers *window)
{
    if (window->access)
        function->ops->unmap(function, window);
    window->access = NULL;
}

int pci_connect(const struct pci_function *function, struct pci_interrupt interrupts[],
                unsigned wanted)
{
    return function->ops->connect(function, interrupts, wanted);
}

void pci_disconnect(const struct pci_function *function, struct pci_interrupt interrupts[],
                    int count)
{
    if (count > 0)
        function->ops->disconnect(function, interrupts, (unsigned)count);
}
