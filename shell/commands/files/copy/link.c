/*
 * link.c - links of cp and mv: copies of links, and links instead of copies; see copy.h.
 */
#include "lib/string.h"
#include "shell/commands/files/copy/copy.h"
#include "shell/options.h"

/* Returns 1 if a link may have the name `to`, and stores whether something else has it now; 0 if
 * that stays; or an errno: -EISDIR, or -EALREADY if it is `path` itself. */
static int may_link(struct copy *copy, struct path *path, const char *to, bool *exists)
{
    struct path *old;
    status_t status = path_walk(copy->shell->directory, to, WALK_NO_FOLLOW, &old);
    *exists = !status;
    if (status)
        return status == -ENOENT ? 1 : status;

    int may = 0;
    if (!copy->keep_old)
        may = path_is_same(old, path)       ? -EALREADY
              : path_is_directory(old)      ? -EISDIR
              : copy_keeps(copy, path, old) ? 0
                                            : copy_may_replace(copy, old, to);
    path_put(old);
    return may;
}

/* Returns why -s does not create a link, or 0. */
static int refuse_link(struct copy *copy, const char *from, const char *to, bool exists)
{
    struct shell *shell = copy->shell;

    /* The text of a relative target is resolved from the directory that contains the link. */
    if (*from != '/' && strchr(to[0] == '.' && to[1] == '/' ? to + 2 : to, '/'))
        return shell_complain(shell, "'%s': can make relative symbolic links only in current "
                                     "directory", to);
    if (exists && !copy->asks && !option_given(shell, 'f'))
        return shell_fail_with(shell, -EEXIST, "cannot create symbolic link '%s' to '%s'", to,
                               from);
    return SHELL_DONE;
}

/* Creates the link, in the place of a file that may be replaced. */
static int put_link(struct copy *copy, struct path *path, const char *target, const char *from,
                    const char *to)
{
    struct shell *shell = copy->shell;
    bool exists;
    int may = may_link(copy, path, to, &exists);
    if (may == -EALREADY)
        return shell_complain(shell, "%s and %s are the same file", from, to);
    if (may == -EISDIR)
        return shell_complain(shell, "cannot overwrite directory '%s' with non-directory", to);
    if (may <= 0)
        return may ? shell_fail(shell, to, may) : SHELL_DONE;

    int refused = copy->makes_links ? refuse_link(copy, from, to, exists) : SHELL_DONE;
    if (refused)
        return refused;
    status_t status = exists ? vfs_unlink(shell->directory, to) : 0;
    if (!status)
        status = vfs_symlink(shell->directory, target, to);
    if (status == -EOPNOTSUPP && !copy->strict_links)
        return status;
    if (status)
        return shell_fail_with(shell, status, "cannot create symbolic link '%s'", to);
    copy_report(copy, "", from, to);
    return SHELL_DONE;
}

int copy_link(struct copy *copy, struct path *path, const char *from, const char *to)
{
    char *target = mem_alloc(PATH_BYTES_MAX + 1);
    ssize_t got = target ? path_read_link(path, target, PATH_BYTES_MAX + 1) : -ENOMEM;
    int result = got < 0 ? shell_fail(copy->shell, from, (status_t)got)
                         : put_link(copy, path, target, from, to);
    mem_free(target);
    return result;
}

int copy_make_link(struct copy *copy, struct path *path, const char *from, const char *to)
{
    copy->strict_links = true;
    return put_link(copy, path, from, from, to);
}
