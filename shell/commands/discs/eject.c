/*
 * eject.c - unmounts a disc and opens the tray of its drive: eject.
 */
#include "kernel/dev/deadlines.h"
#include "kernel/monitor.h"
#include "lib/macros.h"
#include "shell/options.h"
#include "shell/reading/mounts.h"

/* Unmounts the device everywhere, the last mount first. -EBUSY if one is in use: info->path. */
static status_t unmount_all(struct shell *shell, const char *word, struct mount_info *info)
{
    status_t status;

    /* The mount table changes with each unmount, so it is searched again every time. */
    while (!(status = mounts_of_device(shell, word, info)))
        if ((status = vfs_unmount(shell->directory, info->path)))
            return status;
    return status == -ENOENT ? 0 : status;
}

static int eject(struct shell *shell, const char *word, struct device *device)
{
    struct mount_info *info = mem_alloc(sizeof(*info));

    /* A disc that is in use stays mounted and in its drive. */
    status_t status = info ? unmount_all(shell, word, info) : -ENOMEM;
    int result = SHELL_DONE;

    /* unmount_all() has left the mount that is in use in `info`. */
    if (status == -EBUSY)
        result = shell_complain(shell, "%s: %s is in use", word, info->path);
    else if (status)
        result = shell_fail(shell, word, status);
    mem_free(info);
    if (result)
        return result;

    /* The monitor unlocks a door only at its next round. A drive without a lock is not an error;
     * after ^C the tray must not open later. */
    status = device_control(device, DEVICE_CONTROL_UNLOCK_DOOR, NULL, 0);
    if (status != -EINTR)
        status = device_control(device, DEVICE_CONTROL_EJECT, NULL, 0);
    return status ? shell_fail(shell, word, status) : SHELL_DONE;
}

static int run_eject(struct shell *shell, int count, char **words)
{
    const char *word = count > 1 ? words[1] : "cdrom0";
    struct device *device = mounts_find_device(shell, word);
    int result = SHELL_DONE;
    if (!device)
        return shell_complain(shell, "%s: no such device; `devices` lists them", word);

    /* Only a real drive has a tray. A virtual one is removed by `vdrive rm`. */
    if (device_class(device) != &class_cdrom || device_is_virtual(device)) {
        result = shell_complain(shell, "%s: not a drive with a tray", word);
    } else if (option_given(shell, 't')) {
        status_t status = device_control(device, DEVICE_CONTROL_LOAD, NULL, 0);
        result = status ? shell_fail(shell, word, status) : SHELL_DONE;
    } else {
        result = eject(shell, word, device);
    }
    /* The next command finds what the monitor made of the change. */
    IGNORE(monitor_wait_idle(device, time_now_us() + DEADLINE_SETTLE_US));
    device_put(device);
    return result;
}

static const struct shell_option eject_options[] = {
    { 't', "trayclose", NULL, "close the tray" },
    { 0 },
};

static const struct shell_command command_eject = {
    .name = "eject",
    .arguments = "[-t] [DEVICE]",
    .summary = "unmount a disc and open the tray (default: cdrom0)",
    .arguments_max = 1,
    .run = run_eject,
    .options = eject_options,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_eject);
