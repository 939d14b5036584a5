/*
 * copy.c - copies one file, and finds the target of each operand of cp and mv; see copy.h.
 */
#include "shell/commands/files/copy/copy.h"
#include "lib/hash.h"
#include "lib/macros.h"
#include "lib/status.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/id_set.h"
#include "shell/reading/paths.h"
#include "shell/reading/progress.h"

void copy_report(const struct copy *copy, const char *what, const char *from, const char *to)
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

/* Copies the bytes. Sets *write_failed if an error is about `to`. */
static status_t copy_bytes(struct progress *progress, struct file *from, struct file *to,
                           bool *write_failed)
{
    struct cache_view view = { 0 };
    ssize_t got;
    status_t status = 0;
    *write_failed = false;

    /* Views show the pages of the cache, so each byte is copied only once. */
    while (!status && (got = file_view(from, &view)) > 0) {
        status = file_write_all(to, view.data, view.length_bytes);

        /* file_view() has succeeded, so an error is about the target. */
        *write_failed = status != 0;
        progress_add(progress, view.length_bytes);

        /* A view holds pages of the cache, so it is closed before the next one is opened. */
        file_view_close(from, &view);
        view = (struct cache_view){ 0 };
        if (!status && shell_interrupted())
            status = -EINTR;
    }
    if (status || got < 0)
        return status ? status : (status_t)got;

    /* A disk may still hold the bytes in a volatile cache, and fail to write them. What is written
     * back is made durable once, by copy_sync(): a name never leads to bytes that are not. */
    if (!file_is_written_back(to))
        status = file_flush(to);
    *write_failed = status != 0;
    return status;
}

/* Gives a complete copy its name; removes an incomplete one, and reports that after ^C. */
static status_t copy_end(struct copy *copy, struct replacement *target, const char *to,
                         status_t status)
{
    /* A device is written in place, which cannot be undone. */
    bool apart = target->file != target->old, replaces = target->old;
    if (!status)
        return replace_commit(target);

    replace_abandon(target);
    if (apart && shell_interrupted())
        shell_complain(copy->shell, replaces ? "%s: copy incomplete; old file kept"
                                             : "%s: copy incomplete; removed", to);
    return status;
}

/* Walks to `to` if it exists, else to the directory that would contain it: a reference. */
static status_t walk_to_target(struct shell *shell, const char *to, struct path **path)
{
    status_t status = path_walk(shell->directory, to, 0, path);
    if (status != -ENOENT)
        return status;

    /* The target does not exist yet: find the directory that would contain it. */
    size_t length;
    const char *base = base_name(to, &length);
    char *directory = join_path(base > to ? "" : ".", to);
    if (!directory)
        return -ENOMEM;

    /* Cut off the last element. A path of one element is in the current directory. */
    directory[base > to ? (size_t)(base - to) : 1] = '\0';
    status = path_walk(shell->directory, directory, 0, path);
    mem_free(directory);
    return status;
}

/* Notes that a copy is written back from now on: copy_sync() is to return the errors of that. */
static void copy_mark(struct copy *copy, const char *to)
{
    struct path *path;
    if (copy->writes_back)
        return;
    copy->writes_back = true;
    copy->mark = (struct vfs_sync_mark){ 0 };
    if (walk_to_target(copy->shell, to, &path))
        return; /* copy_sync() reports it */
    copy->mark = vfs_sync_mark(path);
    path_put(path);
}

/* Copies an open file. *write_failed: the error is about `to`. */
static status_t copy_opened(struct copy *copy, struct file *source, const char *from,
                            const char *to, bool *write_failed)
{
    struct replacement target;
    struct progress *progress = mem_alloc(sizeof(*progress));
    if (!progress)
        return -ENOMEM;

    /* Until bytes are copied, an error is about the target. Nothing else may write it meanwhile. */
    *write_failed = true;
    status_t status = replace_begin(copy->shell->directory, to, OPEN_DENY_WRITE, &target);
    if (status == -EACCES && copy->forces && !vfs_unlink(copy->shell->directory, to))
        status = replace_begin(copy->shell->directory, to, OPEN_DENY_WRITE, &target);
    if (!status) {
        /* The target gets its name only after the last byte, in copy_end(). */
        progress_begin(progress, copy->shell, from, file_size(source));
        if (file_is_written_back(target.file))
            copy_mark(copy, to);
        status = copy_bytes(progress, source, target.file, write_failed);
        progress_end(progress);

        /* copy_end() may fail although the bytes were copied. That error is about the target. */
        status_t end = copy_end(copy, &target, to, status);
        *write_failed |= !status && end;
        status = end;
    } else if (status == -EISDIR && to[strlen(to) - 1] == '/') {
        /* "NAME/" was not a directory, or does not exist. */
        status = -ENOTDIR;
    }
    mem_free(progress);
    return status;
}

