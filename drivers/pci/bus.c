/*
 * bus.c - the PCI bus driver: walks the buses and publishes a device for each function.
 *
 * Model       Accepts the root of the device tree, publishes the bus "pci" below it, and below that
 *             the functions of all buses; the name of a function is its place. Buses on the other
 *             side of bridges are found by the numbers that the firmware assigned. The walk records
 *             which buses it has seen, so it ends even if bridges refer to each other.
 *             Storage controllers are published with bus mastering disabled; bridges pass it on.
 * Status      No hot plug: functions that appear or disappear later are not detected.
 */
#include "drivers/pci/pci.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"

enum { BUSES_PER_WORD = 64 };

/* The walk: the buses to scan, and those that were queued so far. */
struct pci_walk {
    struct device *bus_device;
    uint64_t seen[PCI_BUSES_MAX / BUSES_PER_WORD];
    uint8_t queue[PCI_BUSES_MAX];
    unsigned queued, scanned; /* of the queue */
    unsigned functions, buses; /* that exist; buses with a function */
};

static void walk_add_bus(struct pci_walk *walk, unsigned bus)
{
    uint64_t bit = (uint64_t)1 << bus % BUSES_PER_WORD;
    if (bus >= PCI_BUSES_MAX || walk->seen[bus / BUSES_PER_WORD] & bit)
        return;
    walk->seen[bus / BUSES_PER_WORD] |= bit;
    walk->queue[walk->queued++] = (uint8_t)bus;
}

/* ---- devices ------------------------------------------------------------------------------ */

/* Returns whether drives may be connected to the function. */
static bool has_drives(const struct pci_function *function)
{
    return function->class_code == PCI_CLASS_STORAGE ||
           (function->class_code == PCI_CLASS_SERIAL && function->subclass == PCI_SUBCLASS_USB);
}

static void function_describe(struct device *device, char *text, size_t bytes)
{
    const struct pci_function *function = device_private(device);

    /* Of other functions, most need no driver. */
    bool idle = has_drives(function) && !device_driver(device);
    format_text(text, bytes, "%04x:%04x %s%s", function->vendor, function->product,
                pci_class_text(function->class_code, function->subclass),
                idle ? ", not driven" : "");
}

static void function_destroy(struct device *device)
{
    mem_free(device_private(device));
}

static const struct device_ops function_ops = {
    .describe = function_describe,
    .destroy = function_destroy,
};

/* Publishes a copy of *found. */
static status_t function_publish(struct device *bus_device, const struct pci_function *found)
{
    char name[DEVICE_NAME_BYTES];
    format_text(name, sizeof(name), "%02x:%02x.%x", found->bus, found->slot, found->function);
    struct pci_function *function = mem_alloc(sizeof(*function));
    const struct device_description description = {
        .name = name,
        .ops = &function_ops,
        .private_data = function,
        .bus = &pci_bus,
        .bus_data = function,
    };
    struct device *device = function ? device_create(bus_device, &description) : NULL;
    if (!device) {
        mem_free(function);
        return -ENOMEM;
    }

    /* The tree has its own reference. If publishing failed, this one was the last and frees. */
    *function = *found;
    status_t status = device_publish(device);
    device_put(device);
    return status;
}

/* ---- the walk ----------------------------------------------------------------------------- */

static void command_change(const struct pci_function *function, uint32_t clear, uint32_t set)
{
    uint32_t command = pci_read(function, PCI_COMMAND, 2);
    pci_write(function, PCI_COMMAND, 2, (command & ~clear) | set);
}

static void walk_enter_bridge(struct pci_walk *walk, const struct pci_function *bridge)
{
    unsigned secondary = pci_read(bridge, PCI_BUSES, 4) >> 8 & 0xff;

    /* 0: the firmware has not configured the bridge, so nothing after it can be reached. */
    if (!secondary)
        return;

    /* Firmware may leave a bridge off that it does not use itself. What is after it needs all three
     * for its registers and its DMA. */
    command_change(bridge, 0, PCI_DECODE | PCI_MASTER);
    walk_add_bus(walk, secondary);
}

static bool function_is_bridge(const struct pci_function *function)
{
    return function->class_code == PCI_CLASS_BRIDGE && function->subclass == PCI_SUBCLASS_PCI &&
           (pci_function_header(function) & PCI_HEADER_TYPE_MASK) == PCI_HEADER_BRIDGE;
}

static bool walk_function(struct pci_walk *walk, struct pci_function *function)
{
    if (!pci_function_identify(function))
        return false;
    if (function_is_bridge(function))
        walk_enter_bridge(walk, function);

    /* The firmware's driver may have left a controller running, which would write to memory that is
     * ours now. Its own driver enables it again. */
    if (function->class_code == PCI_CLASS_STORAGE)
        command_change(function, PCI_MASTER, 0);

    status_t status = function_publish(walk->bus_device, function);
    if (status)
        log_error("pci", "%02x:%02x.%x: %s", function->bus, function->slot, function->function,
                  status_text(status));
    walk->functions++;
    return true;
}

static void walk_slot(struct pci_walk *walk, const struct pci_ops *ops, unsigned bus, unsigned slot)
{
    /* A device with one function may answer to all function numbers, so the others are examined
     * only if the header of function 0 has the multifunction bit. */
    unsigned count = 1;
    for (unsigned number = 0; number < count; number++) {
        struct pci_function function = {
            .ops = ops,
            .bus = (uint8_t)bus,
            .slot = (uint8_t)slot,
            .function = (uint8_t)number,
        };
        bool present = walk_function(walk, &function);
        if (number == 0 && present && pci_function_header(&function) & PCI_HEADER_MULTIFUNCTION)
            count = PCI_FUNCTIONS;
    }
}

static void walk_bus(struct pci_walk *walk, unsigned bus)
{
    const struct pci_ops *ops = pci_config_open(bus);
    unsigned before = walk->functions;

    for (unsigned slot = 0; ops && slot < PCI_SLOTS; slot++)
        walk_slot(walk, ops, bus, slot);
    if (walk->functions == before)
        pci_config_close(bus);
    else
        walk->buses++;
}

/* Bus 0 with all buses after its bridges, and then each further root bus with its own: no bridge
 * leads to a root bus, and only ACPI's AML names them all, so every number is tried. */
static void walk_buses(struct pci_walk *walk)
{
    for (unsigned root = 0; root < PCI_BUSES_MAX; root++) {
        walk_add_bus(walk, root);
        while (walk->scanned < walk->queued)
            walk_bus(walk, walk->queue[walk->scanned++]);
    }
}

static status_t pci_add_device(struct device *device)
{
    if (device != device_root())
        return -ENODEV;
    pci_config_start();
    if (!pci_config_open(0))
        return -ENODEV;

    /* The functions are published during the walk, so drivers start while it continues. */
    struct pci_walk walk = { 0 };
    status_t status = device_publish_bus(device, "pci", &walk.bus_device);
    if (status)
        return status;

    walk_buses(&walk);
    log_debug("pci", "%u function%s on %u bus%s", walk.functions, text_plural(walk.functions),
              walk.buses, walk.buses == 1 ? "" : "es");
    device_put(walk.bus_device);
    return 0;
}

static const struct driver driver_pci = {
    .name = "pci",
    .order = 10,
    .add_device = pci_add_device,
};
DRIVER(driver_pci);
