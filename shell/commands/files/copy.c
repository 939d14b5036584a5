/*
 * copy.c - cp and mv.
 *
 * A copy is made beside the file it replaces, and takes its name when it is complete (vfs.h,
 * replacement): one that fails or is interrupted leaves the old file as it was. Links cannot be
 * made: a link to a file is copied as that file, links inside a tree to directories, and
 * dangling ones, are reported and left out, with status 1.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/listing.h"
#include "shell/reading/paths.h"
#include "shell/reading/progress.h"
#include "shell/reading/walk.h"

struct copy {
    struct shell *shell;
    bool recursive, verbose;
    bool keep_times;
    bool keep_old;  /* -n: existing files stay */
    struct copied *open;
};

/* A directory whose content is being copied. Each entry made in it changes its time, so the time
 * is set when the walk has left it. */
struct copied {
    struct copied *above;
    unsigned depth; /* as the walk's items: 0 for the start */
    int64_t modified_s;
    char to[];
};

/* With -v: 'FROM' -> 'TO'. */
static void report(const struct copy *copy, const char *what, const char *from, const char *to)
{
    if (!copy->verbose)
        return;
    stream_format(copy->shell->out, "%s'", what);
    stream_escaped(copy->shell->out, from, false);
    stream_text(copy->shell->out, "' -> '");
    stream_escaped(copy->shell->out, to, false);
    stream_text(copy->shell->out, "'\n");
}

/* ---- one file ----------------------------------------------------------------------------- */

/* Copies the bytes; *write_failed: an error is of `to`. */
static status_t copy_bytes(struct progress *progress, struct file *from, struct file *to,
                           bool *write_failed)
{
    struct cache_view view = { 0 };
    ssize_t got;
    status_t status = 0;
    *write_failed = false;
    while (!status && (got = file_view(from, &view)) > 0) {
        status = file_write_all(to, view.data, view.length_bytes);
        *write_failed = status != 0;
        progress_add(progress, view.length_bytes);
        file_view_close(from, &view);
        view = (struct cache_view){ 0 };
        if (!status && shell_interrupted())
            status = -EINTR;
    }
    return status ? status : (status_t)got;
}

static status_t copy_end(struct copy *copy, struct replacement *target, const char *to,
                         status_t status)
{
    bool apart = target->file != target->old, replaces = target->old;
    if (!status)
        return replace_commit(target);
    replace_abandon(target);
    if (apart && shell_interrupted())
        shell_complain(copy->shell, replaces ? "%s: copy incomplete; old file kept"
                                             : "%s: copy incomplete; removed", to);
    return status;
}

static void set_modified(struct shell *shell, const char *to, int64_t modified_s)
{
    struct path *path;
    if (path_walk(shell->directory, to, 0, &path))
        return;
    IGNORE(path_set_modified(path, modified_s)); /* a file system may keep none */
    path_put(path);
}

static void copy_times(struct shell *shell, struct path *from, const char *to)
{
    struct node_info info;
    if (!path_info(from, INFO_TIMES, &info) && info.has_modified)
        set_modified(shell, to, info.modified_s);
}

/* -EALREADY when both are one file. */
static status_t copy_check(struct copy *copy, struct path *from, const char *to)
{
    struct path *path;
    status_t status = path_walk(copy->shell->directory, to, 0, &path);
    if (status)
        return status == -ENOENT ? 0 : status;
    if (path_is_same(path, from))
        status = -EALREADY;
    else if (path_is_directory(path))
        status = -EISDIR;
    else if (copy->keep_old)
        status = -EEXIST;
    path_put(path);
    return status;
}

static status_t copy_opened(struct copy *copy, struct file *source, const char *from,
                            const char *to, bool *write_failed)
{
    struct replacement target;
    struct progress *progress = mem_alloc(sizeof(*progress));
    if (!progress)
        return -ENOMEM;
    *write_failed = true;
    status_t status = replace_begin(copy->shell->directory, to, OPEN_DENY_WRITE, &target);
    if (!status) {
        progress_begin(progress, copy->shell, from, file_size(source));
        status = copy_bytes(progress, source, target.file, write_failed);
        progress_end(progress);
        status_t end = copy_end(copy, &target, to, status);
        *write_failed |= !status && end;
        status = end;
    } else if (status == -EISDIR && to[strlen(to) - 1] == '/') {
        status = -ENOTDIR; /* it was not a directory before, or is missing */
    }
    mem_free(progress);
    return status;
}

