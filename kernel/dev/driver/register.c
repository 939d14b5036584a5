/*
 * register.c - drivers that come and go at run time.
 */
#include "kernel/dev/driver/list.h"
#include "kernel/dev/driver/match.h"
#include "kernel/dev/tree.h"

status_t driver_register(const struct driver *driver)
{
    status_t status = driver_list_add(driver);
    if (status)
        return status;

    /* Devices that are published from now on are offered to it by match_device(). */
    struct device *device;
    for (unsigned last = 0; (device = tree_next(last));) {
        last = device->number;
        match_driver(driver, device);
        device_put(device);
    }
    driver_put(driver);
    return 0;
}

static void remove_children(struct device *device)
{
    struct device *child;
    while ((child = device_child(device, 0))) {
        device_remove(child);
        device_put(child);
    }
}

status_t driver_unregister(const struct driver *driver)
{
    bool has_root = false;

    /* Out of the list first, so that it is offered no further devices. */
    status_t status = driver_list_remove(driver, &has_root);
    if (status)
        return status;

    /* Another driver may accept the devices that this one leaves. */
    struct device *device;
    for (unsigned last = 0; (device = tree_next(last));) {
        last = device->number;
        if (device->driver == driver) {
            remove_children(device);
            match_release(device);
            match_device(device);
        }
        device_put(device);
    }
    if (has_root)
        driver->remove_device(device_root());
    return 0;
}
