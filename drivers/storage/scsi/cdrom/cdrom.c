/*
 * cdrom.c - the CD drive driver: takes the units that understand the multimedia command set,
 * whatever transport carries it, and publishes a "cdrom" device for each.
 */
#include "drivers/storage/scsi/cdrom/cdrom.h"
#include "drivers/storage/scsi/cdrom/mmc.h"
#include "drivers/storage/scsi/transfer.h"
#include "kernel/dev/control.h"
#include "kernel/dev/driver.h"
#include "lib/bytes.h"
#include "lib/format.h"

enum { DEVICE_TYPE_MMC = 5 }; /* SPC-3 table 83 */

/* ---- controls ----------------------------------------------------------------------------- */

/* Returns whether the disc is of a kind that is written once. Old drives do not know the command:
 * their discs count as pressed ones. */
static bool is_write_once(struct cdrom *cdrom)
{
    /* CD-R, DVD-R (sequential, dual layer, layer jump), DVD+R, BD-R and kin (MMC-5 5.3.1) */
    static const uint16_t profiles[] = { 0x09, 0x11, 0x15, 0x16, 0x1b, 0x2b, 0x41, 0x42, 0x51 };
    uint8_t answer[MMC_CONFIGURATION_BYTES] = { 0 };
    struct scsi_query query = {
        .cdb = { MMC_GET_CONFIGURATION, [CDB_10_LENGTH + 1] = sizeof(answer) },
        .answer = answer,
        .answer_bytes = sizeof(answer),
    };
    struct scsi_outcome outcome = scsi_execute_insisting(&cdrom->client, &query);

    /* A drive that does not know profiles is older than the discs that have one. */
    if (outcome.action != SENSE_DONE || query.done_bytes < sizeof(answer))
        return false;

    uint16_t profile = bytes_be16((struct bytes){ answer, sizeof(answer) }, MMC_CURRENT_PROFILE);
    for (unsigned i = 0; i < ARRAY_LENGTH(profiles); i++)
        if (profiles[i] == profile)
            return true;
    return false;
}

static status_t cdrom_control(struct device *device, unsigned operation, void *argument,
                              size_t bytes)
{
    struct cdrom *cdrom = device_private(device);
    (void)bytes; /* device_control() checked it */

    switch (operation) {
    case DEVICE_CONTROL_EJECT:
        return cdrom_eject(cdrom);
    case DEVICE_CONTROL_LOAD:
        return cdrom_load(cdrom);
    case DEVICE_CONTROL_LOCK_DOOR:
        return cdrom_lock_door(cdrom);
    case DEVICE_CONTROL_UNLOCK_DOOR:
        return cdrom_unlock_door(cdrom);
    case DEVICE_CONTROL_TOC:
        return cdrom_read_toc(cdrom, argument);
    case DEVICE_CONTROL_SESSION:
        return cdrom_find_session(cdrom, argument);
    case DEVICE_CONTROL_GET_FLAGS:
        *(struct device_flags *)argument = (struct device_flags){
            .device_class = &class_cdrom,
            .removable = true,
            .read_only = true,
            .write_once = is_write_once(cdrom),
        };
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

/* ---- the device --------------------------------------------------------------------------- */

static void cdrom_start(struct device *device, struct io_transfer *transfer)
{
    struct cdrom *cdrom = device_private(device);

    /* kernel/dev refuses writes, and a drive that only reads has nothing to flush. */
    if (transfer->op == IO_READ)
        scsi_transfer_start(&cdrom->client, transfer);
    else
        io_transfer_done(transfer, transfer->op == IO_FLUSH ? 0 : -EROFS, 0);
}

static status_t cdrom_poll(struct device *device)
{
    struct cdrom *cdrom = device_private(device);

    /* The disc first: a reset that this finds out makes the door be locked again below. */
    status_t status = cdrom_look_for_medium(cdrom);
    cdrom_watch_door(cdrom);
    return status;
}

static void cdrom_describe(struct device *device, char *text, size_t bytes)
{
    struct cdrom *cdrom = device_private(device);
    const struct scsi_unit *unit = cdrom->client.unit;
    struct device_medium medium = device_medium(device);
    const char *door = atomic_load(&cdrom->client.door_locked) ? ", door locked" : "";
    const char *button = atomic_load(&cdrom->eject_asked) ? ", eject requested" : "";
    char disc[40];

    /* Three cases, as the device shows them: without a medium, with one of 0 bytes, with data. */
    if (!medium.present)
        format_text(disc, sizeof(disc), "no disc");
    else if (!medium.bytes)
        format_text(disc, sizeof(disc), "blank disc");
    else
        format_text(disc, sizeof(disc), "disc of %llu KiB",
                    (unsigned long long)(medium.bytes / 1024));

    format_text(text, bytes, "%s, firmware %s, %s%s%s", unit->model, unit->firmware, disc, door,
                button);
}

static void cdrom_destroy(struct device *device)
{
    mem_free(device_private(device));
}

static const struct device_ops cdrom_ops = {
    .start = cdrom_start,
    .poll = cdrom_poll,
    .control = cdrom_control,
    .describe = cdrom_describe,
    .destroy = cdrom_destroy,
};

/* Returns the limits of a read: those of the transport, in whole blocks, and of READ(10). */
static struct io_limits cdrom_limits(const struct scsi_unit *unit)
{
    uint32_t most = SCSI_10_BLOCKS_MAX * CDROM_BLOCK_BYTES;
    if (unit->transfer_bytes)
        most = min(most, unit->transfer_bytes - unit->transfer_bytes % CDROM_BLOCK_BYTES);

    /* Depth 1: a CD drive carries out one command at a time, and a second one would only wait
     * in its queue. */
    return (struct io_limits){
        .block_bytes = CDROM_BLOCK_BYTES,
        .transfer_bytes = most,
        .segment_count = unit->segment_count,
        .segment_align = unit->segment_align,
        .highest_address = unit->highest_address,
        .depth = 1,
    };
}

static status_t cdrom_add_device(struct device *parent)
{
    struct scsi_unit *unit = scsi_unit_of(parent);
    if (!unit || unit->device_type != DEVICE_TYPE_MMC)
        return -ENODEV;

    /* The unit is ours. From here on failures are reported; -ENODEV would offer it to
     * other drivers. */
    struct cdrom *cdrom = mem_zalloc(sizeof(*cdrom));
    const struct device_description description = {
        .name = "cdrom",
        .ops = &cdrom_ops,
        .private_data = cdrom, /* cdrom_destroy() frees it */
        .device_class = &class_cdrom,
        .read_only = true,
        .limits = cdrom_limits(unit),
        .driver_data_bytes = sizeof(struct scsi_transfer),
    };
    struct device *device = cdrom ? device_create(parent, &description) : NULL;
    if (!device) {
        mem_free(cdrom);
        return -ENOMEM;
    }

    /* Complete before it is published: the monitor may poll it at once. */
    cdrom->client = (struct scsi_client){ .unit = unit, .device = device, .note = cdrom_note };
    cdrom->device = device;

    status_t status = device_publish(device);
    device_put(device); /* the tree holds its own reference */
    return status;
}

static const struct driver driver_cdrom = {
    .name = "cdrom",
    .order = 30,
    .add_device = cdrom_add_device,
};
DRIVER(driver_cdrom);
