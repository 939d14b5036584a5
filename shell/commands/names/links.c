/*
 * links.c - symbolic links, and the paths that they lead to: ln, readlink, realpath.
 */
#include "kernel/module/info.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/names/resolve.h"
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
DRIVER_DRIVES("command readlink Files: "
              "print the target of a symbolic link, or the path it leads to");

/* ---- realpath ----------------------------------------------------------------------------- */

static status_t realpath_find(struct shell *shell, const char *name, struct buffer *result)
{
    char last = option_last(shell, "em");
    char links = option_is_last(shell, "no-symlinks", "LPs") ? 's' : option_last(shell, "LPs");
    bool keep_links = links == 's';

    /* Where links are kept, the elements before the last one need not exist either (GNU). */
    enum resolve_mode mode = last == 'e' ? RESOLVE_EXISTING
                             : last == 'm' ? RESOLVE_MISSING
                             : keep_links ? RESOLVE_DIRECTORIES : RESOLVE_LAST;
    if (links != 'L')
        return resolve_name(shell, name, mode, keep_links, result);

    /* -L: `..` is resolved as text, before links are. */
    struct buffer text = { 0 };
    status_t status = resolve_name(shell, name, RESOLVE_MISSING, true, &text);

    /* A slash at the end requires a directory. */
    if (!status && *name && name[strlen(name) - 1] == '/')
        buffer_put(&text, "/", 1);
    if (!status)
        status = text.status ? text.status : resolve_name(shell, text.text, mode, false, result);
    buffer_free(&text);
    return status;
}

/* Stores the path of the directory that an option names, if it is given. */
static status_t realpath_base(struct shell *shell, const char *name, struct buffer *result)
{
    struct path *path;
    status_t status = name ? realpath_find(shell, name, result) : 0;
    if (!name || status || option_last(shell, "em") != 'e')
        return status;

    status = path_walk(shell->directory, result->text, 0, &path);
    if (status)
        return status;
    status = path_is_directory(path) ? 0 : -ENOTDIR;
    path_put(path);
    return status;
}

static bool is_below(const char *path, const char *base)
{
    size_t length = strlen(base);
    return text_starts(path, base) && (!path[length] || path[length] == '/' || length == 1);
}

/* The directories of the options; NULL: not given. */
struct relative {
    const char *from; /* --relative-to: paths are relative to it */
    const char *base; /* --relative-base: only if they are below it */
};

/* Prints the path of `name`, relative to a directory if that applies. */
static status_t realpath_one(struct shell *shell, const char *name, const struct relative *to)
{
    struct buffer path = { 0 }, relative = { 0 };
    status_t status = realpath_find(shell, name, &path);
    bool relates = !status && to->from && (!to->base || is_below(path.text, to->base));
    if (relates)
        status = resolve_relative(path.text, to->from, &relative);
    if (!status)
        print_path(shell, relates ? relative.text : path.text, true);
    buffer_free(&path);
    buffer_free(&relative);
    return status;
}

static int run_realpath(struct shell *shell, int count, char **words)
{
    struct buffer from = { 0 }, below = { 0 };
    const char *base = option_value_name(shell, "relative-base");
    const char *start = option_value_name(shell, "relative-to");
    status_t status = realpath_base(shell, base, &below);
    int result = status ? shell_fail(shell, base, status) : SHELL_DONE;
    if (!status) {
        status = realpath_base(shell, start, &from);
        result = status ? shell_fail(shell, start, status) : SHELL_DONE;
    }

    /* The base is also what paths are relative to. Without effect if that is not below it (GNU). */
    struct relative to = { start ? from.text : base ? below.text : NULL, base ? below.text : NULL };
    if (!status && to.base && !is_below(to.from, to.base))
        to = (struct relative){ NULL, NULL };

    for (int i = 1; i < count && !status && !shell_interrupted(); i++) {
        status_t one = realpath_one(shell, words[i], &to);
        if (one && option_given(shell, 'q'))
            result = SHELL_FAILED;
        else if (one)
            result = shell_fail(shell, words[i], one);
    }
    buffer_free(&from);
    buffer_free(&below);
    return result;
}