bool copy_keeps(const struct copy *copy, struct path *from, struct path *old)
{
    struct node_info source, target;
    return copy->updates && !path_is_directory(from) && !path_info(from, INFO_TIMES, &source) &&
           !path_info(old, INFO_TIMES, &target) && source.has_modified && target.has_modified &&
           (source.modified_s < target.modified_s ||
            (source.modified_s == target.modified_s && source.modified_ns <= target.modified_ns));
}

int copy_may_replace(struct copy *copy, struct path *old, const char *to)
{
    struct node_info target;
    if (copy->asks)
        return shell_ask(copy->shell, "overwrite '%s'? ", to);

    /* POSIX: with -i, that question alone. */
    bool protected = copy->guards && !path_fsd(old)->read_only &&
                     !path_info(old, INFO_STANDARD, &target) && target.type == NODE_FILE &&
                     target.attributes & ATTRIBUTE_READ_ONLY;
    return protected ? shell_ask(copy->shell, "replace write-protected '%s'? ", to) : 1;
}

/* Returns -EALREADY if `to` is the file itself, -EISDIR if it is a directory, and -EEXIST if it
 * exists and must not be replaced. */
static status_t copy_check(struct copy *copy, struct path *from, const char *to)
{
    struct path *path;
    status_t status = path_walk(copy->shell->directory, to, 0, &path);
    if (status)
        return status == -ENOENT ? 0 : status;

    /* With -n, whatever exists stays, and with -u, what is not older; and that is not an error: a
     * directory or, with -n, the file itself (GNU). */
    if (copy->keep_old)
        status = -EEXIST;
    else if (path_is_same(path, from))
        status = -EALREADY;
    else if (copy_keeps(copy, from, path))
        status = -EEXIST;
    else if (path_is_directory(path))
        status = -EISDIR;
    else {
        int may = copy_may_replace(copy, path, to);
        status = may < 0 ? may : may ? 0 : -EEXIST;
    }
    path_put(path);
    return status;
}

void copy_set_modified(struct shell *shell, const char *to, const struct node_info *info)
{
    const struct node_info times = { .has_modified = true, .modified_s = info->modified_s,
                                     .modified_ns = info->modified_ns };
    struct path *path;
    if (path_walk(shell->directory, to, 0, &path))
        return;

    /* The file system may not store times, which is not an error. */
    IGNORE(path_set_times(path, &times));
    path_put(path);
}

int copy_file(struct copy *copy, struct path *path, const char *from, const char *to)
{
    struct shell *shell = copy->shell;
    struct file *source;
    bool write_failed = false;

    status_t status = copy_check(copy, path, to);
    if (status == -EALREADY)
        return shell_complain(shell, "%s and %s are the same file", from, to);

    /* With -n an existing file is skipped without a message. */
    if (status == -EEXIST)
        return SHELL_DONE;
    if (status)
        return shell_fail(shell, to, status);

    /* The target is not touched before the source is open. */
    status = file_open_path(path, OPEN_READ, &source);
    if (!status) {
        status = copy_opened(copy, source, from, to, &write_failed);
        file_close(source);
    }
    if (status)
        return shell_fail(shell, write_failed ? to : from, status);

    /* -p: the content is complete, so nothing changes the time after this. */
    struct node_info info;
    if (copy->keep_times && !path_info(path, INFO_TIMES, &info) && info.has_modified)
        copy_set_modified(shell, to, &info);
    copy_report(copy, "", from, to);
    return SHELL_DONE;
}

/* ---- targets ------------------------------------------------------------------------------ */

