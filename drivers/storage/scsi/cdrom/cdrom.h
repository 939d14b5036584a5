/*
 * cdrom.h - the files of the CD drive driver among themselves.
 *
 *   cdrom.c   the driver: takes packet units that are CD drives, publishes "cdrom", controls
 *   read.c    io transfers: READ(10), what to do with each kind of failure
 *   medium.c  which disc is there: readiness, capacity, the tray's button
 *   sense.c   sense data -> what it means for us, by a table
 *   mmc.h     the command packets
 *
 * Model       The drive answers every failing command with sense data. cdrom_note() reads it on the
 *             transport's worker, before the channel's next command runs: when it says that the
 *             medium changed or went, the device's generation is bumped right there. A read checks
 *             its generation again when it ends, so what a new disc answered to a read that was
 *             meant for the old one is never delivered.
 * Locking     None: `changes` and the flags are atomic; `looked`, `no_events` are the poller's.
 * References  MMC-5; SPC-3 4.5 (sense data); SFF-8020i for old drives.
 * Status      Data tracks, 2048-byte blocks; tracks and sessions are listed. No audio, no writing.
 */
#ifndef DRIVERS_STORAGE_SCSI_CDROM_CDROM_H
#define DRIVERS_STORAGE_SCSI_CDROM_CDROM_H

#include "kernel/bus/scsi.h"

enum { CDROM_BLOCK_BYTES = 2048, CDROM_ATTENTIONS_MAX = 8 };

/* What a command's end means for us. */
enum sense_action {
    SENSE_DONE,        /* nothing went wrong, or the drive mended it */
    SENSE_CHANGED,     /* another medium may be in */
    SENSE_ABSENT,      /* no medium */
    SENSE_AGAIN,       /* the drive told us news instead of doing it: ask again */
    SENSE_WAIT,        /* not ready yet, but on the way */
    SENSE_BLANK,       /* a medium without anything to read */
    SENSE_MEDIUM,      /* this place of the medium cannot be read */
    SENSE_RETRY,       /* failed, may work next time: hardware, transport, an unclear answer */
    SENSE_REFUSED,     /* will not work next time either */
    SENSE_UNSUPPORTED, /* the drive does not know the command */
    SENSE_LOCKED,      /* the door is locked */
    SENSE_GONE,        /* the unit is gone */
    SENSE_INTERRUPTED, /* the waiting thread was: the command ends by itself */
    SENSE_NO_MEMORY,   /* it was not sent */
    SENSE_ACTIONS,
};

struct cdrom {
    struct device *device; /* borrowed: it owns this */
    struct device *unit;   /* its parent */
    const struct packet_unit_info *info;
    _Atomic unsigned changes; /* how often the medium was seen to change or go */
    _Atomic bool door_locked; /* we asked for it */
    _Atomic bool relock;      /* the drive was reset and forgot it */
    _Atomic bool eject_asked; /* the tray's button was pressed behind a locked door */
    bool looked;              /* start-up's wait for a disc to spin up is over */
    bool no_events;           /* the drive has no event reporting */
};

/* A command with a small answer; see cdrom_execute(). */
struct cdrom_query {
    uint8_t cdb[PACKET_CDB_BYTES];
    void *answer;
    uint32_t answer_bytes;
    uint32_t timeout_us;
    uint32_t done_bytes; /* the result's length */
};

/* sense.c: 18 bytes of fixed format sense data, all zero when there were none. */
enum sense_action sense_decode(const uint8_t *sense);
/* "medium error (3/11/05), unrecovered read error": key, ASC and ASCQ in hex. */
void sense_text(const uint8_t *sense, char *text, size_t bytes);
/* Was it UNIT ATTENTION for a reset of the drive? */
bool sense_is_reset(const uint8_t *sense);

/* What the command's end means; a medium that changed or went is gone for the device when this
 * returns. To be called in the command's callback. */
enum sense_action cdrom_note(struct cdrom *cdrom, const struct packet_command *command);
/* Runs a query once. */
enum sense_action cdrom_execute(struct cdrom *cdrom, struct cdrom_query *query);
/* Runs it until the drive has no more news to tell first. */
enum sense_action cdrom_execute_insisting(struct cdrom *cdrom, struct cdrom_query *query);
/* The action as an errno, for callers that cannot handle it otherwise. */
status_t cdrom_status(enum sense_action action);

/* toc.c: DEVICE_CONTROL_TOC and _SESSION. -ENOENT: the disc has no such session. */
status_t cdrom_read_toc(struct cdrom *cdrom, struct device_toc *toc) MUST_CHECK;
status_t cdrom_find_session(struct cdrom *cdrom, struct device_session *session) MUST_CHECK;

/* ops->start and ops->poll. */
void cdrom_start(struct device *device, struct io_transfer *transfer);
status_t cdrom_poll(struct device *device);

/* Locks or unlocks the door. */
status_t cdrom_set_door(struct cdrom *cdrom, bool locked) MUST_CHECK;

#endif
