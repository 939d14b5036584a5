/*
 * df.c - shows the size and free space of mounted file systems: df.
 */
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/mounts.h"
#include "shell/reading/show.h"

/* Prints a file system, and before the first one the header. */
static void df_line(struct shell *shell, const struct mount_info *info, bool *titled)
{
    bool human = option_given(shell, 'h');
    if (!*titled)
        stream_format(shell->out, "%-12s %10s %10s %10s %4s %s\n", "Device",
                      human ? "Size" : "1K-blocks", "Used", "Available", "Use%", "Mounted on");
    *titled = true;

    /* A file system may report more free bytes than its size; it is then shown as empty. */
    uint64_t total = info->fs.total_bytes, free = info->fs.free_bytes;
    uint64_t used = total > free ? total - free : 0;

    /* Sizes are in KiB, or with -h in the unit that fits. */
    char size[SIZE_TEXT_BYTES], taken[SIZE_TEXT_BYTES], left[SIZE_TEXT_BYTES], percent[8] = "-";
    space_text(size, total, human);
    space_text(taken, used, human);
    space_text(left, free, human);

    /* The percentage is rounded up (POSIX). A file system without a size has none. */
    if (total)
        format_text(percent, sizeof(percent), "%u%%",
                    (unsigned)((used * 100 + total - 1) / total));
    stream_format(shell->out, "%-12s %10s %10s %10s %4s ", *info->device ? info->device : "-",
                  size, taken, left, percent);
    stream_escaped(shell->out, info->path, false);
    stream_text(shell->out, "\n");
}

/* Returns true if the path `mount` is `text` or above it. */
static bool is_above(const char *mount, const char *text)
{
    size_t length = strlen(mount);
    return text_starts(text, mount) && (length == 1 || !text[length] || text[length] == '/');
}

/* Finds the mount that an operand names: the mount of a device, or else the mount that contains the
 * path, which is the one with the longest path above it. */
static status_t df_find(struct shell *shell, const char *name, struct mount_info *info)
{
    struct path *path;
    status_t status = mounts_of_device(shell, name, info);

    /* The operand is not a device, or one that is not mounted: then it is a path. */
    if (status != -ENODEV && status != -ENOENT)
        return status;
    status = path_walk(shell->directory, name, 0, &path);
    if (status)
        return status;

    /* Mounts have absolute paths without links, so the path that was reached is compared. */
    char *text = mem_alloc(PATH_BYTES_MAX + 1);
    size_t best_length = 0;
    unsigned best = 0;
    if (text)
        path_text(path, text, PATH_BYTES_MAX + 1);
    path_put(path);

    for (unsigned n = 0; text && vfs_mount_info(n, info) != -ENOENT; n++)
        if (is_above(info->path, text) && strlen(info->path) > best_length) {
            best_length = strlen(info->path);
            best = n;
        }

    /* The table may have changed since the search, which the second lookup reports. */
    mem_free(text);
    return text ? vfs_mount_usage(best, info) : -ENOMEM;
}

static int run_df(struct shell *shell, int count, char **words)
{
    struct mount_info *info = mem_alloc(sizeof(*info));
    int result = SHELL_DONE;
    status_t status = 0;
    bool titled = false;
    if (!info)
        return shell_fail(shell, NULL, -ENOMEM);

    /* The header is printed with the first line, so not after errors alone. */
    for (int i = 1; i < count; i++) {
        status = df_find(shell, words[i], info);
        if (status)
            result = shell_fail(shell, words[i], status);
        else
            df_line(shell, info, &titled);
    }

    /* A mount whose device fails is reported; the others are still listed. */
    for (unsigned n = 0; count == 1 && (status = vfs_mount_usage(n, info)) != -ENOENT; n++) {
        if (status)
            result = shell_fail(shell, info->path, status);
        else
            df_line(shell, info, &titled);
    }
    mem_free(info);
    return result;
}

static const struct shell_option df_options[] = {
    { 'h', "human-readable", NULL, "print sizes such as 1.2K or 34M instead of KiB" },
    { 0 },
};

static const struct shell_command command_df = {
    .name = "df",
    .arguments = "[-h] [PATH|DEVICE...]",
    .summary = "show the size and free space of mounted file systems",
    .arguments_max = -1,
    .run = run_df,
    .options = df_options,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_df);
