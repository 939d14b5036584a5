/*
 * packet_queue.h - the channel of a SCSI transport: queue, deadlines, sense data, recovery.
 *
 * A transport is two functions, start and reset. Everything else that carrying commands takes is
 * the same for all of them and is here: the queue and its openings, commands that are not due yet,
 * deadlines, REQUEST SENSE after CHECK CONDITION, units that are busy, aborting, and the end.
 *
 * Model       waiting -> started -> ended -> callback. One worker thread per channel moves commands
 *             along; only packet_queue_done() is called from elsewhere. A command becomes `ended`
 *             once, under the lock: by the transport, by its deadline, by a reset or by an abort.
 *             The loser of that race does nothing, so a late completion is harmless.
 * Order       Commands start in the order in which they were submitted, except that a command that
 *             is not due yet (not_before_us) lets later ones pass.
 * Recovery    A transport that ends a command with an error of its own (-EIO, -ETIMEDOUT) is out of
 *             step with the unit, as is one that misses a deadline. The worker then calls reset()
 *             before it reports anything: afterwards no memory of a started command is written any
 *             more. Commands that the reset interrupted end with -EIO; their submitters decide
 *             whether to repeat them.
 * Busy        BUSY and TASK SET FULL (SAM-3 5.3.1) start a command again after a pause, until its
 *             timeout has passed since its first start.
 * Locking     packet_queue.lock (rank QUEUE). start() and reset() are called without it, on the
 *             worker, never both at once.
 * Ownership   Embedded in the transport's channel. Stopped before that is freed, but not on the
 *             worker itself: see device_put_later().
 * References  SAM-3 5.3 (status); SPC-3 6.27 (REQUEST SENSE).
 */
#ifndef KERNEL_DEV_PACKET_QUEUE_H
#define KERNEL_DEV_PACKET_QUEUE_H

#include "kernel/bus/scsi.h"
#include "kernel/sched/sync.h"

struct packet_transport {
    /* Sends the command to its unit; packet_queue_done() then ends it, before start() returns or
     * later. May wait, but not beyond command->deadline_us. */
    void (*start)(struct packet_queue *queue, struct scsi_command *command);
    /* Stops the hardware and forgets every started command: after it returns, the transport touches
     * neither them nor their memory. May wait. */
    void (*reset)(struct packet_queue *queue);
};

enum { PACKET_OPENINGS_MAX = 32 };

struct packet_queue {
    const struct packet_transport *transport;
    unsigned openings;             /* commands that the transport takes at once */
    struct thread *worker;         /* NULL while it is not running */

    struct spin lock;              /* all below */
    struct list waiting, started, ended; /* struct scsi_command */
    uint32_t tags;                 /* a bit for each tag in use */
    struct wait_queue changed;     /* the worker waits here */
    bool needs_reset, stopping;
    struct scsi_command sense;     /* REQUEST SENSE: one at a time */
};

/* Starts the channel; `name` is the worker's. -ENOMEM. */
status_t packet_queue_start(struct packet_queue *queue, const char *name,
                            const struct packet_transport *transport,
                            unsigned openings) MUST_CHECK;
/* Ends waiting commands with -ENODEV, waits for started ones, and ends the worker. Does nothing if
 * it was not started. Afterwards no command may be submitted. */
void packet_queue_stop(struct packet_queue *queue);

/* Ends a started command; any context. status 0: the unit answered, and the transport has set
 * unit_status, done_bytes and, if it has them, the sense data. Else the transport's own failure:
 * -EIO and -ETIMEDOUT reset the channel; -ENODEV and -EOPNOTSUPP do not. Does nothing if the
 * command has ended already. */
void packet_queue_done(struct packet_queue *queue, struct scsi_command *command, status_t status);

#endif
