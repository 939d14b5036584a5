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
    /* The image first: a removal that waits for the look expects its file to be
     * closed afterwards. */
    image_put(image);

    spin_lock(&drive->lock);
    drive->looking--;
    wait_queue_wake_all(&drive->changed);
    spin_unlock(&drive->lock);
}

void drive_look_begin(struct device *device, struct drive_look *look)
{
    struct drive *drive = drive_of(device);

    /* All answers under one lock, so that they belong together. */
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

    /* The tree's reference goes with device_remove(); this one keeps the drive until its
     * worker has ended. */
    device_get(device);
    device_remove(device);

    /* Now, on this thread: the last reference may be dropped on the completion thread, which must
     * not wait for a file to be closed. */
    drive_take_out(device, false);
    worker_stop(drive);
    device_put(device);
}

void drive_go_if_unused(struct device *device)
{
    /* A drive in these states cannot be opened, so a count of 0 stays 0. Of several threads that
     * see it, one changes the state. */
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

    /* Fails with -EBUSY if the drive is open; otherwise it cannot be opened from now on. */
    status_t status = device_refuse_opens(device, true);
    if (status)
        return status;

    /* Another thread may have changed the state in between; then the removal is its work. */
    if (!drive_change_state(drive, STATE_REGISTERED, STATE_GONE))
        return removed_already(drive);
    drive_go(device);
    return 0;
}

static status_t remove_lazily(struct device *device)
{
    if (!drive_change_state(drive_of(device), STATE_REGISTERED, STATE_DETACHING))
        return removed_already(drive_of(device));

    /* From here on the drive cannot be opened, and its last close removes it. */
    status_t status = device_refuse_opens(device, false);

    /* There may be no close to come. */
    drive_go_if_unused(device);
    return status;
}

static status_t remove_now(struct device *device)
{
    struct drive *drive = drive_of(device);
    if (!drive_change_state(drive, STATE_REGISTERED | STATE_DETACHING, STATE_HALTING))
        return removed_already(drive);

    /* New opens are refused before the image goes, so that every handle that is open
     * is an old one. */
    status_t status = device_refuse_opens(device, false);
    drive_take_out(device, true);

    /* Only now may another image be registered: HALTING keeps it away while this
     * one is taken out. */
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
