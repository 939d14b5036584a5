/*
 * isa.c - driver for IDE channels without a PCI function, at the ports of ISA cards.
 *
 * It is asked about the root after the PCI drivers, so ports that a PCI controller has claimed are
 * skipped. Where no unit answers no channel is published; that costs one port read.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "kernel/dev/driver.h"
#include "kernel/x86/ports.h"
#include "lib/macros.h"

/* The traditional numbering; on most PCs a PCI controller claims the first two. */
static const struct ide_place places[] = {
    { .number = 0, .command_port = 0x1f0, .control_port = 0x3f6, .line = 14 },
    { .number = 1, .command_port = 0x170, .control_port = 0x376, .line = 15 },
    { .number = 2, .command_port = 0x1e8, .control_port = 0x3ee, .line = 11 },
    { .number = 3, .command_port = 0x168, .control_port = 0x36e, .line = 10 },
};

static struct ide_channel *find_channel(const struct ide_place *place)
{
    /* The command block is read first: the control port may belong to a serial port. */
    uint8_t status = port_in8((uint16_t)(place->command_port + IDE_STATUS));
    if (ide_status_floats(status) || !ide_claim_ports(place->command_port))
        return NULL;

    /* A status that does not float is weak evidence. The channel is kept only if a unit answers. */
    struct ide_channel *channel = ide_channel_create(place);
    if (channel && !channel->ports[0].answers && !channel->ports[1].answers) {
        ide_channel_free(channel);
        return NULL;
    }
    return channel;
}

static status_t isa_add_device(struct device *root)
{
    struct device *bus = NULL;
    status_t result = -ENODEV;
    for (unsigned i = 0; root == device_root() && i < ARRAY_LENGTH(places); i++) {
        struct ide_channel *channel = find_channel(&places[i]);
        if (!channel)
            continue;

        /* The "isa" bus is published with its first channel. */
        status_t status = bus ? 0 : device_publish_bus(root, "isa", &bus);
        if (status)
            ide_channel_free(channel);
        else
            status = ide_channel_publish(channel, bus);

        /* A failure overrides the success of another channel. Without any channel the root is not
         * ours: -ENODEV. */
        if (status || result == -ENODEV)
            result = status;
    }
    if (bus)
        device_put(bus);
    return result;
}

static const struct driver driver_ide_isa = {
    .name = "ide-isa",
    .order = 25,
    .add_device = isa_add_device,
};
DRIVER(driver_ide_isa);
