/*
 * sync.c - writes to the disks what is only in memory yet: sync.
 */
#include "shell/options.h"

/* Makes one file durable; of a directory, or with -f, everything in its file system. */
static status_t sync_operand(struct shell *shell, const char *word)
{
    struct path *path;
    struct file *file;
    status_t status = path_walk(shell->directory, word, 0, &path);
    if (status)
        return status;

    if (path_is_directory(path) || option_given(shell, 'f')) {
        status = vfs_sync(path);
    } else {
        status = file_open_path(path, OPEN_READ, &file);
        if (!status) {
            status = file_flush(file);
            file_close(file);
        }
    }
    path_put(path);
    return status;
}

static int run_sync(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    if (count == 1) {
        status_t status = vfs_sync(NULL);
        return status ? shell_fail(shell, NULL, status) : SHELL_DONE;
    }

    /* an operand that fails sets the status, and the next one is written */
    for (int i = 1; i < count && !shell_interrupted(); i++) {
        status_t status = sync_operand(shell, words[i]);
        if (status)
            result = shell_fail(shell, words[i], status);
    }
    return shell_interrupted() ? SHELL_INTERRUPTED : result;
}

static const struct shell_option sync_options[] = {
    { 'f', "file-system", NULL, "write the whole file systems that contain the files" },
    { 0 },
};

static const struct shell_command command_sync = {
    .name = "sync",
    .arguments = "[-f] [FILE...]",
    .summary = "write to the disks what is still in memory; without FILE, everything",
    .arguments_max = -1,
    .run = run_sync,
    .options = sync_options,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_sync);
