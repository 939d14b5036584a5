/*
 * command.h - running commands on behalf of a data device.
 *
 * Model       A client (SAM-3's application client) is the driver of one unit. scsi_execute() runs
 *             one command with a small answer and waits for it; drivers that must not wait submit
 *             commands of their own and call scsi_conclude() in the callback.
 * News        A unit reports events - a reset, a new medium - as the failure of whichever command
 *             comes next (UNIT ATTENTION). The client's note() therefore sees the end of every
 *             command, on the channel's worker, before the channel's next command is reported.
 * Locking     scsi_execute*: threads; they wait, interruptibly. scsi_conclude: callbacks.
 * Ownership   Embedded in the data device's private data. A running command holds a reference of
 *             the data device, so a thread that was interrupted may leave.
 */
#ifndef DRIVERS_STORAGE_SCSI_COMMAND_H
#define DRIVERS_STORAGE_SCSI_COMMAND_H

#include "drivers/storage/scsi/sense.h"

enum { SCSI_ATTENTIONS_MAX = 8 }; /* events in a row that a command is repeated after */

struct scsi_client {
    struct scsi_unit *unit;
    struct device *device; /* the data device; borrowed */
    /* Sees how each failed command ended; must not wait. `sense`: NULL if it has none. */
    void (*note)(struct scsi_client *client, struct scsi_outcome outcome,
                 const struct sense *sense);
    bool must_wait; /* scsi_execute() is not interrupted: the client may be freed after it */
    bool fixed; /* the medium cannot be changed: a unit that reports a new one was reset */

    /* medium.h and transfer.h */
    _Atomic unsigned changes; /* how often the medium was seen to change or leave */
    _Atomic bool door_locked; /* at our request */
    _Atomic bool relock;      /* the unit was reset, so it has forgotten the lock */
    _Atomic bool no_flush;    /* the unit does not know SYNCHRONIZE CACHE */
    bool looked;              /* start-up's wait for a medium to become ready is over */
};

/* A command and its answer. */
struct scsi_query {
    uint8_t cdb[SCSI_CDB_BYTES];
    void *answer;          /* data in; NULL: none */
    uint32_t answer_bytes;
    uint32_t timeout_us;   /* 0: DEADLINE_PACKET_US */
    uint32_t done_bytes;   /* the result: valid bytes of the answer */
};

/* Returns the action and status that a command's end leads to, after note() has seen it. */
struct scsi_outcome scsi_conclude(struct scsi_client *client, const struct scsi_command *command);
/* Runs a query once. SENSE_INTERRUPTED (-EINTR): the command continues without the caller.
 * SENSE_NO_MEMORY (-ENOMEM): it was not sent. */
struct scsi_outcome scsi_execute(struct scsi_client *client, struct scsi_query *query);
/* Runs it again while the unit reports events first. */
struct scsi_outcome scsi_execute_insisting(struct scsi_client *client, struct scsi_query *query);

#endif
