/*
 * medium.c - which disc is inserted.
 *
 * A poll asks whether the unit is ready. As long as the answer matches what the device shows
 * already, that is all. A disc that is ready but not shown yet is measured and shown; one that the
 * drive reports as unreadable is shown with 0 bytes, as a blank disc. Removal is noticed in
 * cdrom_note(), by whichever command meets it first.
 *
 * A disc may be changed between two commands of a poll. `changes` counts what was noticed, so a
 * capacity is shown only if nothing happened since the unit reported that it was ready.
 */
#include "drivers/storage/scsi/cdrom/cdrom.h"
#include "drivers/storage/scsi/cdrom/mmc.h"
#include "drivers/storage/scsi/unit.h"
#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/text.h"

enum { CAPACITY_TRIES = 3, RAW_SECTOR_BYTES = 2352 };

/* ---- leaving ------------------------------------------------------------------------------ */

void cdrom_lose_medium(struct cdrom *cdrom)
{
    bool was_there = device_medium(cdrom->device).present;

    /* Counted before the medium is cleared: a poll that measures
     * meanwhile must not show it again. */
    atomic_fetch_add(&cdrom->changes, 1);

    /* The wish to eject was for the disc that is gone. */
    atomic_store(&cdrom->eject_asked, false);
    device_clear_medium(cdrom->device);
    if (was_there)
        log_info(device_alias(cdrom->device), "disc removed");
}

void cdrom_note(struct scsi_client *client, struct scsi_outcome outcome, const struct sense *sense)
{
    struct cdrom *cdrom = cdrom_of(client);

    /* Runs on the channel's worker, so it only sets flags: the poll sends the commands. */
    if (sense && sense_is_reset(sense))
        atomic_store(&cdrom->relock, true);

    /* Also for a changed disc: the new one is shown when a poll has measured it. */
    if (outcome.action == SENSE_CHANGED || outcome.action == SENSE_ABSENT)
        cdrom_lose_medium(cdrom);
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
    /* Changed during the poll: the next poll looks again. */
    if (atomic_load(&cdrom->changes) != changes)
        return;

    device_set_medium(cdrom->device, bytes);

    /* A read may have noticed a change in between, and cleared the medium before it was set. */
    if (atomic_load(&cdrom->changes) != changes) {
        device_clear_medium(cdrom->device);
        return;
    }

    uint64_t blocks = bytes / CDROM_BLOCK_BYTES;
    if (bytes)
        log_info(device_alias(cdrom->device), "disc of %llu block%s", (unsigned long long)blocks,
                 text_plural(blocks));
    else
        log_info(device_alias(cdrom->device), "blank disc");
}

/* ---- readiness ---------------------------------------------------------------------------- */

/* Asks until the drive has reported all its events. *changes: as before the last question. */
static struct scsi_outcome test_ready(struct cdrom *cdrom, unsigned *changes)
{
    struct scsi_outcome outcome = { SENSE_AGAIN, -EAGAIN };
    for (unsigned i = 0; i < SCSI_ATTENTIONS_MAX; i++) {
        /* Read before the question, so that a change during it is noticed. */
        *changes = atomic_load(&cdrom->changes);
        outcome = scsi_test_ready(&cdrom->client);
        if (outcome.action != SENSE_AGAIN && outcome.action != SENSE_CHANGED)
            break;
    }
    return outcome;
}

/* Asks whether the unit is ready. The first poll waits for a disc that is spinning up, so that
 * start-up finds it. */
static struct scsi_outcome await_ready(struct cdrom *cdrom, unsigned *changes)
{
    uint64_t deadline_us = time_now_us() + (cdrom->looked ? 0 : DEADLINE_NOT_READY_US);

    /* Only the first poll waits: the later ones come again by themselves. */
    struct scsi_outcome outcome = test_ready(cdrom, changes);
    while (outcome.action == SENSE_WAIT && time_now_us() < deadline_us) {
        thread_sleep_until(time_now_us() + DELAY_NOT_READY_US);
        outcome = test_ready(cdrom, changes);
    }

    cdrom->looked = true;
    return outcome;
}

status_t cdrom_look_for_medium(struct cdrom *cdrom)
{
    unsigned changes;
    uint64_t bytes = 0;
    struct scsi_outcome outcome = await_ready(cdrom, &changes);

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
