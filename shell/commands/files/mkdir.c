/*
 * mkdir.c - creates and removes directories: mkdir, rmdir.
 */
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/paths.h"

/* Runs `one` for each word. The last failure is the command's status. */
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

/* ---- mkdir -------------------------------------------------------------------------------- */

static status_t mkdir_new(struct shell *shell, const char *name)
{
    status_t status = vfs_mkdir(shell->directory, name);

    /* The wording is that of GNU mkdir. */
    if (!status && option_given(shell, 'v')) {
        stream_text(shell->out, "mkdir: created directory '");
        stream_escaped(shell->out, name, false);
        stream_text(shell->out, "'\n");
    }
    return status;
}

/* Creates one directory of a path, unless it exists. */
static status_t mkdir_unless_there(struct shell *shell, const char *name)
{
    struct path *path;
    status_t status = mkdir_new(shell, name);
    if (status != -EEXIST)
        return status;

    /* A directory that exists is good, and so is a link to one. */
    if (path_walk(shell->directory, name, 0, &path))
        return status;
    status = path_is_directory(path) ? 0 : -ENOTDIR;
    path_put(path);
    return status;
}

/* -p: creates each directory of the path in turn. */
static status_t mkdir_parents(struct shell *shell, const char *name)
{
    /* POSIX: an empty path names nothing. */
    if (!*name)
        return -ENOENT;

    char *way = join_path(name, "");
    status_t status = way ? 0 : -ENOMEM;
    for (char *at = way; !status && *at;) {
        /* Find the end of the next element, and of the slashes after it. */
        while (*at == '/')
            at++;
        while (*at && *at != '/')
            at++;
        char *end = at, kept = *end;
        while (*at == '/')
            at++;

        /* Cut the path after this element. The last one keeps the slashes that were typed. */
        if (*at)
            *end = '\0';
        if (!text_equal(way, "/"))
            status = mkdir_unless_there(shell, way);

        /* Restore the slash, and continue with the element after it. */
        *end = kept;
    }
    mem_free(way);
    return status;
}

static int run_mkdir(struct shell *shell, int count, char **words)
{
    return each_word(shell, count, words, option_given(shell, 'p') ? mkdir_parents : mkdir_new);
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
    .failing = "cannot create directory",
    .group = "Files",
};
SHELL_COMMAND(command_mkdir);

/* ---- rmdir -------------------------------------------------------------------------------- */

static status_t rmdir_one(struct shell *shell, const char *name)
{
    struct path *path;
    status_t status = path_walk(shell->directory, name, WALK_NO_FOLLOW, &path);
    if (status)
        return status;

    /* vfs_unlink() removes files, too, which rmdir must refuse. */
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
    .failing = "failed to remove",
    .group = "Files",
};
SHELL_COMMAND(command_rmdir);
