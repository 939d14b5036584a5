/*
 * disk.c - the driver of SCSI disks: takes units of direct access, whatever transport carries their
 * commands, and publishes a "disk" device for each.
 */
#include "drivers/storage/scsi/disk/disk.h"
#include "drivers/storage/scsi/transfer.h"
#include "kernel/dev/control.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "lib/format.h"
#include "lib/macros.h"

enum { WHY_BYTES = 96, PATH_BYTES = 96 };

/* ---- io ----------------------------------------------------------------------------------- */

static void disk_start(struct device *device, struct io_transfer *transfer)
{
    struct disk *disk = device_private(device);

    /* Without a volatile cache every completed write is durable. */
    bool flushed = !atomic_load(&disk->write_cache) || atomic_load(&disk->client.no_flush);
    if (transfer->op == IO_FLUSH && flushed)
        io_transfer_done(transfer, 0, 0);
    else
        scsi_transfer_start(&disk->client, transfer);
}

/* ---- media that can be changed -------------------------------------------------------------- */

static void disk_note(struct scsi_client *client, struct scsi_outcome outcome,
                      const struct sense *sense)
{
    /* A fixed disk that says that it has no medium fails, and keeps what it is. */
    if (scsi_note_medium(client, outcome, sense) && !client->fixed && scsi_lose_medium(client))
        log_info(device_alias(client->device), "medium removed");
}

/* Nothing is shown yet while a unit is being identified. */
static void ignore_note(struct scsi_client *client, struct scsi_outcome outcome,
                        const struct sense *sense)
{
    (void)client, (void)outcome, (void)sense;
}

static void show_medium(struct disk *disk, unsigned changes, const struct disk_medium *medium)
{
    struct device *device = disk->client.device;
    struct device_traits traits = device_traits(device);
    traits.block_bytes = medium->block_bytes;
    traits.read_only = medium->read_only;
    atomic_store(&disk->write_cache, medium->write_cache);
    if (scsi_show_medium(&disk->client, changes, medium->blocks * medium->block_bytes, &traits))
        log_info(device_alias(device), "medium of %llu blocks of %u bytes",
                 (unsigned long long)medium->blocks, medium->block_bytes);
}

static status_t disk_poll(struct device *device)
{
    struct disk *disk = device_private(device);
    struct disk_medium medium;
    char why[WHY_BYTES];
    unsigned changes;

    scsi_relock_door(&disk->client);
    struct scsi_outcome outcome = scsi_await_ready(&disk->client, &changes);
    if (outcome.action != SENSE_DONE)
        disk->complained = false;
    if (outcome.action != SENSE_DONE || device_medium(device).present)
        return outcome.action == SENSE_ABSENT ? 0 : outcome.status;

    outcome = disk_measure(&disk->client, &medium, why, sizeof(why));
    if (outcome.action == SENSE_DONE) {
        show_medium(disk, changes, &medium);
    } else if (outcome.action == SENSE_REFUSED && !disk->complained) {
        /* Once for each medium, not at each poll. */
        log_warn(device_alias(device), "%s; the medium is not used", why);
        disk->complained = true;
    }
    return outcome.action == SENSE_ABSENT ? 0 : outcome.status;
}

static status_t disk_control(struct device *device, unsigned operation, void *argument,
                             size_t bytes)
{
    struct disk *disk = device_private(device);
    status_t status;
    (void)argument, (void)bytes;

    switch (operation) {
    case DEVICE_CONTROL_EJECT:
        status = scsi_move_medium(&disk->client, SCSI_EJECT);

        /* At once: a poll would notice it only later. */
        if (!status)
            scsi_lose_medium(&disk->client);
        return status;
    case DEVICE_CONTROL_LOAD:
        return scsi_move_medium(&disk->client, SCSI_LOAD);
    case DEVICE_CONTROL_LOCK_DOOR:
        return scsi_lock_door(&disk->client, true);
    case DEVICE_CONTROL_UNLOCK_DOOR:
        return scsi_lock_door(&disk->client, false);
    default:
        return -EOPNOTSUPP;
    }
}

/* ---- the device --------------------------------------------------------------------------- */

static void disk_describe(struct device *device, char *text, size_t bytes)
{
    struct disk *disk = device_private(device);
    const struct scsi_unit *unit = disk->client.unit;
    struct device_medium medium = device_medium(device);
    char size[40] = "no medium";
    if (medium.present)
        format_text(size, sizeof(size), "%llu KiB", (unsigned long long)(medium.bytes / 1024));
    format_text(text, bytes, "%s, firmware %s, %s%s", unit->model, unit->firmware, size,
                atomic_load(&disk->write_cache) ? ", write cache" : "");
}

static void disk_destroy(struct device *device)
{
    mem_free(device_private(device));
}

static const struct device_ops fixed_ops = {
    .start = disk_start,
    .describe = disk_describe,
    .destroy = disk_destroy,
};

static const struct device_ops removable_ops = {
    .start = disk_start,
    .poll = disk_poll,
    .control = disk_control,
    .describe = disk_describe,
    .destroy = disk_destroy,
};

/* Returns the limits of a transfer: those of the transport and of the unit, in whole blocks, and of
 * READ(10). 0 bytes: the transport does not carry a block. */