static int copy_file(struct copy *copy, struct path *path, const char *from, const char *to)
{
    struct shell *shell = copy->shell;
    struct file *source;
    bool write_failed = false;
    status_t status = copy_check(copy, path, to);
    if (status == -EALREADY)
        return shell_complain(shell, "%s and %s are the same file", from, to);
    if (status == -EEXIST)
        return SHELL_DONE;
    if (status)
        return shell_fail(shell, to, status);
    status = file_open_path(path, OPEN_READ, &source);
    if (!status) {
        status = copy_opened(copy, source, from, to, &write_failed);
        file_close(source);
    }
    if (status)
        return shell_fail(shell, write_failed ? to : from, status);
    if (copy->keep_times)
        copy_times(shell, path, to);
    report(copy, "", from, to);
    return SHELL_DONE;
}

/* ---- a tree ------------------------------------------------------------------------------- */

static int copy_mkdir(struct copy *copy, const char *to)
{
    struct path *path;
    status_t status = vfs_mkdir(copy->shell->directory, to);
    if (status == -EEXIST && !path_walk(copy->shell->directory, to, 0, &path)) {
        status = path_is_directory(path) ? 0 : -ENOTDIR;
        path_put(path);
    }
    return status ? shell_fail(copy->shell, to, status) : SHELL_DONE;
}

static int copy_link(struct copy *copy, const struct walk_item *item, const char *from,
                     const char *to)
{
    struct path *path;
    status_t status = path_walk(item->parent, item->name, 0, &path);
    if (status == -ENOENT || status == -ENOTDIR)
        return shell_complain(copy->shell, "%s: dangling symbolic link, skipped", from);
    if (status)
        return shell_fail(copy->shell, from, status);
    int result = path_is_directory(path)
                     ? shell_complain(copy->shell, "%s: symbolic link to a directory, skipped",
                                      from)
                     : copy_file(copy, path, from, to);
    path_put(path);
    return result;
}

static int copy_node(struct copy *copy, const struct walk_item *item, const char *from,
                     const char *to)
{
    struct path *path;
    status_t status = walk_path(item, &path);
    return status ? shell_fail(copy->shell, from, status) : copy_file(copy, path, from, to);
}

static status_t directory_open(struct copy *copy, const struct node_info *info, unsigned depth,
                               const char *to)
{
    if (!copy->keep_times || !info->has_modified)
        return 0;
    size_t bytes = strlen(to) + 1;
    struct copied *copied = mem_alloc(sizeof(*copied) + bytes);
    if (!copied)
        return -ENOMEM;
    *copied = (struct copied){ .above = copy->open, .depth = depth,
                               .modified_s = info->modified_s };
    memcpy(copied->to, to, bytes);
    copy->open = copied;
    return 0;
}

/* Sets the times of the directories that an item of this depth does not belong to. */
static void directories_close(struct copy *copy, unsigned depth)
{
    while (copy->open && copy->open->depth >= depth) {
        struct copied *copied = copy->open;
        copy->open = copied->above;
        set_modified(copy->shell, copied->to, copied->modified_s);
        mem_free(copied);
    }
}

static int copy_directory(struct copy *copy, const struct node_info *info, unsigned depth,
                          const char *to)
{
    int result = copy_mkdir(copy, to);
    if (!result && directory_open(copy, info, depth, to))
        result = shell_fail(copy->shell, to, -ENOMEM);
    return result;
}

static int copy_item(struct copy *copy, const struct walk_item *item, const char *from,
                     const char *to)
{
    bool directory = item->found && item->info.type == NODE_DIRECTORY;
    directories_close(copy, item->depth);
    int result = directory ? copy_directory(copy, &item->info, item->depth, to) : SHELL_DONE;
    if (item->status) /* of a directory: not all of it can be listed */
        return shell_fail(copy->shell, from, item->status);
    switch (item->info.type) {
    case NODE_DIRECTORY: return result;
    case NODE_FILE: return copy_node(copy, item, from, to);
    case NODE_LINK: return copy_link(copy, item, from, to);
    default: return shell_complain(copy->shell, "%s: not a file or directory, skipped", from);
    }
}

static int copy_walk(struct copy *copy, struct walk *walk, const char *from, const char *to)
{
    struct walk_item *item = mem_alloc(sizeof(*item));
    int result = item ? SHELL_DONE : shell_fail(copy->shell, from, -ENOMEM), got = 0;
    while (item && result != SHELL_INTERRUPTED && (got = walk_next(walk, item)) > 0) {
        char *source = join_path(from, item->text), *target = join_path(to, item->text);
        int one = source && target ? copy_item(copy, item, source, target)
                                   : shell_fail(copy->shell, item->text, -ENOMEM);
        result = one ? one : result;
        mem_free(source);
        mem_free(target);
    }
    if (got < 0)
        result = shell_fail(copy->shell, from, got);
    mem_free(item);
    return shell_end_skipped(copy->shell, from, walk_skipped(walk), result);
}

