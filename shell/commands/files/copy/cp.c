/*
 * cp.c - copies files and trees: cp.
 *
 * A tree is copied as the walk visits it, directories before their contents. Links within it are
 * copied as links. Where the file system stores none, a link to a file is copied as that file, and
 * other links are reported and skipped, with status 1. With -L every link is followed: those to
 * directories wait in a list until the tree that contains them has been copied.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/commands/files/copy/copy.h"
#include "shell/options.h"
#include "shell/reading/listing.h"
#include "shell/reading/paths.h"
#include "shell/reading/walk.h"

/* A directory whose contents are being copied. Each entry created in it changes its time, so its
 * time is set when the walk has left it. */
struct copied_directory {
    struct copied_directory *above;
    unsigned depth; /* as the walk's items; 0: the start */
    struct node_info times;
    char to[];
};

/* ---- the items of a tree ------------------------------------------------------------------ */

/* Reports only the directories that it creates (GNU). */
static int copy_mkdir(struct copy *copy, const char *from, const char *to)
{
    struct path *path;
    status_t status = vfs_mkdir(copy->shell->directory, to);
    if (!status)
        copy_report(copy, "", from, to);

    /* A directory that exists receives the copies, beside what it contains already. */
    if (status == -EEXIST && !path_walk(copy->shell->directory, to, 0, &path)) {
        status = path_is_directory(path) ? 0 : -ENOTDIR;
        path_put(path);
    }
    return status ? shell_fail(copy->shell, to, status) : SHELL_DONE;
}

struct copy_pending {
    struct copy_pending *next;
    char *from, *to;
};

static int copy_later(struct copy *copy, const char *from, const char *to)
{
    struct copy_pending *pending = mem_alloc(sizeof(*pending));
    if (!pending)
        return shell_fail(copy->shell, from, -ENOMEM);
    *pending = (struct copy_pending){ copy->pending, join_path(from, ""), join_path(to, "") };
    copy->pending = pending;
    return pending->from && pending->to ? SHELL_DONE : shell_fail(copy->shell, from, -ENOMEM);
}

/* Copies what a link of a tree leads to. */
static int copy_followed(struct copy *copy, const struct walk_item *item, const char *from,
                         const char *to)
{
    struct path *path;
    status_t status = path_walk(item->parent, item->name, 0, &path);
    if (status == -ENOENT || status == -ENOTDIR)
        return shell_complain(copy->shell, "%s: dangling symbolic link, skipped", from);
    if (status)
        return shell_fail(copy->shell, from, status);

    int result;
    if (!path_is_directory(path))
        result = copy_file(copy, path, from, to);
    else if (!copy->follow)
        result = shell_complain(copy->shell, "%s: symbolic link to a directory, skipped", from);
    else if (path_is_inside(item->parent, path))
        result = shell_complain(copy->shell, "cannot copy cyclic symbolic link '%s'", from);
    else
        result = copy_later(copy, from, to);
    path_put(path);
    return result;
}

static int copy_link_item(struct copy *copy, const struct walk_item *item, const char *from,
                          const char *to)
{
    struct path *path; /* borrowed */
    if (copy->follow)
        return copy_followed(copy, item, from, to);
    status_t status = walk_path(item, &path);
    if (status)
        return shell_fail(copy->shell, from, status);
    int result = copy_link(copy, path, from, to);
    return result == -EOPNOTSUPP ? copy_followed(copy, item, from, to) : result;
}

static int copy_node(struct copy *copy, const struct walk_item *item, const char *from,
                     const char *to)
{
    struct path *path; /* borrowed */
    status_t status = walk_path(item, &path);
    if (status)
        return shell_fail(copy->shell, from, status);
    return copy->makes_links ? copy_make_link(copy, path, from, to)
                             : copy_file(copy, path, from, to);
}

/* Sets the times of the directories that an item of this depth is not in. */
static void directories_close(struct copy *copy, unsigned depth)
{
    while (copy->open && copy->open->depth >= depth) {
        struct copied_directory *directory = copy->open;
        copy->open = directory->above;
        copy_set_modified(copy->shell, directory->to, &directory->times);
        mem_free(directory);
    }
}

/* Creates a directory, and remembers its time for directories_close(). */
static int copy_directory(struct copy *copy, const struct node_info *info, unsigned depth,
                          const char *from, const char *to)
{
    int result = copy_mkdir(copy, from, to);
    if (result || !copy->keep_times || !info->has_modified)
        return result;

    /* The time cannot be set yet: each entry created in the directory changes it again. */
    size_t bytes = strlen(to) + 1;
    struct copied_directory *directory = mem_alloc(sizeof(*directory) + bytes);
    if (!directory)
        return shell_fail(copy->shell, to, -ENOMEM);

    /* The list leads from the innermost open directory outwards. */
    *directory = (struct copied_directory){ .above = copy->open, .depth = depth,
                                            .times = *info };
    memcpy(directory->to, to, bytes);
    copy->open = directory;
    return SHELL_DONE;
}

