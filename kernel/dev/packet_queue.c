/*
 * packet_queue.c - the worker of a SCSI channel: starts commands, watches their deadlines, fetches
 * sense data and reports the end of each.
 */
#include "kernel/dev/packet_queue.h"
#include "kernel/dev/deadlines.h"
#include "lib/macros.h"
#include "lib/string.h"

enum command_state { COMMAND_WAITING = 1, COMMAND_STARTED, COMMAND_ENDED };

enum { CDB_REQUEST_SENSE = 0x03, CDB_ALLOCATION_LENGTH = 4 };

/* ---- ends --------------------------------------------------------------------------------- */

/* Moves a command to the ended ones, from where the worker reports it. Caller holds the lock. */
static void command_end(struct packet_queue *queue, struct scsi_command *command, status_t status)
{
    kassert(spin_is_held(&queue->lock));

    /* A waiting command has no tag yet. */
    if (command->state == COMMAND_STARTED)
        queue->tags &= ~(1u << command->tag);

    command->state = COMMAND_ENDED;
    command->status = status;

    /* From `waiting` or `started`, whichever it is in. */
    list_remove(&command->link);
    list_push_back(&queue->ended, &command->link);
    wait_queue_wake_one(&queue->changed);
}

void packet_queue_done(struct packet_queue *queue, struct scsi_command *command, status_t status)
{
    /* A command that its deadline or an abort has ended already is left alone: this completion
     * lost the race. */
    spin_lock(&queue->lock);
    if (command->state == COMMAND_STARTED) {
        /* The unit answered, or is gone, or was never asked: else its state is unknown. */
        if (status == -EIO || status == -ETIMEDOUT)
            queue->needs_reset = true;
        command_end(queue, command, status);
    }
    spin_unlock(&queue->lock);
}

/* Resets the channel if that was requested, and ends the commands that this interrupted. */
static void queue_recover(struct packet_queue *queue)
{
    spin_lock(&queue->lock);
    bool needed = queue->needs_reset;
    queue->needs_reset = false;
    spin_unlock(&queue->lock);
    if (!needed)
        return;

    queue->transport->reset(queue);

    /* Some of them may have ended just before the reset: those have left this list. */
    spin_lock(&queue->lock);
    while (!list_empty(&queue->started))
        command_end(queue, container_of(queue->started.next, struct scsi_command, link), -EIO);
    spin_unlock(&queue->lock);
}

/* ---- starting ----------------------------------------------------------------------------- */

/* Gives the command a tag and a deadline and counts it as started; the caller, who holds the lock,
 * releases it and hands the command to the transport. */
static void command_begin(struct packet_queue *queue, struct scsi_command *command)
{
    kassert(spin_is_held(&queue->lock));

    /* Cleared at each start, not at submission: a command that its unit was too busy for
     * starts again. */
    command->unit_status = SCSI_GOOD;
    command->done_bytes = 0;
    command->sense_bytes = 0;

    /* The deadline is for this start; giving up is counted from the first one. */
    command->deadline_us = time_now_us() + command->timeout_us;
    if (!command->give_up_us)
        command->give_up_us = command->deadline_us;

    /* The lowest free tag: with n openings all are below n. */
    command->tag = (unsigned)__builtin_ctz(~queue->tags);
    queue->tags |= 1u << command->tag;
    command->state = COMMAND_STARTED;
    list_push_back(&queue->started, &command->link);
}

/* Hands a begun command to the transport, unless its unit was removed or the channel stops. */
static void queue_send(struct packet_queue *queue, struct scsi_command *command)
{
    spin_lock(&queue->lock);
    bool stopping = queue->stopping;
    spin_unlock(&queue->lock);

    /* The check is here, after the command was begun, so that every command ends the same way. */
    if (stopping || device_is_gone(command->unit->device))
        packet_queue_done(queue, command, -ENODEV);
    else
        queue->transport->start(queue, command);
}

/* ---- reporting ---------------------------------------------------------------------------- */

/* Reads the sense data of a failed command, before the unit gets another command that would replace
 * them (SPC-3 6.27). A unit that does not deliver them leaves sense_bytes 0. */
