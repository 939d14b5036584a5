/*
 * structures.c - finds and maps the structures of a function's registers.
 *
 * A function has a vendor capability for each structure, which names a BAR, an offset in it, and a
 * length (VIRTIO 1.1 section 4.1.4). The first capability of a kind that can be used counts.
 */
#include "drivers/virtio/virtio.h"
#include "lib/macros.h"

enum {
    CAPABILITY_KIND = 3, /* offsets in a capability */
    CAPABILITY_BAR = 4,
    CAPABILITY_OFFSET = 8,
    CAPABILITY_LENGTH = 12,
    CAPABILITY_MULTIPLIER = 16, /* of the notification structure */
    CAPABILITY_BYTES = 16,
    CAPABILITY_NOTIFY_BYTES = 20,
    CONFIG_BYTES = 256,

    KIND_COMMON = 1,
    KIND_NOTIFY = 2,
    KIND_ISR = 3,
    KIND_CONFIG = 4,

    WINDOW_BYTES_MAX = 1 << 20, /* more than any device needs */
};

/* Maps the first structure of a kind that has at least `least` bytes and is inside its BAR. */
static status_t map_structure(const struct pci_function *function, unsigned kind, uint32_t least,
                              struct registers *window, unsigned *capability)
{
    unsigned bytes = kind == KIND_NOTIFY ? CAPABILITY_NOTIFY_BYTES : CAPABILITY_BYTES;
    status_t status = -ENODEV;
    unsigned at = 0;
    while (status == -ENODEV &&
           (at = pci_find_capability(function, PCI_CAPABILITY_VENDOR, at))) {
        /* A capability that the end of the space cuts off. */
        if (at > CONFIG_BYTES - bytes)
            continue;
        uint32_t length = pci_read(function, at + CAPABILITY_LENGTH, 4);
        if (pci_read(function, at + CAPABILITY_KIND, 1) != kind || length < least)
            continue;

        /* Lengths are the device's: pci_map() refuses what is not inside the BAR, and the next
         * capability of the kind is tried. */
        *capability = at;
        length = min(length, WINDOW_BYTES_MAX);
        status = pci_map(function, pci_read(function, at + CAPABILITY_BAR, 1),
                         pci_read(function, at + CAPABILITY_OFFSET, 4), length, window);
    }
    return status;
}

status_t virtio_map(struct virtio_pci *pci)
{
    unsigned at;

    /* These three are required (4.1.4.3 to 4.1.4.5). A failure leaves what is mapped to
     * virtio_unmap(). */
    status_t status = map_structure(pci->function, KIND_COMMON, COMMON_BYTES, &pci->common, &at);
    if (!status)
        status = map_structure(pci->function, KIND_ISR, 1, &pci->isr, &at);
    if (!status)
        status = map_structure(pci->function, KIND_NOTIFY, sizeof(uint16_t), &pci->notify, &at);
    if (status)
        return status;
    pci->notify_multiplier = pci_read(pci->function, at + CAPABILITY_MULTIPLIER, 4);

    /* Some types have no configuration of their own: its fields then read as 0. */
    status = map_structure(pci->function, KIND_CONFIG, 1, &pci->config, &at);
    return status == -ENODEV ? 0 : status;
}

void virtio_unmap(struct virtio_pci *pci)
{
    struct registers *windows[] = { &pci->common, &pci->isr, &pci->notify, &pci->config };

    /* Windows that were not mapped are empty, which pci_unmap() accepts. */
    for (unsigned i = 0; i < ARRAY_LENGTH(windows); i++)
        pci_unmap(pci->function, windows[i]);
}
