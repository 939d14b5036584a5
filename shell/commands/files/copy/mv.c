/*
 * mv.c - moves and renames files and directories: mv.
 *
 * Within one file system a move is one rename, which replaces the target atomically. A file moves
 * to another file system by a copy, after which the old name is removed. A directory does not: if
 * a part could be neither copied nor removed, the tree would be in two places.
 */
#include "lib/text.h"
#include "shell/commands/files/copy/copy.h"
#include "shell/options.h"
#include "shell/reading/paths.h"

/* Copies a file, or a link as a link. */
static int move_content(struct copy *copy, struct path *path, const char *from, const char *to)
{
    struct node_info info;
    status_t status = path_info(path, INFO_DIRENT, &info);
    if (status)
        return shell_fail(copy->shell, from, status);
    copy->strict_links = true;
    return info.type == NODE_LINK ? copy_link(copy, path, from, to)
                                  : copy_file(copy, path, from, to);
}

/* Moves a file to another file system. */
static int move_file(struct copy *copy, const char *from, const char *to)
{
    struct shell *shell = copy->shell;
    struct path *path;
    status_t status = path_walk(shell->directory, from, WALK_NO_FOLLOW, &path);
    if (status)
        return shell_fail(shell, from, status);

    /* The source must be removable. Check that first, before a useless copy is made. */
    int result;
    if (path_fsd(path)->read_only || !path_fsd(path)->ops->unlink)
        result = shell_fail(shell, from, -EROFS);
    else if (path_is_directory(path))
        result = shell_complain(shell, "%s: cannot move a directory to another file system; "
                                       "use cp -r, then rm -r", from);
    else
        result = move_content(copy, path, from, to);
    path_put(path);
    if (!result)
        result = copy_sync(copy, to);
    if (result)
        return result;

    /* The copy is complete and durable, so the source is not needed any more. */
    status = vfs_unlink(shell->directory, from);
    return status ? shell_fail(shell, from, status) : SHELL_DONE;
}

/* Returns whether both names end with the same word. */
static bool is_same_word(const char *from, const char *to)
{
    size_t length, other_length;
    const char *word = base_name(from, &length), *other = base_name(to, &other_length);
    return text_equal_n(word, length, other, other_length);
}

/* Returns true if both are names of one node: rename() would do nothing then (POSIX). Where case is
 * ignored, another spelling of a name can be given to the node. */
static bool is_same(struct shell *shell, const char *from, const char *to)
{
    struct path *a, *b;
    if (path_walk(shell->directory, from, WALK_NO_FOLLOW, &a))
        return false;

    /* Links themselves are compared, not their targets. */
    bool same = !path_walk(shell->directory, to, WALK_NO_FOLLOW, &b);
    if (same) {
        same = path_is_same(a, b) && (!path_fsd(a)->fold_case || is_same_word(from, to));
        path_put(b);
    }
    path_put(a);
    return same;
}

/* Reports why vfs_rename() failed, under the name that the reason is about. */
static int move_refused(struct shell *shell, const char *from, const char *to, status_t status)
{
    struct path *path;
    bool into_itself = false;
    if (status == -EINVAL && !path_walk(shell->directory, from, WALK_NO_FOLLOW, &path)) {
        if (copy_is_below(shell, to, path, &into_itself))
            into_itself = false;
        path_put(path);
    }
    if (into_itself)
        return shell_complain(shell, "%s: cannot move a directory into itself, %s", from, to);

    /* Each of these errors can be about either name. If the source exists, it is about the
     * target. */
    bool about_target = (status == -ENOENT || status == -ENOTDIR || status == -EISDIR ||
                         status == -ENOTEMPTY) && copy_exists(shell, from);
    return shell_fail(shell, about_target ? to : from, status);
}

/* Returns 1 if -u and -i allow that `to` is replaced, or if either name does not exist; 0 if it
 * stays, or an errno. */
static int move_may_replace(struct copy *copy, const char *from, const char *to)
{
    struct path *source, *old;
    int may = 1;
    if (path_walk(copy->shell->directory, from, WALK_NO_FOLLOW, &source))
        return may;
    if (!path_walk(copy->shell->directory, to, WALK_NO_FOLLOW, &old)) {
        may = copy_keeps(copy, source, old) ? 0 : copy_may_replace(copy, old, to);
        path_put(old);
    }
    path_put(source);
    return may;
}

static int move_one(struct copy *copy, const char *from, const char *to)
{
    struct shell *shell = copy->shell;

    /* A source that is missing is an error even with -n, so both names are looked up. */
    if (copy->keep_old && copy_exists(shell, from) && copy_exists(shell, to))
        return SHELL_DONE;
    if (is_same(shell, from, to))
        return shell_complain(shell, "%s and %s are the same file", from, to);
    int may = move_may_replace(copy, from, to);
    if (may <= 0)
        return may ? shell_fail(shell, to, may) : SHELL_DONE;

    /* A rename is atomic. Only between two file systems must the file be copied. */
    status_t status = vfs_rename(shell->directory, from, to);
    if (status == -EXDEV)
        return move_file(copy, from, to);
    if (status)
        return move_refused(shell, from, to, status);

    /* The wording is that of GNU mv. */
    copy_report(copy, "renamed ", from, to);
    return SHELL_DONE;
}

static int run_mv(struct shell *shell, int count, char **words)
{
    struct copy copy = {
        .shell = shell,
        .verbose = option_given(shell, 'v'),
        .keep_old = option_last(shell, "nfi") == 'n',
        .asks = option_last(shell, "nfi") == 'i',
        .updates = option_given(shell, 'u'),
        .guards = option_last(shell, "nfi") != 'f' && shell_is_terminal(shell, 0),
        .forces = true,
        .keep_times = true,
    };
    return copy_operands(&copy, count, words, move_one);
}

static const struct shell_option mv_options[] = {
    COPY_OPTIONS,
    { 0 },
};

static const struct shell_command command_mv = {
    .name = "mv",
    .arguments = "[-finTuv] FROM TO | FROM... DIRECTORY | -t DIR FROM...",
    .summary = "move or rename files and directories",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_mv,
    .options = mv_options,
    .group = "Files",
};
SHELL_COMMAND(command_mv);
