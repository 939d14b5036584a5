/*
 * drive_state.c - the states of a drive (drive.h), its state at one moment for others (a look), and
 * its removal. drive.c creates drives and puts images into them.
 */
#include "drivers/storage/virtual/drive_private.h"
#include "lib/macros.h"

bool drive_change_state(struct drive *drive, unsigned from, enum drive_state to)
{
    spin_lock(&drive->lock);
    bool changed = drive->state & from;
    if (changed)
        drive->state = to;
    spin_unlock(&drive->lock);
    return changed;
}

static enum drive_state drive_state(struct drive *drive)
{
    spin_lock(&drive->lock);
    enum drive_state state = drive->state;
    spin_unlock(&drive->lock);
    return state;
}

/* ---- looking ------------------------------------------------------------------------------ */

struct image *drive_use(struct drive *drive)
{
    kassert(spin_is_held(&drive->lock));
    drive->looking++;
    return drive->image ? image_get(drive->image) : NULL;
}

void drive_unuse(struct drive *drive, struct image *image)
{
    image_put(image); /* first: a removal waits for it */
    spin_lock(&drive->lock);
    drive->looking--;
    wait_queue_wake_all(&drive->changed);
    spin_unlock(&drive->lock);
}

void drive_look_begin(struct device *device, struct drive_look *look)
{
    struct drive *drive = drive_of(device);
    spin_lock(&drive->lock);
    look->state = drive->state == STATE_REGISTERED  ? VIRTUAL_REGISTERED
                  : drive->state == STATE_DETACHING ? VIRTUAL_DETACHING
                                                    : VIRTUAL_HALTED;
    look->image = drive_use(drive);
    look->facts = image_facts_get(drive->facts);
    look->generation = device_medium(device).generation;
    spin_unlock(&drive->lock);
}

void drive_look_end(struct device *device, struct drive_look *look)
{
    image_facts_put(look->facts);
    drive_unuse(drive_of(device), look->image);
}

/* ---- removal ------------------------------------------------------------------------------ */

/* Removes the device and its image. Called once, by the thread that changed the state to GONE. */
static void drive_go(struct device *device)
{
    struct drive *drive = drive_of(device);
    device_get(device);
    device_remove(device);
    drive_take_out(device, false); /* now: the last reference may go on the completion thread */
    worker_stop(drive);
    device_put(device);
}

void drive_go_if_unused(struct device *device)
{
    if (!device_open_count(device) &&
        drive_change_state(drive_of(device), STATE_DETACHING | STATE_HALTED, STATE_GONE))
        drive_go(device);
}

/* Returns the error for a thread that found the drive in another state than REGISTERED. */
static status_t removed_already(struct drive *drive)
{
    return drive_state(drive) == STATE_GONE ? -ENODEV : -EALREADY;
}

static status_t remove_if_idle(struct device *device)
{
    struct drive *drive = drive_of(device);
    if (drive_state(drive) != STATE_REGISTERED)
        return removed_already(drive);
    status_t status = device_refuse_opens(device, true);
    if (status)
        return status;
    if (!drive_change_state(drive, STATE_REGISTERED, STATE_GONE))
        return removed_already(drive);
    drive_go(device);
    return 0;
}

static status_t remove_lazily(struct device *device)
{
    if (!drive_change_state(drive_of(device), STATE_REGISTERED, STATE_DETACHING))
        return removed_already(drive_of(device));
    status_t status = device_refuse_opens(device, false);
    drive_go_if_unused(device);
    return status;
}

static status_t remove_now(struct device *device)
{
    struct drive *drive = drive_of(device);
    if (!drive_change_state(drive, STATE_REGISTERED | STATE_DETACHING, STATE_HALTING))
        return removed_already(drive);
    status_t status = device_refuse_opens(device, false);
    drive_take_out(device, true);
    drive_change_state(drive, STATE_HALTING, STATE_HALTED);
    drive_go_if_unused(device);
    return status;
}

status_t drive_unregister(struct device *device, enum virtual_removal removal)
{
    switch (removal) {
    case VIRTUAL_IF_IDLE: return remove_if_idle(device);
    case VIRTUAL_LAZY: return remove_lazily(device);
    case VIRTUAL_NOW: return remove_now(device);
    }
    return -EINVAL;
}