int copy_sync(struct copy *copy, const char *to)
{
    struct path *path;
    if (!copy->writes_back)
        return SHELL_DONE;
    copy->writes_back = false;

    status_t status = walk_to_target(copy->shell, to, &path);
    if (status)
        return shell_fail(copy->shell, to, status);
    status = vfs_sync_since(path, &copy->mark);
    path_put(path);
    if (!status)
        return SHELL_DONE;
    if (status == -EINTR)
        return SHELL_INTERRUPTED;
    return shell_complain(copy->shell, "%s: not every byte is on the disk: %s", to,
                          status_text(status));
}

/* Returns the name of `from` in the directory `to`, on the heap. "." and ".." name the contents of
 * a directory, which get no name of their own. */
static char *name_within(const char *from, const char *to)
{
    size_t length;
    const char *base = base_name(from, &length);
    if (text_equal(base, ".") || text_equal(base, "..") || *base == '/')
        return join_path(to, "");

    /* Only the last element of the source is kept. */
    char *path = join_path(to, base);

    /* Remove the slashes that followed the name. */
    if (path && length < strlen(base))
        path[strlen(path) - (strlen(base) - length)] = '\0';
    return path;
}

/* Returns the length of a path without the slashes at its end. */
static size_t bare_length(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return length;
}

/* --parents: returns the whole path `from` below the directory `to`, on the heap. */
static char *path_within(const char *from, const char *to)
{
    char *path = join_path(to, from);
    if (path)
        path[bare_length(path)] = '\0';
    return path;
}

