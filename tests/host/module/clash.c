/*
 * clash.c - a driver object for tests with drivers that publish a device, and between them one with
 * the name of a driver that is built in.
 */
#include "kernel/dev/device.h"
#include "kernel/dev/driver.h"
#include "kernel/module/info.h"

DRIVER_INFO("clash", "0.1", "MIT", "names that are in use");
DRIVER_DRIVES("root");

static const struct device_ops clash_ops = { 0 };
static struct device *published;

static status_t add_clash(struct device *root)
{
    static const struct device_description description = {
        .name = "clash",
        .ops = &clash_ops,
        .device_class = &class_none,
    };
    if (root != device_root())
        return -ENODEV;
    published = device_create(root, &description);
    return published ? device_publish(published) : -ENOMEM;
}

static void remove_clash(struct device *root)
{
    (void)root;
    device_remove(published);
    device_put(published);
}

/* In whichever order the compiler lists the three, one of these two is before "cdfs". */
static const struct driver driver_clash_a = {
    .name = "clash_a",
    .add_device = add_clash,
    .remove_device = remove_clash,
};
DRIVER(driver_clash_a);

static const struct driver driver_clash_cdfs = { .name = "cdfs" };
DRIVER(driver_clash_cdfs);

static const struct driver driver_clash_b = {
    .name = "clash_b",
    .add_device = add_clash,
    .remove_device = remove_clash,
};
DRIVER(driver_clash_b);
