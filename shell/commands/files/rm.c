/*
 * rm.c - removes files, and directories with all their contents: rm.
 *
 * A tree is removed without recursion, as the walk visits it: files at once, a directory when the
 * walk has left it. The walk stays on one mount, so a tree with a mount point in it fails with
 * EBUSY there. A directory in which something stays is not tried: the reason was reported, or the
 * answer was "no".
 */
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/paths.h"
#include "shell/reading/listing.h"
#include "shell/reading/walk.h"

/* A directory to be removed when its contents are gone. */
struct doomed {
    struct doomed *above;
    struct path *parent; /* a reference */
    unsigned depth;      /* as the walk's items */
    bool stays;          /* something in it was not removed */
    char text[];         /* its path below the start */
};

struct rm {
    struct shell *shell;
    bool asks, force, recursive;
    const char *start;   /* as it was typed */
    struct doomed *open; /* the directories whose contents are being removed, the innermost first */
    unsigned kept_depth; /* items deeper than this are in a directory that stays; 0: none */
    bool stays;          /* something below the start was not removed */
    int result;
};

/* With -v, in GNU's words: removed 'NAME'. */
static void report_removed(struct shell *shell, const char *name, bool directory)
{
    if (!option_given(shell, 'v'))
        return;
    stream_text(shell->out, directory ? "removed directory '" : "removed '");
    stream_escaped(shell->out, name, false);
    stream_text(shell->out, "'\n");
}

static const char *kind_of(const struct node_info *info)
{
    switch (info->type) {
    case NODE_FILE: return info->size_bytes ? "regular file" : "regular empty file";
    case NODE_DIRECTORY: return "directory";
    case NODE_LINK: return "symbolic link";
    case NODE_NONE: return "file";
    default: return "special file";
    }
}

/* -i: asks before a step. Returns 1 to take it, 0 to leave the node as it is, or an errno. */
static int rm_ask(struct rm *rm, const char *what, const char *kind, const char *name)
{
    return rm->asks ? shell_ask(rm->shell, "%s %s '%s'? ", what, kind, name) : 1;
}

/* Asks before a node is removed: with -i, and without -f if a person is there to answer and the
 * node is a file that cannot be written (POSIX). */
static int rm_ask_remove(struct rm *rm, const struct node_info *info, bool read_only_mount,
                         const char *name)
{
    bool protected = !rm->force && info->type == NODE_FILE &&
                     info->attributes & ATTRIBUTE_READ_ONLY && !read_only_mount &&
                     shell_is_terminal(rm->shell, 0);
    if (!rm->asks && !protected)
        return 1;
    return shell_ask(rm->shell, "remove %s%s '%s'? ", protected ? "write-protected " : "",
                     kind_of(info), name);
}

/* ---- a tree ------------------------------------------------------------------------------- */

/* Remembers that the directories that are open cannot be removed. */
static void rm_stays(struct rm *rm)
{
    rm->stays = true;
    for (struct doomed *at = rm->open; at && !at->stays; at = at->above)
        at->stays = true;
}

/* Removes the node that the walk calls `text`: `name` in the directory `parent`. */
static void rm_node(struct rm *rm, struct path *parent, const char *text,
                    const struct node_info *info, bool directory)
{
    struct shell *shell = rm->shell;
    const char *slash = strrchr(text, '/');
    char *path = join_path(rm->start, text);
    if (!path) {
        rm->result = shell_fail(shell, text, -ENOMEM);
        rm_stays(rm);
        return;
    }

    int answer = rm_ask_remove(rm, info, path_fsd(parent)->read_only, path);
    status_t status = answer < 0 ? answer : 0;
    if (answer > 0)
        status = vfs_unlink(parent, slash ? slash + 1 : text);
    if (status)
        rm->result = shell_fail(shell, path, status);
    if (status || !answer)
        rm_stays(rm);
    else
        report_removed(shell, path, directory);
    mem_free(path);
}

