/*
 * medium.h - units whose medium can be changed: readiness, arrival, removal, and the door.
 *
 * Model       A poll asks whether the unit is ready. A medium that is ready but not shown yet is
 *             measured by the command set and shown as the device's. Removal is noticed by
 *             whichever command meets it first, in the client's note(). A medium may be changed
 *             between two commands of a poll: client->changes counts what was noticed, so a medium
 *             is shown only if nothing has happened since the unit reported that it was ready.
 * Locking     None: what is shared is atomic, and `looked` belongs to the thread that polls.
 */
#ifndef DRIVERS_STORAGE_SCSI_MEDIUM_H
#define DRIVERS_STORAGE_SCSI_MEDIUM_H

#include "drivers/storage/scsi/unit.h"

/* Forgets the medium, e.g. because it was ejected. Returns whether one was shown. Any context. */
bool scsi_lose_medium(struct scsi_client *client);
/* What every note() does first: marks the lock of the door as forgotten after a reset. Returns true
 * if the outcome means that the medium changed or left. */
bool scsi_note_medium(struct scsi_client *client, struct scsi_outcome outcome,
                      const struct sense *sense);

/* Asks until the unit has reported all its events, and the first time until it has become ready.
 * *changes: as before the last question. */
struct scsi_outcome scsi_await_ready(struct scsi_client *client, unsigned *changes);
/* Shows the medium, with these traits unless NULL. Returns false if it has changed since `changes`
 * was read: the next poll looks again. */
bool scsi_show_medium(struct scsi_client *client, unsigned changes, uint64_t bytes,
                      const struct device_traits *traits);

/* Moves the medium in or out. If the unit reports a new medium instead, asks again. */
status_t scsi_move_medium(struct scsi_client *client, enum scsi_motion motion) MUST_CHECK;
/* Locks or unlocks the door, and remembers which: client->door_locked. */
status_t scsi_lock_door(struct scsi_client *client, bool locked) MUST_CHECK;
/* Locks the door again if a reset has unlocked it. Called by the poll. */
void scsi_relock_door(struct scsi_client *client);

#endif
