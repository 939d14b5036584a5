/*
 * du.c - sums the sizes of files and directories: du.
 *
 * A size is that of the whole blocks which a file takes on the medium. The walk visits a directory
 * before its contents; du prints it after them, so the sums of the directories that are open are
 * kept in an array, one for each level.
 */
#include "kernel/module/info.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/listing.h"
#include "shell/reading/paths.h"
#include "shell/reading/show.h"
#include "shell/reading/walk.h"

struct du_level {
    uint64_t bytes;
    char *text; /* the directory's path below the start, on the heap */
};

struct du {
    struct shell *shell;
    bool human, all, apparent; /* -h; -a; -b: bytes instead of blocks */
    unsigned shift;            /* sizes are in units of 1 << shift bytes */
    uint64_t depth_max;        /* of what is printed */
    uint32_t block_bytes;
    uint64_t grand_bytes;
    const char *start;
    unsigned depth; /* levels[depth] is the directory whose contents are being counted */
    struct du_level levels[WALK_DEPTH_MAX + 2];
};

static void du_print(const struct du *du, uint64_t bytes, const char *start, const char *text)
{
    struct stream *out = du->shell->out;
    char size[SIZE_TEXT_BYTES];
    if (du->human)
        space_text(size, bytes, true);
    else
        format_text(size, sizeof(size), "%llu",
                    (unsigned long long)((bytes + ((uint64_t)1 << du->shift) - 1) >> du->shift));
    stream_format(out, "%s\t", size);
    stream_escaped(out, start, false);

    /* The start may end with a slash already, as `/` does. */
    if (*text && start[strlen(start) - 1] != '/')
        stream_text(out, "/");
    stream_escaped(out, text, false);
    stream_text(out, "\n");
}

/* Prints a directory when its contents have been counted, and adds it to the one above. */
static void du_leave(struct du *du)
{
    struct du_level *level = &du->levels[du->depth--];
    if (du->depth + 1 <= du->depth_max)
        du_print(du, level->bytes, du->start, level->text);
    du->levels[du->depth].bytes += level->bytes;
    mem_free(level->text);
}

/* Returns the bytes that a node takes, in whole blocks. Links and devices take none. */
static uint64_t du_size(const struct du *du, const struct node_info *info)
{
    uint64_t block = du->block_bytes && !du->apparent ? du->block_bytes : 1;
    bool counts = info->type == NODE_FILE || info->type == NODE_DIRECTORY;
    return counts ? (info->size_bytes + block - 1) / block * block : 0;
}

static status_t du_item(struct du *du, const struct walk_item *item)
{
    /* The walk is depth first: an item at depth n is outside all directories of depth >= n. */
    while (item->depth && du->depth >= item->depth)
        du_leave(du);

    /* A node without information has no size. */
    if (!item->found)
        return item->status;

    uint64_t bytes = du_size(du, &item->info);

    /* A file counts for the directory that contains it. */
    if (item->info.type != NODE_DIRECTORY) {
        if (du->all && item->depth && item->depth <= du->depth_max)
            du_print(du, bytes, du->start, item->text);
        du->levels[du->depth].bytes += bytes;
        return item->status;
    }

    /* The item's text is lost with the next item, but the directory is printed after its
     * contents. */
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

    /* A node that fails is reported, and the sums contain the others. */
    while ((got = walk_next(walk, &item)) > 0) {
        status_t status = du_item(du, &item);
        if (status)
            result = shell_fail_below(du->shell, du->start, item.text, status);
    }

    /* After ^C the sums are incomplete, and are not printed. */
    if (got == -EINTR)
        du->depth_max = 0;

    /* Print the directories that are still open, from the innermost on. */
    while (du->depth)
        du_leave(du);
    if (got < 0)
        return shell_fail(du->shell, du->start, got);
    return shell_end_skipped(du->shell, du->start, walk_skipped(walk), result);
}

