/*
 * format.c - makes an empty file system on a device: format.
 */
#include "kernel/module/info.h"
#include "kernel/monitor.h"
#include "lib/text.h"
#include "shell/commands/disks/volume_tools.h"
#include "shell/options.h"

enum { CLUSTER_BYTES_MAX = 32 << 20 };

/* Takes the options -n and -s. */
static bool parse_format(struct shell *shell, struct volume_format *format)
{
    const char *label = option_value(shell, 'n'), *cluster = option_value(shell, 's');
    uint64_t bytes = 0;
    if (cluster && !shell_number(shell, "cluster", cluster, 512, CLUSTER_BYTES_MAX, &bytes))
        return false;
    *format = (struct volume_format){
        .label = label ? label : "",
        .cluster_bytes = (uint32_t)bytes,
    };
    return true;
}

/* Words the errors that depend on what was asked for. */
static int format_fail(struct shell *shell, const char *word, const char *type,
                       const struct volume_format *format, status_t status)
{
    switch (status) {
    case -EINVAL:
        return shell_complain(shell, "%s: a %s volume of this size cannot have %s%s%s", word, type,
                              *format->label ? "this label" : "",
                              *format->label && format->cluster_bytes ? ", or " : "",
                              format->cluster_bytes ? "clusters of this size" : "");
    case -ENOSPC: return shell_complain(shell, "%s: too small for a %s volume", word, type);
    case -EFBIG: return shell_complain(shell, "%s: too large for a %s volume", word, type);
    default: return shell_fail(shell, word, status);
    }
}

static int format_device(struct shell *shell, const char *word, const struct driver *driver,
                         const struct volume_format *format, const struct device_handle *handle)
{
    if (device_is_read_only(handle->device))
        return shell_fail(shell, word, -EROFS);
    if (!volume_confirm_loss(shell, word, handle))
        return SHELL_FAILED;

    /* Claimed after the question, since a person may take long to answer. */
    status_t status = device_claim(handle);
    if (status)
        return shell_fail(shell, word, status);
    status = driver->format_fs(handle, format);
    device_release(handle);
    return status ? format_fail(shell, word, driver->name, format, status) : SHELL_DONE;
}

/* Lets the new file system be mounted, and reports where. */
static int show_result(struct shell *shell, const char *word, struct device *device)
{
    struct mount_info *info = mem_alloc(sizeof(*info));
    status_t status = info ? monitor_look_again(device) : -ENOMEM;
    if (!status && !mounts_of_device(shell, word, info))
        stream_format(shell->out, "%s: %s, at %s\n", word, info->fs.type, info->path);
    mem_free(info);
    return status ? shell_fail(shell, word, status) : SHELL_DONE;
}

static int run_format(struct shell *shell, int count, char **words)
{
    struct volume_format format;
    struct device *device;
    struct device_handle handle;
    (void)count;
    if (!parse_format(shell, &format))
        return SHELL_USAGE;

    const struct driver *driver = volume_driver(words[2]);
    if (!driver || !driver->format_fs) {
        const char *why = driver ? "cannot be made; fat and exfat can"
                                 : "no driver of this name is loaded, or at /System";
        driver_put(driver);
        IGNORE(shell_complain(shell, "%s: %s", words[2], why));
        return SHELL_USAGE;
    }
    int result = SHELL_FAILED;
    if (volume_open(shell, words[1], true, &device, &handle)) {
        result = format_device(shell, words[1], driver, &format, &handle);
        device_close(&handle);
        if (!result)
            result = show_result(shell, words[1], device);
        device_put(device);
    }
    driver_put(driver);
    return result;
}

static const struct shell_option format_options[] = {
    { 'n', "name", "LABEL", "the volume's label" },
    { 's', "cluster", "BYTES", "the size of clusters: a power of two" },
    { 'y', "yes", NULL, "do not ask" },
    { 0 },
};

static const struct shell_command command_format = {
    .name = "format",
    .arguments = "[-y] [-n LABEL] [-s BYTES] DEVICE fat|exfat",
    .summary = "make an empty file system on a device, whose contents are lost",
    .arguments_min = 2,
    .arguments_max = 2,
    .run = run_format,
    .options = format_options,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_format);
DRIVER_DRIVES("command format Devices and mounts: "
              "make an empty file system on a device, whose contents are lost");
