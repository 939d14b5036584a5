/*
 * slow.c - a driver object for tests whose functions wait, so that other threads run meanwhile. The
 * kernel does not know its digest.
 */
#include "kernel/dev/device.h"
#include "kernel/dev/driver.h"
#include "kernel/module/info.h"
#include "kernel/port.h"

DRIVER_INFO("slow", "0.1", "MIT", "functions that wait");
DRIVER_DRIVES("root");

enum { WAIT_US = 1000 };

static status_t add_slow(struct device *device)
{
    if (device != device_root())
        return -ENODEV;
    thread_sleep_until(time_now_us() + WAIT_US);
    return 0;
}

static void remove_slow(struct device *device)
{
    (void)device;
    thread_sleep_until(time_now_us() + WAIT_US);
}

static const struct driver driver_slow = {
    .name = "slow",
    .add_device = add_slow,
    .remove_device = remove_slow,
};
DRIVER(driver_slow);
