/*
 * door.c - the tray of a CD drive: ejecting, loading, the lock, and the eject button.
 *
 * While a file on the disc is open the door is locked. The drive then only notes that its button
 * was pressed; the poll reads that note, and unlocking the door carries it out.
 */
#include "drivers/storage/scsi/cdrom/cdrom.h"
#include "drivers/storage/scsi/cdrom/mmc.h"
#include "kernel/log.h"

status_t cdrom_eject(struct cdrom *cdrom)
{
    status_t status = scsi_move_medium(&cdrom->client, SCSI_EJECT);

    /* At once: a poll would notice it only later, and reads would fail until then. */
    if (!status)
        cdrom_lose_medium(cdrom);
    return status;
}

status_t cdrom_load(struct cdrom *cdrom)
{
    return scsi_move_medium(&cdrom->client, SCSI_LOAD);
}

status_t cdrom_lock_door(struct cdrom *cdrom)
{
    return scsi_lock_door(&cdrom->client, true);
}

status_t cdrom_unlock_door(struct cdrom *cdrom)
{
    status_t status = scsi_lock_door(&cdrom->client, false);

    /* The button was pressed while the door was locked. The door stays unlocked if the
     * ejection fails. */
    if (!status && atomic_exchange(&cdrom->eject_asked, false))
        IGNORE(cdrom_eject(cdrom));
    return status;
}

/* Asks for a media event (GET EVENT STATUS NOTIFICATION); the answer is an event header and one
 * event. */
static void look_at_button(struct cdrom *cdrom)
{
    uint8_t answer[MMC_EVENT_BYTES] = { 0 };
    struct scsi_query query = {
        .cdb = { MMC_GET_EVENT_STATUS, MMC_EVENT_POLLED,
                 [MMC_EVENT_CLASSES] = 1 << MMC_EVENT_CLASS_MEDIA,
                 [CDB_10_LENGTH + 1] = sizeof(answer) },
        .answer = answer,
        .answer_bytes = sizeof(answer),
    };
    struct scsi_outcome outcome = scsi_execute_insisting(&cdrom->client, &query);

    /* Old drives do not report events. They are not asked again at each poll. */
    if (outcome.action == SENSE_UNSUPPORTED)
        cdrom->no_events = true;
    if (outcome.action != SENSE_DONE || query.done_bytes < sizeof(answer))
        return;

    /* The answer is of another class if the drive has no media events to report. */
    unsigned class = answer[MMC_EVENT_CLASS] & (MMC_EVENT_NONE_AVAILABLE | MMC_EVENT_CLASS_MASK);
    unsigned code = answer[MMC_EVENT_CODE] & MMC_EVENT_CODE_MASK;

    /* Logged once for each time that the flag is set, not at each poll. */
    if (class == MMC_EVENT_CLASS_MEDIA && code == MMC_EVENT_EJECT_REQUEST &&
        !atomic_exchange(&cdrom->eject_asked, true))
        log_info(device_alias(cdrom->device), "disc is in use; it will be ejected when released");
}

void cdrom_watch_door(struct cdrom *cdrom)
{
    scsi_relock_door(&cdrom->client);

    /* With the door unlocked the drive opens its tray by itself, and there is nothing to ask. */
    if (atomic_load(&cdrom->client.door_locked) && !cdrom->no_events)
        look_at_button(cdrom);
}
