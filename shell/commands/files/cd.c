/*
 * cd.c - the current directory: cd, pwd.
 *
 * A shell keeps a reference to its directory, so that it stays usable when it is renamed. PWD and
 * OLDPWD are set as POSIX requires; pwd prints PWD only if that is the directory.
 *
 * References  POSIX.1-2017, cd, pwd.
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/paths.h"
#include "shell/words.h"

/* ---- paths -------------------------------------------------------------------------------- */

/* Appends the elements of a path: `.` is left out, and `..` removes the element before. */
static void append_elements(struct buffer *text, const char *path)
{
    while (*path) {
        size_t length = 0;
        while (path[length] && path[length] != '/')
            length++;

        if (length == 2 && path[0] == '.' && path[1] == '.') {
            while (text->length && text->text[--text->length] != '/')
                ;
        } else if (length && !(length == 1 && path[0] == '.')) {
            buffer_put(text, "/", 1);
            buffer_put(text, path, length);
        }
        path += length + (path[length] == '/');
    }
}

/* Stores the path without links, for -P, of a directory. */
static status_t physical_path(struct path *path, struct buffer *text)
{
    char *found = path_text_copy(path, NULL);
    if (!found)
        return -ENOMEM;

    buffer_clear(text);
    buffer_put(text, found, strlen(found));
    mem_free(found);
    return text->status;
}

/* Returns PWD, if it is a path of the current directory; else NULL. A script may change it. */
static const char *valid_pwd(struct shell *shell)
{
    const char *pwd = shell_variable(shell, "PWD");
    struct path *path;
    if (!pwd || *pwd != '/' || path_walk(shell->directory, pwd, 0, &path))
        return NULL;

    bool same = path_is_same(path, shell->directory);
    path_put(path);
    return same ? pwd : NULL;
}

/* Stores the path by which `name` is reached, with the links on the way (POSIX, cd -L). -ENOENT
 * below a directory that was removed: its path may lead to another by now. */
static status_t logical_path(struct shell *shell, const char *name, struct buffer *text)
{
    const char *pwd = *name == '/' ? NULL : valid_pwd(shell);
    status_t status = *name == '/' || pwd                ? 0
                      : !path_is_live(shell->directory) ? -ENOENT
                                                         : physical_path(shell->directory, text);
    if (status)
        return status;

    if (text->length == 1)
        buffer_clear(text); /* each element brings its slash */
    if (pwd)
        append_elements(text, pwd);
    append_elements(text, name);
    buffer_put(text, "/", !text->length);
    return text->status;
}

/* Where case is ignored, gives the text the spelling of the directories themselves, unless a link
 * is on the way. */
static status_t spell_as_stored(struct path *path, struct buffer *text)
{
    struct buffer stored = { 0 };
    status_t status = physical_path(path, &stored);
    if (!status && text_equal_fold(stored.text, text->text)) {
        buffer_clear(text);
        buffer_put(text, stored.text, stored.length);
        status = text->status;
    }
    buffer_free(&stored);
    return status;
}

/* ---- cd ----------------------------------------------------------------------------------- */

/* Sets PWD to the path, and OLDPWD to what PWD was. */
static status_t cd_remember(struct shell *shell, const char *text)
{
    /* OLDPWD is set first: `before` is PWD's value, which is freed when PWD changes. */
    const char *before = shell_variable(shell, "PWD");
    status_t status = before ? variables_set(&shell->variables, "OLDPWD", 6, before) : 0;
    return status ? status : variables_set(&shell->variables, "PWD", 3, text);
}

static status_t cd_go(struct shell *shell, const char *name, bool physical)
{
    struct buffer text = { 0 };
    struct path *path = NULL;

    /* An empty name leads nowhere (POSIX 4.13). */
    status_t status = physical || !*name ? -ENOENT : logical_path(shell, name, &text);
    if (!status)
        status = path_walk(shell->directory, text.text, 0, &path);
    if (!status)
        status = spell_as_stored(path, &text);

    /* Where `..` of the text leads nowhere, that of the directory may lead somewhere. */
    if (status == -ENOENT) {
        status = path_walk(shell->directory, name, 0, &path);
        if (!status)
            status = physical_path(path, &text);
    }

    /* The variables first: when memory is exhausted, the directory must not have changed. */
    if (!status)
        status = path_is_directory(path) ? cd_remember(shell, text.text) : -ENOTDIR;
    buffer_free(&text);
    if (status) {
        path_put(path);
        return status;
    }

    /* The shell's reference moves to the new directory. */
    path_put(shell->directory);
    shell->directory = path;
    return 0;
}

