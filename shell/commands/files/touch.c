/*
 * touch.c - creates empty files, or sets the modification time of files to now: touch.
 */
#include "shell/options.h"

static status_t touch_one(struct shell *shell, const char *name)
{
    struct path *path;
    struct file *file;
    status_t status = path_walk(shell->directory, name, 0, &path);

    if (status == -ENOENT) {
        if (option_given(shell, 'c'))
            return 0;

        /* A new file has the current time already. */
        status = file_open(shell->directory, name, OPEN_WRITE | OPEN_CREATE, &file);
        if (!status)
            file_close(file);

        /* Only a directory could have a name that ends with a slash, so "NAME/" is missing. */
        return status == -EISDIR ? -ENOENT : status;
    }
    if (status)
        return status;

    /* -EINVAL: the file system does not store times, so there is nothing to set. */
    int64_t now = time_wall_s();
    status = now == INT64_MIN ? 0 : path_set_modified(path, now);
    path_put(path);
    return status == -EINVAL ? 0 : status;
}

static int run_touch(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    for (int i = 1; i < count && !shell_interrupted(); i++) {
        /* A file that fails sets the status, and the next one is processed. */
        status_t status = touch_one(shell, words[i]);
        if (status)
            result = shell_fail(shell, words[i], status);
    }
    return result;
}

static const struct shell_option touch_options[] = {
    { 'c', "no-create", NULL, "do not create files" },
    { 0 },
};

static const struct shell_command command_touch = {
    .name = "touch",
    .arguments = "[-c] FILE...",
    .summary = "create empty files, or set the times of files to now",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_touch,
    .options = touch_options,
    .failing = "cannot touch",
    .group = "Files",
};
SHELL_COMMAND(command_touch);
