/*
 * controller.c - the ATA driver: IDE controllers on PCI.
 *
 * detect      class 01h, subclass 01h
 * identify    each of the two channels by the interface byte: in compatibility mode it stands at
 *             the ports and lines of the first PCs, in native mode at those of the base address
 *             registers, with the function's own line
 *
 * A function's line that firmware did not route reads 0xff, or 0, which is the timer's: the channel
 * is then polled.
 */
#include "drivers/storage/ata/ide/ata.h"
#include "kernel/bus/pci.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"

enum {
    CLASS_STORAGE = 1,
    SUBCLASS_IDE = 1,
    SUBCLASS_SATA = 6,
    INTERFACE_MASTER = 1 << 7,
    BAR_BUS_MASTER = 4,
    BUS_MASTER_BYTES = 8, /* of one channel */
    CONTROL_IN_BAR = 2,   /* the one register of the control block that is used */
    LINE_NONE = 0xff,
};

/* What a channel has by its number. */
static const struct {
    uint16_t command_port, control_port;
    unsigned line;
    uint8_t native; /* the bit of the interface byte */
    unsigned bar;   /* command block; the control block's is the next */
} places[2] = {
    { 0x1f0, 0x3f6, 14, 1 << 0, 0 },
    { 0x170, 0x376, 15, 1 << 2, 2 },
};

static bool find_native(const struct pci_function *function, unsigned bar, struct ata_place *place)
{
    const struct pci_bar *command = &function->bars[bar], *control = &function->bars[bar + 1];
    if (!command->io || !command->base || !control->io || !control->base)
        return false;
    place->command_port = (uint16_t)command->base;
    place->control_port = (uint16_t)(control->base + CONTROL_IN_BAR);
    place->line = function->interrupt_line != 0 ? function->interrupt_line : LINE_NONE;
    return true;
}

bool ata_find_place(const struct pci_function *function, unsigned channel,
                    struct ata_place *place)
{
    const struct pci_bar *master = &function->bars[BAR_BUS_MASTER];
    *place = (struct ata_place){
        .command_port = places[channel].command_port,
        .control_port = places[channel].control_port,
        .line = places[channel].line,
    };
    if (function->interface & INTERFACE_MASTER && master->io && master->base)
        place->bus_master_port = (uint16_t)(master->base + channel * BUS_MASTER_BYTES);
    return !(function->interface & places[channel].native) ||
           find_native(function, places[channel].bar, place);
}

static status_t channel_add(struct device *controller, unsigned number, unsigned channel)
{
    struct ata_place place;
    const char *why = NULL;
    if (!ata_find_place(pci_function_of(controller), channel, &place))
        why = "native mode without ports";
    else if (!ata_take_ports(place.command_port))
        why = "its ports are another one's";
    if (why) {
        log_warn("ata", "%s, channel %u: %s: left alone", device_name(controller), channel, why);
        return 0;
    }
    place.number = number;
    struct ata_channel *found = ata_channel_find(&place);
    return found ? ata_channel_publish(found, controller) : -ENOMEM;
}

static status_t ata_add_device(struct device *device)
{
    static unsigned controllers;
    const struct pci_function *function = pci_function_of(device);
    if (!function || function->class_code != CLASS_STORAGE)
        return -ENODEV;
    if (function->subclass == SUBCLASS_SATA)
        log_info("ata", "%s is a SATA controller: its drives are not driven yet",
                 device_name(device));
    if (function->subclass != SUBCLASS_IDE)
        return -ENODEV;
    pci_enable(function);
    unsigned first = controllers++ * 2;
    status_t result = 0;
    for (unsigned i = 0; i < 2; i++) {
        status_t status = channel_add(device, first + i, i);
        if (status)
            result = status; /* -ENODEV would mean "not mine"; none of these calls returns it */
    }
    return result;
}

static const struct driver driver_ata = {
    .name = "ata",
    .order = 20,
    .add_device = ata_add_device,
};
DRIVER(driver_ata);
