/*
 * match.c - offers devices to drivers, and takes them back; see match.h.
 */
#include "kernel/dev/driver/match.h"
#include "kernel/dev/driver/list.h"
#include "kernel/log.h"

/* The driver of a device that is being offered. */
static const struct driver offered = { .name = "" };

/* Returns the answer of the driver: -ENODEV if it does not accept the device. */
static status_t offer(const struct driver *driver, struct device *device)
{
    status_t status = driver->add_device ? driver->add_device(device) : -ENODEV;
    if (status && status != -ENODEV)
        log_error(driver->name, "%s: %s", device == device_root() ? "start" : device->name,
                  status_text(status));
    return status;
}

/* Returns whether the driver accepts the device. If it failed, it has undone its work: the device
 * stays its own, but is not taken back from it. */
static bool accepts(const struct driver *driver, struct device *device)
{
    status_t status = offer(driver, device);
    device->driver_failed = status && status != -ENODEV;
    return status != -ENODEV;
}

/* Every driver is asked about the root: drivers of built-in buses publish their bus below it. */
static void offer_root(struct device *root)
{
    for (const struct driver *d = driver_next(NULL); d; d = driver_next(d))
        if (!offer(d, root))
            driver_list_set_root(d);
}

void match_release_root(struct device *root)
{
    for (const struct driver *d = driver_next(NULL); d; d = driver_next(d))
        if (driver_list_clear_root(d) && d->remove_device)
            d->remove_device(root);
}

/* Returns the first driver that accepts the device, or NULL. The caller puts it. */
static const struct driver *choose(struct device *device)
{
    const struct driver *driver;
    unsigned before;

    /* Ask again if a driver was added meanwhile: its place in the order may have been passed. */
    do {
        before = driver_list_changes();
        for (driver = driver_next(NULL); driver; driver = driver_next(driver))
            if (accepts(driver, device))
                return driver;
    } while (before != driver_list_changes());
    return NULL;
}

static bool begin_offer(struct device *device)
{
    /* Fails if the device has a driver, or if another thread offers it now. */
    const struct driver *none = NULL;
    return atomic_compare_exchange_strong(&device->driver, &none, &offered);
}

/* The device may have been removed meanwhile: match_release() had no driver to take it from. */
static void end_offer(struct device *device, const struct driver *driver)
{
    atomic_store(&device->driver, driver);
    if (device->gone)
        match_release(device);
}

void match_device(struct device *device)
{
    if (device == device_root()) {
        offer_root(device);
    } else if (begin_offer(device)) {
        const struct driver *driver = choose(device);
        end_offer(device, driver);
        if (driver)
            driver_put(driver);
    }
}

void match_driver(const struct driver *driver, struct device *device)
{
    if (device == device_root()) {
        if (!offer(driver, device))
            driver_list_set_root(driver);
    } else if (begin_offer(device)) {
        end_offer(device, accepts(driver, device) ? driver : NULL);
    }
}

void match_release(struct device *device)
{
    const struct driver *driver = device->driver;

    /* Only the thread that clears the member calls the driver: a removal and an unregistration may
     * both come here. While the device is being offered, end_offer() does this later. */
    while (driver && driver != &offered)
        if (atomic_compare_exchange_weak(&device->driver, &driver, NULL)) {
            if (driver->remove_device && !device->driver_failed)
                driver->remove_device(device);
            return;
        }
}

const struct driver *device_driver(const struct device *device)
{
    const struct driver *driver = device->driver;
    return driver != &offered ? driver : NULL;
}
