/*
 * isa.c - driver for IDE channels without a PCI function, at the ports of ISA cards.
 *
 * It is asked about the root after the PCI drivers, so ports that a PCI controller has claimed are
 * skipped. Where no unit answers no channel is published; that costs one port read.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "lib/macros.h"

/* The traditional numbering; on most PCs a PCI controller claims the first two. */
static const struct isa_place {
    uint16_t command_port, control_port;
    unsigned line;
} places[] = {
    { 0x1f0, 0x3f6, 14 },
    { 0x170, 0x376, 15 },
    { 0x1e8, 0x3ee, 11 },
    { 0x168, 0x36e, 10 },
};

/* The bus "isa" and its channels; published with the first of them. */
static struct device *bus;
static struct ide_channel *channels[ARRAY_LENGTH(places)];

static struct ide_channel *find_channel(unsigned number)
{
    const struct isa_place *at = &places[number];
    struct ide_place place = { .number = number, .port = at->command_port, .line = at->line };
    if (ide_port_is_claimed(at->command_port) ||
        isa_map(at->command_port, IDE_COMMAND_BYTES, &place.command) ||
        isa_map(at->control_port, IDE_CONTROL_BYTES, &place.control))
        return NULL;

    /* The command block is read first: the control port may belong to a serial port. */
    if (ide_status_floats(register_read8(&place.command, IDE_STATUS)))
        return NULL;

    /* A status that does not float is weak evidence. The channel is kept only if a unit answers. */
    struct ide_channel *channel = ide_channel_create(&place);
    if (channel && !channel->ports[0].answers && !channel->ports[1].answers) {
        ide_channel_free(channel);
        return NULL;
    }
    return channel;
}

static status_t publish(struct ide_channel *channel, struct device *root)
{
    status_t status = bus ? 0 : device_publish_bus(root, "isa", &bus);
    if (!status)
        return ide_channel_publish(channel, bus);
    ide_channel_free(channel);
    return status;
}

static status_t isa_add_device(struct device *root)
{
    if (root != device_root())
        return -ENODEV;

    /* A channel that fails is logged; without any the root is not ours. */
    status_t result = -ENODEV;
    for (unsigned i = 0; i < ARRAY_LENGTH(places); i++) {
        struct ide_channel *channel = find_channel(i);
        status_t status = channel ? publish(channel, root) : -ENODEV;
        if (!status)
            channels[i] = channel;
        else if (channel)
            log_error("ide", "port %#x: %s", places[i].command_port, status_text(status));
        if (!status)
            result = 0;
    }
    return result;
}

static void isa_remove_device(struct device *root)
{
    (void)root;
    for (unsigned i = 0; i < ARRAY_LENGTH(channels); i++) {
        if (channels[i])
            ide_channel_remove(channels[i]);
        channels[i] = NULL;
    }
    device_remove(bus);
    device_put(bus);
    bus = NULL;
}

static const struct driver driver_ide_isa = {
    .name = "ide-isa",
    .order = 25,
    .add_device = isa_add_device,
    .remove_device = isa_remove_device,
};
DRIVER(driver_ide_isa);
