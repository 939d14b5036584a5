/*
 * volinfo.c - shows what a file system reports about its volume: volinfo.
 *
 * The file system describes the volume itself; this command adds the other formats that share the
 * medium.
 */
#include "lib/macros.h"
#include "lib/text.h"
#include "shell/options.h"

struct shell_sink {
    struct text_sink sink;
    struct shell *shell;
};

static void shell_sink_write(struct text_sink *sink, const char *text, size_t bytes)
{
    stream_write(container_of(sink, struct shell_sink, sink)->shell->out, text, bytes);
}

/* Prints the formats that share the medium, such as ISO 9660 and UDF on a bridge disc. */
static void print_formats(struct shell *shell, struct device *device, struct path *path)
{
    char names[MOUNT_REASON_BYTES];
    struct device_handle handle;
    struct identify *found = mem_alloc(sizeof(*found));
    status_t status = found ? 0 : -ENOMEM;

    /* For a path, the medium that its volume is on is identified. */
    if (!status && device) {
        status = device_open(device, &handle);
        if (!status) {
            status = device_identify(&handle, found);
            device_close(&handle);
        }
    } else if (!status) {
        status = path_identify(path, found);
    }

    /* A single format was described already, and an error here is no reason to fail. */
    if (!status && found->count > 1) {
        identify_text(found, true, names, sizeof(names));
        stream_format(shell->out, "formats on the medium: %s\n", names);
    }
    mem_free(found);
}

/* Reports an error; a medium without a known file system is identified. */
static int volume_fail(struct shell *shell, const char *name, status_t status)
{
    char reason[MOUNT_REASON_BYTES];
    if (status != -EMEDIUMTYPE && status != -EIO)
        return shell_fail(shell, name, status);

    /* The medium may contain a format that Spindle knows but cannot mount, which helps more. */
    device_mount_reason(name, status, reason, sizeof(reason));
    return shell_complain(shell, "%s: %s", name, reason);
}

static int run_volinfo(struct shell *shell, int count, char **words)
{
    struct shell_sink sink = { .sink.write = shell_sink_write, .shell = shell };
    (void)count;

    /* A device's name comes first, as for `mount`. With -r only a path has a record. */
    bool node = option_given(shell, 'r');
    const char *name = words[1];
    struct device *device = node || !*name ? NULL : device_find(name);
    struct path *path = NULL;
    status_t status;

    /* The volume of a device need not be mounted. */
    if (device) {
        status = device_describe_volume(name, &sink.sink);
    } else {
        status = path_walk(shell->directory, name, node ? WALK_NO_FOLLOW : 0, &path);
        if (!status)
            status = path_describe(path, node, &sink.sink);
    }

    /* Only a volume shares its medium; a record does not. */
    if (!status && !node)
        print_formats(shell, device, path);
    path_put(path);
    device_put(device);
    return status ? volume_fail(shell, name, status) : SHELL_DONE;
}

static const struct shell_option volinfo_options[] = {
    { 'r', "record", NULL, "show the record of one file or directory" },
    { 0 },
};

static const struct shell_command command_volinfo = {
    .name = "volinfo",
    .arguments = "DEVICE|PATH | -r PATH",
    .summary = "show a volume's descriptors, boot catalog and anomalies",
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_volinfo,
    .options = volinfo_options,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_volinfo);