/* Removes the directories that an item of this depth is not in: their contents are gone. */
static void rm_leave(struct rm *rm, unsigned depth)
{
    static const struct node_info directory = { .type = NODE_DIRECTORY };
    while (rm->open && rm->open->depth >= depth) {
        struct doomed *doomed = rm->open;
        rm->open = doomed->above;

        /* Of what cannot succeed, the cause was reported already. */
        if (!doomed->stays && rm->result != SHELL_INTERRUPTED)
            rm_node(rm, doomed->parent, doomed->text, &directory, true);
        path_put(doomed->parent);
        mem_free(doomed);
    }
}

/* Notes a directory, which is removed after its contents. With -i, it may stay. */
static void rm_enter(struct rm *rm, const struct walk_item *item)
{
    size_t bytes = strlen(item->text) + 1;
    struct doomed *doomed = mem_alloc(sizeof(*doomed) + bytes);
    char *path = join_path(rm->start, item->text);
    int answer = doomed && path ? rm_ask(rm, "descend into", "directory", path) : -ENOMEM;
    if (answer < 0)
        rm->result = shell_fail(rm->shell, path ? path : item->text, answer);
    mem_free(path);

    if (answer <= 0) {
        rm->kept_depth = item->depth;
        rm_stays(rm);
        mem_free(doomed);
        return;
    }
    *doomed = (struct doomed){ .above = rm->open, .parent = path_get(item->parent),
                               .depth = item->depth };
    memcpy(doomed->text, item->text, bytes);
    rm->open = doomed;
}

static void rm_item(struct rm *rm, const struct walk_item *item)
{
    static const struct node_info unknown = { .type = NODE_NONE };
    rm_leave(rm, item->depth);
    if (rm->kept_depth && item->depth > rm->kept_depth)
        return;
    rm->kept_depth = 0;

    /* A directory that could not be listed is removed at once, or the attempt is reported. */
    if (item->found && item->info.type == NODE_DIRECTORY && !item->status)
        rm_enter(rm, item);
    else
        rm_node(rm, item->parent, item->text, item->found ? &item->info : &unknown, false);
}

static void rm_tree(struct rm *rm, struct path *path)
{
    struct walk *walk;
    struct walk_item item;
    int got = 0;
    status_t status = walk_begin(path, WALK_NESTED, &walk);
    if (status) {
        rm->result = shell_fail(rm->shell, rm->start, status);
        return;
    }

    while (rm->result != SHELL_INTERRUPTED && (got = walk_next(walk, &item)) > 0)
        rm_item(rm, &item);
    if (rm->result != SHELL_INTERRUPTED && got < 0)
        rm->result = shell_fail(rm->shell, rm->start, got);
    rm->result = shell_end_skipped(rm->shell, rm->start, walk_skipped(walk), rm->result);
    walk_end(walk);
    rm_leave(rm, 0);
}

static bool is_empty(struct path *path)
{
    struct name *names = NULL;
    bool empty = !names_collect(path, true, INFO_NONE, &names, NULL) && !names;
    names_free(names);
    return empty;
}

/* Removes the contents of a directory. Refuses what cannot succeed before anything is removed. */
static void rm_contents(struct rm *rm, struct path *path)
{
    struct shell *shell = rm->shell;
    if (!rm->recursive && option_given(shell, 'd')) {
        /* Removing it reports this, too, but only after the question. */
        if (rm->asks && !is_empty(path))
            rm->result = shell_fail(shell, rm->start, -ENOTEMPTY);
        return;
    }

    if (!rm->recursive) {
        rm->result = shell_fail(shell, rm->start, -EISDIR);
    } else if (path_is_mount_point(path)) {
        rm->result = shell_fail(shell, rm->start, -EBUSY);
    } else if (path_is_inside(shell->directory, path)) {
        rm->result = shell_complain(shell, "%s: contains the current directory", rm->start);
    } else if (!rm->asks || !is_empty(path)) {
        int answer = rm_ask(rm, "descend into", "directory", rm->start);
        if (answer < 0)
            rm->result = shell_fail(shell, rm->start, answer);
        rm->stays = answer <= 0;
        if (answer > 0)
            rm_tree(rm, path);
    }
}

/* ---- the command -------------------------------------------------------------------------- */

