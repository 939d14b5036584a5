/*
 * rm.c - removes files, and directories with all their contents: rm.
 *
 * A tree is removed in two passes, without recursion: the walk removes the files and collects the
 * directories, parents first; then the directories are removed, the last one first, when they are
 * empty. The walk stays on one mount, so a tree with a mount point in it fails with EBUSY there.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/paths.h"
#include "shell/reading/listing.h"
#include "shell/reading/walk.h"

/* A directory to be removed when its contents are gone. */
struct doomed {
    struct doomed *next;
    struct path *parent; /* a reference */
    char text[];         /* its path below the start */
};

/* With -v, in GNU's words: removed 'NAME'. */
static void report_removed(struct shell *shell, const char *name, bool directory)
{
    if (!option_given(shell, 'v'))
        return;
    stream_text(shell->out, directory ? "removed directory '" : "removed '");
    stream_escaped(shell->out, name, false);
    stream_text(shell->out, "'\n");
}

/* ---- a tree ------------------------------------------------------------------------------- */

static status_t doomed_push(struct doomed **list, struct path *parent, const char *text)
{
    size_t bytes = strlen(text) + 1;
    struct doomed *doomed = mem_alloc(sizeof(*doomed) + bytes);
    if (!doomed)
        return -ENOMEM;
    doomed->parent = path_get(parent);
    memcpy(doomed->text, text, bytes);
    doomed->next = *list;
    *list = doomed;
    return 0;
}

/* Removes the node that a walk from `start` calls `text`: `name` in the directory `parent`. */
static int rm_node(struct shell *shell, const char *start, struct path *parent, const char *text,
                   const char *name, bool directory)
{
    status_t status = vfs_unlink(parent, name);
    if (status)
        return shell_fail_below(shell, start, text, status);

    /* The path is needed only for the message of -v. */
    char *path = option_given(shell, 'v') ? join_path(start, text) : NULL;
    if (path)
        report_removed(shell, path, directory);
    mem_free(path);
    return SHELL_DONE;
}

/* Removes the files of a tree, and collects its directories in *list. */
static int rm_files(struct shell *shell, struct walk *walk, const char *start,
                    struct doomed **list)
{
    struct walk_item item;
    int result = SHELL_DONE, got;
    while ((got = walk_next(walk, &item)) > 0) {
        int one = SHELL_DONE;

        /* A directory that could not be listed is removed at once, or the attempt is reported. */
        if (!item.found || item.info.type != NODE_DIRECTORY || item.status)
            one = rm_node(shell, start, item.parent, item.text, item.name, false);
        else if (doomed_push(list, item.parent, item.text))
            one = shell_fail_below(shell, start, item.text, -ENOMEM);
        result = one ? one : result;
    }

    if (got < 0)
        return shell_fail(shell, start, got);
    return shell_end_skipped(shell, start, walk_skipped(walk), result);
}

static int rm_tree(struct shell *shell, struct path *path, const char *start)
{
    struct walk *walk;
    struct doomed *list = NULL;
    status_t status = walk_begin(path, WALK_NESTED, &walk);
    if (status)
        return shell_fail(shell, start, status);

    /* First pass: the walk needs the directories that it is in, so they are kept. */
    int result = rm_files(shell, walk, start, &list);
    walk_end(walk);

    /* The list begins with the directory found last, so children come before their parents. */
    while (list) {
        struct doomed *doomed = list;
        const char *slash = strrchr(doomed->text, '/');
        list = doomed->next;
        if (result != SHELL_INTERRUPTED) {
            int one = rm_node(shell, start, doomed->parent, doomed->text,
                              slash ? slash + 1 : doomed->text, true);
            result = one ? one : result;
        }
        path_put(doomed->parent);
        mem_free(doomed);
    }
    return result;
}

/* Removes the contents of a directory. Refuses what cannot succeed before anything is removed. */
static int rm_contents(struct shell *shell, struct path *path, const char *name)
{
    if (!option_given(shell, 'r') && !option_given(shell, 'R'))
        return shell_fail(shell, name, -EISDIR);
    if (path_is_mount_point(path))
        return shell_fail(shell, name, -EBUSY);
    if (path_is_inside(shell->directory, path))
        return shell_complain(shell, "%s: contains the current directory", name);
    return rm_tree(shell, path, name);
}

/* ---- the command -------------------------------------------------------------------------- */

/* Returns true if the last element is "." or "..". */
static bool ends_in_dots(const char *name)
{
    size_t length;
    const char *base = base_name(name, &length);
    return text_equal_n(base, length, ".", 1) || text_equal_n(base, length, "..", 2);
}

/* `rm -r LINK/` would empty the directory that the link leads to, and then fail to remove it. */
static bool is_link_with_slash(struct shell *shell, const char *name)
{
    size_t length = strlen(name);
    struct path *path;
    char *bare = length && name[length - 1] == '/' ? join_path(name, "") : NULL;
    if (!bare)
        return false;

    /* The name without slashes is that of the link itself. */
    while (length > 1 && bare[length - 1] == '/')
        bare[--length] = '\0';
    bool link = !path_walk(shell->directory, bare, WALK_NO_FOLLOW, &path);
    if (link) {
        link = path_vnode(path)->type == NODE_LINK;
        path_put(path);
    }
    mem_free(bare);
    return link;
}

static int rm_one(struct shell *shell, const char *name)
{
    struct path *path;

    /* POSIX: `.` and `..` are refused before their contents are gone. */
    if (ends_in_dots(name))
        return shell_complain(shell, "%s: refusing to remove `.` or `..`", name);

    status_t status = is_link_with_slash(shell, name)
                          ? -ENOTDIR
                          : path_walk(shell->directory, name, WALK_NO_FOLLOW, &path);

    /* With -f a file that does not exist is not an error (POSIX). */
    if (option_given(shell, 'f') && (status == -ENOENT || status == -ENOTDIR))
        return SHELL_DONE;
    if (status)
        return shell_fail(shell, name, status);

    /* The contents are removed first, then the node itself. */
    bool directory = path_is_directory(path);
    int result = directory ? rm_contents(shell, path, name) : SHELL_DONE;
    path_put(path);
    if (result)
        return result;

    /* A directory whose contents could not all be removed has failed above. */
    status = vfs_unlink(shell->directory, name);
    if (status)
        return shell_fail(shell, name, status);
    report_removed(shell, name, directory);
    return SHELL_DONE;
}

static int run_rm(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;

    /* POSIX: with -f there need not be an operand. */
    if (count == 1 && !option_given(shell, 'f'))
        return shell_usage(shell);
    for (int i = 1; i < count && !shell_interrupted(); i++) {
        int one = rm_one(shell, words[i]);
        result = one ? one : result;
    }
    return result;
}

static const struct shell_option rm_options[] = {
    { 'r', "recursive", NULL, "remove directories and their contents" },
    { 'R', NULL, NULL, "same as -r" },
    { 'f', "force", NULL, "ignore missing files" },
    { 'v', "verbose", NULL, "report each file removed" },
    { 0 },
};

static const struct shell_command command_rm = {
    .name = "rm",
    .arguments = "[-rfv] PATH...",
    .summary = "remove files, and directories with -r",
    .arguments_max = -1,
    .run = run_rm,
    .options = rm_options,
    .failing = "cannot remove",
    .group = "Files",
};
SHELL_COMMAND(command_rm);
