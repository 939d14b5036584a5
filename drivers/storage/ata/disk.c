/*
 * disk.c - driver for ATA disks: publishes the data device of a unit on ata_bus.
 */
#include "drivers/storage/ata/disk.h"
#include "kernel/dev/deadlines.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "lib/format.h"
#include "lib/macros.h"

enum { FEATURE_NO_WRITE_CACHE = 0x82 }; /* of SET FEATURES (ATA-6 8.46) */

/* ---- the device --------------------------------------------------------------------------- */

static void disk_describe(struct device *device, char *text, size_t bytes)
{
    const struct ata_disk *disk = device_private(device);
    const struct ata_identity *identity = &disk->port->identity;
    char sectors[40], queue[24] = "";

    /* Disks that emulate short sectors write whole physical ones: worth knowing for speed. */
    if (identity->physical_bytes == identity->sector_bytes)
        format_text(sectors, sizeof(sectors), "%u bytes", identity->sector_bytes);
    else
        format_text(sectors, sizeof(sectors), "%u of %u bytes", identity->sector_bytes,
                    identity->physical_bytes);
    if (disk->queued)
        format_text(queue, sizeof(queue), ", queue of %u", identity->queue_depth);

    format_text(text, bytes, "%s, firmware %s, %llu KiB, sectors of %s%s%s", identity->model,
                identity->firmware,
                (unsigned long long)(device_medium(device).bytes / 1024), sectors,
                identity->write_cache ? ", write cache" : "", queue);
}

static void disk_destroy(struct device *device)
{
    mem_free(device_private(device));
}

static const struct device_ops disk_ops = {
    .start = ata_disk_start,
    .describe = disk_describe,
    .destroy = disk_destroy,
};

/* ---- the unit ----------------------------------------------------------------------------- */

/* Switches off a write cache that no command writes back: what a flush promises could not be
 * kept. */
static void settle_write_cache(struct ata_disk *disk)
{
    struct ata_identity *identity = &disk->port->identity;
    if (!identity->write_cache || identity->flush || identity->flush_extended)
        return;

    struct ata_command command = {
        .base.device = disk->unit,
        .base.timeout_us = DEADLINE_ATA_IDENTIFY_US,
        .protocol = ATA_NON_DATA,
        .taskfile = { .operation = ATA_SET_FEATURES, .features = FEATURE_NO_WRITE_CACHE },
    };
    status_t status = ata_execute(disk->port, &command);
    identity->write_cache = status != 0;
    if (status)
        log_warn(disk->port->channel_name, "%s: its write cache can be neither flushed nor "
                 "switched off", identity->model);
}

/* Returns the limits of a command: those of the transport, in whole sectors, and of its count. */
static struct io_limits disk_limits(const struct ata_disk *disk)
{
    const struct ata_identity *identity = &disk->port->identity;
    struct io_limits limits = disk->port->limits;
    uint32_t sectors = identity->lba48 ? ATA_EXTENDED_SECTORS_MAX : ATA_SECTORS_MAX;
    uint32_t most = sectors * identity->sector_bytes;

    if (limits.transfer_bytes)
        most = min(most, limits.transfer_bytes - limits.transfer_bytes % identity->sector_bytes);
    limits.transfer_bytes = most;
    limits.block_bytes = identity->sector_bytes;
    limits.depth = disk->queued ? min(limits.depth, identity->queue_depth) : 1;
    return limits;
}

static status_t publish(struct ata_disk *disk)
{
    const struct ata_identity *identity = &disk->port->identity;
    const struct device_description description = {
        .name = "disk",
        .ops = &disk_ops,
        .private_data = disk, /* disk_destroy() frees it */
        .device_class = &class_disk,
        .limits = disk_limits(disk),
        .driver_data_bytes = sizeof(struct ata_disk_transfer),
    };
    disk->device = device_create(disk->unit, &description);
    if (!disk->device) {
        mem_free(disk);
        return -ENOMEM;
    }

    /* A queued command's tag must be below the depth of the unit's queue. */
    if (disk->queued)
        command_queue_set_openings(&disk->port->channel->commands, description.limits.depth);

    device_set_medium(disk->device, identity->sectors * identity->sector_bytes);
    struct device *device = disk->device;
    status_t status = device_publish(device);
    device_put(device); /* the tree holds its own reference */
    return status;
}

static status_t disk_add_device(struct device *unit)
{
    /* The bus's type says whose bus_data it is; packet units are on another bus. */
    struct ata_port *port = (struct ata_port *)device_bus_data(unit, &ata_bus);
    if (!port)
        return -ENODEV;

    struct ata_disk *disk = mem_zalloc(sizeof(*disk));
    if (!disk)
        return -ENOMEM;
    disk->port = port;
    disk->unit = unit;
    disk->queued = port->dma && port->limits.depth > 1 && port->identity.queue_depth > 1;

    /* Its data cannot be read or written without the password. */
    if (port->identity.locked)
        log_warn(port->channel_name, "%s: locked by a password", port->identity.model);
    settle_write_cache(disk);
    return publish(disk);
}

static const struct driver driver_ata_disk = {
    .name = "ata-disk",
    .order = 30,
    .add_device = disk_add_device,
};
DRIVER(driver_ata_disk);
