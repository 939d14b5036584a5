/*
 * space.c - how much there is of it: du, df, free, mem.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/listing.h"
#include "shell/reading/mounts.h"
#include "shell/reading/walk.h"

/* KiB, rounded up; or as people write it. */
static void space_text(char text[SIZE_TEXT_BYTES], uint64_t bytes, bool human)
{
    size_text(text, human ? bytes : bytes / 1024 + (bytes % 1024 != 0), human);
}

/* ---- du ----------------------------------------------------------------------------------- */

struct du_level {
    uint64_t bytes;
    char *text; /* of the directory, on the heap */
};

struct du {
    struct shell *shell;
    bool human, total_only, all, grand;
    uint32_t block_bytes;
    uint64_t grand_bytes;
    const char *start;
    unsigned depth; /* levels[depth] is the directory that is being counted */
    struct du_level levels[WALK_DEPTH_MAX + 2];
};

static void du_say(const struct du *du, uint64_t bytes, const char *start, const char *text)
{
    struct stream *out = du->shell->out;
    char size[SIZE_TEXT_BYTES];
    space_text(size, bytes, du->human);
    stream_format(out, "%s\t", size);
    stream_escaped(out, start, false);
    if (*text && start[strlen(start) - 1] != '/')
        stream_text(out, "/");
    stream_escaped(out, text, false);
    stream_text(out, "\n");
}

static void du_leave(struct du *du)
{
    struct du_level *level = &du->levels[du->depth--];
    if (!du->total_only)
        du_say(du, level->bytes, du->start, level->text);
    du->levels[du->depth].bytes += level->bytes;
    mem_free(level->text);
}

/* Whole blocks, as on the medium. */
static uint64_t du_size(const struct du *du, const struct node_info *info)
{
    uint64_t block = du->block_bytes ? du->block_bytes : 1;
    bool counts = info->type == NODE_FILE || info->type == NODE_DIRECTORY;
    return counts ? (info->size_bytes + block - 1) / block * block : 0;
}

static status_t du_item(struct du *du, const struct walk_item *item)
{
    while (item->depth && du->depth >= item->depth)
        du_leave(du);
    if (!item->found)
        return item->status;
    uint64_t bytes = du_size(du, &item->info);
    if (item->info.type != NODE_DIRECTORY) {
        if (du->all && item->depth)
            du_say(du, bytes, du->start, item->text);
        du->levels[du->depth].bytes += bytes;
        return item->status;
    }
    char *text = join_path(item->text, "");
    if (!text)
        return -ENOMEM;
    du->levels[++du->depth] = (struct du_level){ .bytes = bytes, .text = text };
    return item->status;
}

static int du_walk(struct du *du, struct walk *walk)
{
    struct walk_item item;
    int got, result = SHELL_DONE;
    while ((got = walk_next(walk, &item)) > 0) {
        status_t status = du_item(du, &item);
        if (status)
            result = shell_fail_below(du->shell, du->start, item.text, status);
    }
    if (got == -EINTR)
        du->total_only = true; /* what was counted so far is nobody's size */
    while (du->depth)
        du_leave(du);
    if (got < 0)
        return shell_fail(du->shell, du->start, got);
    return shell_end_skipped(du->shell, du->start, walk_skipped(walk), result);
}

static int du_place(struct du *du, const char *name)
{
    struct path *path;
    struct walk *walk = NULL;
    struct node_info info;
    struct fs_info *fs = mem_alloc(sizeof(*fs));
    status_t status = fs ? path_walk(du->shell->directory, name, 0, &path) : -ENOMEM;
    int result = SHELL_FAILED;
    if (status)
        goto out;
    du->start = name;
    status = path_fsd(path)->ops->get_fs_info(path_fsd(path), fs);
    du->block_bytes = status ? 0 : fs->block_bytes;
    status = path_info(path, INFO_STANDARD, &info);
    if (!status)
        status = walk_begin(path, WALK_NESTED, &walk);
    if (!status) {
        du->levels[0].bytes = info.type == NODE_DIRECTORY ? du_size(du, &info) : 0;
        result = du_walk(du, walk);
        if (result != SHELL_INTERRUPTED)
            du_say(du, du->levels[0].bytes, name, "");
        du->grand_bytes += du->levels[0].bytes;
    }
    walk_end(walk);
    path_put(path);
out:
    mem_free(fs);
    return status ? shell_fail(du->shell, name, status) : result;
}

static int run_du(struct shell *shell, int count, char **words)
{
    struct du *du = mem_zalloc(sizeof(*du));
    int result = SHELL_DONE;
    if (!du)
        return shell_fail(shell, NULL, -ENOMEM);
    du->shell = shell;
    du->human = option_given(shell, 'h');
    du->total_only = option_given(shell, 's');
    du->all = option_given(shell, 'a') && !du->total_only;
    for (int i = 1; (i < count || i == 1) && result != SHELL_INTERRUPTED; i++) {
        int one = du_place(du, count > 1 ? words[i] : ".");
        result = one ? one : result;
    }
    if (option_given(shell, 'c') && result != SHELL_INTERRUPTED)
        du_say(du, du->grand_bytes, "total", "");
    mem_free(du);
    return result;
}

static const struct shell_option du_options[] = {
    { 's', "summarize", NULL, "only the sum of each PATH" },
    { 'h', "human-readable", NULL, "sizes as 1.2K, 34M instead of KiB" },
    { 'a', "all", NULL, "files too" },
    { 'c', "total", NULL, "the sum of all at the end" },
    { 0 },
};

