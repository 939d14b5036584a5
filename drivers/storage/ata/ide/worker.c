/*
 * worker.c - a channel's thread: takes the commands that are due, one after another.
 *
 * A command that is not due yet (not_before_us) is passed over, so a unit that is becoming ready
 * does not hold up the other one.
 */
#include "drivers/storage/ata/ide/ata.h"
#include "lib/macros.h"

static void worker_submit(struct device *device, struct packet_command *command)
{
    struct ata_unit *unit = device_private(device);
    struct ata_channel *channel = unit->channel;
    command->unit = device;
    spin_lock(&channel->lock);
    list_push_back(&channel->commands, &command->link);
    wait_queue_wake_one(&channel->arrival);
    spin_unlock(&channel->lock);
}

const struct packet_transport ata_packet_transport = {
    .submit = worker_submit,
};

/* The first command that is due, taken off; else NULL and when to look again. With `stopping`
 * every command is due. The caller holds the lock. */
static struct packet_command *worker_take_due(struct ata_channel *channel, uint64_t *next_us)
{
    kassert(spin_is_held(&channel->lock));
    uint64_t now_us = time_now_us();
    *next_us = TIME_NEVER;
    list_each(link, &channel->commands) {
        struct packet_command *command = container_of(link, struct packet_command, link);
        if (command->not_before_us <= now_us || channel->stopping) {
            list_remove(link);
            return command;
        }
        if (command->not_before_us < *next_us)
            *next_us = command->not_before_us;
    }
    return NULL;
}

/* Waits for a command; NULL when the channel is stopping and none is left. */
static struct packet_command *worker_next(struct ata_channel *channel)
{
    uint64_t next_us;
    spin_lock(&channel->lock);
    struct packet_command *command = worker_take_due(channel, &next_us);
    while (!command && !channel->stopping) {
        (void)wait_queue_wait(&channel->arrival, &channel->lock, next_us);
        command = worker_take_due(channel, &next_us);
    }
    spin_unlock(&channel->lock);
    return command;
}

static void worker_main(void *argument)
{
    struct ata_channel *channel = argument;
    for (struct packet_command *command; (command = worker_next(channel));) {
        if (channel->stopping || device_is_gone(command->unit))
            command->status = -ENODEV;
        else
            atapi_execute(device_private(command->unit), command);
        command->complete(command); /* may free it */
    }
}

status_t ata_worker_start(struct ata_channel *channel)
{
    channel->worker = thread_create(channel->name, PRIORITY_IO, worker_main, channel);
    return channel->worker ? 0 : -ENOMEM;
}

void ata_worker_stop(struct ata_channel *channel)
{
    if (!channel->worker)
        return;
    spin_lock(&channel->lock);
    channel->stopping = true;
    wait_queue_wake_all(&channel->arrival);
    spin_unlock(&channel->lock);
    thread_join(channel->worker);
    channel->worker = NULL;
}
