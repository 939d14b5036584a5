/*
 * packet_queue.h - SCSI commands on a channel's queue: sense data, and units that are busy.
 *
 * A transport of SCSI commands is two functions, start and reset. Everything else that carrying
 * commands takes is the same for all of them, and is here and in kernel/bus/command_queue.h.
 *
 * Model       A command of status 0 was answered by its unit. Its unit_status then decides what the
 *             worker does before it calls back:
 *             GOOD: nothing. CHECK CONDITION: it fetches the sense data by REQUEST SENSE, unless
 *             the transport has delivered them. BUSY and TASK SET FULL (SAM-3 5.3.1): it starts the
 *             command again after a pause, until its timeout has passed since its first start.
 * Ownership   Embedded in the transport's channel, in place of a command_queue.
 * References  SAM-3 5.3 (status); SPC-3 6.27 (REQUEST SENSE).
 */
#ifndef KERNEL_DEV_PACKET_QUEUE_H
#define KERNEL_DEV_PACKET_QUEUE_H

#include "kernel/bus/scsi.h"

struct packet_transport {
    /* As start() of struct command_kind; packet_queue_done() ends the command. */
    void (*start)(struct packet_queue *queue, struct scsi_command *command);
    /* As reset() of struct command_queue. */
    void (*reset)(struct packet_queue *queue);
};

enum { PACKET_OPENINGS_MAX = COMMAND_OPENINGS_MAX };

struct packet_queue {
    struct command_queue commands; /* also takes the ATA commands of the channel's disks */
    const struct packet_transport *transport;
    struct scsi_command sense;     /* REQUEST SENSE: one at a time */
};

/* Starts the channel; `name` is the worker's. -ENOMEM. */
status_t packet_queue_start(struct packet_queue *queue, const char *name,
                            const struct packet_transport *transport,
                            unsigned openings) MUST_CHECK;
/* As command_queue_stop(). */
void packet_queue_stop(struct packet_queue *queue);

/* As command_queue_done(). status 0: the transport has set unit_status, done_bytes and, if it has
 * them, the sense data. -EOPNOTSUPP: it does not carry data in this direction. */
void packet_queue_done(struct packet_queue *queue, struct scsi_command *command, status_t status);

#endif
