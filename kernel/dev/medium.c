/*
 * medium.c - a device's medium and its generation.
 */
#include "kernel/dev/event.h"
#include "kernel/dev/internal.h"

/* `absent`: the status of requests while no medium is present. */
static void medium_change(struct device *device, bool present, uint64_t bytes, status_t absent)
{
    spin_lock(&device->queue_lock);
    bool changed = !device->gone && (present || device->medium_present);
    bool notify = changed && device->published; /* EVENT_ADDED reports the first medium */
    device->absent_status = absent;
    struct bad_blocks *bad = changed ? bad_blocks_take(device) : NULL;
    if (changed) {
        device->generation++;
        device->medium_present = present;
        device->medium_bytes = bytes;
        device->files_open = 0;
    }
    spin_unlock(&device->queue_lock);

    bad_blocks_sum_up(device, bad);
    if (notify)
        event_post(EVENT_MEDIUM, device);
}

void device_set_medium(struct device *device, uint64_t bytes)
{
    medium_change(device, true, bytes, -ENOMEDIUM);
}

void device_clear_medium(struct device *device)
{
    medium_change(device, false, 0, -ENOMEDIUM);
}

void device_halt(struct device *device)
{
    medium_change(device, false, 0, -ENODEV);
}

struct device_medium device_medium(struct device *device)
{
    spin_lock(&device->queue_lock);
    struct device_medium medium = {
        .present = device->medium_present,
        .bytes = device->medium_bytes,
        .generation = device->generation,
    };
    spin_unlock(&device->queue_lock);
    return medium;
}

status_t medium_status(const struct device *device)
{
    if (device->gone)
        return -ENODEV;
    return device->medium_present ? 0 : device->absent_status;
}

status_t medium_check_below(struct device *device)
{
    return device->ops->check ? device->ops->check(device) : 0;
}
