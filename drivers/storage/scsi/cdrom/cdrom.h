/*
 * cdrom.h - the files of the CD drive driver among themselves.
 *
 *   cdrom.c   the driver: takes units of the multimedia command set, publishes "cdrom", controls
 *   door.c    tray, lock and eject button
 *   toc.c     tracks and sessions
 *   medium.c  which disc is inserted: readiness, capacity, and what every command's end reveals
 *   mmc.h     the commands that only these drives have
 *
 * Each file calls only those below it, and below them all transfer.c, medium.c, unit.c, command.c
 * and sense.c of the folder above.
 *
 * Model       The drive answers every failing command with sense data. cdrom_note() sees them on
 *             the channel's worker, before the channel's next command is reported: if the medium
 *             changed or left, it increments the device's generation right there. kernel/dev checks
 *             the generation again when a read ends, so data that a new disc returned for a read of
 *             the old one are never delivered.
 * Locking     None: eject_asked is atomic; no_events belongs to the thread that polls.
 * References  MMC-5; SPC-3 4.5 (sense data); SFF-8020i for old drives.
 * Status      Reads data tracks in blocks of 2048 bytes, and lists tracks and sessions. No audio,
 *             no writing.
 */
#ifndef DRIVERS_STORAGE_SCSI_CDROM_CDROM_H
#define DRIVERS_STORAGE_SCSI_CDROM_CDROM_H

#include "drivers/storage/scsi/medium.h"
#include "lib/macros.h"

enum { CDROM_BLOCK_BYTES = 2048 };

struct cdrom {
    struct scsi_client client;
    struct device *device;    /* borrowed: it owns this */
    _Atomic bool eject_asked; /* the eject button was pressed while the door was locked */
    bool no_events;           /* the drive does not report events */
};

static inline struct cdrom *cdrom_of(struct scsi_client *client)
{
    return container_of(client, struct cdrom, client);
}

/* ---- medium.c ----------------------------------------------------------------------------- */

/* The client's note(): a medium that changed or left is gone from the device when it returns. */
void cdrom_note(struct scsi_client *client, struct scsi_outcome outcome,
                const struct sense *sense);
/* Forgets the medium, e.g. because it was ejected. */
void cdrom_lose_medium(struct cdrom *cdrom);
/* Asks whether a disc is inserted and shows a new one as the device's medium. -EAGAIN while it is
 * becoming ready or has just changed; 0 also without a disc. */
status_t cdrom_look_for_medium(struct cdrom *cdrom) MUST_CHECK;

/* ---- toc.c -------------------------------------------------------------------------------- */

/* DEVICE_CONTROL_TOC and _SESSION. -ENOENT if the disc does not have that session. */
status_t cdrom_read_toc(struct cdrom *cdrom, struct device_toc *toc) MUST_CHECK;
status_t cdrom_find_session(struct cdrom *cdrom, struct device_session *session) MUST_CHECK;

/* ---- door.c ------------------------------------------------------------------------------- */

status_t cdrom_eject(struct cdrom *cdrom) MUST_CHECK;
/* Pulls the tray in. The next poll finds the disc in it. */
status_t cdrom_load(struct cdrom *cdrom) MUST_CHECK;
status_t cdrom_lock_door(struct cdrom *cdrom) MUST_CHECK;
/* Unlocks the door, and ejects the disc if the eject button was pressed meanwhile. */
status_t cdrom_unlock_door(struct cdrom *cdrom) MUST_CHECK;
/* Locks the door again after a reset, and notices the eject button. Called by the poll. */
void cdrom_watch_door(struct cdrom *cdrom);

#endif
