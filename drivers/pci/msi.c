/*
 * msi.c - connects interrupts by messages: MSI-X, with a table of messages in one of the function's
 * BARs, and MSI, with one message in its capability.
 *
 * Both are off, or masked, while handlers and messages change. The size and the place of the table
 * are the function's own numbers: pci_map() checks them against the BAR.
 */
#include "drivers/pci/pci.h"
#include "lib/macros.h"

enum {
    CONTROL = 0x02, /* of both capabilities: 16 bits */

    MSI_ENABLE = 1 << 0,
    MSI_COUNT = 7 << 4, /* log2 of how many messages are enabled */
    MSI_WIDE = 1 << 7,  /* the address has 64 bits */
    MSI_ADDRESS = 0x04,
    MSI_ADDRESS_HIGH = 0x08,
    MSI_DATA = 0x08,
    MSI_DATA_WIDE = 0x0c,
    MSI_BYTES = 0x10, /* without the masks, which are optional */

    MSIX_LAST_ENTRY = 0x7ff,
    MSIX_MASK_ALL = 1 << 14,
    MSIX_ENABLE = 1 << 15,
    MSIX_TABLE = 0x04, /* offset, and the number of the BAR in the lowest three bits */
    MSIX_TABLE_BAR = 7,
    MSIX_BYTES = 0x0c,

    /* An entry of the table. */
    ENTRY_ADDRESS = 0x00,
    ENTRY_ADDRESS_HIGH = 0x04,
    ENTRY_DATA = 0x08,
    ENTRY_CONTROL = 0x0c,
    ENTRY_BYTES = 0x10,
    ENTRY_MASKED = 1 << 0,

    CONFIG_BYTES = 0x100,
};

/* Returns the offset of a capability that is not cut off by the end of the space, or 0. */
static unsigned find(const struct pci_function *function, uint8_t id, unsigned bytes)
{
    unsigned offset = pci_find_capability(function, id, 0);
    return offset <= CONFIG_BYTES - bytes ? offset : 0;
}

static void change_control(const struct pci_function *function, unsigned capability,
                           unsigned clear, unsigned set)
{
    unsigned control = pci_read(function, capability + CONTROL, 2);
    pci_write(function, capability + CONTROL, 2, (control & ~clear) | set);
}

static status_t allocate(struct pci_interrupt *interrupt)
{
    struct pci_connection *connection = pci_connection_of(interrupt);
    return interrupt_register_message(&connection->handler, &connection->message);
}

/* ---- MSI-X ---------------------------------------------------------------------------------- */

static void write_entry(const struct registers *table, unsigned number,
                        const struct interrupt_message *message)
{
    /* The entry is masked, as it must be while its address and data change. */
    uint32_t at = number * ENTRY_BYTES;
    register_write32(table, at + ENTRY_ADDRESS, (uint32_t)message->address);
    register_write32(table, at + ENTRY_ADDRESS_HIGH, (uint32_t)(message->address >> 32));
    register_write32(table, at + ENTRY_DATA, message->data);
    register_write32(table, at + ENTRY_CONTROL, 0);
}

/* Returns how many interrupts were connected, 0 if none. */
static unsigned connect_msix(const struct pci_function *function,
                             struct pci_interrupt interrupts[], unsigned wanted)
{
    unsigned at = find(function, PCI_CAPABILITY_MSIX, MSIX_BYTES);
    if (!at)
        return 0;

    unsigned entries = (pci_read(function, at + CONTROL, 2) & MSIX_LAST_ENTRY) + 1;
    uint32_t place = pci_read(function, at + MSIX_TABLE, 4);
    struct registers *table = &pci_connection_of(&interrupts[0])->table;
    if (pci_map(function, place & MSIX_TABLE_BAR, place & ~(uint32_t)MSIX_TABLE_BAR,
                entries * ENTRY_BYTES, table))
        return 0;

    /* Firmware may have used the entries. They can be accessed with all of them masked at once. */
    change_control(function, at, 0, MSIX_ENABLE | MSIX_MASK_ALL);
    for (unsigned i = 0; i < entries; i++)
        register_write32(table, i * ENTRY_BYTES + ENTRY_CONTROL, ENTRY_MASKED);

    unsigned count = 0;
    for (; count < min(wanted, entries) && !allocate(&interrupts[count]); count++)
        write_entry(table, count, &pci_connection_of(&interrupts[count])->message);

    if (count) {
        change_control(function, at, MSIX_MASK_ALL, 0);
    } else {
        change_control(function, at, MSIX_ENABLE, 0);
        pci_unmap(function, table);
    }
    return count;
}

/* ---- MSI ------------------------------------------------------------------------------------ */

static unsigned connect_msi(const struct pci_function *function, struct pci_interrupt *interrupt)
{
    unsigned at = find(function, PCI_CAPABILITY_MSI, MSI_BYTES);
    if (!at || allocate(interrupt))
        return 0;

    /* The address is below 4 GiB, so functions without its upper half can send it too. */
    const struct interrupt_message *message = &pci_connection_of(interrupt)->message;
    bool wide = pci_read(function, at + CONTROL, 2) & MSI_WIDE;
    pci_write(function, at + MSI_ADDRESS, 4, (uint32_t)message->address);
    if (wide)
        pci_write(function, at + MSI_ADDRESS_HIGH, 4, (uint32_t)(message->address >> 32));
    pci_write(function, at + (wide ? MSI_DATA_WIDE : MSI_DATA), 2, message->data);

    /* One message. The mask bits, if there are any, are clear after a reset. */
    change_control(function, at, MSI_COUNT, MSI_ENABLE);
    return 1;
}

/* ---- both ----------------------------------------------------------------------------------- */

/* Disables the messages that the firmware, or this file, has enabled. */
static void disable(const struct pci_function *function)
{
    unsigned msi = find(function, PCI_CAPABILITY_MSI, MSI_BYTES);
    unsigned msix = find(function, PCI_CAPABILITY_MSIX, MSIX_BYTES);
    if (msi)
        change_control(function, msi, MSI_ENABLE, 0);
    if (msix)
        change_control(function, msix, MSIX_ENABLE, MSIX_MASK_ALL);
}

unsigned pci_messages_connect(const struct pci_function *function,
                              struct pci_interrupt interrupts[], unsigned wanted)
{
    /* At most one of the two may be enabled (PCI 3.0, 6.8). */
    disable(function);
    unsigned count = connect_msix(function, interrupts, wanted);
    return count ? count : connect_msi(function, &interrupts[0]);
}

void pci_messages_disconnect(const struct pci_function *function,
                             struct pci_interrupt interrupts[], unsigned count)
{
    /* The function first: what it sends afterwards would find no handler. */
    disable(function);
    for (unsigned i = 0; i < count; i++) {
        struct pci_connection *connection = pci_connection_of(&interrupts[i]);
        interrupt_unregister(connection->message.source, &connection->handler);
    }
    pci_unmap(function, &pci_connection_of(&interrupts[0])->table);
}
