/*
 * sense.h - the meaning of a SCSI command's end: sense data become an action and an errno.
 *
 * Model       Sense data come in two formats, fixed and descriptor; sense_parse() hides which.
 *             sense_outcome() finds the meaning in one table, (key, ASC, ASCQ) -> (action, errno).
 *             The action is for code that can react, e.g. by trying again; the errno is the answer
 *             for callers that cannot.
 * Hostile     Sense data come from a device: every read is checked, and a field that is missing
 *             reads as 0.
 * References  SPC-3 4.5 (formats, keys), annex D (ASC and ASCQ); MMC-5 annex F.
 */
#ifndef DRIVERS_STORAGE_SCSI_SENSE_H
#define DRIVERS_STORAGE_SCSI_SENSE_H

#include "kernel/bus/scsi.h"

/* What a command's end asks for. */
enum sense_action {
    SENSE_DONE,        /* nothing: it worked, or the unit recovered by itself */
    SENSE_CHANGED,     /* forget the medium: there may be another one */
    SENSE_ABSENT,      /* there is no medium */
    SENSE_AGAIN,       /* repeat the command: the unit reported an event instead of running it */
    SENSE_WAIT,        /* repeat it later: the unit is becoming ready */
    SENSE_BLANK,       /* the medium holds nothing that can be read */
    SENSE_MEDIUM,      /* this part of the medium cannot be read */
    SENSE_RETRY,       /* repeat it a few times: hardware, transport, an unclear answer */
    SENSE_REFUSED,     /* do not repeat it: the answer would be the same */
    SENSE_UNSUPPORTED, /* the unit does not know the command */
    SENSE_LOCKED,      /* the door is locked */
    SENSE_GONE,        /* the unit was removed */
    SENSE_INTERRUPTED, /* the waiting thread was interrupted; the command ends by itself */
    SENSE_NO_MEMORY,   /* the command was not sent */
    SENSE_ACTIONS,
};

struct scsi_outcome {
    enum sense_action action;
    status_t status; /* 0 exactly for SENSE_DONE */
};

struct sense {
    bool current;          /* about this command; false: about an earlier one, or no sense data */
    uint8_t key, asc, ascq;
    bool has_information;
    uint64_t information;  /* of medium errors: the first block that failed */
};

struct sense sense_parse(const struct scsi_command *command);
struct scsi_outcome sense_outcome(const struct sense *sense);
/* Formats sense data: "medium error (3/11/05), unrecovered read error", with key, ASC and ASCQ in
 * hex. */
void sense_text(const struct sense *sense, char *text, size_t bytes);
/* Returns true for the UNIT ATTENTION of a reset: the unit has forgotten its settings. */
bool sense_is_reset(const struct sense *sense);

#endif
