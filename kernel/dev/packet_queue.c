/*
 * packet_queue.c - SCSI commands on a channel's queue: fetches sense data, asks busy units again.
 */
#include "kernel/dev/packet_queue.h"
#include "kernel/dev/deadlines.h"
#include "lib/macros.h"

enum { CDB_REQUEST_SENSE = 0x03, CDB_ALLOCATION_LENGTH = 4 };

static struct packet_queue *queue_of(struct command_queue *commands)
{
    return container_of(commands, struct packet_queue, commands);
}

static struct scsi_command *command_of(struct bus_command *base)
{
    return container_of(base, struct scsi_command, base);
}

/* ---- starting ----------------------------------------------------------------------------- */

static void packet_start(struct command_queue *commands, struct bus_command *base)
{
    struct packet_queue *queue = queue_of(commands);
    struct scsi_command *command = command_of(base);

    /* Cleared at each start, not at submission: a command that its unit was too busy for
     * starts again. */
    command->unit_status = SCSI_GOOD;
    command->done_bytes = 0;
    command->sense_bytes = 0;

    /* The deadline is for this start; giving up is counted from the first one. */
    if (!command->give_up_us)
        command->give_up_us = base->deadline_us;

    queue->transport->start(queue, command);
}

/* ---- reporting ---------------------------------------------------------------------------- */

/* Reads the sense data of a failed command, before the unit gets another command that would replace
 * them (SPC-3 6.27). A unit that does not deliver them leaves sense_bytes 0. */
static void fetch_sense(struct packet_queue *queue, struct scsi_command *failed)
{
    struct scsi_command *sense = &queue->sense;
    struct io_segment segment = { failed->sense, SCSI_SENSE_FIXED_BYTES };
    *sense = (struct scsi_command){
        .base = {
            .kind = failed->base.kind,
            .device = failed->base.device,
            .timeout_us = DEADLINE_PACKET_SENSE_US,
        },
        .cdb = { CDB_REQUEST_SENSE, [CDB_ALLOCATION_LENGTH] = SCSI_SENSE_FIXED_BYTES },
        .direction = SCSI_DATA_IN,
        .segments = &segment,
        .segment_count = 1,
        .length_bytes = SCSI_SENSE_FIXED_BYTES,
        .unit = failed->unit,
    };

    command_queue_run(&queue->commands, &sense->base);
    if (!sense->base.status && sense->unit_status == SCSI_GOOD)
        failed->sense_bytes = (uint8_t)sense->done_bytes;
}

/* Queues a command again that its unit cannot take now. False if its time is up. */
static bool try_later(struct packet_queue *queue, struct scsi_command *command)
{
    uint64_t later_us = time_now_us() + DELAY_PACKET_BUSY_US;
    return later_us < command->give_up_us &&
           command_queue_again(&queue->commands, &command->base, later_us);
}

/* Reports an ended command, after whatever its unit's answer asks for. */
static void packet_report(struct command_queue *commands, struct bus_command *base)
{
    struct packet_queue *queue = queue_of(commands);
    struct scsi_command *command = command_of(base);

    /* A length that cannot be is a transport out of step. None of the data is believed. */
    if (command->done_bytes > command->length_bytes) {
        command->done_bytes = 0;
        if (!base->status) {
            command->unit_status = SCSI_GOOD;
            base->status = -EIO;
            command_queue_recover(&queue->commands);
        }
    }

    if (!base->status) {
        switch (command->unit_status) {
        case SCSI_GOOD:
            break;
        case SCSI_BUSY:
        case SCSI_TASK_SET_FULL:
            /* Back into the queue. Its callback runs when the unit has taken it, or when
             * its time is up. */
            if (try_later(queue, command))
                return;
            base->status = -EBUSY;
            break;
        case SCSI_CHECK_CONDITION:
            /* Some transports deliver sense data with the status; ATAPI does not. */
            if (!command->sense_bytes)
                fetch_sense(queue, command);
            base->status = -EIO;
            break;
        default: /* reservation conflict, and those of features that are not used */
            base->status = -EIO;
        }
    }

    /* The callback may free the command. */
    command->complete(command);
}

static const struct command_kind packet_kind = {
    .start = packet_start,
    .report = packet_report,
};

/* ---- interface ---------------------------------------------------------------------------- */

static void packet_reset(struct command_queue *commands)
{
    struct packet_queue *queue = queue_of(commands);
    queue->transport->reset(queue);
}

status_t packet_queue_start(struct packet_queue *queue, const char *name,
                            const struct packet_transport *transport, unsigned openings)
{
    queue->transport = transport;
    return command_queue_start(&queue->commands, name, packet_reset, openings);
}

void packet_queue_stop(struct packet_queue *queue)
{
    command_queue_stop(&queue->commands);
}

void packet_queue_done(struct packet_queue *queue, struct scsi_command *command, status_t status)
{
    command_queue_done(&queue->commands, &command->base, status);
}

void scsi_submit(struct scsi_unit *unit, struct scsi_command *command)
{
    command->base.kind = &packet_kind;
    command->base.device = unit->device;
    command->unit = unit;
    command->unit_status = SCSI_GOOD;
    command->give_up_us = 0;
    command_queue_submit(&unit->channel->commands, &command->base);
}

void scsi_abort(struct scsi_command *command)
{
    command_queue_abort(&command->unit->channel->commands, &command->base);
}
