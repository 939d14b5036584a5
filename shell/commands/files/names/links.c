/*
 * links.c - symbolic links, and the paths that they lead to: ln, readlink, realpath.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/files/names/resolve.h"
#include "shell/options.h"
#include "shell/reading/paths.h"

/* Prints a path and a newline, NUL after -z. */
static void print_path(struct shell *shell, const char *text, bool ends)
{
    stream_text(shell->out, text);
    if (ends)
        stream_write(shell->out, option_given(shell, 'z') ? "" : "\n", 1);
}

/* ---- readlink ----------------------------------------------------------------------------- */

/* Reads the target of a link, or with a mode the path that it leads to. */
static status_t readlink_find(struct shell *shell, const char *name, char mode,
                              struct buffer *result)
{
    if (mode)
        return resolve_name(shell, name,
                            mode == 'e' ? RESOLVE_EXISTING
                                        : mode == 'f' ? RESOLVE_LAST : RESOLVE_MISSING,
                            false, result);

    struct path *path;
    status_t status = path_walk(shell->directory, name, WALK_NO_FOLLOW, &path);
    if (status)
        return status;
    char *target = mem_alloc(PATH_BYTES_MAX + 1);
    ssize_t length = target ? path_read_link(path, target, PATH_BYTES_MAX + 1) : -ENOMEM;
    if (length >= 0)
        buffer_put(result, target, strlen(target));
    mem_free(target);
    path_put(path);
    return length < 0 ? (status_t)length : result->status;
}

static int run_readlink(struct shell *shell, int count, char **words)
{
    char mode = option_last(shell, "efm");
    int result = SHELL_DONE;

    bool bare = option_given(shell, 'n') && count == 2;
    if (option_given(shell, 'n') && !bare)
        (void)shell_complain(shell, "ignoring --no-newline with multiple arguments");
    for (int i = 1; i < count && !shell_interrupted(); i++) {
        struct buffer text = { 0 };
        status_t status = readlink_find(shell, words[i], mode, &text);
        if (!status)
            print_path(shell, text.text, !bare);

        /* What is not a link is an answer rather than an error, so it is not reported (GNU). */
        else if (option_last(shell, "qsv") == 'v')
            result = shell_fail(shell, words[i], status);
        else
            result = SHELL_FAILED;
        buffer_free(&text);
    }
    return result;
}

static const struct shell_option readlink_options[] = {
    { 'f', "canonicalize", NULL, "print the absolute path; the last element may be missing" },
    { 'e', "canonicalize-existing", NULL, "print the absolute path of what exists" },
    { 'm', "canonicalize-missing", NULL, "print the absolute path, whatever exists" },
    { 'n', "no-newline", NULL, "do not end with a newline" },
    { 'q', "quiet", NULL, "report no errors (the default)" },
    { 's', "silent", NULL, "same as -q" },
    { 'v', "verbose", NULL, "report errors" },
    { 'z', "zero", NULL, "end paths with NUL, not newline" },
    { 0 },
};

static const struct shell_command command_readlink = {
    .name = "readlink",
    .arguments = "[-efmnqsvz] PATH...",
    .summary = "print the target of a symbolic link, or the path it leads to",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_readlink,
    .options = readlink_options,
    .group = "Files",
};
SHELL_COMMAND(command_readlink);

/* ---- realpath ----------------------------------------------------------------------------- */

static status_t realpath_find(struct shell *shell, const char *name, struct buffer *result)
{
    char last = option_last(shell, "em");
    bool keep_links = option_given(shell, 's');

    /* Where links are kept, the elements before the last one need not exist either (GNU). */
    enum resolve_mode mode = last == 'e' ? RESOLVE_EXISTING
                             : last == 'm' ? RESOLVE_MISSING
                             : keep_links ? RESOLVE_DIRECTORIES : RESOLVE_LAST;
    return resolve_name(shell, name, mode, keep_links, result);
}

/* Stores the path of the directory that --relative-to names. */
static status_t realpath_base(struct shell *shell, const char *name, struct buffer *result)
{
    struct path *path;
    status_t status = realpath_find(shell, name, result);
    if (status || option_last(shell, "em") != 'e')
        return status;

    status = path_walk(shell->directory, result->text, 0, &path);
    if (status)
        return status;
    status = path_is_directory(path) ? 0 : -ENOTDIR;
    path_put(path);
    return status;
}

/* Prints the path of `name`, relative to the directory `from` unless that is NULL. */
static status_t realpath_one(struct shell *shell, const char *name, const char *from)
{
    struct buffer path = { 0 }, relative = { 0 };
    status_t status = realpath_find(shell, name, &path);
    if (!status && from)
        status = resolve_relative(path.text, from, &relative);
    if (!status)
        print_path(shell, from ? relative.text : path.text, true);
    buffer_free(&path);
    buffer_free(&relative);
    return status;
}

static int run_realpath(struct shell *shell, int count, char **words)
{
    struct buffer from = { 0 };
    const char *base = option_value_name(shell, "relative-to");
    status_t status = base ? realpath_base(shell, base, &from) : 0;
    int result = status ? shell_fail(shell, base, status) : SHELL_DONE;

    for (int i = 1; i < count && (!status || !base) && !shell_interrupted(); i++) {
        status_t one = realpath_one(shell, words[i], from.text);
        if (one && option_given(shell, 'q'))
            result = SHELL_FAILED;
        else if (one)
            result = shell_fail(shell, words[i], one);
    }
    buffer_free(&from);
    return result;
}

