/*
 * open.c - handles, claims, and the files that are open on a medium.
 */
#include "kernel/dev/event.h"
#include "kernel/dev/internal.h"

/* ---- handles ------------------------------------------------------------------------------ */

status_t device_open(struct device *device, struct device_handle *handle)
{
    handle->device = NULL;
    status_t status = medium_check_below(device);
    if (status)
        return status;

    spin_lock(&device->queue_lock);
    if (device->refuses_opens || !device->ops->start)
        status = -ENODEV;
    else
        status = medium_status(device);
    if (!status && device->claimed)
        status = -EBUSY;
    if (!status)
        device->open_count++;
    handle->generation = device->generation;
    spin_unlock(&device->queue_lock);

    if (!status)
        handle->device = device_get(device);
    return status;
}

void device_close(struct device_handle *handle)
{
    struct device *device = handle->device;
    if (!device)
        return;
    spin_lock(&device->queue_lock);
    bool last = --device->open_count == 0;
    spin_unlock(&device->queue_lock);
    handle->device = NULL;
    if (last && device->ops->closed)
        device->ops->closed(device);
    device_put(device);
}

unsigned device_open_count(struct device *device)
{
    spin_lock(&device->queue_lock);
    unsigned count = device->open_count;
    spin_unlock(&device->queue_lock);
    return count;
}

/* Called for all data that is served from memory: takes no lock while the medium is the same. */
status_t device_check(const struct device_handle *handle)
{
    struct device *device = handle->device;
    if (device->generation == handle->generation)
        return medium_check_below(device);

    spin_lock(&device->queue_lock);
    status_t status = medium_status(device);
    spin_unlock(&device->queue_lock);
    return status ? status : -ESTALE;
}

/* ---- exclusive access --------------------------------------------------------------------- */

status_t device_claim(const struct device_handle *handle)
{
    struct device *device = handle->device;
    if (device->read_only)
        return -EROFS;
    spin_lock(&device->queue_lock);
    bool busy = device->claimed || device->open_count > 1;
    if (!busy)
        device->claimed = true;
    spin_unlock(&device->queue_lock);
    return busy ? -EBUSY : 0;
}

void device_release(const struct device_handle *handle)
{
    spin_lock(&handle->device->queue_lock);
    handle->device->claimed = false;
    spin_unlock(&handle->device->queue_lock);
}

status_t device_refuse_opens(struct device *device, bool only_idle)
{
    spin_lock(&device->queue_lock);
    bool busy = only_idle && device->open_count;
    if (!busy)
        device->refuses_opens = true;
    spin_unlock(&device->queue_lock);
    return busy ? -EBUSY : 0;
}

void device_allow_opens(struct device *device)
{
    spin_lock(&device->queue_lock);
    device->refuses_opens = false;
    spin_unlock(&device->queue_lock);
}

status_t device_admits(struct device *device)
{
    spin_lock(&device->queue_lock);
    bool refuses = device->gone || device->refuses_opens;
    spin_unlock(&device->queue_lock);
    return refuses ? -ENODEV : 0;
}

/* ---- open files and the door -------------------------------------------------------------- */

void device_file_opened(const struct device_handle *handle)
{
    struct device *device = handle->device;
    spin_lock(&device->queue_lock);
    bool first = device->generation == handle->generation && !device->files_open++;
    spin_unlock(&device->queue_lock);
    if (first && !device->door_locked && device_is_removable(device))
        event_post(EVENT_DOOR, device);
}

/* Posts no event: the monitor unlocks the door when it polls the drive. */
void device_file_closed(const struct device_handle *handle)
{
    struct device *device = handle->device;
    spin_lock(&device->queue_lock);
    if (device->generation == handle->generation && device->files_open)
        device->files_open--;
    spin_unlock(&device->queue_lock);
}

unsigned device_files_open(struct device *device)
{
    spin_lock(&device->queue_lock);
    unsigned files = device->files_open;
    spin_unlock(&device->queue_lock);
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
