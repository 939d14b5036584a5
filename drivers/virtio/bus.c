/*
 * bus.c - the driver of virtio devices on PCI: finds the structures of a function's registers, and
 * publishes a device of its type on the virtio bus.
 *
 * A function has a vendor capability for each structure, which names a BAR, an offset in it, and a
 * length (VIRTIO 1.1 section 4.1.4). The first capability of a kind that can be used counts.
 */
#include "drivers/virtio/virtio.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "kernel/module/info.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/text.h"

DRIVER_INFO("virtio", "1.0", "MIT", "the bus of the devices that virtual machines emulate");
DRIVER_DRIVES("pci vendor=1af4");

enum {
    VENDOR = 0x1af4,
    PRODUCT_TRANSITIONAL = 0x1000, /* ..0x103f: the type is in the subsystem's identifier */
    PRODUCT_MODERN = 0x1040,       /* ..0x107f: the type is added */
    PRODUCT_END = 0x1080,
    PCI_SUBSYSTEM = 0x2e,

    CAPABILITY_KIND = 3, /* offsets in a capability */
    CAPABILITY_BAR = 4,
    CAPABILITY_OFFSET = 8,
    CAPABILITY_LENGTH = 12,
    CAPABILITY_MULTIPLIER = 16, /* of the notification structure */

    KIND_COMMON = 1,
    KIND_NOTIFY = 2,
    KIND_ISR = 3,
    KIND_CONFIG = 4,

    WINDOW_BYTES_MAX = 1 << 20, /* more than any device needs */
};

static unsigned type_of(const struct pci_function *function)
{
    if (function->product >= PRODUCT_MODERN)
        return function->product - (unsigned)PRODUCT_MODERN;
    return pci_read(function, PCI_SUBSYSTEM, 2);
}

/* ---- registers ---------------------------------------------------------------------------- */

/* Maps the first structure of a kind that has at least `least` bytes and is inside its BAR. */
static status_t map_structure(const struct pci_function *function, unsigned kind, uint32_t least,
                              struct registers *window, unsigned *capability)
{
    status_t status = -ENODEV;
    unsigned at = 0;
    while (status == -ENODEV &&
           (at = pci_find_capability(function, PCI_CAPABILITY_VENDOR, at))) {
        uint32_t length = pci_read(function, at + CAPABILITY_LENGTH, 4);
        if (pci_read(function, at + CAPABILITY_KIND, 1) != kind || length < least)
            continue;

        *capability = at;
        length = min(length, WINDOW_BYTES_MAX);
        status = pci_map(function, pci_read(function, at + CAPABILITY_BAR, 1),
                         pci_read(function, at + CAPABILITY_OFFSET, 4), length, window);
    }
    return status;
}

static status_t map_all(struct virtio_pci *pci)
{
    unsigned at;
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

static void unmap_all(struct virtio_pci *pci)
{
    struct registers *windows[] = { &pci->common, &pci->isr, &pci->notify, &pci->config };
    for (unsigned i = 0; i < ARRAY_LENGTH(windows); i++)
        pci_unmap(pci->function, windows[i]);
}

static void free_device(struct virtio_pci *pci)
{
    unmap_all(pci);
    mem_free(pci);
}

/* ---- the device --------------------------------------------------------------------------- */

static const char *type_text(unsigned type)
{
    switch (type) {
    case VIRTIO_TYPE_BLOCK: return "block device";
    case VIRTIO_TYPE_SCSI: return "SCSI controller";
    default: return "device";
    }
}

static void virtio_describe(struct device *device, char *text, size_t bytes)
{
    const struct virtio_pci *pci = device_private(device);
    const char *interrupts =
        pci->messages ? ", MSI-X" : pci->device.polled ? ", polled" : ", interrupt line";
    format_text(text, bytes, "virtio %s (type %u)%s%s", type_text(pci->device.type),
                pci->device.type, pci->client ? interrupts : "", pci->broken ? ", offline" : "");
}

static void virtio_destroy(struct device *device)
{
    free_device(device_private(device));
}

static const struct device_ops virtio_ops = {
    .describe = virtio_describe,
    .destroy = virtio_destroy,
};

static status_t publish(struct virtio_pci *pci, struct device *function)
{
    const struct device_description description = {
        .name = "virtio",
        .ops = &virtio_ops,
        .private_data = pci, /* the device owns it */
        .bus = &virtio_bus,
        .bus_data = &pci->device,
    };
    struct device *device = device_create(function, &description);
    if (!device) {
        free_device(pci);
        return -ENOMEM;
    }
    status_t status = device_publish(device);
    device_put(device);
    return status;
}

static status_t virtio_add_device(struct device *device)
{
    const struct pci_function *function = pci_function_of(device);
    if (!function || function->vendor != VENDOR || function->product < PRODUCT_TRANSITIONAL ||
        function->product >= PRODUCT_END)
        return -ENODEV;

    struct virtio_pci *pci = mem_zalloc(sizeof(*pci));
    if (!pci)
        return -ENOMEM;
    pci->device.ops = &virtio_pci_ops;
    pci->device.type = type_of(function);
    text_copy(pci->device.name, sizeof(pci->device.name), device_name(device));
    pci->function = function;
    spin_init(&pci->lock, RANK_COMPLETIONS);

    status_t status = map_all(pci);
    if (status) {
        if (status == -ENODEV)
            log_warn("virtio", "%s: the registers of virtio 1.0 are missing or outside their BAR; "
                               "ignored", device_name(device));
        free_device(pci);
        return status;
    }
    return publish(pci, device);
}

static const struct driver driver_virtio = {
    .name = "virtio",
    .order = 20,
    .add_device = virtio_add_device,
};
DRIVER(driver_virtio);
