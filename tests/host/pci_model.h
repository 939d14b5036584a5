/*
 * pci_model.h - a PCI function without hardware, for tests of the drivers of PCI devices.
 *
 * Model       A controller's model (ahci_model.c, ...) embeds a struct pci_model, and sets the
 *             identity, the BARs and their callbacks. pci_model_publish() puts it into the device
 *             tree, where the real driver finds it by its class, maps its BARs, connects its
 *             interrupts and enables bus mastering, as on a machine. Register accesses of the
 *             driver call the model; the model reads and writes the driver's memory through
 *             pci_model_dma(), and interrupts it by pci_model_raise().
 * Checks      DMA while bus mastering is disabled, interrupts after pci_disconnect(), windows that
 *             were not unmapped, and interrupts that are still connected at the end panic.
 * Locking     Callbacks run on the thread that accesses the register, which may hold locks of the
 *             driver: a model raises interrupts on a thread of its own, and does not hold its own
 *             lock in pci_model_raise().
 * Ownership   The model is the test's, and outlives its device: see pci_model_remove().
 */
#ifndef TESTS_HOST_PCI_MODEL_H
#define TESTS_HOST_PCI_MODEL_H

#include "kernel/bus/pci.h"

enum { PCI_MODEL_CONFIG_BYTES = 256, PCI_MODEL_VECTORS_MAX = 32 };

struct pci_model;

/* A BAR. `bar` is its number, `offset` is relative to it. The accesses are inside `bytes`. */
struct pci_model_bar {
    uint32_t bytes; /* 0: not implemented */
    bool io;
    uint64_t (*read)(struct pci_model *model, uint64_t offset, unsigned bytes);
    void (*write)(struct pci_model *model, uint64_t offset, unsigned bytes, uint64_t value);
    /* NULL: words are moved by read() and write(). */
    void (*read_words)(struct pci_model *model, uint64_t offset, uint16_t *words, size_t count);
    void (*write_words)(struct pci_model *model, uint64_t offset, const uint16_t *words,
                        size_t count);
};

struct pci_model {
    /* Set by the test before pci_model_publish(). */
    uint16_t vendor, product;
    uint8_t class_code, subclass, interface;
    uint8_t config[PCI_MODEL_CONFIG_BYTES]; /* from 0x40 on: capabilities; the rest is filled */
    uint8_t capabilities;                   /* offset of the first one; 0: none */
    struct pci_model_bar bars[PCI_BARS];
    unsigned vectors;                       /* that pci_connect() has to give; 0: it fails */
    void *context;                          /* the controller model's */

    /* private to pci_model.c, but may be read */
    struct pci_function function;
    struct device *device;
    struct spin lock;                       /* guards the next three */
    struct pci_interrupt *connected[PCI_MODEL_VECTORS_MAX];
    unsigned windows;
    bool mastering;
};

/* Publishes the function as `name` ("00:04.0") below the root, which offers it to the drivers. From
 * now on mem_physical() returns real addresses. The device tree was started. Returns the device,
 * whose reference is the model's. */
struct device *pci_model_publish(struct pci_model *model, const char *name);
/* Removes the device, as when it is unplugged, and waits until nothing holds it. Panics if its
 * driver left something connected, mapped or enabled. */
void pci_model_remove(struct pci_model *model);

/* Calls the handler of a vector (0: the first), as its interrupt would. Returns false if it is not
 * connected: the interrupt is lost. */
bool pci_model_raise(struct pci_model *model, unsigned vector);

/* Returns the memory at a bus address that the driver gave the device. Panics if bus mastering is
 * disabled, which on a machine would end the access. ASan checks the access itself. */
void *pci_model_dma(struct pci_model *model, uint64_t address);

#endif
