/*
 * fails.c - a driver object for tests whose driver fails to start, and whose command has the name
 * of one that is built in.
 */
#include "kernel/dev/device.h"
#include "kernel/dev/driver.h"
#include "kernel/module/info.h"
#include "shell/shell.h"

DRIVER_INFO("fails", "0.1", "MIT", "a driver that fails to start");
DRIVER_DRIVES("root");

static status_t add_fails(struct device *device)
{
    return device == device_root() ? -EIO : -ENODEV;
}

static void remove_fails(struct device *device)
{
    (void)device;
    panic("a driver that failed gives nothing back");
}

static const struct driver driver_fails = {
    .name = "fails",
    .add_device = add_fails,
    .remove_device = remove_fails,
};
DRIVER(driver_fails);

static int run_true(struct shell *shell, int count, char **words)
{
    (void)shell, (void)count, (void)words;
    return SHELL_FAILED;
}

static const struct shell_command command_fails_true = {
    .name = "true",
    .arguments = "",
    .summary = "fail",
    .run = run_true,
    .group = "Drivers",
};
SHELL_COMMAND(command_fails_true);
