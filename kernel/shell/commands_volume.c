/*
 * commands_volume.c - what a file system says of its volume: volinfo.
 */
#include "kernel/shell/shell.h"
#include "lib/text.h"

struct shell_sink {
    struct text_sink sink;
    struct shell *shell;
};

static void shell_sink_write(struct text_sink *sink, const char *text, size_t bytes)
{
    stream_write(((struct shell_sink *)(void *)sink)->shell->out, text, bytes);
}

static int run_volinfo(struct shell *shell, int count, char **words)
{
    struct shell_sink sink = { .sink.write = shell_sink_write, .shell = shell };
    bool node = text_equal(words[1], "-r");
    const char *name = words[count - 1];
    if (count != 2 + node || (!node && words[1][0] == '-'))
        return shell_usage(shell);
    struct device *device = node ? NULL : device_find(name);
    struct path *path = NULL;
    status_t status;
    if (device) {
        status = device_describe_volume(name, &sink.sink);
    } else {
        status = path_walk(shell->directory, name, node ? WALK_NO_FOLLOW : 0, &path);
        if (!status)
            status = path_describe(path, node, &sink.sink);
    }
    path_put(path);
    device_put(device);
    return status ? shell_fail(shell, name, status) : SHELL_DONE;
}

static const struct shell_command command_volinfo = {
    .name = "volinfo",
    .arguments = "DEVICE|PATH | -r PATH",
    .summary = "a volume's descriptors, boot catalog and anomalies; -r: one node's record",
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run_volinfo,
};
SHELL_COMMAND(command_volinfo);
