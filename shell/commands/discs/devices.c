/*
 * devices.c - shows the device tree, or some of its devices; reads partition tables on request:
 * devices.
 *
 * Devices come and go while the tree is printed: the walk holds a reference to the device that it
 * is at, and finds the next one by number.
 */
#include "kernel/console.h"
#include "kernel/dev/deadlines.h"
#include "kernel/monitor.h"
#include "lib/format.h"
#include "lib/text.h"
#include "shell/commands/discs/device_report.h"
#include "shell/options.h"
#include "shell/reading/mounts.h"

static void devices_print(struct shell *shell, struct device *device, unsigned depth)
{
    char text[160] = "";
    device_describe(device, text, sizeof(text));
    stream_format(shell->out, "%*s%-*s %-9s", (int)(2 * depth), "", (int)(24 - 2 * depth),
                  device_name(device), device_alias(device));

    /* The description may contain text of the device, so it is escaped. */
    if (*text) {
        stream_text(shell->out, " ");
        stream_escaped(shell->out, text, false);
    }
    stream_text(shell->out, "\n");
}

/* Returns the next device in the order of the tree: the first child, else the next sibling of it or
 * of the nearest ancestor that has one. Takes over the reference to `device`. */
static struct device *devices_next(struct device *device, unsigned *depth)
{
    /* Children come first: a device is followed by all that is connected to it. */
    struct device *next = device_child(device, 0);
    if (next) {
        ++*depth;
        device_put(device);
        return next;
    }

    while (device != device_root()) {
        /* The parent is kept while the device is put, which may be its last reference. */
        struct device *parent = device_get(device_parent(device));

        /* The next sibling is the child with the next higher number. */
        struct device *sibling = device_child(parent, device_number(device));
        device_put(device);
        if (sibling) {
            device_put(parent);
            return sibling;
        }
        device = parent;
        --*depth;
    }
    device_put(device);
    return NULL;
}

/* Publishes the partitions of a device's medium, and shows the device with them. */
static status_t devices_read_parts(struct shell *shell, struct device *device)
{
    struct device *child;
    status_t status = device_has_data(device) ? device_want_parts(device) : -EOPNOTSUPP;
    if (!status)
        status = monitor_wait_idle(device, time_now_us() + DEADLINE_SETTLE_US);
    if (status)
        return status;

    devices_print(shell, device, 0);
    for (unsigned last = 0; (child = device_child(device, last));) {
        last = device_number(child);
        devices_print(shell, child, 1);
        device_put(child);
    }
    return 0;
}

/* Shows one device in the form that the options select. */
static status_t devices_show(struct shell *shell, struct device *device, unsigned depth)
{
    if (option_given_name(shell, "parts"))
        return devices_read_parts(shell, device);
    if (option_given_name(shell, "icons"))
        return device_has_data(device) ? device_show_icons(shell->out, device) : 0;
    if (option_given(shell, 'v'))
        device_report(shell->out, device);
    else
        devices_print(shell, device, depth);
    return 0;
}

static int devices_named(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    for (int i = 1; i < count; i++) {
        /* A device may be named by its alias or by its file. */
        struct device *device = mounts_find_device(shell, words[i]);
        status_t status = device ? devices_show(shell, device, 0) : -ENODEV;
        if (status)
            result = shell_fail(shell, words[i], status);
        device_put(device);

        /* Reports of several lines are separated. */
        if (option_given(shell, 'v') && i + 1 < count)
            stream_text(shell->out, "\n");
    }
    return result;
}

static int run_devices(struct shell *shell, int count, char **words)
{
    unsigned depth = 0;
    status_t status = 0;

    /* Icons are drawn on the screen directly, so they cannot be redirected. */
    bool to_screen = console_shows_pictures() && shell->out == shell->console;
    if (option_given_name(shell, "icons") && !to_screen)
        return shell_complain(shell, "--icons: no graphical screen");

    if (count > 1)
        return devices_named(shell, count, words);
    if (option_given_name(shell, "parts"))
        return shell_complain(shell, "--parts: name the device whose partitions are wanted");

    /* The root itself is not a device that can be used, so the listing begins below it. */
    struct device *device = device_get(device_root());
    while (!status && (device = devices_next(device, &depth))) {
        status = devices_show(shell, device, depth - 1);
        if (option_given(shell, 'v'))
            stream_text(shell->out, "\n");
    }
    device_put(device);
    return status ? shell_fail(shell, NULL, status) : SHELL_DONE;
}

static const struct shell_option devices_options[] = {
    { 'v', "verbose", NULL, "show size, geometry, status and more of each device" },
    { 0, "parts", NULL, "read the partition table (again), also of an optical disc" },
    { 0, "icons", NULL, "draw the icons of drives, on a graphical screen" },
    { 0 },
};

static const struct shell_command command_devices = {
    .name = "devices",
    .arguments = "[-v|--icons|--parts] [DEVICE...]",
    .summary = "show the device tree, with class names",
    .arguments_max = -1,
    .run = run_devices,
    .options = devices_options,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_devices);
