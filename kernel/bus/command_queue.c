/*
 * command_queue.c - the worker of a channel: starts commands, watches their deadlines, resets the
 * channel and reports the end of each command.
 */
#include "kernel/bus/command_queue.h"
#include "lib/macros.h"

enum command_state { COMMAND_WAITING = 1, COMMAND_STARTED, COMMAND_ENDED };

/* ---- ends --------------------------------------------------------------------------------- */

/* Moves a command to the ended ones, from where the worker reports it. Caller holds the lock. */
static void command_end(struct command_queue *queue, struct bus_command *command, status_t status)
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

void command_queue_done(struct command_queue *queue, struct bus_command *command, status_t status)
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

void command_queue_recover(struct command_queue *queue)
{
    spin_lock(&queue->lock);
    queue->needs_reset = true;
    wait_queue_wake_one(&queue->changed);
    spin_unlock(&queue->lock);
}

/* Resets the channel if that was requested, and ends the commands that this interrupted. */
static void queue_recover(struct command_queue *queue)
{
    spin_lock(&queue->lock);
    bool needed = queue->needs_reset;
    queue->needs_reset = false;
    spin_unlock(&queue->lock);
    if (!needed)
        return;

    queue->reset(queue);

    /* Some of them may have ended just before the reset: those have left this list. */
    spin_lock(&queue->lock);
    while (!list_empty(&queue->started)) {
        struct bus_command *command = container_of(queue->started.next, struct bus_command, link);
        command->interrupted = true;
        command_end(queue, command, -EIO);
    }
    spin_unlock(&queue->lock);
}

/* ---- starting ----------------------------------------------------------------------------- */

/* Gives the command a tag and a deadline and counts it as started; the caller, who holds the lock,
 * releases it and hands the command to the transport. False if the command has ended instead, since
 * its unit was removed or the channel stops. */
static bool command_begin(struct command_queue *queue, struct bus_command *command,
                          uint64_t now_us)
{
    kassert(spin_is_held(&queue->lock));

    /* Set at each start, not at submission: a command that its unit was too busy for starts
     * again. */
    command->deadline_us = now_us + command->timeout_us;
    command->interrupted = false;

    /* The lowest free tag: with n openings all are below n. */
    command->tag = (unsigned)__builtin_ctz(~queue->tags);
    queue->tags |= 1u << command->tag;
    command->state = COMMAND_STARTED;
    list_push_back(&queue->started, &command->link);

    /* The check is here, after the command was begun, so that every command ends the same way. */
    bool refused = queue->stopping || (command->device && device_is_gone(command->device));
    if (refused)
        command_end(queue, command, -ENODEV);
    return !refused;
}

/* ---- for kinds ---------------------------------------------------------------------------- */

void command_queue_run(struct command_queue *queue, struct bus_command *command)
{
    command->aborted = false;
    spin_lock(&queue->lock);
    bool begun = command_begin(queue, command, time_now_us());
    spin_unlock(&queue->lock);
    if (begun)
        command->kind->start(queue, command);

    /* Only this worker starts commands, so the unit gets no other one meanwhile. */
    spin_lock(&queue->lock);
    while (command->state == COMMAND_STARTED && time_now_us() < command->deadline_us)
        IGNORE(wait_queue_wait(&queue->changed, &queue->lock, command->deadline_us));
    if (command->state == COMMAND_STARTED) {
        queue->needs_reset = true;
        command_end(queue, command, -ETIMEDOUT);
    }
    /* Nothing waits for its report. */
    list_remove(&command->link);
    spin_unlock(&queue->lock);

    /* A transport that failed here could still write to the command's memory. */
    queue_recover(queue);
}

bool command_queue_again(struct command_queue *queue, struct bus_command *command,
                         uint64_t not_before_us)
{
    spin_lock(&queue->lock);
    bool again = !command->aborted;
    if (again) {
        /* In front, since it was the next one. */
        command->not_before_us = not_before_us;
        command->state = COMMAND_WAITING;
        list_push_front(&queue->waiting, &command->link);
    }
    spin_unlock(&queue->lock);
    return again;
}

/* ---- the worker --------------------------------------------------------------------------- */

/* Ends the started commands whose deadline has come. *wake_us: when the next one's comes. Caller
 * holds the lock, here and below. */