static const struct shell_option realpath_options[] = {
    { 'e', "canonicalize-existing", NULL, "the last element must exist, too" },
    { 'm', "canonicalize-missing", NULL, "nothing has to exist" },
    { 'L', "logical", NULL, "resolve .. before links" },
    { 'P', "physical", NULL, "resolve links as they are met (the default)" },
    { 's', "strip", NULL, "do not follow links" },
    { 0, "no-symlinks", NULL, "same as -s" },
    { 'q', "quiet", NULL, "report no errors" },
    { 'z', "zero", NULL, "end paths with NUL, not newline" },
    { 0, "relative-to", "DIR", "print paths relative to DIR" },
    { 0, "relative-base", "DIR", "print paths below DIR relative to it" },
    { 0 },
};

static const struct shell_command command_realpath = {
    .name = "realpath",
    .arguments = "[-emLPsqz] [--relative-to=DIR] [--relative-base=DIR] PATH...",
    .summary = "print absolute paths without links, `.` and `..`",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_realpath,
    .options = realpath_options,
    .group = "Files",
};
SHELL_COMMAND(command_realpath);
DRIVER_DRIVES("command realpath Files: print absolute paths without links, `.` and `..`");

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

/* -r: stores the path of the target relative to the directory of the link. */
static status_t relative_target(struct shell *shell, const char *target, const char *name,
                                struct buffer *result)
{
    struct buffer to = { 0 }, from = { 0 };
    size_t length;
    const char *base = base_name(name, &length);
    char *folder = join_path(base > name ? name : ".", "");
    if (folder && base > name)
        folder[base - name] = '\0';

    status_t status = folder ? resolve_name(shell, folder, RESOLVE_MISSING, false, &from) : -ENOMEM;
    if (!status)
        status = resolve_name(shell, target, RESOLVE_MISSING, false, &to);
    if (!status)
        status = resolve_relative(to.text, from.text, result);
    mem_free(folder);
    buffer_free(&to);
    buffer_free(&from);
    return status;
}

static int link_text(struct shell *shell, const char *target, const char *name)
{
    bool force = option_given(shell, 'f');
    if (force && is_same(shell, target, name))
        return shell_complain(shell, "'%s' and '%s' are the same file", target, name);

    /* Nothing is removed for a target that cannot be stored. */
    status_t status = *target ? 0 : -ENOENT;
    if (!status && force)
        status = make_room(shell, name);
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

static int link_one(struct shell *shell, const char *target, const char *name)
{
    struct buffer text = { 0 };
    if (!option_given(shell, 'r'))
        return link_text(shell, target, name);
    status_t status = relative_target(shell, target, name, &text);
    int result = status ? shell_fail(shell, name, status) : link_text(shell, text.text, name);
    buffer_free(&text);
    return result;
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
    { 'r', "relative", NULL, "make the target relative to the link" },
    { 'n', "no-dereference", NULL, "a link to a directory is not a directory" },
    { 't', "target-directory", "DIR", "create the links in DIR" },
    { 'T', "no-target-directory", NULL, "the last operand is the link, not a directory" },
    { 'v', "verbose", NULL, "report each link created" },
    { 0 },
};

static const struct shell_command command_ln = {
    .name = "ln",
    .arguments = "-s [-fnrTv] TARGET [LINK] | TARGET... DIRECTORY | -t DIR TARGET...",
    .summary = "create symbolic links, where the file system stores them",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_ln,
    .options = ln_options,
    .failing = "failed to create symbolic link",
    .group = "Files",
};
SHELL_COMMAND(command_ln);
DRIVER_DRIVES("command ln Files: create symbolic links, where the file system stores them");
