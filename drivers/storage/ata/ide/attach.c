/*
 * attach.c - from a channel's ports to devices, wherever the ports were found.
 *
 * identify    which units stand there (identify.c)
 * configure   bus master, interrupt, worker - where there is a unit to serve
 * publish     "ide0", "ide1" under the controller; "master", "slave" under those
 *
 * Ports belong to the first that comes: a second controller at the same ones would drive the same
 * units behind the first one's back.
 */
#include "drivers/storage/ata/ide/ata.h"
#include "kernel/log.h"
#include "lib/format.h"

static const char *const unit_names[2] = { "master", "slave" };
static uint16_t taken_ports[ATA_CHANNELS_MAX]; /* command ports; probing is one thread's */
static unsigned taken_count;

bool ata_take_ports(uint16_t command_port)
{
    for (unsigned i = 0; i < taken_count; i++)
        if (taken_ports[i] == command_port)
            return false;
    if (taken_count == ATA_CHANNELS_MAX)
        return false;
    taken_ports[taken_count++] = command_port;
    return true;
}

/* ---- devices ------------------------------------------------------------------------------ */

static void channel_describe(struct device *device, char *text, size_t bytes)
{
    const struct ata_channel *channel = device_private(device);
    char line[16];
    if (channel->polled)
        format_text(line, sizeof(line), "%s", channel->worker ? "polled" : "empty");
    else
        format_text(line, sizeof(line), "line %u", channel->line);
    format_text(text, bytes, "ATA channel, port %#x, %s%s", channel->command_port, line,
                channel->bus_master_port ? ", bus master" : "");
}

void ata_channel_free(struct ata_channel *channel)
{
    ata_worker_stop(channel);
    ata_disconnect_interrupt(channel);
    if (channel->dma_table)
        page_free(channel->dma_table);
    mem_free(channel);
}

/* Units hold a reference of their channel, and who submits commands one of the unit, so the last
 * one never goes on the worker that is waited for here. */
static void channel_destroy(struct device *device)
{
    ata_channel_free(device_private(device));
}

static const struct device_ops channel_ops = {
    .describe = channel_describe,
    .destroy = channel_destroy,
};

static void unit_describe(struct device *device, char *text, size_t bytes)
{
    const struct ata_unit *unit = device_private(device);
    format_text(text, bytes, "%s, firmware %s, %s", unit->info.model, unit->info.firmware,
                unit->info.dma ? "DMA" : "PIO");
}

static const struct device_ops unit_ops = {
    .describe = unit_describe,
};

static status_t unit_publish(struct ata_unit *unit)
{
    const struct device_description description = {
        .name = unit_names[unit->number],
        .ops = &unit_ops,
        .private_data = unit, /* a part of the channel, which outlives its children */
        .bus = &packet_bus,
        .bus_data = &unit->info,
    };
    struct device *device = device_create(unit->channel->device, &description);
    if (!device)
        return -ENOMEM;
    unit->info.transport = &ata_packet_transport;
    log_info(unit->channel->name, "%s is %s, firmware %s, %s", description.name, unit->info.model,
             unit->info.firmware, unit->info.dma ? "DMA" : "PIO");
    status_t status = device_publish(device);
    device_put(device);
    return status;
}

/* ---- channels ----------------------------------------------------------------------------- */

static struct ata_channel *channel_create(const struct ata_place *place)
{
    struct ata_channel *channel = mem_zalloc(sizeof(*channel));
    if (!channel)
        return NULL;
    format_text(channel->name, sizeof(channel->name), "ide%u", place->number);
    channel->command_port = place->command_port;
    channel->control_port = place->control_port;
    channel->bus_master_port = place->bus_master_port;
    channel->line = place->line;
    spin_init(&channel->lock, RANK_QUEUE);
    list_init(&channel->commands);
    wait_queue_init(&channel->arrival);
    wait_queue_init(&channel->interrupt);
    for (unsigned i = 0; i < 2; i++) {
        channel->units[i].channel = channel;
        channel->units[i].number = i;
    }
    return channel;
}

static status_t channel_configure(struct ata_channel *channel)
{
    if (!channel->units[0].is_packet && !channel->units[1].is_packet)
        return 0;
    ata_connect_interrupt(channel);
    return ata_worker_start(channel);
}

struct ata_channel *ata_channel_find(const struct ata_place *place)
{
    struct ata_channel *channel = channel_create(place);
    if (!channel)
        return NULL;
    ata_dma_configure(channel);
    ata_identify_units(channel);
    return channel;
}

status_t ata_channel_publish(struct ata_channel *channel, struct device *controller)
{
    status_t status = channel_configure(channel);
    const struct device_description description = {
        .name = channel->name,
        .ops = &channel_ops,
        .private_data = channel,
        .device_class = CLASS_BUS,
    };
    struct device *device = status ? NULL : device_create(controller, &description);
    if (!device) {
        ata_channel_free(channel);
        return status ? status : -ENOMEM;
    }
    channel->device = device;
    status = device_publish(device);
    for (unsigned i = 0; i < 2 && !status; i++)
        if (channel->units[i].is_packet)
            status = unit_publish(&channel->units[i]);
    device_put(device);
    return status;
}
