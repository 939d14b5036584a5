/*
 * ecam.c - configuration space in memory (ECAM), where ACPI's table MCFG describes it.
 *
 * MCFG lists ranges of buses and the address at which bus 0 of each would be; a bus takes 1 MiB. A
 * bus is mapped when the walk comes to it, and unmapped if it is empty, since the mapping of all
 * 256 would take half a MiB for page tables alone.
 */
#include "drivers/pci/pci.h"
#include "kernel/log.h"
#include "kernel/mm/space.h"
#include "kernel/x86/acpi.h"

enum {
    /* MCFG: a header of 36 bytes, 8 reserved ones, then the entries. */
    ENTRIES = 44,
    ENTRY_BYTES = 16,
    ENTRY_ADDRESS = 0,
    ENTRY_SEGMENT = 8,
    ENTRY_FIRST = 10,
    ENTRY_LAST = 11,

    BUS_BYTES = 1 << 20,
    SLOT_SHIFT = 15,
    FUNCTION_SHIFT = 12,
    RANGES_MAX = 8,
};

#define ADDRESS_MAX (1ull << 52)

static struct range {
    uint64_t address; /* of bus 0, whether or not the range contains it */
    uint8_t first, last;
} ranges[RANGES_MAX];
static unsigned range_count;
static char *windows[PCI_BUSES_MAX]; /* NULL: not mapped */

static volatile uint32_t *register_of(const struct pci_function *function, unsigned offset)
{
    kassert(windows[function->bus] && offset < 1u << FUNCTION_SHIFT);
    return (volatile uint32_t *)(windows[function->bus] + (function->slot << SLOT_SHIFT) +
                                 (function->function << FUNCTION_SHIFT) + offset);
}

static uint32_t ecam_read32(const struct pci_function *function, unsigned offset)
{
    return *register_of(function, offset);
}

static void ecam_write32(const struct pci_function *function, unsigned offset, uint32_t value)
{
    *register_of(function, offset) = value;
}

static const struct pci_ops ecam_ops = {
    .read32 = ecam_read32,
    .write32 = ecam_write32,
    .map = pci_function_map,
    .unmap = pci_function_unmap,
    .connect = pci_function_connect,
    .disconnect = pci_function_disconnect,
};

const struct pci_ops *pci_ecam_open(unsigned bus)
{
    for (unsigned i = 0; i < range_count && !windows[bus]; i++)
        if (bus >= ranges[i].first && bus <= ranges[i].last)
            windows[bus] = space_map_mmio(ranges[i].address + (uint64_t)bus * BUS_BYTES, BUS_BYTES);
    return windows[bus] ? &ecam_ops : NULL;
}

void pci_ecam_close(unsigned bus)
{
    if (windows[bus])
        space_unmap(windows[bus], BUS_BYTES);
    windows[bus] = NULL;
}

void pci_ecam_forget(void)
{
    for (unsigned bus = 0; bus < PCI_BUSES_MAX; bus++)
        pci_ecam_close(bus);
    range_count = 0;
}

static void add_range(struct bytes mcfg, size_t at)
{
    struct range range = {
        .address = bytes_le64(mcfg, at + ENTRY_ADDRESS),
        .first = bytes_u8(mcfg, at + ENTRY_FIRST),
        .last = bytes_u8(mcfg, at + ENTRY_LAST),
    };
    unsigned segment = bytes_le16(mcfg, at + ENTRY_SEGMENT);

    /* A segment is a further set of 256 buses, which only very large machines have. */
    if (segment || range_count == RANGES_MAX) {
        log_info("pci", "MCFG: segment %u, buses %u to %u: not supported; skipped", segment,
                 range.first, range.last);
        return;
    }

    uint64_t start = range.address + (uint64_t)range.first * BUS_BYTES;
    uint64_t bytes = (range.last - range.first + 1ull) * BUS_BYTES;
    if (!range.address || range.address % BUS_BYTES || range.address > ADDRESS_MAX ||
        range.first > range.last || space_overlaps_ram(start, bytes)) {
        log_warn("pci", "MCFG: buses %u to %u at %#llx: invalid; not used", range.first, range.last,
                 (unsigned long long)range.address);
        return;
    }
    ranges[range_count++] = range;
}

void pci_ecam_start(void)
{
    struct bytes mcfg = acpi_open("MCFG");
    for (size_t at = ENTRIES; bytes_has(mcfg, at, ENTRY_BYTES); at += ENTRY_BYTES)
        add_range(mcfg, at);
    acpi_close(mcfg);
}