static void end_overdue(struct command_queue *queue, uint64_t now_us, uint64_t *wake_us)
{
    for (struct list *link = queue->started.next, *next; link != &queue->started; link = next) {
        struct bus_command *command = container_of(link, struct bus_command, link);
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

/* Returns whether a command may start beside those that are started. */
static bool may_begin(const struct command_queue *queue, const struct bus_command *command)
{
    if (list_empty(&queue->started))
        return true;

    /* If the first of them must be alone, it is the only one. */
    const struct bus_command *first = container_of(queue->started.next, struct bus_command, link);
    uint32_t all = UINT32_MAX >> (COMMAND_OPENINGS_MAX - queue->openings);
    return !command->alone && !first->alone && (queue->tags & all) != all;
}

/* Begins the first waiting command that is due, if it may start now; NULL: none, or it has ended.
 * *wake_us: when the next one is due. When the channel stops, every command is due, since it will
 * not be sent. */
static struct bus_command *begin_due(struct command_queue *queue, uint64_t now_us,
                                     uint64_t *wake_us)
{
    list_each(link, &queue->waiting) {
        struct bus_command *command = container_of(link, struct bus_command, link);
        if (command->not_before_us <= now_us || queue->stopping) {
            /* None passes a command that is due: else one that must be alone could starve. The end
             * of a started command wakes the worker. */
            if (!may_begin(queue, command))
                return NULL;

            list_remove(link);
            return command_begin(queue, command, now_us) ? command : NULL;
        }

        /* Not due yet. Later commands may pass it. */
        *wake_us = min(*wake_us, command->not_before_us);
    }
    return NULL;
}

enum queue_step { STEP_RECOVER, STEP_REPORT, STEP_SEND, STEP_STOP };

/* Waits until there is something to do, and returns what: recovery before reports, so that memory
 * is not written after it was given back; reports before starts, which replace sense data. */
static enum queue_step queue_next_step(struct command_queue *queue, struct bus_command **command)
{
    enum queue_step step = STEP_STOP;
    spin_lock(&queue->lock);
    for (;;) {
        if (queue->needs_reset) {
            step = STEP_RECOVER;
            break;
        }

        struct list *link = list_pop_front(&queue->ended);
        if (link) {
            *command = container_of(link, struct bus_command, link);
            step = STEP_REPORT;
            break;
        }

        /* One reading of the clock for both lists, so that a command is either overdue
         * or in wake_us. */
        uint64_t now_us = time_now_us(), wake_us = TIME_NEVER;
        end_overdue(queue, now_us, &wake_us);
        if (!queue->needs_reset && (*command = begin_due(queue, now_us, &wake_us))) {
            step = STEP_SEND;
            break;
        }

        /* Commands may have ended here, which comes first. */
        if (queue->needs_reset || !list_empty(&queue->ended))
            continue;
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
    struct command_queue *queue = argument;
    struct bus_command *command;
    for (enum queue_step step; (step = queue_next_step(queue, &command)) != STEP_STOP;) {
        if (step == STEP_RECOVER)
            queue_recover(queue);
        else if (step == STEP_REPORT)
            command->kind->report(queue, command);
        else
            command->kind->start(queue, command);
    }
}

/* ---- interface ---------------------------------------------------------------------------- */

status_t command_queue_start(struct command_queue *queue, const char *name,
                             void (*reset)(struct command_queue *queue), unsigned openings)
{
    kassert(openings && openings <= COMMAND_OPENINGS_MAX);
    queue->reset = reset;
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

void command_queue_stop(struct command_queue *queue)
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

void command_queue_set_openings(struct command_queue *queue, unsigned openings)
{
    kassert(openings && openings <= COMMAND_OPENINGS_MAX);
    spin_lock(&queue->lock);
    queue->openings = openings;
    wait_queue_wake_one(&queue->changed);
    spin_unlock(&queue->lock);
}

void command_queue_submit(struct command_queue *queue, struct bus_command *command)
{
    /* The result of an earlier use of the same command must not be taken for this one's. */
    command->status = 0;
    command->interrupted = command->aborted = false;

    spin_lock(&queue->lock);
    command->state = COMMAND_WAITING;
    list_push_back(&queue->waiting, &command->link);
    wait_queue_wake_one(&queue->changed);
    spin_unlock(&queue->lock);
}

void command_queue_abort(struct command_queue *queue, struct bus_command *command)
{
    spin_lock(&queue->lock);
    command->aborted = true;

    /* A started command is with its unit: the worker ends it, after a reset. An ended one
     * keeps its result. */
    if (command->state == COMMAND_WAITING)
        command_end(queue, command, -ECANCELED);
    wait_queue_wake_one(&queue->changed);
    spin_unlock(&queue->lock);
}
