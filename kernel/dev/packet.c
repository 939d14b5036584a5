/*
 * packet.c - waiting for a packet command.
 */
#include "kernel/dev/packet.h"
#include "kernel/sched/sync.h"

/* Stands in the command's context while its submitter waits. */
struct packet_waiter {
    struct semaphore done;
    void (*complete)(struct packet_command *command); /* the submitter's own, or NULL */
    void *context;
};

static void packet_wake(struct packet_command *command)
{
    struct packet_waiter *waiter = command->context;
    command->context = waiter->context;
    if (waiter->complete)
        waiter->complete(command);
    semaphore_up(&waiter->done);
}

status_t packet_execute(struct device *unit, struct packet_command *command)
{
    struct packet_waiter waiter = { .complete = command->complete, .context = command->context };
    semaphore_init(&waiter.done, 0);
    command->complete = packet_wake;
    command->context = &waiter;
    unit->packet_transport->submit(unit, command);
    while (semaphore_down(&waiter.done, TIME_NEVER))
        ;
    command->complete = waiter.complete;
    return command->status;
}