static const struct shell_option realpath_options[] = {
    { 'e', "canonicalize-existing", NULL, "the last element must exist, too" },
    { 'm', "canonicalize-missing", NULL, "nothing has to exist" },
    { 's', "strip", NULL, "do not follow links" },
    { 'q', "quiet", NULL, "report no errors" },
    { 'z', "zero", NULL, "end paths with NUL, not newline" },
    { 0, "relative-to", "DIR", "print paths relative to DIR" },
    { 0 },
};

static const struct shell_command command_realpath = {
    .name = "realpath",
    .arguments = "[-emsqz] [--relative-to=DIR] PATH...",
    .summary = "print absolute paths without links, `.` and `..`",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_realpath,
    .options = realpath_options,
    .group = "Files",
};
SHELL_COMMAND(command_realpath);

/* ---- ln ----------------------------------------------------------------------------------- */

/* Returns whether `name` is a directory that links are to be created in. */
static bool is_folder(struct shell *shell, const char *name)
{
    struct path *path;
    unsigned flags = option_given(shell, 'n') ? WALK_NO_FOLLOW : 0;
    if (option_given(shell, 'T') || path_walk(shell->directory, name, flags, &path))
        return false;
    bool folder = path_is_directory(path);
    path_put(path);
    return folder;
}

/* -f: removes what has the name of the new link, unless it is a directory. */
static status_t make_room(struct shell *shell, const char *name)
{
    struct path *path;
    status_t status = path_walk(shell->directory, name, WALK_NO_FOLLOW, &path);
    if (status)
        return status == -ENOENT ? 0 : status;
    status = path_is_directory(path) ? -EEXIST : vfs_unlink(shell->directory, name);
    path_put(path);
    return status;
}

/* Returns whether both names lead to one node: -f would replace it by a link to itself. */
static bool is_same(struct shell *shell, const char *target, const char *name)
{
    struct path *a, *b;
    bool same = false;
    if (path_walk(shell->directory, target, 0, &a))
        return false;
    if (!path_walk(shell->directory, name, WALK_NO_FOLLOW, &b)) {
        same = path_is_same(a, b);
        path_put(b);
    }
    path_put(a);
    return same;
}

static int link_one(struct shell *shell, const char *target, const char *name)
{
    bool force = option_given(shell, 'f');
    if (force && is_same(shell, target, name))
        return shell_complain(shell, "'%s' and '%s' are the same file", target, name);

    status_t status = force ? make_room(shell, name) : 0;
    if (!status)
        status = vfs_symlink(shell->directory, target, name);

    /* Only the file system is at fault, which the errno alone would not say. */
    if (status == -EOPNOTSUPP)
        return shell_complain(shell, "failed to create symbolic link '%s': "
                                     "The file system cannot store links", name);
    if (status)
        return shell_fail(shell, name, status);
    if (option_given(shell, 'v')) {
        stream_text(shell->out, "'");
        stream_escaped(shell->out, name, false);
        stream_text(shell->out, "' -> '");
        stream_escaped(shell->out, target, false);
        stream_text(shell->out, "'\n");
    }
    return SHELL_DONE;
}

/* Creates a link of the target's own name in a directory. */
static int link_within(struct shell *shell, const char *target, const char *folder)
{
    size_t length;
    const char *base = base_name(target, &length);
    char *name = join_path(folder, base);
    if (!name)
        return shell_fail(shell, target, -ENOMEM);

    /* Slashes after the target's name are not part of the link's name. */
    name[strlen(name) - strlen(base) + length] = '\0';
    int result = link_one(shell, target, name);
    mem_free(name);
    return result;
}

static int run_ln(struct shell *shell, int count, char **words)
{
    const char *folder = option_value(shell, 't');
    int result = SHELL_DONE, last = folder ? count : count - 1;
    if (!option_given(shell, 's'))
        return shell_complain(shell, "hard links are not supported; use -s");
    if (folder && !is_folder(shell, folder))
        return shell_complain(shell, "target '%s' is not a directory", folder);

    if (option_given(shell, 'T') && count == 2)
        return shell_complain(shell, "missing destination file operand after '%s'", words[1]);

    /* ln -s TARGET: the link is created in the current directory. */
    if (!folder && count == 2)
        return link_within(shell, words[1], ".");
    if (!folder && is_folder(shell, words[last]))
        folder = words[last];
    if (!folder && count > 3)
        return shell_complain(shell, "target '%s' is not a directory", words[last]);
    if (!folder)
        return link_one(shell, words[1], words[2]);

    for (int i = 1; i < last && !shell_interrupted(); i++) {
        int one = link_within(shell, words[i], folder);
        result = one ? one : result;
    }
    return result;
}

static const struct shell_option ln_options[] = {
    { 's', "symbolic", NULL, "create symbolic links (required)" },
    { 'f', "force", NULL, "replace existing files" },
    { 'n', "no-dereference", NULL, "a link to a directory is not a directory" },
    { 't', "target-directory", "DIR", "create the links in DIR" },
    { 'T', "no-target-directory", NULL, "the last operand is the link, not a directory" },
    { 'v', "verbose", NULL, "report each link created" },
    { 0 },
};

static const struct shell_command command_ln = {
    .name = "ln",
    .arguments = "-s [-fnTv] TARGET [LINK] | TARGET... DIRECTORY | -t DIR TARGET...",
    .summary = "create symbolic links, where the file system stores them",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_ln,
    .options = ln_options,
    .failing = "failed to create symbolic link",
    .group = "Files",
};
SHELL_COMMAND(command_ln);
