/*
 * pci.h - the files of the PCI bus driver among themselves.
 *
 *   config.c    configuration mechanism #1: 32-bit reads and writes of a function's registers
 *   function.c  what a header says: identity, base address registers and their sizes
 *   bus.c       the driver: walks the buses and publishes a device a function
 *   classes.c   names of class codes
 *
 * References  PCI Local Bus 3.0 sections 3.2.2.3 and 6; PCI-to-PCI Bridge 1.2 section 3.2.
 */
#ifndef DRIVERS_PCI_PCI_H
#define DRIVERS_PCI_PCI_H

#include "kernel/bus/pci.h"

enum {
    PCI_ID = 0x00,        /* vendor, product << 16 */
    PCI_COMMAND = 0x04,   /* command, status << 16 */
    PCI_CLASS = 0x08,     /* revision, interface, subclass, class */
    PCI_HEADER = 0x0c,    /* line size, latency, header type, self test */
    PCI_BAR0 = 0x10,
    PCI_BUSES = 0x18,     /* bridges: primary, secondary, subordinate bus */
    PCI_INTERRUPT = 0x3c, /* line, pin */

    PCI_DECODE = 3,       /* command: answers in port and in memory space */
    PCI_HEADER_TYPE_MASK = 0x7f,
    PCI_HEADER_MULTIFUNCTION = 0x80,
    PCI_HEADER_NORMAL = 0,
    PCI_HEADER_BRIDGE = 1,

    PCI_BUSES_MAX = 256,
    PCI_SLOTS = 32,
    PCI_FUNCTIONS = 8,
};

extern const struct pci_access pci_mechanism1;

/* Does the host bridge answer configuration mechanism #1? */
bool pci_mechanism1_present(void);

/* Fills *function, whose access and place are set, from its header. False: nothing there. */
bool pci_function_identify(struct pci_function *function);
/* The header type register: layout, and PCI_HEADER_MULTIFUNCTION. */
uint8_t pci_function_header(const struct pci_function *function);

/* A word or two for a class code; never NULL. */
const char *pci_class_text(uint8_t class_code, uint8_t subclass);

#endif
