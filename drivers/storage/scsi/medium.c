/*
 * medium.c - media that come and go.
 */
#include "drivers/storage/scsi/medium.h"
#include "kernel/dev/deadlines.h"

/* ---- leaving ------------------------------------------------------------------------------ */

bool scsi_lose_medium(struct scsi_client *client)
{
    bool was_there = device_medium(client->device).present;

    /* Counted before the medium is cleared: a poll that measures meanwhile must not show it
     * again. */
    atomic_fetch_add(&client->changes, 1);
    device_clear_medium(client->device);
    return was_there;
}

bool scsi_note_medium(struct scsi_client *client, struct scsi_outcome outcome,
                      const struct sense *sense)
{
    /* Runs on the channel's worker, so it only sets flags: the poll sends the commands. */
    if (sense && sense_is_reset(sense))
        atomic_store(&client->relock, true);

    /* Also for a changed medium: the new one is shown when a poll has measured it. */
    return outcome.action == SENSE_CHANGED || outcome.action == SENSE_ABSENT;
}

/* ---- arriving ----------------------------------------------------------------------------- */

static struct scsi_outcome test_ready(struct scsi_client *client, unsigned *changes)
{
    struct scsi_outcome outcome = { SENSE_AGAIN, -EAGAIN };
    for (unsigned i = 0; i < SCSI_ATTENTIONS_MAX; i++) {
        /* Read before the question, so that a change during it is noticed. */
        *changes = atomic_load(&client->changes);
        outcome = scsi_test_ready(client);
        if (outcome.action != SENSE_AGAIN && outcome.action != SENSE_CHANGED)
            break;
    }
    return outcome;
}

struct scsi_outcome scsi_await_ready(struct scsi_client *client, unsigned *changes)
{
    uint64_t deadline_us = time_now_us() + (client->looked ? 0 : DEADLINE_NOT_READY_US);

    /* Only the first time waits, so that start-up finds a medium that is spinning up. The later
     * polls come again by themselves. */
    struct scsi_outcome outcome = test_ready(client, changes);
    while (outcome.action == SENSE_WAIT && time_now_us() < deadline_us) {
        thread_sleep_until(time_now_us() + DELAY_NOT_READY_US);
        outcome = test_ready(client, changes);
    }

    client->looked = true;
    return outcome;
}

bool scsi_show_medium(struct scsi_client *client, unsigned changes, uint64_t bytes,
                      const struct device_traits *traits)
{
    if (atomic_load(&client->changes) != changes)
        return false;
    if (traits)
        device_set_traits(client->device, traits);
    device_set_medium(client->device, bytes);

    /* A transfer may have noticed a change in between, and cleared the medium before it was set. */
    if (atomic_load(&client->changes) == changes)
        return true;
    device_clear_medium(client->device);
    return false;
}

/* ---- the door ----------------------------------------------------------------------------- */

status_t scsi_move_medium(struct scsi_client *client, enum scsi_motion motion)
{
    struct scsi_outcome outcome = scsi_start_stop(client, motion);
    if (outcome.action == SENSE_CHANGED)
        outcome = scsi_start_stop(client, motion);
    return outcome.status;
}

status_t scsi_lock_door(struct scsi_client *client, bool locked)
{
    struct scsi_outcome outcome = scsi_prevent_removal(client, locked);
    if (outcome.action == SENSE_CHANGED)
        outcome = scsi_prevent_removal(client, locked);

    /* The flag follows the unit: one that refuses the lock counts as unlocked. */
    if (!outcome.status)
        atomic_store(&client->door_locked, locked);
    return outcome.status;
}

void scsi_relock_door(struct scsi_client *client)
{
    /* A unit without a lock refused it before, too. */
    if (atomic_exchange(&client->relock, false) && atomic_load(&client->door_locked))
        IGNORE(scsi_lock_door(client, true));
}