/* The directory that `to` is or would be in: a reference. */
static status_t parent_of(struct shell *shell, const char *to, struct path **parent)
{
    status_t status = path_walk(shell->directory, to, 0, parent);
    if (status != -ENOENT)
        return status;
    size_t length;
    const char *base = base_name(to, &length);
    char *directory = join_path(base > to ? "" : ".", to);
    if (!directory)
        return -ENOMEM;
    directory[base > to ? (size_t)(base - to) : 1] = '\0';
    status = path_walk(shell->directory, directory, 0, parent);
    mem_free(directory);
    return status;
}

static int copy_tree(struct copy *copy, struct path *path, const char *from, const char *to)
{
    struct shell *shell = copy->shell;
    struct path *parent;
    struct walk *walk;
    status_t status = parent_of(shell, to, &parent);
    if (status)
        return shell_fail(shell, to, status);
    bool inside = path_is_inside(parent, path);
    path_put(parent);
    if (inside)
        return shell_complain(shell, "%s: cannot copy a directory into itself, %s", from, to);
    struct node_info info;
    status = path_info(path, INFO_TIMES, &info);
    if (status)
        return shell_fail(shell, from, status);
    int result = copy_directory(copy, &info, 0, to);
    if (result)
        return result;
    status = walk_begin(path, WALK_NESTED, &walk);
    result = status ? shell_fail(shell, from, status) : copy_walk(copy, walk, from, to);
    if (!status)
        walk_end(walk);
    directories_close(copy, 0);
    return result;
}

static int copy_one(struct copy *copy, const char *from, const char *to)
{
    struct shell *shell = copy->shell;
    struct path *path;
    status_t status = path_walk(shell->directory, from, 0, &path);
    if (status)
        return shell_fail(shell, from, status);
    int result;
    if (!path_is_directory(path))
        result = copy_file(copy, path, from, to);
    else if (copy->recursive)
        result = copy_tree(copy, path, from, to);
    else
        result = shell_complain(shell, "%s: is a directory; use -r to copy it", from);
    path_put(path);
    return result;
}

/* ---- many words, one target ---------------------------------------------------------------- */

/* What `from` is called in the directory `to`: on the heap. "." and ".." are meant by their
 * content, so they get no name of their own. */
static char *name_within(const char *from, const char *to)
{
    size_t length;
    const char *base = base_name(from, &length);
    if (text_equal(base, ".") || text_equal(base, "..") || *base == '/')
        return join_path(to, "");
    char *path = join_path(to, base);
    if (path && length < strlen(base)) /* trailing slashes */
        path[strlen(path) - (strlen(base) - length)] = '\0';
    return path;
}

static bool is_directory(struct shell *shell, const char *name)
{
    struct path *path;
    if (path_walk(shell->directory, name, 0, &path))
        return false;
    bool directory = path_is_directory(path);
    path_put(path);
    return directory;
}

/* FROM... TO: calls one(copy, from, to) with the name that each shall have. */
static int each_to(struct copy *copy, int count, char **words,
                   int (*one)(struct copy *copy, const char *from, const char *to))
{
    const char *to = words[count - 1];
    bool into = is_directory(copy->shell, to);
    int result = SHELL_DONE;
    if (!into && count > 3)
        return shell_fail(copy->shell, to, -ENOTDIR);
    for (int i = 1; i < count - 1 && !shell_interrupted(); i++) {
        char *target = into ? name_within(words[i], to) : join_path(to, "");
        int status = target ? one(copy, words[i], target)
                            : shell_fail(copy->shell, words[i], -ENOMEM);
        result = status ? status : result;
        mem_free(target);
    }
    return shell_interrupted() ? SHELL_INTERRUPTED : result;
}

static int run_cp(struct shell *shell, int count, char **words)
{
    struct copy copy = {
        .shell = shell,
        .recursive = option_given(shell, 'r') || option_given(shell, 'R') ||
                     option_given(shell, 'a'),
        .verbose = option_given(shell, 'v'),
        .keep_times = option_given(shell, 'p') || option_given(shell, 'a'),
        .keep_old = option_last(shell, "nf") == 'n',
    };
    return each_to(&copy, count, words, copy_one);
}

static const struct shell_option cp_options[] = {
    { 'r', "recursive", NULL, "copy directories recursively, within one mount" },
    { 'R', NULL, NULL, "same as -r" },
    { 'a', "archive", NULL, "same as -r -p" },
    { 'p', NULL, NULL, "preserve modification times" },
    { 'L', "dereference", NULL, "follow links (always on)" },
    { 'f', "force", NULL, "replace existing files (the default)" },
    { 'n', "no-clobber", NULL, "do not replace existing files" },
    { 'v', "verbose", NULL, "report each file copied" },
    { 0 },
};