static int copy_item(struct copy *copy, const struct walk_item *item, const char *from,
                     const char *to)
{
    bool directory = item->found && item->info.type == NODE_DIRECTORY;

    /* The walk is depth first, so it has left all directories that are as deep as this item. */
    directories_close(copy, item->depth);

    /* A directory that cannot be listed completely is created nevertheless. */
    int result = directory ? copy_directory(copy, &item->info, item->depth, from, to) : SHELL_DONE;
    if (item->status)
        return shell_fail(copy->shell, from, item->status);

    switch (item->info.type) {
    case NODE_DIRECTORY: return result;
    case NODE_FILE: return copy_node(copy, item, from, to);
    case NODE_LINK: return copy_link_item(copy, item, from, to);
    default: return shell_complain(copy->shell, "%s: not a file or directory, skipped", from);
    }
}

/* ---- a tree ------------------------------------------------------------------------------- */

static int copy_walk(struct copy *copy, struct walk *walk, const char *from, const char *to)
{
    struct walk_item *item = mem_alloc(sizeof(*item));
    int result = item ? SHELL_DONE : shell_fail(copy->shell, from, -ENOMEM), got = 0;

    while (item && result != SHELL_INTERRUPTED && (got = walk_next(walk, item)) > 0) {
        /* The walk names its items by their path below the start: append that to both starts. */
        char *source = join_path(from, item->text), *target = join_path(to, item->text);
        int one = source && target ? copy_item(copy, item, source, target)
                                   : shell_fail(copy->shell, item->text, -ENOMEM);
        result = one ? one : result;
        mem_free(source);
        mem_free(target);
    }

    /* The walk itself failed, after the copies that were made so far. */
    if (got < 0)
        result = shell_fail(copy->shell, from, got);
    mem_free(item);
    return shell_end_skipped(copy->shell, from, walk_skipped(walk), result);
}

static int copy_tree(struct copy *copy, struct path *path, const char *from, const char *to)
{
    struct shell *shell = copy->shell;
    struct walk *walk;
    struct node_info info;

    /* The walk would meet the copies, and copy them in turn. */
    bool inside;
    status_t status = copy_is_below(shell, to, path, &inside);
    if (status)
        return shell_fail(shell, to, status);
    if (inside)
        return shell_complain(shell, "%s: cannot copy a directory into itself, %s", from, to);

    /* The walk does not visit its start, so that is created here. */
    status = path_info(path, INFO_TIMES, &info);
    if (status)
        return shell_fail(shell, from, status);
    int result = copy_directory(copy, &info, 0, from, to);
    if (result)
        return result;

    /* Nested: the contents of a directory follow it, so it can be closed before the next one. */
    status = walk_begin(path, WALK_NESTED, &walk);
    result = status ? shell_fail(shell, from, status) : copy_walk(copy, walk, from, to);
    if (!status)
        walk_end(walk);

    /* After an error, too: this sets the times of open directories and frees them. */
    directories_close(copy, 0);
    return result;
}

/* ---- the command -------------------------------------------------------------------------- */

/* Copies an operand that is a file or a link. */
static int copy_leaf(struct copy *copy, struct path *path, const char *from, const char *to)
{
    struct node_info info;
    status_t status = path_info(path, INFO_DIRENT, &info);
    if (status)
        return shell_fail(copy->shell, from, status);
    if (copy->makes_links)
        return copy_make_link(copy, path, from, to);
    if (info.type != NODE_LINK)
        return copy_file(copy, path, from, to);

    int result = copy_link(copy, path, from, to);
    if (result != -EOPNOTSUPP)
        return result;

    /* The file system stores no links: copy the file that it leads to. */
    struct path *file;
    status = path_walk(copy->shell->directory, from, 0, &file);
    if (status)
        return shell_fail(copy->shell, from, status);
    result = copy_file(copy, file, from, to);
    path_put(file);
    return result;
}

/* Copies one operand, or a link to a directory that was met in a tree. */
static int copy_start(struct copy *copy, const char *from, const char *to)
{
    struct path *path;
    int result;
    unsigned flags = copy->follow_operands ? 0 : WALK_NO_FOLLOW;
    status_t status = path_walk(copy->shell->directory, from, flags, &path);
    if (status)
        return shell_fail_with(copy->shell, status, "cannot stat '%s'", from);

    /* POSIX: without -r, a directory is an error. */
    if (!path_is_directory(path))
        result = copy_leaf(copy, path, from, to);
    else if (copy->recursive)
        result = copy_tree(copy, path, from, to);
    else
        result = shell_complain(copy->shell, "-r not specified; omitting directory '%s'", from);
    path_put(path);
    return result;
}