static void queue_fetch_sense(struct packet_queue *queue, struct scsi_command *failed)
{
    struct scsi_command *sense = &queue->sense;
    struct io_segment segment = { failed->sense, SCSI_SENSE_FIXED_BYTES };
    *sense = (struct scsi_command){
        .cdb = { CDB_REQUEST_SENSE, [CDB_ALLOCATION_LENGTH] = SCSI_SENSE_FIXED_BYTES },
        .direction = SCSI_DATA_IN,
        .segments = &segment,
        .segment_count = 1,
        .length_bytes = SCSI_SENSE_FIXED_BYTES,
        .timeout_us = DEADLINE_PACKET_SENSE_US,
        .unit = failed->unit,
    };

    spin_lock(&queue->lock);
    command_begin(queue, sense);
    spin_unlock(&queue->lock);
    queue->transport->start(queue, sense);

    /* Only this worker starts commands, so the unit gets no other one meanwhile. */
    spin_lock(&queue->lock);
    while (sense->state == COMMAND_STARTED && time_now_us() < sense->deadline_us)
        IGNORE(wait_queue_wait(&queue->changed, &queue->lock, sense->deadline_us));
    if (sense->state == COMMAND_STARTED) {
        queue->needs_reset = true;
        command_end(queue, sense, -ETIMEDOUT);
    }
    /* Nothing waits for its report. */
    list_remove(&sense->link);
    spin_unlock(&queue->lock);

    /* A transport that failed here could still write to the command's sense[]. */
    queue_recover(queue);
    if (!sense->status && sense->unit_status == SCSI_GOOD)
        failed->sense_bytes = (uint8_t)sense->done_bytes;
}

/* Queues a command again that its unit cannot take now. False if its time is up. */
static bool queue_try_later(struct packet_queue *queue, struct scsi_command *command)
{
    uint64_t later_us = time_now_us() + DELAY_PACKET_BUSY_US;
    spin_lock(&queue->lock);
    bool again = later_us < command->give_up_us && !command->aborted;
    if (again) {
        /* In front, since it was the next one. */
        command->not_before_us = later_us;
        command->state = COMMAND_WAITING;
        list_push_front(&queue->waiting, &command->link);
    }
    spin_unlock(&queue->lock);
    return again;
}

/* Reports an ended command, after whatever its unit's answer asks for. */
static void queue_report(struct packet_queue *queue, struct scsi_command *command)
{
    if (!command->status) {
        switch (command->unit_status) {
        case SCSI_GOOD:
            break;
        case SCSI_BUSY:
        case SCSI_TASK_SET_FULL:
            /* Back into the queue. Its callback runs when the unit has taken it, or when
             * its time is up. */
            if (queue_try_later(queue, command))
                return;
            command->status = -EBUSY;
            break;
        case SCSI_CHECK_CONDITION:
            /* Some transports deliver sense data with the status; ATAPI does not. */
            if (!command->sense_bytes)
                queue_fetch_sense(queue, command);
            command->status = -EIO;
            break;
        default: /* reservation conflict, and those of features that are not used */
            command->status = -EIO;
        }
    }

    /* The callback may free the command. */
    command->complete(command);
}

/* ---- the worker --------------------------------------------------------------------------- */

/* Ends the started commands whose deadline has come. *wake_us: when the next one's comes. Caller
 * holds the lock, here and below. */
static void end_overdue(struct packet_queue *queue, uint64_t now_us, uint64_t *wake_us)
{
    for (struct list *link = queue->started.next, *next; link != &queue->started; link = next) {
        struct scsi_command *command = container_of(link, struct scsi_command, link);
        next = link->next;

        if (command->deadline_us > now_us && !command->aborted) {
            *wake_us = min(*wake_us, command->deadline_us);
            continue;
        }

        /* The unit may still write to the command's memory: the reset comes before the report. */
        queue->needs_reset = true;
        command_end(queue, command, command->aborted ? -ECANCELED : -ETIMEDOUT);
    }
}

/* Begins the first waiting command that is due, if there is an opening. *wake_us: when the next one
 * is due. When the channel stops, every command is due, since it will not be sent. */
