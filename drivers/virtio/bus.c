/*
 * bus.c - the driver of virtio devices on PCI: publishes a device of the function's type on the
 * virtio bus (VIRTIO 1.1 section 4.1.2).
 */
#include "drivers/virtio/virtio.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "kernel/module/info.h"
#include "lib/format.h"
#include "lib/text.h"

DRIVER_INFO("virtio", "1.0", "MIT", "the bus of the devices that virtual machines emulate");
DRIVER_DRIVES("pci vendor=1af4");

enum {
    VENDOR = 0x1af4,
    PRODUCT_TRANSITIONAL = 0x1000, /* ..0x103f: the type is in the subsystem's identifier */
    PRODUCT_MODERN = 0x1040,       /* ..0x107f: the type is added */
    PRODUCT_END = 0x1080,
    PCI_SUBSYSTEM = 0x2e,
};

static unsigned type_of(const struct pci_function *function)
{
    /* Transitional devices keep the numbers of version 0.9, where the subsystem has the type. */
    if (function->product >= PRODUCT_MODERN)
        return function->product - (unsigned)PRODUCT_MODERN;
    return pci_read(function, PCI_SUBSYSTEM, 2);
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
    mem_free(device_private(device));
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
        mem_free(pci);
        return -ENOMEM;
    }

    /* A driver may take the device inside this call. Without one it stays in the tree, unused. */
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

    /* All types are published: a driver for one may be loaded later. */
    struct virtio_pci *pci = mem_zalloc(sizeof(*pci));
    if (!pci)
        return -ENOMEM;
    pci->device.ops = &virtio_pci_ops;
    pci->device.type = type_of(function);
    text_copy(pci->device.name, sizeof(pci->device.name), device_name(device));
    pci->function = function;
    spin_init(&pci->lock, RANK_COMPLETIONS);

    /* Only a check: while no driver uses the device, nothing of it is mapped. */
    status_t status = virtio_map(pci);
    virtio_unmap(pci);

    /* -ENODEV: as a rule a legacy device of version 0.9, which has no such capabilities. */
    if (status) {
        if (status == -ENODEV)
            log_warn("virtio", "%s: the registers of virtio 1.0 are missing or outside their BAR; "
                               "ignored", device_name(device));
        mem_free(pci);
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