/* Counts and prints one PATH. A link counts itself, unless -H is given or a slash follows it. */
static int du_place(struct du *du, const char *name)
{
    char links = option_last(du->shell, "DHP");
    unsigned flags = links == 'D' || links == 'H' ? 0 : WALK_NO_FOLLOW;
    struct path *path;
    struct walk *walk = NULL;
    struct node_info info;
    struct fs_info *fs = mem_alloc(sizeof(*fs));
    status_t status = fs ? path_walk(du->shell->directory, name, flags, &path) : -ENOMEM;
    int result = SHELL_FAILED;
    if (status)
        goto out;

    /* Files take whole blocks, whose size the file system knows. */
    du->start = name;
    status = path_fsd(path)->ops->get_fs_info(path_fsd(path), fs);

    /* Without an answer, bytes are counted instead of blocks. */
    du->block_bytes = status ? 0 : fs->block_bytes;

    /* A size and a walk are needed: either may fail for the start already. */
    status = path_info(path, INFO_STANDARD, &info);
    if (!status)
        status = walk_begin(path, WALK_NESTED, &walk);
    if (!status) {
        /* Level 0 is PATH itself. If that is a file, the walk visits it and adds its size. */
        du->levels[0].bytes = info.type == NODE_DIRECTORY ? du_size(du, &info) : 0;
        result = du_walk(du, walk);

        /* PATH itself comes last, even with -s. */
        if (result != SHELL_INTERRUPTED)
            du_print(du, du->levels[0].bytes, name, "");
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
    /* The levels are too large for a stack. */
    struct du *du = mem_zalloc(sizeof(*du));
    int result = SHELL_DONE;
    if (!du)
        return shell_fail(shell, NULL, -ENOMEM);

    du->shell = shell;
    char unit = option_last(shell, "bhkm");
    du->human = unit == 'h';
    du->shift = unit == 'b' ? 0 : unit == 'm' ? 20 : 10;
    du->apparent = option_given(shell, 'b') || option_given_name(shell, "apparent-size");
    du->all = option_given(shell, 'a');

    /* -s prints nothing but totals, as -d 0 does. */
    du->depth_max = option_given(shell, 's') ? 0 : UINT64_MAX;
    if (option_given(shell, 's') && (du->all || option_given(shell, 'd'))) {
        mem_free(du);
        return shell_complain(shell, "cannot both summarize and show all entries");
    }
    if (!option_number(shell, 'd', 0, UINT64_MAX, &du->depth_max)) {
        mem_free(du);
        return SHELL_FAILED;
    }

    /* Without operands the loop runs once, for the current directory. */
    for (int i = 1; (i < count || i == 1) && result != SHELL_INTERRUPTED; i++) {
        int one = du_place(du, count > 1 ? words[i] : ".");
        result = one ? one : result;
    }

    if (option_given(shell, 'c') && result != SHELL_INTERRUPTED)
        du_print(du, du->grand_bytes, "total", "");
    mem_free(du);
    return result;
}

static const struct shell_option du_options[] = {
    { 's', "summarize", NULL, "print only a total for each PATH" },
    { 'h', "human-readable", NULL, "print sizes such as 1.2K or 34M instead of KiB" },
    { 'a', "all", NULL, "list files, too" },
    { 'd', "max-depth", "N", "print only N levels below each PATH" },
    { 'D', "dereference-args", NULL, "as -H" },
    { 'H', NULL, NULL, "follow links that are given as PATH" },
    { 'P', "no-dereference", NULL, "do not follow them (the default)" },
    { 'k', NULL, NULL, "print sizes in KiB (the default)" },
    { 'l', "count-links", NULL, "no effect: a file has one name" },
    { 'm', NULL, NULL, "print sizes in MiB" },
    { 'b', "bytes", NULL, "print the sizes of contents in bytes" },
    { 0, "apparent-size", NULL, "add the sizes of contents, not of blocks" },
    { 'x', "one-file-system", NULL, "stay on one mount (always on)" },
    { 'c', "total", NULL, "print a grand total at the end" },
    { 0 },
};

static const struct shell_command command_du = {
    .name = "du",
    .arguments = "[-abcDhHklmPsx] [-d N] [PATH...]",
    .summary = "show the space that files use, in KiB, on one mount",
    .arguments_max = -1,
    .run = run_du,
    .options = du_options,
    .failing = "cannot access",
    .group = "Trees",
};
SHELL_COMMAND(command_du);
DRIVER_DRIVES("command du Trees: show the space that files use, in KiB, on one mount");