static int copy_one(struct copy *copy, const char *from, const char *to)
{
    int result = copy_start(copy, from, to);

    /* Each copy may find further links. A path passes at most 16 links, so there is an end. */
    while (copy->pending) {
        struct copy_pending *pending = copy->pending;
        copy->pending = pending->next;
        int one = SHELL_DONE;
        if (pending->from && pending->to && !shell_interrupted())
            one = copy_start(copy, pending->from, pending->to);
        result = one ? one : result;
        mem_free(pending->from);
        mem_free(pending->to);
        mem_free(pending);
    }
    return result;
}

/* ---- options ------------------------------------------------------------------------------ */

/* Checks a list of attributes, and stores whether it contains the times. */
static int parse_attributes(struct shell *shell, const char *option, bool *times)
{
    static const char *const words[] = { "timestamps", "all", "mode", "ownership", "links",
                                         "context", "xattr" };
    const char *at = option_value_name(shell, option);
    size_t i, length;
    *times = !at;
    for (; at && *at; at += length + (at[length] == ',')) {
        const char *comma = strchr(at, ',');
        length = comma ? (size_t)(comma - at) : strlen(at);
        for (i = 0; i < ARRAY_LENGTH(words); i++)
            if (text_equal_n(words[i], strlen(words[i]), at, length))
                break;
        if (i == ARRAY_LENGTH(words))
            return shell_complain(shell, "invalid argument '%s' for '--%s'", at, option);
        *times |= i < 2;
    }
    return SHELL_DONE;
}

/* Finds which attributes are kept. Only times can be; the others have no meaning here. */
static int choose_times(struct copy *copy)
{
    struct shell *shell = copy->shell;
    bool given = option_given_name(shell, "preserve"), keeps, drops;
    int result = parse_attributes(shell, "preserve", &keeps);
    if (!result)
        result = parse_attributes(shell, "no-preserve", &drops);

    copy->keep_times = option_given(shell, 'p') || option_given(shell, 'a') || (given && keeps);
    if (!result && option_given_name(shell, "no-preserve") && drops)
        copy->keep_times = false;
    return result;
}

static int run_cp(struct shell *shell, int count, char **words)
{
    bool recursive = option_last(shell, "rRa") != 0;
    char links = option_last(shell, "LHPda");
    struct copy copy = {
        .shell = shell,
        .recursive = recursive,
        .verbose = option_given(shell, 'v'),
        .follow = links == 'L' || (!links && !recursive),
        .follow_operands = links == 'L' || links == 'H' || (!links && !recursive),
        .strict_links = links == 'P' || links == 'd',
        .parents = option_given_name(shell, "parents"),
        .makes_links = option_given(shell, 's'),
        .keep_old = option_last(shell, "ni") == 'n', /* -f does not cancel it, as for mv (GNU) */
        .asks = option_last(shell, "ni") == 'i',
        .updates = option_given(shell, 'u'),
        .forces = option_given(shell, 'f'),
    };
    int result = choose_times(&copy);
    return result ? result : copy_operands(&copy, count, words, copy_one);
}

static const struct shell_option cp_options[] = {
    { 'r', "recursive", NULL, "copy directories recursively, within one mount" },
    { 'R', NULL, NULL, "same as -r" },
    { 'a', "archive", NULL, "same as -r -p" },
    { 'p', NULL, NULL, "preserve modification times" },
    { 0, "preserve", "[=LIST]", "as -p: timestamps or all; others have no effect" },
    { 0, "no-preserve", "LIST", "do not preserve these" },
    { 'L', "dereference", NULL, "copy what links lead to (the default without -r)" },
    { 'H', NULL, NULL, "the same for links that are operands" },
    { 'P', "no-dereference", NULL, "copy links as links (the default with -r)" },
    { 'd', NULL, NULL, "same as -P" },
    { 's', "symbolic-link", NULL, "create links instead of copies" },
    { 'x', "one-file-system", NULL, "stay on one mount (always on)" },
    { 0, "parents", NULL, "keep the whole path of each FROM below DIRECTORY" },
    COPY_OPTIONS,
    { 0 },
};

static const struct shell_command command_cp = {
    .name = "cp",
    .arguments = "[-raLHPdpsfinTuvx] FROM TO | FROM... DIRECTORY | -t DIR FROM...",
    .summary = "copy files, and directories with -r",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_cp,
    .options = cp_options,
    .group = "Files",
};
SHELL_COMMAND(command_cp);