static struct io_limits disk_limits(const struct scsi_unit *unit, uint32_t block_bytes,
                                    uint32_t blocks)
{
    blocks = blocks ? min(blocks, SCSI_10_BLOCKS_MAX) : SCSI_10_BLOCKS_MAX;
    uint32_t most = blocks * block_bytes;
    if (unit->transfer_bytes)
        most = min(most, unit->transfer_bytes - unit->transfer_bytes % block_bytes);

    return (struct io_limits){
        .block_bytes = block_bytes,
        .transfer_bytes = most,
        .segment_count = unit->segment_count,
        .segment_align = unit->segment_align,
        .highest_address = unit->highest_address,
        .depth = unit->depth,
    };
}

/* ---- publishing ----------------------------------------------------------------------------- */

/* What is known of a unit before its device exists. */
struct probe {
    struct disk *disk;
    struct disk_medium medium; /* of a fixed disk */
    uint32_t blocks_most;      /* of a command; 0: any number */
    char why[WHY_BYTES];       /* what is wrong with it */
};

/* Waits for a fixed disk, and starts its motor if it asks for that. */
static struct scsi_outcome await_fixed(struct scsi_client *client)
{
    unsigned changes;
    struct scsi_outcome outcome = scsi_await_ready(client, &changes);
    if (outcome.action == SENSE_ABSENT) {
        IGNORE(scsi_start_stop(client, SCSI_START).status);
        client->looked = false;
        outcome = scsi_await_ready(client, &changes);
    }
    return outcome;
}

static status_t probe_unit(struct probe *probe)
{
    struct scsi_client *client = &probe->disk->client;
    struct scsi_identity identity;
    struct scsi_outcome outcome = scsi_inquire(client, &identity);
    const char *what = "INQUIRY";

    /* A disk works without limits that it reports, but not if it does not answer. */
    if (outcome.action == SENSE_DONE) {
        client->fixed = !identity.removable;
        outcome = disk_read_limits(client, &probe->blocks_most);
        if (outcome.status != -ETIMEDOUT && outcome.action != SENSE_GONE)
            outcome.action = SENSE_DONE;
    }
    if (outcome.action == SENSE_DONE && client->fixed) {
        what = "TEST UNIT READY";
        outcome = await_fixed(client);
    }
    if (outcome.action != SENSE_DONE) {
        format_text(probe->why, sizeof(probe->why), "%s: %s", what, status_text(outcome.status));
        return outcome.status;
    }

    /* A removable medium is measured by the polls. */
    if (client->fixed)
        outcome = disk_measure(client, &probe->medium, probe->why, sizeof(probe->why));
    else
        probe->medium.block_bytes = 512;
    return outcome.status;
}

static status_t publish(struct probe *probe, struct device *parent)
{
    struct disk *disk = probe->disk;
    const struct device_description description = {
        .name = "disk",
        .ops = disk->client.fixed ? &fixed_ops : &removable_ops,
        .private_data = disk, /* disk_destroy() frees it */
        .device_class = &class_disk,
        .read_only = probe->medium.read_only,
        .limits = disk_limits(disk->client.unit, probe->medium.block_bytes, probe->blocks_most),
        .driver_data_bytes = sizeof(struct scsi_transfer),
    };
    struct device *device = device_create(parent, &description);
    if (!device) {
        mem_free(disk);
        return -ENOMEM;
    }

    /* Complete before it is published: its partitions may be read at once. */
    atomic_store(&disk->write_cache, probe->medium.write_cache);
    disk->client.device = device;
    disk->client.note = disk_note;
    disk->client.looked = disk->client.must_wait = false;
    if (disk->client.fixed)
        device_set_medium(device, probe->medium.blocks * probe->medium.block_bytes);

    status_t status = device_publish(device);
    device_put(device); /* the tree holds its own reference */
    return status;
}

/* Direct access, optical memory, and simplified direct access (SPC-3 table 83). */
static bool is_disk(const struct scsi_unit *unit)
{
    return unit->device_type == 0x00 || unit->device_type == 0x07 || unit->device_type == 0x0e;
}

static status_t disk_add_device(struct device *parent)
{
    struct scsi_unit *unit = scsi_unit_of(parent);
    if (!unit || !is_disk(unit))
        return -ENODEV;

    /* The unit is ours. From here on failures are reported; -ENODEV would offer it to other
     * drivers. Until its device exists, commands hold a reference to the unit's. */
    struct probe probe = { .disk = mem_zalloc(sizeof(struct disk)) };
    if (!probe.disk)
        return -ENOMEM;
    probe.disk->client.unit = unit;
    probe.disk->client.device = parent;
    probe.disk->client.note = ignore_note;
    probe.disk->client.must_wait = true;

    status_t status = probe_unit(&probe);
    if (!status && unit->transfer_bytes && unit->transfer_bytes < probe.medium.block_bytes) {
        format_text(probe.why, sizeof(probe.why), "no block fits into a command");
        status = -EIO;
    }
    if (!status)
        return publish(&probe, parent);

    char path[PATH_BYTES];
    device_path(parent, path, sizeof(path));
    log_warn("disk", "%s: %s: %s; the unit is not used", path, unit->model, probe.why);
    mem_free(probe.disk);
    return status == -ENODEV ? -EIO : status;
}

static const struct driver driver_scsi_disk = {
    .name = "scsi-disk",
    .order = 31,
    .add_device = disk_add_device,
};
DRIVER(driver_scsi_disk);