static const struct shell_command command_cp = {
    .name = "cp",
    .arguments = "[-rapLfnv] FROM TO | FROM... DIRECTORY",
    .summary = "copy files, and directories with -r; links are followed",
    .arguments_min = 2,
    .arguments_max = -1,
    .run = run_cp,
    .options = cp_options,
    .group = "Files",
};
SHELL_COMMAND(command_cp);

/* ---- mv ----------------------------------------------------------------------------------- */

/* Across file systems. Only files: a tree of which a part could not be copied or removed would lie
 * in two places. */
static int move_file(struct copy *copy, const char *from, const char *to)
{
    struct path *path;
    status_t status = path_walk(copy->shell->directory, from, WALK_NO_FOLLOW, &path);
    if (status)
        return shell_fail(copy->shell, from, status);
    int result;
    if (path_fsd(path)->read_only || !path_fsd(path)->ops->unlink)
        result = shell_fail(copy->shell, from, -EROFS);
    else if (path_is_directory(path))
        result = shell_complain(copy->shell, "%s: cannot move a directory to another file "
                                             "system; use cp -r, then rm -r", from);
    else
        result = copy_file(copy, path, from, to);
    path_put(path);
    if (result)
        return result;
    status = vfs_unlink(copy->shell->directory, from);
    return status ? shell_fail(copy->shell, from, status) : SHELL_DONE;
}

static bool exists(struct shell *shell, const char *name)
{
    struct path *path;
    if (path_walk(shell->directory, name, WALK_NO_FOLLOW, &path))
        return false;
    path_put(path);
    return true;
}

/* Are both names of one node? rename() does nothing then (POSIX). */
static bool is_same(struct shell *shell, const char *from, const char *to)
{
    struct path *a, *b;
    if (path_walk(shell->directory, from, WALK_NO_FOLLOW, &a))
        return false;
    bool same = !path_walk(shell->directory, to, WALK_NO_FOLLOW, &b);
    if (same) {
        same = path_is_same(a, b);
        path_put(b);
    }
    path_put(a);
    return same;
}

/* Is `name`, which need not exist, in the directory `above` or below it? */
static bool is_below(struct shell *shell, const char *name, const char *above)
{
    struct path *directory, *parent;
    if (path_walk(shell->directory, above, WALK_NO_FOLLOW, &directory))
        return false;

    bool below = !parent_of(shell, name, &parent);
    if (below) {
        below = path_is_inside(parent, directory);
        path_put(parent);
    }
    path_put(directory);
    return below;
}

static int move_refused(struct shell *shell, const char *from, const char *to, status_t status)
{
    struct path *path;
    if (status == -EINVAL && is_below(shell, to, from))
        return shell_complain(shell, "%s: cannot move a directory into itself, %s", from, to);
    if (status == -EBUSY && !path_walk(shell->directory, from, WALK_NO_FOLLOW, &path)) {
        bool inside = path_is_inside(shell->directory, path);
        path_put(path);
        if (inside)
            return shell_complain(shell, "%s: contains the current directory", from);
    }
    bool about_to = (status == -ENOENT || status == -ENOTDIR || status == -EISDIR ||
                     status == -ENOTEMPTY) && exists(shell, from);
    return shell_fail(shell, about_to ? to : from, status);
}

static int move_one(struct copy *copy, const char *from, const char *to)
{
    struct shell *shell = copy->shell;
    if (copy->keep_old && exists(shell, from) && exists(shell, to))
        return SHELL_DONE;
    if (is_same(shell, from, to))
        return shell_complain(shell, "%s and %s are the same file", from, to);
    status_t status = vfs_rename(shell->directory, from, to);
    if (status == -EXDEV)
        return move_file(copy, from, to);
    if (status)
        return move_refused(shell, from, to, status);
    report(copy, "renamed ", from, to);
    return SHELL_DONE;
}

static int run_mv(struct shell *shell, int count, char **words)
{
    struct copy copy = {
        .shell = shell,
        .verbose = option_given(shell, 'v'),
        .keep_old = option_last(shell, "nf") == 'n',
        .keep_times = true,
    };
    return each_to(&copy, count, words, move_one);
}

static const struct shell_option mv_options[] = {
    { 'f', "force", NULL, "replace existing files (the default)" },
    { 'n', "no-clobber", NULL, "do not replace existing files" },
    { 'v', "verbose", NULL, "report each file moved" },
    { 0 },
};

static const struct shell_command command_mv = {
    .name = "mv",
    .arguments = "[-fnv] FROM TO | FROM... DIRECTORY",
    .summary = "move or rename files and directories",
    .arguments_min = 2,
    .arguments_max = -1,
    .run = run_mv,
    .options = mv_options,
    .group = "Files",
};
SHELL_COMMAND(command_mv);
