/*
 * controller.c - the ATA driver: IDE controllers on PCI.
 *
 * detect      class 01h, subclass 01h
 * identify    each of the two channels by the interface byte: in compatibility mode it stands at
 *             the ports and lines of the first PCs, in native mode at those of the base address
 *             registers; then its units (identify.c)
 * configure   interrupt, bus master, worker - where there is a unit to serve
 * publish     "ide0", "ide1" under the function; "master", "slave" under those
 */
#include "drivers/ata/ata.h"
#include "kernel/dev/driver.h"
#include "kernel/dev/pci.h"
#include "kernel/log.h"
#include "lib/format.h"

enum {
    CLASS_STORAGE = 1,
    SUBCLASS_IDE = 1,
    INTERFACE_MASTER = 1 << 7,
    BAR_BUS_MASTER = 4,
    BUS_MASTER_BYTES = 8, /* of one channel */
    CONTROL_IN_BAR = 2,   /* the one register of the control block that is used */
};

/* What a channel has by its number. */
static const struct ata_place {
    const char *name;
    uint16_t command_port, control_port;
    unsigned line;
    uint8_t native; /* the bit of the interface byte */
    unsigned bar;   /* command block; the control block's is the next */
} ata_places[2] = {
    { "ide0", 0x1f0, 0x3f6, 14, 1 << 0, 0 },
    { "ide1", 0x170, 0x376, 15, 1 << 2, 2 },
};

static const char *const unit_names[2] = { "master", "slave" };

/* ---- devices ------------------------------------------------------------------------------ */

static void channel_describe(struct device *device, char *text, size_t bytes)
{
    const struct ata_channel *channel = device->private_data;
    const char *state = channel->polled ? ", polled" : "";
    format_text(text, bytes, "ATA channel, port %#x, line %u%s%s", channel->command_port,
                channel->line, channel->bus_master_port ? ", bus master" : "",
                channel->worker ? state : ", empty");
}

static void channel_free(struct ata_channel *channel)
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
    channel_free(device->private_data);
}

static const struct device_ops channel_ops = {
    .describe = channel_describe,
    .destroy = channel_destroy,
};

static void unit_describe(struct device *device, char *text, size_t bytes)
{
    const struct ata_unit *unit = device->private_data;
    format_text(text, bytes, "%s, firmware %s, %s", unit->info.model, unit->info.firmware,
                unit->info.dma ? "DMA" : "PIO");
}

static const struct device_ops unit_ops = {
    .describe = unit_describe,
};

static status_t unit_publish(struct ata_unit *unit)
{
    struct device *device = device_create(unit->channel->device, unit_names[unit->number]);
    if (!device)
        return -ENOMEM;
    device->ops = &unit_ops;
    device->private_data = unit; /* a part of the channel, which outlives its children */
    device->bus_kind = BUS_PACKET;
    device->bus_data = &unit->info;
    device->packet_transport = &ata_packet_transport;
    log_info(unit->channel->name, "%s is %s, firmware %s, %s", device->name, unit->info.model,
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
    format_text(channel->name, sizeof(channel->name), "%s", place->name);
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

/* False: the channel has no ports. */
static bool channel_find_ports(struct ata_channel *channel, const struct ata_place *place,
                               const struct pci_function *function)
{
    const struct pci_bar *bars = function->bars, *master = &bars[BAR_BUS_MASTER];
    channel->command_port = place->command_port;
    channel->control_port = place->control_port;
    channel->line = place->line;
    if (function->interface & place->native) {
        const struct pci_bar *command = &bars[place->bar], *control = &bars[place->bar + 1];
        if (!command->io || !command->base || !control->io || !control->base)
            return false;
        channel->command_port = (uint16_t)command->base;
        channel->control_port = (uint16_t)(control->base + CONTROL_IN_BAR);
        channel->line = function->interrupt_line;
    }
    if (function->interface & INTERFACE_MASTER && master->io && master->base)
        channel->bus_master_port =
            (uint16_t)(master->base + (place - ata_places) * BUS_MASTER_BYTES);
    return true;
}

static status_t channel_configure(struct ata_channel *channel)
{
    ata_dma_configure(channel);
    ata_identify_units(channel);
    if (!channel->units[0].is_packet && !channel->units[1].is_packet)
        return 0;
    ata_connect_interrupt(channel);
    return ata_worker_start(channel);
}

static status_t channel_publish(struct ata_channel *channel, struct device *controller)
{
    struct device *device = device_create(controller, channel->name);
    if (!device) {
        channel_free(channel);
        return -ENOMEM;
    }
    device->ops = &channel_ops;
    device->private_data = channel;
    device->device_class = CLASS_BUS;
    channel->device = device;
    status_t status = device_publish(device);
    for (unsigned i = 0; i < 2 && !status; i++)
        if (channel->units[i].is_packet)
            status = unit_publish(&channel->units[i]);
    device_put(device);
    return status;
}

static status_t channel_add(const struct ata_place *place, struct device *controller)
{
    struct ata_channel *channel = channel_create(place);
    if (!channel)
        return -ENOMEM;
    if (!channel_find_ports(channel, place, pci_function_of(controller))) {
        log_warn(place->name, "native mode without ports: left alone");
        channel_free(channel);
        return 0;
    }
    status_t status = channel_configure(channel);
    if (status) {
        channel_free(channel);
        return status;
    }
    return channel_publish(channel, controller);
}

static status_t ata_add_device(struct device *device)
{
    const struct pci_function *function = pci_function_of(device);
    if (!function || function->class_code != CLASS_STORAGE || function->subclass != SUBCLASS_IDE)
        return -ENODEV;
    pci_enable(function);
    status_t result = 0;
    for (unsigned i = 0; i < 2; i++) {
        status_t status = channel_add(&ata_places[i], device);
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
