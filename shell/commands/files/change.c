/*
 * change.c - names that come and go: mkdir, touch, rm.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/listing.h"
#include "shell/reading/paths.h"
#include "shell/reading/walk.h"

/* Runs one for each word; the last failure is the command's status. */
static int each_word(struct shell *shell, int count, char **words,
                     status_t (*one)(struct shell *shell, const char *name))
{
    int result = SHELL_DONE;
    for (int i = 1; i < count && !shell_interrupted(); i++) {
        status_t status = one(shell, words[i]);
        if (status)
            result = shell_fail(shell, words[i], status);
    }
    return result;
}

/* With -v: what was done, in GNU's words: removed 'NAME'. */
static void say(struct shell *shell, const char *what, const char *name)
{
    if (!option_given(shell, 'v'))
        return;
    stream_format(shell->out, "%s '", what);
    stream_escaped(shell->out, name, false);
    stream_text(shell->out, "'\n");
}

/* ---- mkdir -------------------------------------------------------------------------------- */

static status_t mkdir_new(struct shell *shell, const char *name)
{
    status_t status = vfs_mkdir(shell->directory, name);
    if (!status)
        say(shell, "mkdir: created directory", name);
    return status;
}

/* One directory of the way; that it is there already is not an error. */
static status_t mkdir_step(struct shell *shell, const char *name)
{
    struct path *path;
    status_t status = mkdir_new(shell, name);
    if (status != -EEXIST)
        return status;
    if (path_walk(shell->directory, name, 0, &path))
        return status;
    status = path_is_directory(path) ? 0 : -ENOTDIR;
    path_put(path);
    return status;
}

static status_t mkdir_way(struct shell *shell, const char *name)
{
    char *way = join_path(name, "");
    status_t status = way ? 0 : -ENOMEM;
    for (char *at = way; !status && *at;) {
        while (*at == '/')
            at++;
        while (*at && *at != '/')
            at++;
        char *end = at, kept = *end;
        while (*at == '/')
            at++;
        if (*at) /* the last name keeps the slashes that were typed */
            *end = '\0';
        if (!text_equal(way, "/"))
            status = mkdir_step(shell, way);
        *end = kept;
    }
    mem_free(way);
    return status;
}

static status_t mkdir_one(struct shell *shell, const char *name)
{
    return option_given(shell, 'p') ? mkdir_way(shell, name) : mkdir_new(shell, name);
}

static int run_mkdir(struct shell *shell, int count, char **words)
{
    return each_word(shell, count, words, mkdir_one);
}

static const struct shell_option mkdir_options[] = {
    { 'p', "parents", NULL, "create parent directories; no error if it exists" },
    { 'v', "verbose", NULL, "report each directory created" },
    { 0 },
};

static const struct shell_command command_mkdir = {
    .name = "mkdir",
    .arguments = "[-pv] DIRECTORY...",
    .summary = "create directories",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_mkdir,
    .options = mkdir_options,
    .group = "Files",
};
SHELL_COMMAND(command_mkdir);

static status_t rmdir_one(struct shell *shell, const char *name)
{
    struct path *path;
    status_t status = path_walk(shell->directory, name, WALK_NO_FOLLOW, &path);
    if (status)
        return status;
    status = path_is_directory(path) ? 0 : -ENOTDIR;
    path_put(path);
    return status ? status : vfs_unlink(shell->directory, name);
}

static int run_rmdir(struct shell *shell, int count, char **words)
{
    return each_word(shell, count, words, rmdir_one);
}

static const struct shell_command command_rmdir = {
    .name = "rmdir",
    .arguments = "DIRECTORY...",
    .summary = "remove empty directories",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_rmdir,
    .group = "Files",
};
SHELL_COMMAND(command_rmdir);

/* ---- touch -------------------------------------------------------------------------------- */

