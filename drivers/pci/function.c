/*
 * function.c - reads a function's header.
 *
 * The size of a base address register (BAR) is found by writing all ones and reading the register
 * back: the number of address bits that remain 0 is the size. Meanwhile the register holds a wrong
 * address, so the function's decoding is disabled. Host bridges are not probed: some of them stop
 * forwarding to memory when their decoding is disabled.
 *
 * What a function reports is not trusted: a BAR whose size or place is impossible is not used.
 */
#include "drivers/pci/pci.h"
#include "kernel/log.h"

enum {
    BAR_IO = 1 << 0,
    BAR_IO_FLAGS = 3,
    BAR_MEMORY_FLAGS = 15,
    BAR_MEMORY_TYPE = 3 << 1,
    BAR_MEMORY_64 = 2 << 1,
};

#define PORT_SPACE_BYTES 0x10000ull
#define MEMORY_SPACE_BYTES (1ull << 52)

static uint32_t function_read(const struct pci_function *function, unsigned offset)
{
    return function->ops->read32(function, offset);
}

/* Returns the bits of the register that can be set, and restores the register. */
static uint32_t bar_probe(const struct pci_function *function, unsigned offset, uint32_t before)
{
    function->ops->write32(function, offset, UINT32_MAX);
    uint32_t mask = function_read(function, offset);
    function->ops->write32(function, offset, before);
    return mask;
}

static void bar_read_io(struct pci_function *function, unsigned offset, struct pci_bar *bar)
{
    uint32_t value = function_read(function, offset);
    uint32_t mask = bar_probe(function, offset, value) & ~(uint32_t)BAR_IO_FLAGS;

    /* The upper half need not be implemented: x86 has 16-bit ports. */
    if (!(mask >> 16))
        mask |= 0xffff0000;
    bar->io = true;
    bar->base = value & ~(uint32_t)BAR_IO_FLAGS;
    bar->bytes = bar->base ? (uint32_t)(~mask + 1) : 0;
}

/* Returns the number of registers that the BAR occupies: 2 if it is a 64-bit BAR. */
static unsigned bar_read_memory(struct pci_function *function, unsigned offset, bool has_next,
                                struct pci_bar *bar)
{
    uint32_t low = function_read(function, offset), high = 0, high_mask = UINT32_MAX;
    uint32_t low_mask = bar_probe(function, offset, low) & ~(uint32_t)BAR_MEMORY_FLAGS;

    /* The next register holds the upper half of a 64-bit BAR. */
    bool wide = (low & BAR_MEMORY_TYPE) == BAR_MEMORY_64 && has_next;
    if (wide) {
        high = function_read(function, offset + 4);
        high_mask = bar_probe(function, offset + 4, high);
    }

    uint64_t mask = (uint64_t)high_mask << 32 | low_mask;
    bar->base = (uint64_t)high << 32 | (low & ~(uint32_t)BAR_MEMORY_FLAGS);
    bar->bytes = low_mask || wide ? ~mask + 1 : 0;
    if (!bar->bytes)
        bar->base = 0; /* not implemented */
    return wide ? 2 : 1;
}

/* Removes a BAR that cannot be what the function reports. */
static void bar_check(struct pci_function *function, unsigned number)
{
    struct pci_bar *bar = &function->bars[number];
    uint64_t space = bar->io ? PORT_SPACE_BYTES : MEMORY_SPACE_BYTES;
    if (!bar->base)
        return;

    /* Sizes are powers of two, and a BAR begins at a multiple of its size (6.2.5.1). */
    uint64_t below = bar->bytes - 1;
    if (bar->bytes && !(bar->bytes & below) && !(bar->base & below) && bar->base < space &&
        bar->bytes <= space - bar->base)
        return;

    log_warn("pci", "%02x:%02x.%x: BAR %u: %#llx bytes at %#llx are invalid; not used",
             function->bus, function->slot, function->function, number,
             (unsigned long long)bar->bytes, (unsigned long long)bar->base);
    *bar = (struct pci_bar){ 0 };
}

static void function_read_bars(struct pci_function *function, unsigned count)
{
    /* The upper half of the register is the status, whose bits are cleared by writing ones: write
     * zeroes there. */
    uint32_t command = function_read(function, PCI_COMMAND) & 0xffff;
    function->ops->write32(function, PCI_COMMAND, command & ~(uint32_t)PCI_DECODE);

    for (unsigned i = 0; i < count;) {
        unsigned offset = PCI_BAR0 + i * 4;
        if (function_read(function, offset) & BAR_IO)
            bar_read_io(function, offset, &function->bars[i++]);
        else
            i += bar_read_memory(function, offset, i + 1 < count, &function->bars[i]);
    }

    function->ops->write32(function, PCI_COMMAND, command);
    for (unsigned i = 0; i < count; i++)
        bar_check(function, i);
}

uint8_t pci_function_header(const struct pci_function *function)
{
    return (uint8_t)(function_read(function, PCI_HEADER) >> 16);
}

bool pci_function_identify(struct pci_function *function)
{
    uint32_t id = function_read(function, PCI_ID);
    function->vendor = (uint16_t)id;
    function->product = (uint16_t)(id >> 16);

    /* A read that no function answers returns ones; some bridges return zeroes. */
    if (function->vendor == 0xffff || function->vendor == 0)
        return false;

    uint32_t class = function_read(function, PCI_CLASS);
    function->class_code = (uint8_t)(class >> 24);
    function->subclass = (uint8_t)(class >> 16);
    function->interface = (uint8_t)(class >> 8);
    function->revision = (uint8_t)class;

    /* Without an interrupt pin the line has no meaning: 0xff is "not connected". Line 0 is the
     * timer's, so the firmware has not set the register. */
    uint32_t interrupt = function_read(function, PCI_INTERRUPT);
    bool connected = interrupt >> 8 & 0xff && interrupt & 0xff;
    function->interrupt_line = connected ? (uint8_t)interrupt : 0xff;

    /* A normal header has six base address registers, that of a bridge has two. */
    if (function->class_code == PCI_CLASS_BRIDGE && function->subclass == PCI_SUBCLASS_HOST)
        return true;
    switch (pci_function_header(function) & PCI_HEADER_TYPE_MASK) {
    case PCI_HEADER_NORMAL: function_read_bars(function, 6); break;
    case PCI_HEADER_BRIDGE: function_read_bars(function, 2); break;
    default: break; /* CardBus bridges: not supported */
    }
    return true;
}
