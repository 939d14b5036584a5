/*
 * open.c - handles, claims, and the files that are open on a medium.
 */
#include "kernel/dev/event.h"
#include "kernel/dev/internal.h"

/* ---- handles ------------------------------------------------------------------------------ */

/* Returns whether the device can be opened now, as far as it, its parts, and the devices that it is
 * a part of decide. Caller holds device_lock(). */
static status_t open_status(const struct device *device)
{
    status_t status = device_has_data(device) ? medium_status(device) : -ENODEV;
    bool busy = device->parts_claimed;

    /* A claim on the device itself, or on what it is a part of, covers its bytes. */
    for (const struct device *whole = device; whole; whole = device_whole(whole)) {
        if (whole->refuses_opens)
            return -ENODEV;
        busy = busy || whole->claimed;
    }
    return !status && busy ? -EBUSY : status;
}

status_t device_open(struct device *device, struct device_handle *handle)
{
    /* Without the lock, since the drive below may have to be asked. */
    handle->device = NULL;
    status_t status = medium_check_below(device);
    if (status)
        return status;

    /* The generation is read under the same lock: it is that of the medium that was checked. */
    device_lock(device);
    status = open_status(device);
    if (!status) {
        device->open_count++;
        for (struct device *whole = device; (whole = device_whole(whole));)
            whole->parts_open++;
    }
    handle->generation = device->drive->generation;
    device_unlock(device);

    if (!status)
        handle->device = device_get(device);
    return status;
}

void device_close(struct device_handle *handle)
{
    struct device *device = handle->device;
    if (!device)
        return;

    /* Count the devices whose last handle this is: the device, and those that it is a part of. */
    unsigned idle = 0;
    device_lock(device);
    for (struct device *whole = device; whole; whole = device_whole(whole)) {
        whole == device ? whole->open_count-- : whole->parts_open--;
        idle += !whole->open_count && !whole->parts_open;
    }
    device_unlock(device);
    handle->device = NULL;

    /* A part counts in its whole, so those that are idle come first. */
    for (struct device *whole = device; idle--; whole = device_whole(whole))
        if (whole->ops->closed)
            whole->ops->closed(whole);
    device_put(device);
}

unsigned device_open_count(struct device *device)
{
    device_lock(device);
    unsigned count = device->open_count + device->parts_open;
    device_unlock(device);
    return count;
}

/* Called for all data that is served from memory: takes no lock while the medium is the same. */
status_t device_check(const struct device_handle *handle)
{
    struct device *device = handle->device;
    if (!device->gone && device->drive->generation == handle->generation)
        return medium_check_below(device);

    /* The reason is that of a new request. If that would be accepted, only the handle is old. */
    device_lock(device);
    status_t status = medium_status(device);
    device_unlock(device);
    return status ? status : -ESTALE;
}

/* ---- exclusive access --------------------------------------------------------------------- */

status_t device_claim(const struct device_handle *handle)
{
    struct device *device = handle->device;
    if (device_is_read_only(device))
        return -EROFS;

    /* The caller's own handle is one of the device's. */
    device_lock(device);
    bool busy = device->claimed || device->open_count > 1 || device->parts_open;
    for (const struct device *whole = device; (whole = device_whole(whole));)
        busy = busy || whole->open_count;
    /* From now on open_status() refuses: the parts find `claimed`, the wholes `parts_claimed`. */
    if (!busy) {
        device->claimed = true;
        for (struct device *whole = device; (whole = device_whole(whole));)
            whole->parts_claimed++;
    }
    device_unlock(device);
    return busy ? -EBUSY : 0;
}

void device_release(const struct device_handle *handle)
{
    struct device *device = handle->device;
    device_lock(device);
    if (device->claimed)
        for (struct device *whole = device; (whole = device_whole(whole));)
            whole->parts_claimed--;
    device->claimed = false;
    device_unlock(device);
}

status_t device_refuse_opens(struct device *device, bool only_idle)
{
    device_lock(device);
    bool busy = only_idle && (device->open_count || device->parts_open);
    if (!busy)
        device->refuses_opens = true;
    device_unlock(device);
    return busy ? -EBUSY : 0;
}

void device_allow_opens(struct device *device)
{
    device_lock(device);
    device->refuses_opens = false;
    device_unlock(device);
}

status_t device_admits(struct device *device)
{
    device_lock(device);
    bool refuses = device->gone;
    for (const struct device *whole = device; whole; whole = device_whole(whole))
        refuses = refuses || whole->refuses_opens;
    device_unlock(device);
    return refuses ? -ENODEV : 0;
}

/* ---- open files and the door -------------------------------------------------------------- */

/* Files on a part count on its drive, which has the door. */
void device_file_opened(const struct device_handle *handle)
{
    struct device *drive = handle->device->drive;
    device_lock(drive);
    bool first = drive->generation == handle->generation && !drive->files_open++;
    device_unlock(drive);

    /* The door is locked by the monitor's thread: a command to the drive may take long. */
    if (first && !drive->door_locked && device_is_removable(drive))
        event_post(EVENT_DOOR, drive);
}

/* Posts no event: the monitor unlocks the door when it polls the drive. */
void device_file_closed(const struct device_handle *handle)
{
    struct device *drive = handle->device->drive;
    device_lock(drive);
    if (drive->generation == handle->generation && drive->files_open)
        drive->files_open--;
    device_unlock(drive);
}

unsigned device_files_open(struct device *device)
{
    device_lock(device);
    unsigned files = device->drive->files_open;
    device_unlock(device);
    return files;
}

bool device_door_is_locked(const struct device *device)
{
    return device->door_locked;
}

void device_set_door_locked(struct device *device, bool locked)
{
    device->door_locked = locked;
}

/* ---- parts on request --------------------------------------------------------------------- */

status_t device_want_parts(struct device *device)
{
    if (device_is_part(device) || device->no_parts)
        return -EINVAL;

    /* Parts that are open stay: they would be removed under their users. */
    device_lock(device);
    status_t status = open_status(device);
    if (!status && device->parts_open)
        status = -EBUSY;
    if (!status)
        device->parts_wanted = device->generation;
    device_unlock(device);
    if (!status)
        event_post(EVENT_PARTS, device);
    return status;
}

bool device_parts_wanted(struct device *device)
{
    device_lock(device);
    bool wanted = device->parts_wanted == device->generation;
    device_unlock(device);
    return wanted;
}