static const struct shell_command command_du = {
    .name = "du",
    .arguments = "[-shac] [PATH...]",
    .summary = "what files and directories take, in KiB; stays on one mount",
    .arguments_max = -1,
    .run = run_du,
    .options = du_options,
    .group = "Trees",
};
SHELL_COMMAND(command_du);

/* ---- df ----------------------------------------------------------------------------------- */

/* With the header above the first line. */
static void df_line(struct shell *shell, const struct mount_info *info, bool *titled)
{
    bool human = option_given(shell, 'h');
    if (!*titled)
        stream_format(shell->out, "%-12s %10s %10s %10s %4s %s\n", "Device",
                      human ? "Size" : "1K-blocks", "Used", "Available", "Use%", "Mounted on");
    *titled = true;
    uint64_t total = info->fs.total_bytes, free = info->fs.free_bytes;
    uint64_t used = total > free ? total - free : 0;
    char size[SIZE_TEXT_BYTES], taken[SIZE_TEXT_BYTES], left[SIZE_TEXT_BYTES], percent[8] = "-";
    space_text(size, total, human);
    space_text(taken, used, human);
    space_text(left, free, human);
    if (total)
        format_text(percent, sizeof(percent), "%u%%",
                    (unsigned)((used * 100 + total - 1) / total));
    stream_format(shell->out, "%-12s %10s %10s %10s %4s ", *info->device ? info->device : "-",
                  size, taken, left, percent);
    stream_escaped(shell->out, info->path, false);
    stream_text(shell->out, "\n");
}

/* Is the mount's path the text or above it? */
static bool is_above(const char *mount, const char *text)
{
    size_t length = strlen(mount);
    return text_starts(text, mount) && (length == 1 || !text[length] || text[length] == '/');
}

/* The mount of a device, or that a path lies on: of those above it the one with the longest
 * path. */
static status_t df_find(struct shell *shell, const char *name, struct mount_info *info)
{
    struct path *path;
    status_t status = mounts_of_device(shell, name, info);
    if (status != -ENODEV && status != -ENOENT)
        return status;
    status = path_walk(shell->directory, name, 0, &path);
    if (status)
        return status;
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
    mem_free(text);
    return text ? vfs_mount_info(best, info) : -ENOMEM;
}

static int run_df(struct shell *shell, int count, char **words)
{
    struct mount_info *info = mem_alloc(sizeof(*info));
    int result = SHELL_DONE;
    status_t status = 0;
    bool titled = false;
    if (!info)
        return shell_fail(shell, NULL, -ENOMEM);
    for (int i = 1; i < count; i++) {
        status = df_find(shell, words[i], info);
        if (status)
            result = shell_fail(shell, words[i], status);
        else
            df_line(shell, info, &titled);
    }
    for (unsigned n = 0; count == 1 && (status = vfs_mount_info(n, info)) != -ENOENT; n++) {
        if (status)
            result = shell_fail(shell, info->path, status);
        else
            df_line(shell, info, &titled);
    }
    mem_free(info);
    return result;
}

static const struct shell_option df_options[] = {
    { 'h', "human-readable", NULL, "sizes as 1.2K, 34M instead of KiB" },
    { 0 },
};

static const struct shell_command command_df = {
    .name = "df",
    .arguments = "[-h] [PATH|DEVICE...]",
    .summary = "size and free space of what is mounted",
    .arguments_max = -1,
    .run = run_df,
    .options = df_options,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_df);

/* ---- free, mem ---------------------------------------------------------------------------- */

static int run_free(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    bool human = option_given(shell, 'h');
    uint64_t total = page_total_count(), free = page_free_count(), cached = vfs_counts().pages;
    uint64_t used = total > free + cached ? total - free - cached : 0;
    uint64_t pages[] = { total, used, free, cached, free + cached };
    stream_format(shell->out, "%-4s %11s %11s %11s %11s %11s\nMem:", "", "total", "used", "free",
                  "cached", "available");
    for (unsigned i = 0; i < ARRAY_LENGTH(pages); i++) {
        char text[SIZE_TEXT_BYTES];
        space_text(text, pages[i] * PAGE_BYTES, human);
        stream_format(shell->out, " %11s", text);
    }
    stream_text(shell->out, "\n");
    return SHELL_DONE;
}

static const struct shell_option free_options[] = {
    { 'h', "human", NULL, "sizes as 1.2K, 34M instead of KiB" },
    { 'k', "kibi", NULL, "KiB: always so without -h" },
    { 0 },
};

static const struct shell_command command_free = {
    .name = "free",
    .arguments = "[-hk]",
    .summary = "memory, in KiB; what is cached can be had again",
    .run = run_free,
    .options = free_options,
    .group = "The machine",
};
SHELL_COMMAND(command_free);

static int run_mem(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    if (option_given_name(shell, "reclaim"))
        while (vfs_reclaim(64))
            ;
    struct vfs_counts counts = vfs_counts();
    stream_format(shell->out, "total pages: %zu\nfree pages: %zu\nheap bytes: %zu\n",
                  page_total_count(), page_free_count(), mem_used_bytes());
    stream_format(shell->out, "cached pages: %zu\nvnodes: %zu\nunused vnodes: %zu\n",
                  counts.pages, counts.vnodes, counts.unused_vnodes);
    return SHELL_DONE;
}

static const struct shell_option mem_options[] = {
    { 0, "reclaim", NULL, "drop what is only cached first" },
    { 0 },
};

static const struct shell_command command_mem = {
    .name = "mem",
    .arguments = "[--reclaim]",
    .summary = "memory in use, page by page",
    .run = run_mem,
    .options = mem_options,
    .group = "The machine",
};
SHELL_COMMAND(command_mem);
