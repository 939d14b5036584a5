/*
 * port.c - from a port to a device: identifies its unit and publishes it, if it takes packets.
 */
#include "drivers/storage/ata/ata.h"
#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/text.h"

static enum ata_kind kind_of(unsigned signature)
{
    switch (signature) {
    case ATA_SIGNATURE_PACKET:
    case ATA_SIGNATURE_PACKET_SATA:
        return ATA_KIND_PACKET;
    case ATA_SIGNATURE_DISK:
    case ATA_SIGNATURE_DISK_SATA:
        return ATA_KIND_DISK;
    default:
        return ATA_KIND_NONE;
    }
}

bool ata_port_identify(struct ata_port *port, unsigned signature)
{
    enum ata_kind kind = kind_of(signature);
    if (kind == ATA_KIND_NONE)
        return false;

    /* The signature is a hint; only IDENTIFY proves that there is a unit. */
    uint16_t words[ATA_IDENTIFY_WORDS];
    struct ata_taskfile taskfile = {
        .protocol = ATA_PIO_IN,
        .command = kind == ATA_KIND_PACKET ? ATA_IDENTIFY_PACKET : ATA_IDENTIFY,
        .words = words,
        .word_count = ATA_IDENTIFY_WORDS,
        .timeout_us = DEADLINE_ATA_IDENTIFY_US,
    };
    if (port->ops->execute(port, &taskfile))
        return false;

    /* Set last: a port with a kind has a unit. */
    port->kind = kind;
    ata_identify_decode(words, &port->identity);

    /* A disk gets no device, so the log is the only place where it appears. */
    if (kind == ATA_KIND_DISK)
        log_info(port->channel_name, "%s is the disk %s; disks are not supported yet", port->name,
                 port->identity.model);
    return true;
}

struct ata_port *ata_port_of(const struct scsi_command *command)
{
    return container_of(command->unit, struct ata_port, unit);
}

/* ---- the unit's device -------------------------------------------------------------------- */

static void unit_describe(struct device *device, char *text, size_t bytes)
{
    const struct ata_port *port = device_private(device);
    format_text(text, bytes, "%s, firmware %s, %s", port->unit.model, port->unit.firmware,
                port->dma ? "DMA" : "PIO");
}

static const struct device_ops unit_ops = {
    .describe = unit_describe,
};

status_t ata_port_publish(struct ata_port *port, struct device *channel)
{
    struct scsi_unit *unit = &port->unit;
    const struct device_description description = {
        .name = port->name,
        .ops = &unit_ops,
        .private_data = port, /* a part of the channel, which outlives its children */
        .bus = &scsi_bus,
        .bus_data = unit,
    };
    struct device *device = device_create(channel, &description);
    if (!device)
        return -ENOMEM;

    /* A command set reads the unit in its add_device, which runs inside device_publish(): all
     * members must be set by then. */
    unit->device = device;
    unit->device_type = port->identity.device_type;
    text_copy(unit->model, sizeof(unit->model), port->identity.model);
    text_copy(unit->firmware, sizeof(unit->firmware), port->identity.firmware);
    text_copy(unit->serial, sizeof(unit->serial), port->identity.serial);

    log_info(port->channel_name, "%s is %s, firmware %s, %s", port->name, unit->model,
             unit->firmware, port->dma ? "DMA" : "PIO");

    /* The tree holds the device from now on. If publishing failed, this frees it. */
    status_t status = device_publish(device);
    device_put(device);
    return status;
}
