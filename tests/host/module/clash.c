/*
 * clash.c - a driver object for tests with a new driver, which publishes a device, a driver with
 * the name of one that is built in, and a command with the name of one that is built in.
 */
#include "kernel/dev/device.h"
#include "kernel/dev/driver.h"
#include "kernel/module/info.h"
#include "shell/shell.h"

DRIVER_INFO("clash", "0.1", "MIT", "names that are in use");
DRIVER_DRIVES("root");

static struct device *bus;

static status_t add_clash(struct device *device)
{
    return device == device_root() ? device_publish_bus(device, "clash", &bus) : -ENODEV;
}

static void remove_clash(struct device *device)
{
    (void)device;
    device_remove(bus);
    device_put(bus);
}

static const struct driver driver_clash = {
    .name = "clash",
    .add_device = add_clash,
    .remove_device = remove_clash,
};
DRIVER(driver_clash);

static const struct driver driver_clash_cdfs = { .name = "cdfs", .order = 1 };
DRIVER(driver_clash_cdfs);
