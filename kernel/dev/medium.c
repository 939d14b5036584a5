/*
 * medium.c - a device's medium and its generation.
 */
#include "kernel/dev/event.h"
#include "kernel/dev/internal.h"

/* `absent`: the status of requests while no medium is present. */
static void medium_change(struct device *device, bool present, uint64_t bytes, status_t absent)
{
    kassert(!device_is_part(device));
    device_lock(device);

    /* No medium after no medium is not a change. A medium before the device is published is
     * reported by EVENT_ADDED. */
    bool changed = !device->gone && (present || device->medium_present);
    bool notify = changed && device->published;
    device->absent_status = absent;

    /* Files and bad blocks are the old medium's. Handles of it fail from here on. */
    struct bad_blocks *bad = changed ? bad_blocks_take(device) : NULL;
    if (changed) {
        device->generation++;
        device->medium_present = present;
        device->medium_bytes = bytes;
        device->files_open = 0;
    }
    device_unlock(device);

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

/* ---- what requests see -------------------------------------------------------------------- */

status_t medium_status(const struct device *device)
{
    const struct device *drive = device->drive;
    if (device->gone)
        return -ENODEV;
    if (!drive->medium_present)
        return drive->absent_status;
    return device_is_part(device) && device->part.generation != drive->generation ? -ESTALE : 0;
}

uint64_t medium_size(const struct device *device)
{
    return device_is_part(device) ? device->part.length_bytes : device->medium_bytes;
}

struct device_medium device_medium(struct device *device)
{
    device_lock(device);
    struct device_medium medium = {
        .present = !medium_status(device),
        .bytes = medium_size(device),
        .generation = device->drive->generation,
    };
    device_unlock(device);
    return medium;
}

status_t medium_check_below(const struct device *device)
{
    struct device *drive = device->drive;
    return drive->ops->check ? drive->ops->check(drive) : 0;
}

status_t medium_check_part(const struct device *part)
{
    uint64_t base = part->part.base_bytes, length = part->part.length_bytes;
    device_lock(part);
    status_t status = medium_status(part);
    uint64_t size = medium_size(part->parent), block = part->drive->block_bytes;
    device_unlock(part);
    if (status)
        return status;

    /* Only at the end of the medium may the part end inside a block, as the medium itself does. */
    if (length > size || base > size - length || base % block)
        return -EINVAL;
    return length % block && base + length != size ? -EINVAL : 0;
}
