/*
 * port.c - from a port to a device: identifies its unit and publishes it, for the disk driver or
 * for those of SCSI units.
 */
#include "drivers/storage/ata/ata.h"
#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/text.h"

enum { IDENTIFY_TRIES = 3, DMA_FAILURES_MAX = 3 };

const struct bus_type ata_bus = { .name = "ata" };

/* ---- identification ----------------------------------------------------------------------- */

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

static status_t read_identity(struct ata_port *port, enum ata_kind kind, uint16_t *words)
{
    const struct io_segment segment = { words, ATA_IDENTIFY_BYTES };
    struct ata_command command = {
        .base.timeout_us = DEADLINE_ATA_IDENTIFY_US,
        .protocol = ATA_PIO_IN,
        .taskfile.operation = kind == ATA_KIND_PACKET ? ATA_IDENTIFY_PACKET : ATA_IDENTIFY,
        .segments = &segment,
        .segment_count = 1,
        .length_bytes = ATA_IDENTIFY_BYTES,
        .block_bytes = ATA_IDENTIFY_BYTES,
    };
    return ata_execute(port, &command);
}

bool ata_port_identify(struct ata_port *port, unsigned signature)
{
    enum ata_kind kind = kind_of(signature);
    uint16_t *words = kind == ATA_KIND_NONE ? NULL : mem_alloc(ATA_IDENTIFY_BYTES);
    if (!words)
        return false;

    /* The signature is a hint; only IDENTIFY proves that there is a unit. Data that were damaged on
     * the way are read again. */
    bool valid = false;
    status_t status = 0;
    for (unsigned i = 0; i < IDENTIFY_TRIES && !status && !valid; i++) {
        status = read_identity(port, kind, words);
        valid = !status && ata_identify_decode(words, &port->identity);
    }
    mem_free(words);

    if (!status && !valid)
        log_warn(port->channel_name, "%s: the checksum of its IDENTIFY data is wrong; ignored",
                 port->name);
    if (valid)
        port->kind = kind;
    return valid;
}

struct ata_port *ata_port_of(const struct scsi_command *command)
{
    return container_of(command->unit, struct ata_port, unit);
}

/* ---- DMA ---------------------------------------------------------------------------------- */

void ata_port_count_dma(struct ata_port *port, status_t status)
{
    /* Where DMA has worked before, a unit that does not answer in time has trouble with its medium
     * instead. */
    if (status == -ETIMEDOUT && port->dma_worked)
        return;

    /* A success forgets earlier failures: only those in a row count. */
    if (!status) {
        port->dma_worked = true;
        port->dma_failures = 0;
        return;
    }

    if (++port->dma_failures < DMA_FAILURES_MAX || !port->dma)
        return;

    log_warn(port->channel_name, "%s: DMA failed repeatedly; falling back to PIO",
             port->identity.model);
    port->dma = false;
}

/* ---- the unit's device -------------------------------------------------------------------- */

static void unit_describe(struct device *device, char *text, size_t bytes)
{
    const struct ata_port *port = device_private(device);
    format_text(text, bytes, "%s, firmware %s, %s", port->identity.model, port->identity.firmware,
                port->dma ? "DMA" : "PIO");
}

static void unit_destroy(struct device *device)
{
    struct ata_port *port = device_private(device);
    if (port->ops->released)
        port->ops->released(port);
}

static const struct device_ops unit_ops = {
    .describe = unit_describe,
    .destroy = unit_destroy,
};

/* A command set reads the unit in its add_device, which runs inside device_publish(): all members
 * must be set by then. */
static void fill_scsi_unit(struct ata_port *port)
{
    struct scsi_unit *unit = &port->unit;
    unit->device = port->device;
    unit->channel = port->channel;
    unit->device_type = port->identity.device_type;
    text_copy(unit->model, sizeof(unit->model), port->identity.model);
    text_copy(unit->firmware, sizeof(unit->firmware), port->identity.firmware);
    text_copy(unit->serial, sizeof(unit->serial), port->identity.serial);

    unit->highest_address = port->limits.highest_address;
    unit->transfer_bytes = port->limits.transfer_bytes;
    unit->segment_count = port->limits.segment_count;
    unit->segment_align = port->limits.segment_align;
}

status_t ata_port_publish(struct ata_port *port, struct device *channel)
{
    bool packet = port->kind == ATA_KIND_PACKET;
    const char *fault = packet ? NULL : ata_identity_fault(&port->identity);
    if (fault) {
        log_warn(port->channel_name, "%s: the disk %s: %s; ignored", port->name,
                 port->identity.model, fault);
        return 0;
    }

    const struct device_description description = {
        .name = port->name,
        .ops = &unit_ops,
        .private_data = port, /* a part of the channel, which outlives its children */
        .bus = packet ? &scsi_bus : &ata_bus,
        .bus_data = packet ? (const void *)&port->unit : port,
    };
    port->device = device_create(channel, &description);
    if (!port->device)
        return -ENOMEM;
    if (packet)
        fill_scsi_unit(port);

    log_info(port->channel_name, "%s is %s, firmware %s, %s", port->name, port->identity.model,
             port->identity.firmware, port->dma ? "DMA" : "PIO");

    status_t status = device_publish(port->device);
    if (status) {
        device_put(port->device);
        port->device = NULL;
    }
    return status;
}

void ata_port_remove(struct ata_port *port)
{
    struct device *device = port->device;
    if (!device)
        return;

    /* The last reference may free the port. */
    device_remove(device);
    port->device = NULL;
    device_put(device);
}
