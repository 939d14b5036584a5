/*
 * resources.c - what a function's driver gets: windows of registers, and interrupts.
 */
#include "drivers/pci/pci.h"
#include "kernel/mm/space.h"
#include "kernel/x86/interrupts.h"

status_t pci_function_map(const struct pci_function *function, const struct pci_bar *bar,
                          uint64_t offset, uint32_t bytes, struct registers *window)
{
    (void)function;
    uint64_t base = bar->base + offset;
    if (bar->io) {
        *window = (struct registers){ .access = &register_ports, .base = base, .bytes = bytes };
        return 0;
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

/* A pci_interrupt's bus_private. */
struct connection {
    struct interrupt_handler handler;
};

_Static_assert(sizeof(struct connection) <= sizeof(((struct pci_interrupt *)0)->bus_private),
               "a connection must fit into struct pci_interrupt");

static struct connection *connection_of(struct pci_interrupt *interrupt)
{
    return (struct connection *)interrupt->bus_private;
}

int pci_function_connect(const struct pci_function *function, struct pci_interrupt interrupts[],
                         unsigned wanted)
{
    struct interrupt_handler *handler = &connection_of(&interrupts[0])->handler;
    if (!wanted)
        return -ENODEV;

    *handler = (struct interrupt_handler){
        .handle = interrupts[0].handle, .context = interrupts[0].context
    };
    return interrupt_register(function->interrupt_line, handler) ? -ENODEV : 1;
}

void pci_function_disconnect(const struct pci_function *function,
                             struct pci_interrupt interrupts[], unsigned count)
{
    (void)count;
    interrupt_unregister(function->interrupt_line, &connection_of(&interrupts[0])->handler);
}
