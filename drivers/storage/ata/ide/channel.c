/*
 * channel.c - from a channel's ports to devices, however the ports were found.
 *
 *   claim      its ports, for the first driver that finds them: a second channel at the same ports
 *              would drive the same units at the same time
 *   detect     its units (detect.c)
 *   configure  bus master, interrupt, packet queue - if it has a unit to serve
 *   publish    "ide0", "ide1" under the controller; "master", "slave" under those
 */
#include "drivers/storage/ata/ide/ide.h"
#include "lib/format.h"

static const char *const port_names[2] = { "master", "slave" };
static uint16_t claimed_ports[IDE_CHANNELS_MAX]; /* command ports; only one thread probes */
static unsigned claimed_count;

static const struct ata_port_ops port_ops = {
    .start = ide_start,
};

bool ide_claim_ports(uint16_t command_port)
{
    /* The command port alone identifies a channel: no two channels share one. */
    for (unsigned i = 0; i < claimed_count; i++)
        if (claimed_ports[i] == command_port)
            return false;

    if (claimed_count == IDE_CHANNELS_MAX)
        return false;
    claimed_ports[claimed_count++] = command_port;
    return true;
}

/* ---- the device --------------------------------------------------------------------------- */

static void channel_describe(struct device *device, char *text, size_t bytes)
{
    const struct ide_channel *channel = device_private(device);
    char line[16];

    if (channel->polled)
        format_text(line, sizeof(line), "%s", channel->queue.commands.worker ? "polled" : "empty");
    else
        format_text(line, sizeof(line), "line %u", channel->line);

    format_text(text, bytes, "ATA channel, port %#x, %s%s", channel->command_port, line,
                channel->bus_master_port ? ", bus master" : "");
}

void ide_channel_free(struct ide_channel *channel)
{
    /* In this order: the worker's last command still needs the interrupt and the table. */
    packet_queue_stop(&channel->queue);
    ide_disconnect_interrupt(channel);
    if (channel->dma_table)
        page_free(channel->dma_table);
    mem_free(channel);
}

/* Units hold a reference of their channel, and a command's submitter holds one of the unit. So the
 * last reference is never dropped on the worker, which is waited for here. */
static void channel_destroy(struct device *device)
{
    ide_channel_free(device_private(device));
}

static const struct device_ops channel_ops = {
    .describe = channel_describe,
    .destroy = channel_destroy,
};

/* ---- life --------------------------------------------------------------------------------- */

struct ide_channel *ide_channel_create(const struct ide_place *place)
{
    struct ide_channel *channel = mem_zalloc(sizeof(*channel));
    if (!channel)
        return NULL;

    /* The place: ports, line, and the name under which the log and the device tree show
     * the channel. */
    format_text(channel->name, sizeof(channel->name), "ide%u", place->number);
    channel->command_port = place->command_port;
    channel->control_port = place->control_port;
    channel->bus_master_port = place->bus_master_port;
    channel->line = place->line;

    spin_init(&channel->lock, RANK_QUEUE);
    wait_queue_init(&channel->interrupt);

    /* Both ports exist even if the channel has one unit or none: detection fills in their kind. */
    for (unsigned i = 0; i < 2; i++) {
        channel->ports[i].channel = channel;
        channel->ports[i].number = i;
        channel->ports[i].ata.ops = &port_ops;
        channel->ports[i].ata.channel = &channel->queue; /* both units share it */
        channel->ports[i].ata.name = port_names[i];
        channel->ports[i].ata.channel_name = channel->name;
    }

    /* The bus master first: whether there is one decides how the units are configured. */
    ide_dma_configure(channel);
    if (ide_detect_units(channel)) {
        ide_channel_free(channel);
        return NULL;
    }
    return channel;
}

status_t ide_channel_publish(struct ide_channel *channel, struct device *controller)
{
    /* An empty channel is shown, but takes no line and no thread. */
    if (channel->queue.commands.worker)
        ide_connect_interrupt(channel);

    const struct device_description description = {
        .name = channel->name,
        .ops = &channel_ops,
        .private_data = channel, /* the device owns it */
        .device_class = &class_bus,
    };
    struct device *device = device_create(controller, &description);
    if (!device) {
        ide_channel_free(channel);
        return -ENOMEM;
    }

    /* From now on the device's destroy frees the channel, whatever fails. */
    channel->device = device;
    status_t status = device_publish(device);

    /* The channel first: its units are published as its children. */
    for (unsigned i = 0; i < 2 && !status; i++)
        if (channel->ports[i].ata.kind != ATA_KIND_NONE)
            status = ata_port_publish(&channel->ports[i].ata, device);

    device_put(device);
    return status;
}
