/*
 * commands_eject.c - the disc out of its drive, and the tray back in: eject.
 */
#include "kernel/dev/deadlines.h"
#include "kernel/dev/monitor.h"
#include "kernel/shell/options.h"

/* The door is the monitor's, which opens it some time after the last file was closed; this is the
 * person's wish, so now. Some drives have no lock, and say so with an error. */
static status_t take_out(struct device *device)
{
    (void)!device_control(device, DEVICE_CONTROL_UNLOCK_DOOR, NULL, 0);
    return device_control(device, DEVICE_CONTROL_EJECT, NULL, 0);
}

static int move_tray(struct shell *shell, const char *name, struct device *device, bool in)
{
    unsigned files = in ? 0 : device_files_open(device);
    if (files)
        return shell_complain(shell, "%s: %u file%s on it open", name, files,
                              files == 1 ? " is" : "s are");
    status_t status = in ? device_control(device, DEVICE_CONTROL_LOAD, NULL, 0) : take_out(device);
    (void)!monitor_wait_idle(time_now_us() + DEADLINE_SETTLE_US); /* its mounts go, too */
    if (status == -EOPNOTSUPP)
        return shell_complain(shell, "%s: has no tray", name);
    return status ? shell_fail(shell, name, status) : SHELL_DONE;
}

static int run_eject(struct shell *shell, int count, char **words)
{
    const char *name = count > 1 ? words[1] : "cdrom0";
    struct device *device = device_find(name);
    if (!device)
        return shell_fail(shell, name, -ENODEV);
    int result = move_tray(shell, name, device, option_given(shell, 't'));
    device_put(device);
    return result;
}

static const struct shell_option eject_options[] = {
    { 't', "trayclose", NULL, "pull the tray in instead" },
    { 0 },
};

static const struct shell_command command_eject = {
    .name = "eject",
    .arguments = "[-t] [DEVICE]",
    .summary = "take a disc out of its drive, cdrom0 if not said",
    .arguments_max = 1,
    .run = run_eject,
    .options = eject_options,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_eject);
