/*
 * controller.c - driver for AHCI controllers on PCI: takes one over, resets it, publishes it.
 *
 * A controller has class 01h, subclass 06h, interface 01h, and its registers at BAR 5 (2.1). It is
 * numbered, "ahci0", and published below its function; the units are its children, named after
 * their ports.
 */
#include "drivers/storage/ata/ahci/ahci.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "lib/format.h"
#include "lib/macros.h"

enum {
    CLASS_STORAGE = 1,
    SUBCLASS_SATA = 6,
    INTERFACE_AHCI = 1,
    BAR_REGISTERS = 5,
    VERSION_MINOR_SHIFT = 8,
    VERSION_MAJOR_SHIFT = 16,
};

static struct spin list_lock = SPIN_INIT(RANK_DEVICE);
static struct list controllers = LIST_INIT(controllers); /* those that were published */

/* ---- taking over -------------------------------------------------------------------------- */

/* Takes the controller from the firmware (10.6.3). */
static void take_over(const struct ahci_controller *controller)
{
    if (!(ahci_read(controller, AHCI_CAP2) & AHCI_CAP2_HANDOFF))
        return;
    uint32_t handoff = ahci_read(controller, AHCI_BOHC);
    if (!(handoff & AHCI_BOHC_FIRMWARE))
        return;

    /* It may still be using the boot disc: it is asked, and given time to end that. */
    ahci_write(controller, AHCI_BOHC, handoff | AHCI_BOHC_SYSTEM);
    if (ahci_await(controller, AHCI_BOHC, AHCI_BOHC_FIRMWARE, 0, DEADLINE_AHCI_HANDOFF_US))
        log_warn(controller->name, "the firmware does not give it up; taken anyway");
}

/* Resets the controller and reads what it can do. -ETIMEDOUT. */
static status_t reset(struct ahci_controller *controller)
{
    /* Registers other than this one need not work before (10.1.2). */
    ahci_write(controller, AHCI_GHC, AHCI_GHC_ENABLE);
    ahci_write(controller, AHCI_GHC, AHCI_GHC_ENABLE | AHCI_GHC_RESET);
    status_t status = ahci_await(controller, AHCI_GHC, AHCI_GHC_RESET, 0, DEADLINE_AHCI_RESET_US);
    if (status)
        return status;

    ahci_write(controller, AHCI_GHC, AHCI_GHC_ENABLE);
    ahci_write(controller, AHCI_IS, UINT32_MAX);
    return 0;
}

/* Maps the registers: those of all ports that the window has room for. */
static status_t map(struct ahci_controller *controller)
{
    /* A window that is shorter is accepted with fewer ports: QEMU's of 4 KiB has room for 30. */
    const struct pci_function *function = controller->function;
    uint64_t bytes = function->bars[BAR_REGISTERS].bytes;
    uint64_t wanted = AHCI_PORTS + AHCI_PORTS_MAX * AHCI_PORT_BYTES;
    bytes = min(bytes, wanted);
    if (bytes < AHCI_PORTS + AHCI_PORT_BYTES)
        return -ENODEV;

    controller->port_count = (unsigned)((bytes - AHCI_PORTS) / AHCI_PORT_BYTES);
    return pci_map(function, BAR_REGISTERS, 0, (uint32_t)bytes, &controller->registers);
}

/* ---- the device --------------------------------------------------------------------------- */

static void controller_describe(struct device *device, char *text, size_t bytes)
{
    const struct ahci_controller *controller = device_private(device);
    unsigned ports = 0;
    for (unsigned i = 0; i < AHCI_PORTS_MAX; i++)
        ports += controller->ports[i] != NULL;
    format_text(text, bytes, "AHCI %u.%u, %u ports, %u commands each%s%s%s",
                controller->version >> VERSION_MAJOR_SHIFT,
                controller->version >> VERSION_MINOR_SHIFT & 0xff, ports, controller->slot_count,
                controller->capabilities & AHCI_CAP_NCQ ? ", queued" : "",
                controller->polled ? ", polled" : "", controller->offline ? ", offline" : "");
}

/* Frees a controller without registers and threads. */
static void controller_free(struct ahci_controller *controller)
{
    ahci_ports_free(controller);
    mem_free(controller);
}

static void controller_destroy(struct device *device)
{
    controller_free(device_private(device));
}

static const struct device_ops controller_ops = {
    .describe = controller_describe,
    .destroy = controller_destroy,
};