static struct scsi_command *begin_due(struct packet_queue *queue, uint64_t now_us,
                                      uint64_t *wake_us)
{
    /* All openings are in use: the end of a command wakes the worker. */
    if (queue->tags == UINT32_MAX >> (PACKET_OPENINGS_MAX - queue->openings))
        return NULL;

    list_each(link, &queue->waiting) {
        struct scsi_command *command = container_of(link, struct scsi_command, link);
        if (command->not_before_us <= now_us || queue->stopping) {
            list_remove(link);
            command_begin(queue, command);
            return command;
        }

        /* Not due yet. Later commands may pass it. */
        *wake_us = min(*wake_us, command->not_before_us);
    }
    return NULL;
}

enum queue_step { STEP_RECOVER, STEP_REPORT, STEP_SEND, STEP_STOP };

/* Waits until there is something to do, and returns what: recovery before reports, so that memory
 * is not written after it was given back; reports before starts, which replace sense data. */
static enum queue_step queue_next_step(struct packet_queue *queue, struct scsi_command **command)
{
    enum queue_step step = STEP_STOP;
    spin_lock(&queue->lock);
    for (;;) {
        /* One reading of the clock for all lists, so that a command is either overdue
         * or in wake_us. */
        uint64_t now_us = time_now_us(), wake_us = TIME_NEVER;
        end_overdue(queue, now_us, &wake_us);

        if (queue->needs_reset) {
            step = STEP_RECOVER;
            break;
        }

        struct list *link = list_pop_front(&queue->ended);
        if (link) {
            *command = container_of(link, struct scsi_command, link);
            step = STEP_REPORT;
            break;
        }

        if ((*command = begin_due(queue, now_us, &wake_us))) {
            step = STEP_SEND;
            break;
        }
        /* Started commands end by themselves or by their deadlines. */
        if (queue->stopping && list_empty(&queue->started))
            break;
        IGNORE(wait_queue_wait(&queue->changed, &queue->lock, wake_us));
    }
    spin_unlock(&queue->lock);
    return step;
}

static void queue_worker(void *argument)
{
    struct packet_queue *queue = argument;
    struct scsi_command *command;
    for (enum queue_step step; (step = queue_next_step(queue, &command)) != STEP_STOP;) {
        if (step == STEP_RECOVER)
            queue_recover(queue);
        else if (step == STEP_REPORT)
            queue_report(queue, command);
        else
            queue_send(queue, command);
    }
}

/* ---- interface ---------------------------------------------------------------------------- */

status_t packet_queue_start(struct packet_queue *queue, const char *name,
                            const struct packet_transport *transport, unsigned openings)
{
    kassert(openings && openings <= PACKET_OPENINGS_MAX);
    queue->transport = transport;
    queue->openings = openings;
    queue->tags = 0;
    queue->needs_reset = queue->stopping = false;

    spin_init(&queue->lock, RANK_QUEUE);
    list_init(&queue->waiting);
    list_init(&queue->started);
    list_init(&queue->ended);
    wait_queue_init(&queue->changed);

    /* The worker last: it uses all of the above at once. */
    queue->worker = thread_create(name, PRIORITY_IO, queue_worker, queue);
    return queue->worker ? 0 : -ENOMEM;
}

void packet_queue_stop(struct packet_queue *queue)
{
    if (!queue->worker)
        return;
    spin_lock(&queue->lock);
    queue->stopping = true;
    wait_queue_wake_all(&queue->changed);
    spin_unlock(&queue->lock);

    /* The worker ends after it has ended every command, so no callback runs after this. */
    thread_join(queue->worker);
    queue->worker = NULL;
}

void scsi_submit(struct scsi_unit *unit, struct scsi_command *command)
{
    struct packet_queue *queue = unit->channel;

    /* The result of an earlier use of the same command must not be taken for this one's. */
    command->unit = unit;
    command->status = 0;
    command->give_up_us = 0;
    command->aborted = false;

    spin_lock(&queue->lock);
    command->state = COMMAND_WAITING;
    list_push_back(&queue->waiting, &command->link);
    wait_queue_wake_one(&queue->changed);
    spin_unlock(&queue->lock);
}

void scsi_abort(struct scsi_command *command)
{
    struct packet_queue *queue = command->unit->channel;
    spin_lock(&queue->lock);
    command->aborted = true;

    /* A started command is with its unit: the worker ends it, after a reset. An ended one
     * keeps its result. */
    if (command->state == COMMAND_WAITING)
        command_end(queue, command, -ECANCELED);
    wait_queue_wake_one(&queue->changed);
    spin_unlock(&queue->lock);
}
