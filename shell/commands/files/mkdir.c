/*
 * mkdir.c - creates and removes directories: mkdir, rmdir.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/paths.h"

/* With -v, in GNU's words: mkdir: created directory 'NAME'. */
static void report(struct shell *shell, const char *what, const char *name)
{
    if (!option_given(shell, 'v'))
        return;
    stream_format(shell->out, "%s: %s '", shell->command->name, what);
    stream_escaped(shell->out, name, false);
    stream_text(shell->out, "'\n");
}

/* ---- mkdir -------------------------------------------------------------------------------- */

static status_t mkdir_new(struct shell *shell, const char *name)
{
    status_t status = vfs_mkdir(shell->directory, name);
    if (!status)
        report(shell, "created directory", name);
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
        /* Skip the slashes before an element, the element, and the slashes after it. */
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

/* Returns whether a text is a mode, octal or symbolic as in "u=rwx,go+x". The file systems that can
 * be written store no modes, so that a valid one has no effect. */
static bool is_mode(const char *text)
{
    size_t digits = 0;
    while (text[digits] >= '0' && text[digits] <= '7')
        digits++;
    if (digits)
        return !text[digits] && digits <= 5;

    for (bool has_operator = false;; text++) {
        bool operator = *text && strchr("+-=", *text);
        has_operator |= operator;
        if (!*text || *text == ',') {
            if (!has_operator)
                return false;
            if (!*text)
                return true;
            has_operator = false;
        } else if (!operator && !strchr(has_operator ? "rwxXstugo" : "ugoa", *text)) {
            return false;
        }
    }
}

static int run_mkdir(struct shell *shell, int count, char **words)
{
    bool parents = option_given(shell, 'p');
    const char *mode = option_value(shell, 'm');
    int result = SHELL_DONE;
    if (mode && !is_mode(mode))
        return shell_complain(shell, "invalid mode '%s'", mode);

    for (int i = 1; i < count && !shell_interrupted(); i++) {
        status_t status = parents ? mkdir_parents(shell, words[i]) : mkdir_new(shell, words[i]);
        if (status)
            result = shell_fail(shell, words[i], status);
    }
    return result;
}

static const struct shell_option mkdir_options[] = {
    { 'p', "parents", NULL, "create parent directories; no error if it exists" },
    { 'm', "mode", "MODE", "no effect: modes cannot be stored" },
    { 'v', "verbose", NULL, "report each directory created" },
    { 0 },
};

static const struct shell_command command_mkdir = {
    .name = "mkdir",
    .arguments = "[-pv] [-m MODE] DIRECTORY...",
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
    report(shell, "removing directory,", name);
    status_t status = path_walk(shell->directory, name, WALK_NO_FOLLOW, &path);
    if (status)
        return status;

    /* vfs_unlink() removes files, too, which rmdir must refuse. */
    status = path_is_directory(path) ? 0 : -ENOTDIR;
    path_put(path);
    return status ? status : vfs_unlink(shell->directory, name);
}

/* Removes a directory, and with -p those above it in its path, up to the first that fails. */
static int rmdir_word(struct shell *shell, const char *word)
{
    char *way = join_path(word, "");
    status_t status = way ? 0 : -ENOMEM;
    size_t length = way ? strlen(way) : 0;

    while (!status) {
        status = rmdir_one(shell, way);
        if (status || !option_given(shell, 'p'))
            break;

        /* Cut the last element off, with the slashes before and after it. */
        while (length > 1 && way[length - 1] == '/')
            length--;
        while (length && way[length - 1] != '/')
            length--;
        while (length > 1 && way[length - 1] == '/')
            length--;
        way[length] = '\0';
        if (!length || text_equal(way, "/"))
            break;
    }

    if (status == -ENOTEMPTY && option_given_name(shell, "ignore-fail-on-non-empty"))
        status = 0;
    int result = status ? shell_fail(shell, way ? way : word, status) : SHELL_DONE;
    mem_free(way);
    return result;
}

static int run_rmdir(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    for (int i = 1; i < count && !shell_interrupted(); i++) {
        int one = rmdir_word(shell, words[i]);
        result = one ? one : result;
    }
    return result;
}

static const struct shell_option rmdir_options[] = {
    { 'p', "parents", NULL, "remove the directories above it in its path, too" },
    { 'v', "verbose", NULL, "report each directory before it is removed" },
    { 0, "ignore-fail-on-non-empty", NULL, "a directory that is not empty is not an error" },
    { 0 },
};

static const struct shell_command command_rmdir = {
    .name = "rmdir",
    .arguments = "[-pv] DIRECTORY...",
    .summary = "remove empty directories",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_rmdir,
    .options = rmdir_options,
    .failing = "failed to remove",
    .group = "Files",
};
SHELL_COMMAND(command_rmdir);
