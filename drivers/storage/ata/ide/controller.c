/*
 * controller.c - driver for IDE controllers on PCI: where their channels' ports are.
 *
 * A controller has class 01h, subclass 01h. The bits of its interface byte put each channel into
 * compatibility mode, at the ports and lines of the first PCs, or into native mode, at the ports of
 * the base address registers and with the function's own line (PCI IDE Specification 1.0).
 *
 * A line that the firmware did not route reads 0xff, or 0, which is the timer's. Such a channel is
 * polled.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "kernel/bus/pci.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"

enum {
    CLASS_STORAGE = 1,
    SUBCLASS_IDE = 1,
    INTERFACE_MASTER = 1 << 7,
    BAR_BUS_MASTER = 4,
    BUS_MASTER_BYTES = 8, /* of one channel */
    CONTROL_IN_BAR = 2,   /* the only register of the control block that is used */
    LINE_NONE = 0xff,
};

/* What depends on a channel's number. */
static const struct {
    uint16_t command_port, control_port; /* in compatibility mode, as the line */
    unsigned line;
    uint8_t native; /* the bit of the interface byte */
    unsigned bar;   /* in native mode: the command block's; the control block's is the next */
} channels[2] = {
    { 0x1f0, 0x3f6, 14, 1 << 0, 0 },
    { 0x170, 0x376, 15, 1 << 2, 2 },
};

static bool find_native(const struct pci_function *function, unsigned bar, struct ide_place *place)
{
    const struct pci_bar *command = &function->bars[bar], *control = &function->bars[bar + 1];
    if (!command->io || !command->base || !control->io || !control->base)
        return false;

    place->command_port = (uint16_t)command->base;
    place->control_port = (uint16_t)(control->base + CONTROL_IN_BAR);

    /* Native channels use the function's own line. 0 would be the timer's, so it means
     * "not routed". */
    place->line = function->interrupt_line ? function->interrupt_line : LINE_NONE;
    return true;
}

bool ide_find_place(const struct pci_function *function, unsigned channel,
                    struct ide_place *place)
{
    const struct pci_bar *master = &function->bars[BAR_BUS_MASTER];
    *place = (struct ide_place){
        .command_port = channels[channel].command_port,
        .control_port = channels[channel].control_port,
        .line = channels[channel].line,
    };

    /* The bus master is at a base address register in both modes. */
    if (function->interface & INTERFACE_MASTER && master->io && master->base)
        place->bus_master_port = (uint16_t)(master->base + channel * BUS_MASTER_BYTES);

    bool native = function->interface & channels[channel].native;
    return !native || find_native(function, channels[channel].bar, place);
}

static status_t add_channel(struct device *controller, unsigned number, unsigned channel)
{
    struct ide_place place;
    const char *why = NULL;
    if (!ide_find_place(pci_function_of(controller), channel, &place))
        why = "native mode without ports";
    else if (!ide_claim_ports(place.command_port))
        why = "ports already in use";

    /* Not a failure of the controller: its other channel may be fine. */
    if (why) {
        log_warn("ide", "%s: channel %u: %s; ignored", device_name(controller), channel, why);
        return 0;
    }

    place.number = number;
    struct ide_channel *found = ide_channel_create(&place);
    return found ? ide_channel_publish(found, controller) : -ENOMEM;
}

static status_t ide_add_device(struct device *device)
{
    static unsigned controllers;
    const struct pci_function *function = pci_function_of(device);
    if (!function || function->class_code != CLASS_STORAGE ||
        function->subclass != SUBCLASS_IDE)
        return -ENODEV;

    /* Channels are numbered through all controllers, even those that are ignored. */
    pci_enable(function);
    unsigned first = controllers++ * 2;

    /* Both channels are tried, since one may fail without the other. A failure is reported
     * anyway. */
    status_t result = 0;
    for (unsigned i = 0; i < 2; i++) {
        status_t status = add_channel(device, first + i, i);
        if (status)
            result = status; /* never -ENODEV, which would mean "not mine" */
    }
    return result;
}

static const struct driver driver_ide = {
    .name = "ide",
    .order = 20,
    .add_device = ide_add_device,
};
DRIVER(driver_ide);
