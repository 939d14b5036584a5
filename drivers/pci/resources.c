/*
 * resources.c - what a function's driver gets: windows of registers, and interrupts.
 */
#include "drivers/pci/pci.h"
#include "kernel/log.h"
#include "kernel/mm/space.h"
#include "lib/format.h"

status_t pci_function_map(const struct pci_function *function, const struct pci_bar *bar,
                          uint64_t offset, uint32_t bytes, struct registers *window)
{
    uint64_t base = bar->base + offset;
    if (bar->io) {
        *window = (struct registers){ .access = &register_ports, .base = base, .bytes = bytes };
        return 0;
    }

    /* Firmware that assigned memory to a function would let its driver overwrite ours. */
    if (space_overlaps_ram(base, bytes)) {
        log_error("pci", "%02x:%02x.%x: registers at %#llx overlap RAM; not mapped", function->bus,
                  function->slot, function->function, (unsigned long long)base);
        return -ENODEV;
    }
    void *memory = space_map_mmio(base, bytes);
    if (!memory)
        return -ENOMEM;
    *window = (struct registers){
        .access = &register_memory, .base = (uint64_t)memory, .bytes = bytes
    };
    return 0;
}

void pci_function_unmap(const struct pci_function *function, struct registers *window)
{
    (void)function;
    if (window->access == &register_memory)
        space_unmap((const void *)window->base, window->bytes);
}

/* ---- interrupts ----------------------------------------------------------------------------- */

static void prepare(const struct pci_function *function, struct pci_interrupt *interrupt)
{
    struct pci_connection *connection = pci_connection_of(interrupt);
    *connection = (struct pci_connection){
        .handler = {
            .handle = interrupt->handle, .context = interrupt->context, .name = connection->name
        },
    };
    format_text(connection->name, sizeof(connection->name), "pci/%02x:%02x.%x", function->bus,
                function->slot, function->function);
}

int pci_function_connect(const struct pci_function *function, struct pci_interrupt interrupts[],
                         unsigned wanted)
{
    if (!wanted)
        return -ENODEV;
    for (unsigned i = 0; i < wanted; i++)
        prepare(function, &interrupts[i]);

    unsigned messages = pci_messages_connect(function, interrupts, wanted);
    if (messages)
        return (int)messages;

    /* A line's source is its number. */
    struct pci_connection *connection = pci_connection_of(&interrupts[0]);
    connection->message.source = function->interrupt_line;
    return interrupt_register(function->interrupt_line, &connection->handler) ? -ENODEV : 1;
}

void pci_function_disconnect(const struct pci_function *function,
                             struct pci_interrupt interrupts[], unsigned count)
{
    struct pci_connection *connection = pci_connection_of(&interrupts[0]);
    if (connection->message.source < INTERRUPT_LINES)
        interrupt_unregister(connection->message.source, &connection->handler);
    else
        pci_messages_disconnect(function, interrupts, count);
}
