/*
 * cd.c - the current directory: cd, pwd.
 *
 * A shell keeps a reference to its directory, so that it stays usable when it is renamed. PWD and
 * OLDPWD are set as POSIX requires; pwd does not use PWD, which a script may change.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/paths.h"

/* Sets PWD to the path, and OLDPWD to what PWD was. */
static status_t cd_remember(struct shell *shell, struct path *path)
{
    const char *before = shell_variable(shell, "PWD");
    size_t bytes = path_text(path, NULL, 0) + 1;
    char *text = mem_alloc(bytes);
    status_t status = text ? 0 : -ENOMEM;

    /* OLDPWD is set first: `before` is PWD's value, which is freed when PWD changes. */
    if (!status && before)
        status = variables_set(&shell->variables, "OLDPWD", 6, before);
    if (!status) {
        path_text(path, text, bytes);
        status = variables_set(&shell->variables, "PWD", 3, text);
    }
    mem_free(text);
    return status;
}

static status_t cd_go(struct shell *shell, const char *name)
{
    struct path *path;
    status_t status = path_walk(shell->directory, name, 0, &path);
    if (status)
        return status;

    /* The variables first: when memory is exhausted, the directory must not have changed. */
    status = path_is_directory(path) ? cd_remember(shell, path) : -ENOTDIR;
    if (status) {
        path_put(path);
        return status;
    }

    /* The shell's reference moves to the new directory. */
    path_put(shell->directory);
    shell->directory = path;
    return 0;
}

/* `cd -` prints where it went (POSIX). */
static int cd_back(struct shell *shell)
{
    const char *before = shell_variable(shell, "OLDPWD");
    if (!before)
        return shell_complain(shell, "OLDPWD not set");

    /* A copy is needed, because cd_go() changes OLDPWD. */
    char *name = join_path(before, "");
    status_t status = name ? cd_go(shell, name) : -ENOMEM;
    int result = status ? shell_fail(shell, name, status) : SHELL_DONE;
    if (!status) {
        stream_escaped(shell->out, name, false);
        stream_text(shell->out, "\n");
    }
    mem_free(name);
    return result;
}

static int run_cd(struct shell *shell, int count, char **words)
{
    const char *home = shell_variable(shell, "HOME");
    const char *name = count > 1 ? words[1] : home ? home : "/";
    if (text_equal(name, "-"))
        return cd_back(shell);
    status_t status = cd_go(shell, name);
    return status ? shell_fail(shell, name, status) : SHELL_DONE;
}

static const struct shell_command command_cd = {
    .name = "cd",
    .arguments = "[DIRECTORY|-]",
    .summary = "change the current directory (default: $HOME); -: go back",
    .arguments_max = 1,
    .run = run_cd,
    .group = "Files",
};
SHELL_COMMAND(command_cd);

static int run_pwd(struct shell *shell, int count, char **words)
{
    (void)count, (void)words;
    /* The path is still known when the medium was removed, but not when the directory was. */
    if (path_is_unlinked(shell->directory))
        return shell_fail(shell, NULL, -ENOENT);

    /* The path has no limit, so its length is asked for first. */
    size_t bytes = path_text(shell->directory, NULL, 0) + 1;
    char *text = mem_alloc(bytes);
    if (!text)
        return shell_fail(shell, NULL, -ENOMEM);
    path_text(shell->directory, text, bytes);
    stream_escaped(shell->out, text, false);
    stream_text(shell->out, "\n");
    mem_free(text);
    return SHELL_DONE;
}

static const struct shell_command command_pwd = {
    .name = "pwd",
    .arguments = "",
    .summary = "print the current directory",
    .run = run_pwd,
    .group = "Files",
};
SHELL_COMMAND(command_pwd);
