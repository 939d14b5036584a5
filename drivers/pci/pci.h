/*
 * pci.h - shared by the files of the PCI bus driver.
 *
 *   config.c    32-bit reads and writes of a function's registers, by mechanism #1 or ECAM
 *   ecam.c      configuration space in memory
 *   function.c  reads a header: identity, base address registers and their sizes
 *   bus.c       the driver: walks the buses and publishes a device for each function
 *   classes.c   names of class codes
 *   resources.c maps a function's registers, connects its interrupts
 *   msi.c       interrupts by messages: MSI and MSI-X
 *
 * bus.c, function.c, msi.c and classes.c do not depend on the machine: tests/host compiles them.
 *
 * References  PCI Local Bus 3.0 sections 3.2.2.3 and 6; PCI-to-PCI Bridge 1.2 section 3.2; PCI
 *             Firmware 3.2 section 4.1 (MCFG); PCI Express 3.0 section 7.2.2 (ECAM).
 */
#ifndef DRIVERS_PCI_PCI_H
#define DRIVERS_PCI_PCI_H

#include "kernel/bus/pci.h"
#include "kernel/x86/interrupts.h"

enum {
    PCI_ID = 0x00,        /* vendor, product << 16 */
    PCI_COMMAND = 0x04,   /* command, status << 16 */
    PCI_CLASS = 0x08,     /* revision, interface, subclass, class */
    PCI_HEADER = 0x0c,    /* line size, latency, header type, self test */
    PCI_BAR0 = 0x10,
    PCI_BUSES = 0x18,     /* bridges: primary, secondary, subordinate bus */
    PCI_INTERRUPT = 0x3c, /* line, pin */

    PCI_DECODE = 3,       /* command: answers in port and in memory space */
    PCI_MASTER = 4,       /* command: may access memory */
    PCI_HEADER_TYPE_MASK = 0x7f,
    PCI_HEADER_MULTIFUNCTION = 0x80,
    PCI_HEADER_NORMAL = 0,
    PCI_HEADER_BRIDGE = 1,

    PCI_CLASS_STORAGE = 1,
    PCI_CLASS_BRIDGE = 6,
    PCI_CLASS_SERIAL = 0x0c, /* serial buses */
    PCI_SUBCLASS_HOST = 0,
    PCI_SUBCLASS_PCI = 4,
    PCI_SUBCLASS_USB = 3,

    PCI_BUSES_MAX = 256,
    PCI_SLOTS = 32,
    PCI_FUNCTIONS = 8,
};

/* Finds the ways to configuration space. (config.c) */
void pci_config_start(void);
/* Returns how to access the functions of a bus, or NULL if there is no way, or no function. */
const struct pci_ops *pci_config_open(unsigned bus);
/* Ends the use of a bus that has no functions. */
void pci_config_close(unsigned bus);

/* The same for ECAM alone. (ecam.c) */
void pci_ecam_start(void);
const struct pci_ops *pci_ecam_open(unsigned bus);
void pci_ecam_close(unsigned bus);
/* Ends the use of all buses; none can be opened any more. */
void pci_ecam_forget(void);

/* Fills *function, whose access and place are set, from its header. Returns false if there is no
 * such function. */
bool pci_function_identify(struct pci_function *function);
/* Returns the header type register: the layout and PCI_HEADER_MULTIFUNCTION. */
uint8_t pci_function_header(const struct pci_function *function);

/* Members of each struct pci_ops. (resources.c) */
status_t pci_function_map(const struct pci_function *function, const struct pci_bar *bar,
                          uint64_t offset, uint32_t bytes, struct registers *window) MUST_CHECK;
void pci_function_unmap(const struct pci_function *function, struct registers *window);
int pci_function_connect(const struct pci_function *function, struct pci_interrupt interrupts[],
                         unsigned wanted) MUST_CHECK;
void pci_function_disconnect(const struct pci_function *function,
                             struct pci_interrupt interrupts[], unsigned count);

/* What bus_private of a struct pci_interrupt contains. */
struct pci_connection {
    struct interrupt_handler handler;
    struct interrupt_message message; /* source: the line, if that is what is connected */
    struct registers table;           /* of MSI-X; in the first connection only */
    char name[16];                    /* of the device, below the root */
};

static inline struct pci_connection *pci_connection_of(struct pci_interrupt *interrupt)
{
    _Static_assert(sizeof(struct pci_connection) <= sizeof(interrupt->bus_private),
                   "a connection must fit into struct pci_interrupt");
    return (struct pci_connection *)interrupt->bus_private;
}

/* Connects messages as pci_connect() does, for the handlers in the connections, and returns how
 * many; 0: the function has none, or there is no local APIC. (msi.c) */
unsigned pci_messages_connect(const struct pci_function *function,
                              struct pci_interrupt interrupts[], unsigned wanted);
void pci_messages_disconnect(const struct pci_function *function,
                             struct pci_interrupt interrupts[], unsigned count);

/* Returns a short name for a class code, never NULL. */
const char *pci_class_text(uint8_t class_code, uint8_t subclass);

#endif