static status_t touch_one(struct shell *shell, const char *name)
{
    struct path *path;
    struct file *file;
    status_t status = path_walk(shell->directory, name, 0, &path);
    if (status == -ENOENT) {
        if (option_given(shell, 'c'))
            return 0;
        status = file_open(shell->directory, name, OPEN_WRITE | OPEN_CREATE, &file);
        if (!status)
            file_close(file);
        return status == -EISDIR ? -ENOENT : status; /* NAME/: no directory is made */
    }
    if (status)
        return status;
    int64_t now = time_wall_s();
    status = now == INT64_MIN ? 0 : path_set_modified(path, now);
    path_put(path);
    return status == -EINVAL ? 0 : status; /* a file system that keeps no times */
}

static int run_touch(struct shell *shell, int count, char **words)
{
    return each_word(shell, count, words, touch_one);
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
    .group = "Files",
};
SHELL_COMMAND(command_touch);

/* ---- rm ----------------------------------------------------------------------------------- */

/* A directory that is to go when everything in it has gone. */
struct doomed {
    struct doomed *next;
    struct path *parent; /* a reference */
    char text[];         /* below the start */
};

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

/* What a walk from `start` calls `text` goes; `name` is the last element of it. */
static int rm_node(struct shell *shell, const char *start, struct path *parent, const char *text,
                   const char *name, bool directory)
{
    status_t status = vfs_unlink(parent, name);
    if (status)
        return shell_fail_below(shell, start, text, status);
    char *path = option_given(shell, 'v') ? join_path(start, text) : NULL;
    if (path)
        say(shell, directory ? "removed directory" : "removed", path);
    mem_free(path);
    return SHELL_DONE;
}

/* Files go now, directories wait until the end. */
static int rm_files(struct shell *shell, struct walk *walk, const char *start,
                    struct doomed **list)
{
    struct walk_item item;
    int result = SHELL_DONE, got;
    while ((got = walk_next(walk, &item)) > 0) {
        int one = SHELL_DONE;
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
    int result = rm_files(shell, walk, start, &list);
    walk_end(walk);
    while (list) { /* the last that was met comes first: no directory before what it holds */
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

static int rm_directory(struct shell *shell, struct path *path, const char *name)
{
    if (!option_given(shell, 'r') && !option_given(shell, 'R'))
        return shell_complain(shell, "%s: is a directory; use -r to remove it", name);
    if (path_is_mount_point(path))
        return shell_fail(shell, name, -EBUSY);
    if (path_is_inside(shell->directory, path))
        return shell_complain(shell, "%s: contains the current directory", name);
    return rm_tree(shell, path, name);
}

static bool is_dots(const char *name)
{
    size_t length;
    const char *base = base_name(name, &length);
    return text_equal_n(base, length, ".", 1) || text_equal_n(base, length, "..", 2);
}

/* `rm -r LINK/` would empty the directory that the link leads to, and then fail. */
static bool is_link_with_slash(struct shell *shell, const char *name)
{
    size_t length = strlen(name);
    struct path *path;
    char *bare = length && name[length - 1] == '/' ? join_path(name, "") : NULL;
    if (!bare)
        return false;
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
    bool force = option_given(shell, 'f');
    if (is_dots(name)) /* before what it holds is gone */
        return shell_complain(shell, "%s: refusing to remove `.` or `..`", name);
    status_t status = is_link_with_slash(shell, name)
                          ? -ENOTDIR
                          : path_walk(shell->directory, name, WALK_NO_FOLLOW, &path);
    if (status)
        return force && (status == -ENOENT || status == -ENOTDIR) ? SHELL_DONE
                                                                  : shell_fail(shell, name, status);
    bool directory = path_is_directory(path);
    int result = directory ? rm_directory(shell, path, name) : SHELL_DONE;
    path_put(path);
    if (result)
        return result;
    status = vfs_unlink(shell->directory, name);
    if (status)
        return shell_fail(shell, name, status);
    say(shell, directory ? "removed directory" : "removed", name);
    return SHELL_DONE;
}

static int run_rm(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
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
    .group = "Files",
};
SHELL_COMMAND(command_rm);
