/*
 * command.c - runs a command and waits for its end.
 */
#include "drivers/storage/scsi/command.h"
#include "kernel/dev/deadlines.h"
#include "kernel/sched/sync.h"
#include "lib/string.h"

struct scsi_outcome scsi_conclude(struct scsi_client *client, const struct scsi_command *command)
{
    struct scsi_outcome outcome = { SENSE_RETRY, command->base.status };
    struct sense sense;
    bool refused = command->base.status && command->unit_status == SCSI_CHECK_CONDITION;

    /* Only the unit's own answer has sense data; all else is the transport's. */
    if (!command->base.status) {
        outcome.action = SENSE_DONE;
    } else if (command->base.status == -ENODEV) {
        outcome.action = SENSE_GONE;
    } else if (refused) {
        sense = sense_parse(command);
        outcome = sense_outcome(&sense);
    }

    /* Some disks report a new medium when they have become ready. */
    if (client->fixed && outcome.action == SENSE_CHANGED)
        outcome.action = SENSE_AGAIN;

    /* Each failure may be the first to show that the medium changed: the client sees it
     * before the caller. */
    if (outcome.action != SENSE_DONE)
        client->note(client, outcome, refused ? &sense : NULL);
    return outcome;
}

/* A query under way, on the heap. The waiting thread and the callback hold a reference each: a
 * thread that is interrupted drops its own, and the command ends by itself. */
struct execution {
    struct scsi_command command;
    struct io_segment segment;
    struct scsi_client *client;
    struct device *device; /* a reference: it owns the client */
    _Atomic int references;
    struct spin lock; /* rank QUEUE: the next three */
    struct wait_queue changed;
    bool ended;
    struct scsi_outcome outcome;
    uint8_t answer[];
};

static void execution_put(struct execution *execution)
{
    if (atomic_fetch_sub(&execution->references, 1) != 1)
        return;

    /* The last reference would end the very worker that runs this callback. */
    device_put_later(execution->device);
    mem_free(execution);
}

static void execution_complete(struct scsi_command *command)
{
    struct execution *execution = command->context;
    struct scsi_outcome outcome = scsi_conclude(execution->client, command);

    spin_lock(&execution->lock);
    execution->outcome = outcome;
    execution->ended = true;
    wait_queue_wake_all(&execution->changed);
    spin_unlock(&execution->lock);

    /* The callback's reference. The waiting thread may have dropped its own already. */
    execution_put(execution);
}

static struct execution *execution_create(struct scsi_client *client,
                                          const struct scsi_query *query)
{
    struct execution *execution = mem_zalloc(sizeof(*execution) + query->answer_bytes);
    if (!execution)
        return NULL;

    /* The command, with its only segment. */
    struct scsi_command *command = &execution->command;
    memcpy(command->cdb, query->cdb, sizeof(query->cdb));
    command->direction = query->answer_bytes ? SCSI_DATA_IN : SCSI_NO_DATA;
    command->segments = &execution->segment;
    command->segment_count = 1;
    command->length_bytes = query->answer_bytes;
    command->base.timeout_us = query->timeout_us ? query->timeout_us : DEADLINE_PACKET_US;
    command->complete = execution_complete;
    command->context = execution;

    /* The answer is in the same allocation, so that it outlives an interrupted thread. */
    execution->segment = (struct io_segment){ execution->answer, query->answer_bytes };
    execution->client = client;
    execution->device = device_get(client->device);

    /* One reference for the waiting thread, one for the callback. */
    atomic_init(&execution->references, 2);
    spin_init(&execution->lock, RANK_QUEUE);
    wait_queue_init(&execution->changed);
    return execution;
}

struct scsi_outcome scsi_execute(struct scsi_client *client, struct scsi_query *query)
{
    query->done_bytes = 0;
    struct execution *execution = execution_create(client, query);
    if (!execution)
        return (struct scsi_outcome){ SENSE_NO_MEMORY, -ENOMEM };

    /* The command ends by itself from here on, whether this thread waits for it or not. */
    scsi_submit(client->unit, &execution->command);

    /* No timeout here: the queue ends every command. */
    status_t (*wait)(struct wait_queue *queue, struct spin *spin, uint64_t deadline_us) =
        client->must_wait ? wait_queue_wait : wait_queue_wait_interruptible;
    status_t status = 0;
    spin_lock(&execution->lock);
    while (!execution->ended && !status)
        status = wait(&execution->changed, &execution->lock, TIME_NEVER);
    bool ended = execution->ended;
    spin_unlock(&execution->lock);

    /* The answer belongs to this thread only if the command has ended; else it may still arrive. */
    struct scsi_outcome outcome = { SENSE_INTERRUPTED, -EINTR };
    if (ended) {
        outcome = execution->outcome;
        query->done_bytes = execution->command.done_bytes;
    }
    if (query->done_bytes)
        memcpy(query->answer, execution->answer, query->done_bytes);
    execution_put(execution);
    return outcome;
}

struct scsi_outcome scsi_execute_insisting(struct scsi_client *client, struct scsi_query *query)
{
    struct scsi_outcome outcome = { SENSE_AGAIN, -EAGAIN };

    /* A unit reports each of its events once, instead of carrying out the command: the next try
     * gets further. */
    for (unsigned i = 0; i < SCSI_ATTENTIONS_MAX && outcome.action == SENSE_AGAIN; i++)
        outcome = scsi_execute(client, query);
    return outcome;
}
