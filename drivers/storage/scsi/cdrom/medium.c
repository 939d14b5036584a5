/*
 * medium.c - which disc is inserted.
 *
 * A poll asks whether the unit is ready (../medium.h). As long as the answer matches what the
 * device shows already, that is all. A disc that is ready but not shown yet is measured and shown;
 * one that the drive reports as unreadable is shown with 0 bytes, as a blank disc.
 */
#include "drivers/storage/scsi/cdrom/cdrom.h"
#include "drivers/storage/scsi/cdrom/mmc.h"
#include "kernel/log.h"
#include "lib/text.h"

enum { CAPACITY_TRIES = 3, RAW_SECTOR_BYTES = 2352 };

/* ---- leaving ------------------------------------------------------------------------------ */

void cdrom_lose_medium(struct cdrom *cdrom)
{
    /* The wish to eject was for the disc that is gone. */
    atomic_store(&cdrom->eject_asked, false);
    if (scsi_lose_medium(&cdrom->client))
        log_info(device_alias(cdrom->device), "disc removed");
}

void cdrom_note(struct scsi_client *client, struct scsi_outcome outcome, const struct sense *sense)
{
    if (scsi_note_medium(client, outcome, sense))
        cdrom_lose_medium(cdrom_of(client));
}

/* ---- capacity ----------------------------------------------------------------------------- */

/* Drives answer READ CAPACITY with block 0 both for a disc of one block and for an empty one. */
static bool disc_is_empty(struct cdrom *cdrom)
{
    uint8_t answer[MMC_DISC_INFORMATION_BYTES] = { 0 };
    struct scsi_query query = {
        .cdb = { MMC_READ_DISC_INFORMATION, [CDB_10_LENGTH + 1] = sizeof(answer) },
        .answer = answer,
        .answer_bytes = sizeof(answer),
    };

    /* The status field: 0 is an empty disc. Drives without the command have only pressed discs,
     * which are not. */
    struct scsi_outcome outcome = scsi_execute_insisting(&cdrom->client, &query);
    return outcome.action == SENSE_DONE && query.done_bytes > MMC_DISC_STATUS &&
           !(answer[MMC_DISC_STATUS] & MMC_DISC_STATUS_MASK);
}

/* Returns the bytes of a disc; 0 if it is blank or its capacity is unusable. */
static uint64_t disc_bytes(struct cdrom *cdrom, const struct scsi_capacity *capacity)
{
    /* Old drives report no block length, or that of a raw sector; READ(10) returns 2048 anyway. */
    uint32_t block_bytes = capacity->block_bytes;
    if (block_bytes && block_bytes != RAW_SECTOR_BYTES && block_bytes != CDROM_BLOCK_BYTES) {
        log_warn(device_alias(cdrom->device),
                 "blocks of %u bytes are not supported; shown as a blank disc", block_bytes);
        return 0;
    }

    /* All ones: more blocks than READ CAPACITY(10) can report, which no CD or DVD has. */
    uint64_t last = capacity->last_block;
    if (last == UINT32_MAX || (last == 0 && disc_is_empty(cdrom)))
        return 0;
    return (last + 1) * CDROM_BLOCK_BYTES;
}

/* Measures the disc. An outcome other than SENSE_DONE: why it could not be measured. */
static struct scsi_outcome measure(struct cdrom *cdrom, uint64_t *bytes)
{
    struct scsi_capacity capacity;
    struct scsi_outcome outcome = { SENSE_RETRY, -EIO };
    for (unsigned i = 0; i < CAPACITY_TRIES && outcome.action == SENSE_RETRY; i++)
        outcome = scsi_read_capacity_10(&cdrom->client, &capacity);

    /* A disc that is ready but cannot be read is shown as a blank one. All other failures may pass:
     * the next poll measures again. */
    *bytes = 0;
    switch (outcome.action) {
    case SENSE_DONE:
        *bytes = disc_bytes(cdrom, &capacity);
        return outcome;
    case SENSE_BLANK:
    case SENSE_MEDIUM:
    case SENSE_REFUSED:
    case SENSE_UNSUPPORTED:
        return (struct scsi_outcome){ SENSE_DONE, 0 };
    default:
        return outcome;
    }
}

/* Shows the disc, unless it has changed since `changes` was read. */
static void show_medium(struct cdrom *cdrom, unsigned changes, uint64_t bytes)
{
    uint64_t blocks = bytes / CDROM_BLOCK_BYTES;
    if (!scsi_show_medium(&cdrom->client, changes, bytes, NULL))
        return;
    if (bytes)
        log_info(device_alias(cdrom->device), "disc of %llu block%s", (unsigned long long)blocks,
                 text_plural(blocks));
    else
        log_info(device_alias(cdrom->device), "blank disc");
}

status_t cdrom_look_for_medium(struct cdrom *cdrom)
{
    unsigned changes;
    uint64_t bytes = 0;
    struct scsi_outcome outcome = scsi_await_ready(&cdrom->client, &changes);

    /* A disc that was changed is no longer shown: cdrom_note() saw the drive report it. */
    bool shown = device_medium(cdrom->device).present;
    if (outcome.action == SENSE_DONE && !shown)
        outcome = measure(cdrom, &bytes);
    /* The drive is not ready, but there is a disc: a blank one. */
    if (outcome.action == SENSE_BLANK)
        outcome = (struct scsi_outcome){ SENSE_DONE, 0 };
    if (outcome.action == SENSE_DONE && !shown)
        show_medium(cdrom, changes, bytes);
    return outcome.action == SENSE_ABSENT ? 0 : outcome.status;
}