/* Looks for a name in the directories of CDPATH. Returns its path on the heap, or NULL. */
static char *find_in_cdpath(struct shell *shell, const char *name)
{
    const char *at = shell_variable(shell, "CDPATH");
    bool searched = *name != '/' && !(name[0] == '.' && (!name[1] || name[1] == '/')) &&
                    !(text_starts(name, "..") && (!name[2] || name[2] == '/'));
    char *found = NULL;
    while (searched && at && *at && !found) {
        struct buffer directory = { 0 };
        struct path *path;
        size_t length = 0;
        while (at[length] && at[length] != ':')
            length++;
        buffer_put(&directory, length ? at : ".", length ? length : 1);
        found = directory.status ? NULL : join_path(directory.text, name);
        buffer_free(&directory);

        bool usable = found && !path_walk(shell->directory, found, 0, &path);
        if (usable) {
            usable = path_is_directory(path);
            path_put(path);
        }
        if (!usable) {
            mem_free(found);
            found = NULL;
        }
        at += length + (at[length] == ':');
    }
    return found;
}

static int run_cd(struct shell *shell, int count, char **words)
{
    const char *home = shell_variable(shell, "HOME"), *name = count > 1 ? words[1] : home;
    bool back = name && text_equal(name, "-");
    char *own = NULL;
    if (back && !(name = shell_variable(shell, "OLDPWD")))
        return shell_complain(shell, "OLDPWD not set");

    /* A copy of OLDPWD is needed, because cd_go() changes it. */
    own = back ? join_path(name, "") : find_in_cdpath(shell, name ? name : "/");
    if (back && !own)
        return shell_fail(shell, NULL, -ENOMEM);
    name = own ? own : name ? name : "/";
    status_t status = cd_go(shell, name, option_given(shell, 'P'));
    int result = status ? shell_fail(shell, name, status) : SHELL_DONE;

    /* `cd -` and CDPATH print where they went (POSIX). */
    if (!status && own && !text_starts(own, "./")) {
        stream_escaped(shell->out, shell_variable(shell, "PWD"), false);
        stream_text(shell->out, "\n");
    }
    mem_free(own);
    return result;
}

static const struct shell_option path_options[] = {
    { 'L', NULL, NULL, "keep the links in the path (the default)" },
    { 'P', NULL, NULL, "without links" },
    { 0 },
};

static const struct shell_command command_cd = {
    .name = "cd",
    .arguments = "[-L|-P] [DIRECTORY|-]",
    .summary = "change the current directory (default: $HOME); -: go back",
    .arguments_max = 1,
    .run = run_cd,
    .options = path_options,
    .option_rules = OPTIONS_FIRST,
    .trouble = SHELL_TROUBLE,
    .group = "Files",
};
SHELL_COMMAND(command_cd);

static int run_pwd(struct shell *shell, int count, char **words)
{
    struct buffer text = { 0 };
    (void)count, (void)words;
    /* The path is still known when the medium was removed, but not when the directory was. */
    if (path_is_unlinked(shell->directory))
        return shell_fail(shell, NULL, -ENOENT);

    const char *pwd = option_given(shell, 'P') ? NULL : valid_pwd(shell);
    status_t status = pwd ? 0 : physical_path(shell->directory, &text);
    if (status) {
        buffer_free(&text);
        return shell_fail(shell, NULL, status);
    }
    stream_escaped(shell->out, pwd ? pwd : text.text, false);
    stream_text(shell->out, "\n");
    buffer_free(&text);
    return SHELL_DONE;
}

static const struct shell_command command_pwd = {
    .name = "pwd",
    .arguments = "[-L|-P]",
    .summary = "print the current directory",
    .run = run_pwd,
    .options = path_options,
    .option_rules = OPTIONS_FIRST,
    .group = "Files",
};
SHELL_COMMAND(command_pwd);
