/*
 * offer.c - offers a device with data to the drivers when its medium arrives.
 */
#include "kernel/dev/driver.h"
#include "kernel/dev/driver/match.h"

static void remove_parts(struct device *device)
{
    struct device *child;
    for (unsigned last = 0; (child = device_child(device, last));) {
        last = child->number;
        if (device_is_part(child))
            device_remove(child);
        device_put(child);
    }
}

void driver_offer_medium(struct device *device)
{
    remove_parts(device);
    match_release(device);
    if (device_has_data(device) && device_medium(device).present)
        match_device(device);
}