bool copy_exists(struct shell *shell, const char *name)
{
    struct path *path;
    if (path_walk(shell->directory, name, WALK_NO_FOLLOW, &path))
        return false;
    path_put(path);
    return true;
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

static bool is_same_file(struct shell *shell, const char *a, const char *b)
{
    struct path *one, *other;
    bool same = false;
    if (path_walk(shell->directory, a, 0, &one))
        return false;
    if (!path_walk(shell->directory, b, 0, &other)) {
        same = path_is_same(one, other);
        path_put(other);
    }
    path_put(one);
    return same;
}

/* Creates a directory that a path of --parents leads through, unless it exists. */
static int make_parent(struct copy *copy, const char *from, const char *to)
{
    struct shell *shell = copy->shell;
    if (is_directory(shell, to))
        return SHELL_DONE;
    if (copy_exists(shell, to))
        return shell_complain(shell, "'%s' exists but is not a directory", to);

    /* Only what is a directory in the source becomes one in the target. */
    struct path *path;
    status_t status = path_walk(shell->directory, from, 0, &path);
    if (!status) {
        status = path_is_directory(path) ? 0 : -ENOTDIR;
        path_put(path);
    }
    if (status)
        return shell_fail_with(shell, status, "failed to get attributes of '%s'", from);

    status = vfs_mkdir(shell->directory, to);
    if (status)
        return shell_fail_with(shell, status, "cannot make directory '%s'", to);
    if (copy->verbose) {
        stream_escaped(shell->out, from, false);
        stream_text(shell->out, " -> ");
        stream_escaped(shell->out, to, false);
        stream_text(shell->out, "\n");
    }
    return SHELL_DONE;
}

/* --parents: creates the directories of the operand's path below the target directory, even if the
 * operand itself does not exist (GNU). */
static int make_parents(struct copy *copy, const char *from, const char *to)
{
    size_t length, start = strlen(to) - bare_length(from);
    size_t end = (size_t)(base_name(to, &length) - to);
    char *source = join_path(from, ""), *target = join_path(to, "");
    int result = source && target ? SHELL_DONE : shell_fail(copy->shell, from, -ENOMEM);

    /* `from` is the end of `to`, so the same slash ends a directory in both. */
    for (size_t at = start + 1; at < end && !result; at++) {
        if (to[at] != '/' || to[at - 1] == '/')
            continue;
        source[at - start] = target[at] = '\0';
        result = make_parent(copy, source, target);
        source[at - start] = target[at] = '/';
    }
    mem_free(source);
    mem_free(target);
    return result;
}

/* Returns the number of the earlier operand that has become the target of operand i, or i. */
static int find_target(char **targets, int i)
{
    int k = 1;
    while (k < i && !(targets[k] && text_equal(targets[k], targets[i])))
        k++;
    return k;
}

/* Copies operand i to its target, unless an earlier operand has become that file: it must not be
 * lost (GNU). targets[k]: the file that operand k has become, or NULL. */
static int copy_operand(struct copy *copy, char **words, int i, char **targets,
                        struct id_set *seen,
                        int (*one)(struct copy *copy, const char *from, const char *to))
{
    const char *to = targets[i];

    /* The targets are compared only if two have the same hash: there may be many. */
    status_t status = id_set_add(seen, hash_bytes(to, strlen(to), 0) | 1);
    if (status && status != -ELOOP)
        return shell_fail(copy->shell, words[i], status);
    int k = status ? find_target(targets, i) : i;

    /* The same file again is not an error. Directories are merged. With -n, or without a source,
     * nothing can be lost: one() skips the target, or reports the source. */
    bool may_lose = k < i && !copy->keep_old && !is_directory(copy->shell, to);
    if (may_lose && is_same_file(copy->shell, words[k], words[i]))
        return SHELL_DONE;
    if (may_lose && copy_exists(copy->shell, words[i]))
        return shell_complain(copy->shell, "%s: will not replace %s, which was just created",
                              words[i], to);
    int made = copy->parents ? make_parents(copy, words[i], to) : SHELL_DONE;
    return made ? made : one(copy, words[i], to);
}

int copy_each(struct copy *copy, int count, char **words,
              int (*one)(struct copy *copy, const char *from, const char *to))
{
    const char *to = words[count - 1];
    bool into = !copy->to_is_file && is_directory(copy->shell, to);
    int result = SHELL_DONE;

    /* Several operands need a directory as their target (POSIX). */
    if (!into && count > 3)
        return shell_fail(copy->shell, to, -ENOTDIR);

    if (!into && copy->parents)
        return shell_complain(copy->shell, "with --parents, the destination must be a directory");

    struct id_set seen = { 0 };
    char **targets = mem_zalloc((size_t)count * sizeof(*targets));
    if (!targets)
        return shell_fail(copy->shell, NULL, -ENOMEM);

    /* An operand that fails sets the status, and the next one is processed. */
    for (int i = 1; i < count - 1 && !shell_interrupted(); i++) {
        targets[i] = !into ? join_path(to, "")
                     : copy->parents ? path_within(words[i], to) : name_within(words[i], to);
        int status = targets[i] ? copy_operand(copy, words, i, targets, &seen, one)
                                : shell_fail(copy->shell, words[i], -ENOMEM);
        if (status) {
            result = status;
            mem_free(targets[i]);
            targets[i] = NULL;
        }
    }
    for (int i = 1; i < count - 1; i++)
        mem_free(targets[i]);
    mem_free(targets);
    id_set_destroy(&seen);

    /* The copies are written together: one by one would take several times as long. */
    int synced = shell_interrupted() ? SHELL_INTERRUPTED : copy_sync(copy, to);
    return synced ? synced : result;
}

status_t copy_is_below(struct shell *shell, const char *name, struct path *above, bool *below)
{
    struct path *path;
    status_t status = walk_to_target(shell, name, &path);
    if (status)
        return status;
    *below = path_is_inside(path, above);
    path_put(path);
    return 0;
}

int copy_operands(struct copy *copy, int count, char **words,
                  int (*one)(struct copy *copy, const char *from, const char *to))
{
    struct shell *shell = copy->shell;
    const char *folder = option_value(shell, 't');
    copy->to_is_file = option_given(shell, 'T');
    if (!folder && count == 2)
        return shell_complain(shell, "missing destination file operand after '%s'", words[1]);
    if (!folder && copy->to_is_file && count > 3)
        return shell_complain(shell, "extra operand '%s'", words[3]);
    if (!folder)
        return copy_each(copy, count, words, one);
    if (copy->to_is_file)
        return shell_complain(shell, "cannot combine -t and -T");
    if (!is_directory(shell, folder))
        return shell_complain(shell, "target directory '%s': Not a directory", folder);

    /* The directory takes the place of the last operand. */
    char **list = mem_alloc(((size_t)count + 2) * sizeof(*list));
    if (!list)
        return shell_fail(shell, NULL, -ENOMEM);
    memcpy(list, words, (size_t)count * sizeof(*list));
    list[count] = (char *)(uintptr_t)folder;
    list[count + 1] = NULL;
    int result = copy_each(copy, count + 1, list, one);
    mem_free(list);
    return result;
}
