/*
 * command_queue.h - the queue of a channel: order, openings, deadlines, recovery, and one end each.
 *
 * A channel carries commands to its units: SCSI commands, ATA commands, or both (an IDE channel
 * with a disk and a CD drive). What all of them need is here; what one command set needs is a
 * `struct command_kind`: kernel/dev/packet_queue.h for SCSI, drivers/storage/ata for ATA.
 *
 * Model       waiting -> started -> ended -> reported. One worker thread per channel moves commands
 *             along; only command_queue_done() and command_queue_recover() are called from
 *             elsewhere. A command becomes `ended` once, under the lock: by the transport, by its
 *             deadline, by a reset or by an abort. The loser of that race does nothing, so a late
 *             completion is harmless.
 * Order       Commands start in the order in which they were submitted, except that a command that
 *             is not due yet (not_before_us) lets later ones pass. One that must be alone waits
 *             until all started commands have ended, and the later ones wait for it.
 * Recovery    A transport that ends a command with an error of its own (-EIO, -ETIMEDOUT) is out of
 *             step with the unit, as is one that misses a deadline. The worker then calls reset()
 *             before it reports anything: afterwards no memory of a started command is written any
 *             more. Commands that are still started after the reset end with -EIO and are marked as
 *             interrupted; their submitters decide whether to repeat them.
 * Locking     command_queue.lock (rank QUEUE). The kind's functions and reset() are called without
 *             it, on the worker, never two at once.
 * Ownership   Embedded in the transport's channel. Stopped before that is freed, but not on the
 *             worker itself: see device_put_later(). A command belongs to the queue from
 *             command_queue_submit() until it is reported.
 */
#ifndef KERNEL_BUS_COMMAND_QUEUE_H
#define KERNEL_BUS_COMMAND_QUEUE_H

#include "kernel/dev/device.h"
#include "kernel/sched/sync.h"

struct command_queue;
struct bus_command;

struct command_kind {
    /* Sends the command to its unit; command_queue_done() then ends it, before start() returns or
     * later. May wait, but not beyond command->deadline_us. */
    void (*start)(struct command_queue *queue, struct bus_command *command);
    /* Returns an ended command to its submitter, who may free it, or queues it again by
     * command_queue_again(). */
    void (*report)(struct command_queue *queue, struct bus_command *command);
};

/* The part of every command that the queue uses. Embedded in struct scsi_command and struct
 * ata_command. */
struct bus_command {
    const struct command_kind *kind;
    struct device *device;   /* borrowed: the command is not started after its removal; may be
                                NULL */
    uint32_t timeout_us;     /* from its start */
    uint64_t not_before_us;  /* do not start it earlier (time_now_us); 0: at once */
    bool alone;              /* no other command may be started at the same time */

    /* The result, valid in report(). 0: the unit answered. -EIO and -ETIMEDOUT: the transport
     * failed; -ENODEV: the unit is gone; -ECANCELED: aborted. */
    status_t status;
    bool interrupted;        /* -EIO: by the reset that another command's failure led to */

    /* The queue's; a transport reads tag and deadline_us. */
    unsigned tag;            /* unique among the started commands: 0..openings-1 */
    uint64_t deadline_us;
    struct list link;
    unsigned char state;
    bool aborted;
};

enum { COMMAND_OPENINGS_MAX = 32 };

struct command_queue {
    /* Stops the hardware and forgets every started command: after it returns, the transport touches
     * neither them nor their memory. It may end some of them by command_queue_done() with what is
     * known of them. May wait. */
    void (*reset)(struct command_queue *queue);
    struct thread *worker;         /* NULL while it is not running */

    struct spin lock;              /* all below */
    unsigned openings;             /* commands that the transport takes at once */
    struct list waiting, started, ended; /* struct bus_command */
    uint32_t tags;                 /* a bit for each tag in use */
    struct wait_queue changed;     /* the worker waits here */
    bool needs_reset, stopping;
};

/* Starts the channel; `name` is the worker's. -ENOMEM. */
status_t command_queue_start(struct command_queue *queue, const char *name,
                             void (*reset)(struct command_queue *queue),
                             unsigned openings) MUST_CHECK;
/* Ends waiting commands with -ENODEV, waits for started ones, and ends the worker. Does nothing if
 * it was not started. Afterwards no command may be submitted. */
void command_queue_stop(struct command_queue *queue);
/* Changes the number of openings (1..COMMAND_OPENINGS_MAX), for the commands that start from now
 * on. Threads. */
void command_queue_set_openings(struct command_queue *queue, unsigned openings);

/* Queues the command. Threads and callbacks, with any lock below QUEUE held. */
void command_queue_submit(struct command_queue *queue, struct bus_command *command);
/* Ends a command that was not reported yet with -ECANCELED. A command that the unit is carrying out
 * costs the channel a reset, which interrupts its other started commands. A command that ends at
 * the same time keeps its result. */
void command_queue_abort(struct command_queue *queue, struct bus_command *command);

/* ---- for transports: any context ------------------------------------------------------------ */

/* Ends a started command. status 0: the unit answered, well or badly, and the transport has set the
 * result that its kind defines. Else the transport's own failure: -EIO and -ETIMEDOUT reset the
 * channel; others, such as -ENODEV, do not. Does nothing if the command has ended already. */
void command_queue_done(struct command_queue *queue, struct bus_command *command,
                        status_t status);
/* Makes the worker call reset(), such as after an error interrupt or the loss of a link. */
void command_queue_recover(struct command_queue *queue);

/* ---- for kinds: the worker, inside report() ------------------------------------------------- */

/* Queues an ended command again, as the first one that waits, not to be started earlier than at
 * not_before_us. False if it was aborted: it is then still ended. */
bool command_queue_again(struct command_queue *queue, struct bus_command *command,
                         uint64_t not_before_us) MUST_CHECK;
/* Runs a command to its end before any waiting one is started. It is not reported. */
void command_queue_run(struct command_queue *queue, struct bus_command *command);

#endif