/* Stops the hardware. The memory stays, since units may still be open. */
static void controller_stop(struct ahci_controller *controller)
{
    /* In this order: no unit is added any more, the ports stop, no thread and no handler uses the
     * registers, and these are unmapped last. */
    ahci_plug_stop(controller);
    ahci_ports_stop(controller);
    ahci_write(controller, AHCI_GHC, AHCI_GHC_ENABLE);
    ahci_watch_stop(controller);
    pci_disable(controller->function);
    pci_unmap(controller->function, &controller->registers);
}

static status_t controller_publish(struct ahci_controller *controller, struct device *function)
{
    const struct device_description description = {
        .name = controller->name,
        .ops = &controller_ops,
        .private_data = controller,
        .device_class = &class_bus,
    };
    struct device *device = device_create(function, &description);
    if (!device)
        return -ENOMEM;

    /* From here on the device frees the controller, also if it cannot be published. */
    controller->device = device;
    return device_publish(device);
}

/* ---- the driver --------------------------------------------------------------------------- */

/* Makes the hardware ready: afterwards it is idle and does not interrupt yet. */
static status_t controller_prepare(struct ahci_controller *controller)
{
    take_over(controller);
    status_t status = reset(controller);
    if (status) {
        log_warn(controller->name, "it does not answer; ignored");
        return status;
    }

    controller->capabilities = ahci_read(controller, AHCI_CAP);
    controller->version = ahci_read(controller, AHCI_VS);
    controller->slot_count =
        (controller->capabilities >> AHCI_CAP_SLOTS_SHIFT & AHCI_CAP_SLOTS_MASK) + 1;
    return ahci_ports_create(controller);
}

static struct ahci_controller *controller_create(const struct pci_function *function)
{
    static unsigned numbers;
    struct ahci_controller *controller = mem_zalloc(sizeof(*controller));
    if (!controller)
        return NULL;

    controller->function = function;
    spin_init(&controller->lock, RANK_QUEUE);
    wait_queue_init(&controller->changed);
    format_text(controller->name, sizeof(controller->name), "ahci%u", numbers++);
    return controller;
}

static status_t ahci_add_device(struct device *device)
{
    const struct pci_function *function = pci_function_of(device);
    if (!function || function->class_code != CLASS_STORAGE ||
        function->subclass != SUBCLASS_SATA || function->interface != INTERFACE_AHCI)
        return -ENODEV;

    struct ahci_controller *controller = controller_create(function);
    if (!controller)
        return -ENOMEM;

    status_t status = map(controller);
    if (!status)
        status = controller_prepare(controller);
    if (status)
        goto no_hardware;

    /* Memory may be written from here on, until pci_disable(). */
    pci_enable(function);
    status = ahci_watch_start(controller);
    if (!status)
        status = controller_publish(controller, device);
    if (status)
        goto no_device;

    /* In the list before its units are there, so that its removal finds it. */
    spin_lock(&list_lock);
    list_push_back(&controllers, &controller->link);
    spin_unlock(&list_lock);

    /* Before units are identified, which would otherwise wait for the watch thread. */
    ahci_write(controller, AHCI_GHC, AHCI_GHC_ENABLE | AHCI_GHC_INTERRUPTS);
    ahci_ports_probe(controller);

    /* Without this thread, what is there now works, but nothing that is plugged in later. */
    if (ahci_plug_start(controller))
        log_warn(controller->name, "no memory for hot plug");
    return 0;

no_device:
    controller_stop(controller);
    if (controller->device) {
        device_put(controller->device); /* frees it */
        return status;
    }
no_hardware:
    pci_unmap(function, &controller->registers);
    controller_free(controller);
    return status == -ENODEV ? -EIO : status; /* -ENODEV would mean "not mine" */
}

static struct ahci_controller *find_controller(const struct pci_function *function)
{
    struct ahci_controller *found = NULL;

    /* Taken out at once, so that a second removal does not find it. */
    spin_lock(&list_lock);
    list_each(link, &controllers) {
        struct ahci_controller *controller = container_of(link, struct ahci_controller, link);
        if (controller->function == function)
            found = controller;
    }
    if (found)
        list_remove(&found->link);
    spin_unlock(&list_lock);
    return found;
}

static void ahci_remove_device(struct device *device)
{
    struct ahci_controller *controller = find_controller(pci_function_of(device));
    if (!controller)
        return;
    controller_stop(controller);
    device_remove(controller->device);
    device_put(controller->device);
}

static const struct driver driver_ahci = {
    .name = "ahci",
    .order = 20,
    .add_device = ahci_add_device,
    .remove_device = ahci_remove_device,
};
DRIVER(driver_ahci);
