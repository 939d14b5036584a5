/*
 * isa.c - IDE channels that are on no PCI function: at the ports that cards for the ISA bus used.
 *
 * Asked about the root after PCI, so what a PCI controller has taken is passed over. A place where
 * nobody answers is not published; it costs one port read.
 */
#include "drivers/storage/ata/ide/ata.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "kernel/x86/ports.h"
#include "lib/macros.h"

enum { FLOATING = 0xff, PULLED_DOWN = 0x7f };

/* Numbered as they always were: the first two are a PCI controller's elsewhere. */
static const struct ata_place places[] = {
    { .number = 0, .command_port = 0x1f0, .control_port = 0x3f6, .line = 14 },
    { .number = 1, .command_port = 0x170, .control_port = 0x376, .line = 15 },
    { .number = 2, .command_port = 0x1e8, .control_port = 0x3ee, .line = 11 },
    { .number = 3, .command_port = 0x168, .control_port = 0x36e, .line = 10 },
};

/* The command block is asked first: elsewhere the control port may be a serial port's. */
static struct ata_channel *find_channel(const struct ata_place *place)
{
    uint8_t status = port_in8((uint16_t)(place->command_port + ATA_STATUS));
    if (status == FLOATING || status == PULLED_DOWN || !ata_take_ports(place->command_port))
        return NULL;
    struct ata_channel *channel = ata_channel_find(place);
    if (channel && !channel->units[0].answers && !channel->units[1].answers) {
        ata_channel_free(channel);
        return NULL;
    }
    return channel;
}

static status_t isa_add_device(struct device *root)
{
    struct device *bus = NULL;
    status_t result = -ENODEV;
    for (unsigned i = 0; root == device_root() && i < ARRAY_LENGTH(places); i++) {
        struct ata_channel *channel = find_channel(&places[i]);
        if (!channel)
            continue;
        /* the bus comes with its first channel */
        status_t status = bus ? 0 : device_publish_bus(root, "isa", &bus);
        if (status)
            ata_channel_free(channel);
        else
            status = ata_channel_publish(channel, bus);
        if (status || result == -ENODEV)
            result = status;
    }
    if (bus)
        device_put(bus);
    return result;
}

static const struct driver driver_ata_isa = {
    .name = "ata-isa",
    .order = 25,
    .add_device = isa_add_device,
};
DRIVER(driver_ata_isa);