/* Returns true if the last element is "." or "..". */
static bool ends_in_dots(const char *name)
{
    size_t length;
    const char *base = base_name(name, &length);
    return text_equal_n(base, length, ".", 1) || text_equal_n(base, length, "..", 2);
}

/* `rm -r LINK/` would empty the directory that the link leads to, and then fail to remove it. */
static bool is_link_with_slash(struct shell *shell, const char *name)
{
    size_t length = strlen(name);
    struct path *path;
    char *bare = length && name[length - 1] == '/' ? join_path(name, "") : NULL;
    if (!bare)
        return false;

    /* The name without slashes is that of the link itself. */
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

/* Removes the node itself, after its contents. */
static void rm_start(struct rm *rm, struct path *path)
{
    struct node_info info;
    bool directory = path_is_directory(path);
    status_t status = path_info(path, INFO_STANDARD, &info);
    if (directory)
        rm_contents(rm, path);
    if (status || rm->result || rm->stays)
        return;

    int answer = rm_ask_remove(rm, &info, path_fsd(path)->read_only, rm->start);
    status = answer < 0 ? answer : 0;
    if (answer > 0)
        status = vfs_unlink(rm->shell->directory, rm->start);
    if (status)
        rm->result = shell_fail(rm->shell, rm->start, status);
    else if (answer)
        report_removed(rm->shell, rm->start, directory);
}

static int rm_one(struct shell *shell, const char *name)
{
    char last = option_last(shell, "fiI");
    struct rm rm = {
        .shell = shell, .start = name, .asks = last == 'i', .force = last == 'f',
        .recursive = option_given(shell, 'r') || option_given(shell, 'R'),
    };
    struct path *path;

    /* POSIX: `.` and `..` are refused before their contents are gone. */
    if (ends_in_dots(name))
        return shell_complain(shell, "refusing to remove '.' or '..' directory: skipping '%s'",
                              name);

    status_t status = is_link_with_slash(shell, name)
                          ? -ENOTDIR
                          : path_walk(shell->directory, name, WALK_NO_FOLLOW, &path);

    /* With -f a file that does not exist is not an error (POSIX). */
    if (rm.force && (status == -ENOENT || status == -ENOTDIR))
        return SHELL_DONE;
    if (status)
        return shell_fail(shell, name, status);

    rm_start(&rm, path);
    path_put(path);
    return rm.result;
}

/* -I: asks once, before many files or a tree are removed. */
static bool rm_agreed(struct shell *shell, int count)
{
    bool recursive = option_given(shell, 'r') || option_given(shell, 'R');
    if (option_last(shell, "fiI") != 'I' || (count <= 4 && !recursive))
        return true;
    return shell_ask(shell, "remove %d argument%s%s? ", count - 1,
                     text_plural((uint64_t)count - 1), recursive ? " recursively" : "") > 0;
}

static int run_rm(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;

    /* POSIX: with -f there need not be an operand. */
    if (count == 1 && option_last(shell, "fiI") != 'f')
        return shell_usage(shell);
    if (!rm_agreed(shell, count))
        return SHELL_DONE;
    for (int i = 1; i < count && !shell_interrupted(); i++) {
        int one = rm_one(shell, words[i]);
        result = one ? one : result;
    }
    return result;
}

static const struct shell_option rm_options[] = {
    { 'r', "recursive", NULL, "remove directories and their contents" },
    { 'R', NULL, NULL, "same as -r" },
    { 'f', "force", NULL, "ignore missing files, and do not ask" },
    { 'i', NULL, NULL, "ask before each removal" },
    { 'I', NULL, NULL, "ask once if there are more than three, or with -r" },
    { 'd', "dir", NULL, "remove empty directories, too" },
    { 'v', "verbose", NULL, "report each file removed" },
    { 0 },
};

static const struct shell_command command_rm = {
    .name = "rm",
    .arguments = "[-rdfiIv] PATH...",
    .summary = "remove files, and directories with -r",
    .arguments_max = -1,
    .run = run_rm,
    .options = rm_options,
    .failing = "cannot remove",
    .group = "Files",
};
SHELL_COMMAND(command_rm);
