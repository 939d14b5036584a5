/*
 * channel.c - from a channel's registers to devices, however the registers were found.
 *
 *   detect     its units (detect.c)
 *   configure  bus master, queue, interrupt - if it has a unit to serve
 *   publish    "ide0", "ide1" under the controller; "master", "slave" under those
 */
#include "drivers/storage/ata/ide/ide.h"
#include "lib/format.h"

static const char *const port_names[2] = { "master", "slave" };

static const struct ata_port_ops port_ops = {
    .start = ide_start,
};

/* ---- claims ------------------------------------------------------------------------------- */

/* The command blocks in use. A second channel at the same ports would drive the same units at the
 * same time. */
static struct {
    struct spin lock;
    struct list channels;
} claims = { SPIN_INIT(RANK_DEVICE), LIST_INIT(claims.channels) };

bool ide_port_is_claimed(uint64_t port)
{
    bool claimed = false;
    spin_lock(&claims.lock);
    list_each(link, &claims.channels)
        if (container_of(link, struct ide_channel, claim)->place.port == port)
            claimed = true;
    spin_unlock(&claims.lock);
    return claimed;
}

static void claim(struct ide_channel *channel)
{
    spin_lock(&claims.lock);
    list_push_back(&claims.channels, &channel->claim);
    spin_unlock(&claims.lock);
}

static void unclaim(struct ide_channel *channel)
{
    spin_lock(&claims.lock);
    list_remove(&channel->claim);
    spin_unlock(&claims.lock);
}

/* ---- the device --------------------------------------------------------------------------- */

static void channel_describe(struct device *device, char *text, size_t bytes)
{
    const struct ide_channel *channel = device_private(device);
    const struct ide_place *place = &channel->place;
    char interrupt[16] = "native";

    if (channel->polled)
        format_text(interrupt, sizeof(interrupt), "%s",
                    channel->queue.commands.worker ? "polled" : "empty");
    else if (!place->native)
        format_text(interrupt, sizeof(interrupt), "line %u", place->line);

    format_text(text, bytes, "ATA channel, port %#llx, %s%s",
                (unsigned long long)place->port, interrupt,
                ide_has_dma(channel) ? ", bus master" : "");
}

void ide_channel_free(struct ide_channel *channel)
{
    /* In this order: the worker's last command still needs the interrupt and the table. */
    packet_queue_stop(&channel->queue);
    ide_disconnect_interrupt(channel);
    if (channel->dma_table)
        page_free(channel->dma_table);
    if (channel->place.release)
        channel->place.release(channel);
    unclaim(channel);
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

    /* The name under which the log and the device tree show the channel. */
    format_text(channel->name, sizeof(channel->name), "ide%u", place->number);
    channel->place = *place;
    spin_init(&channel->lock, RANK_QUEUE);
    wait_queue_init(&channel->interrupt);
    claim(channel);

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
    if (!ide_detect_units(channel))
        return channel;

    channel->place.release = NULL;
    ide_channel_free(channel);
    return NULL;
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
    channel->device = device_create(controller, &description);
    if (!channel->device) {
        ide_channel_free(channel);
        return -ENOMEM;
    }

    /* The channel first: its units are published as its children. */
    status_t status = device_publish(channel->device);
    for (unsigned i = 0; i < 2 && !status; i++)
        if (channel->ports[i].ata.kind != ATA_KIND_NONE)
            status = ata_port_publish(&channel->ports[i].ata, channel->device);

    if (status)
        ide_channel_remove(channel);
    return status;
}

void ide_channel_remove(struct ide_channel *channel)
{
    struct device *device = channel->device;
    for (unsigned i = 0; i < 2; i++)
        ata_port_remove(&channel->ports[i].ata);

    /* The last reference frees the channel: here, or when its units are closed. */
    device_remove(device);
    device_put(device);
}
