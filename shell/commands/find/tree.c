/*
 * tree.c - draws directory trees: tree.
 *
 * Each open directory is one level on the heap, with the names in it that are not drawn yet: what
 * remains decides which lines are drawn beside the names below. The walk never crosses a mount,
 * never recurses in C, and enters each directory once, as a damaged disc may contain loops.
 */
#include "kernel/module/info.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/id_set.h"
#include "shell/reading/listing.h"
#include "shell/reading/paths.h"
#include "shell/reading/walk.h"

/* A directory that is being drawn. */
struct tree_level {
    struct tree_level *above;
    struct path *path; /* a reference */
    struct name *names; /* not drawn yet */
};

struct tree {
    struct shell *shell;
    bool all, directories_only;
    uint64_t depth, depth_max;
    uint64_t directories, files;
    struct tree_level *level;
    struct id_set entered;
    unsigned skipped; /* invalid entries of directories */
    int result;
};

/* Removes the names that are not drawn. Their types are needed for that. */
static struct name *tree_filter(const struct tree *tree, struct path *path, struct name *names)
{
    struct name *kept = NULL;
    for (struct name *next; names; names = next) {
        /* The name may be freed below, so the next one is found first. */
        next = names_next(names);
        name_look(path, false, names, INFO_DIRENT);

        /* An entry that cannot be examined is drawn; tree_step() reports why. */
        bool shown = (names->text[0] != '.' || tree->all) &&
                     (!tree->directories_only || names->info.type == NODE_DIRECTORY);
        if (!shown) {
            mem_free(names);
            continue;
        }
        names->link.next = kept ? &kept->link : NULL;
        kept = names;
    }
    return kept;
}

/* Adds a level for a directory. A listing that is incomplete is drawn as far as it goes. */
static status_t tree_enter(struct tree *tree, struct path *path)
{
    struct node_info info;

    /* -ELOOP refuses a directory that was entered before: a damaged disc may contain loops. */
    status_t status = path_info(path, INFO_ALIAS, &info);
    if (!status)
        status = id_set_add(&tree->entered, info.alias);
    struct tree_level *level = status ? NULL : mem_zalloc(sizeof(*level));
    if (!level)
        return status ? status : -ENOMEM;

    /* The level keeps a reference for as long as its names are drawn. */
    level->path = path_get(path);
    level->above = tree->level;
    tree->level = level;
    tree->depth++;

    /* From here on the level exists, and shows the names that can be read. */
    unsigned skipped = 0;
    struct name *names = NULL;
    status = names_collect(path, false, INFO_DIRENT, &names, &skipped);
    tree->skipped += skipped;
    names = tree_filter(tree, path, names);
    struct sortable *sorted = sort_list(names ? &names->link : NULL, names_by_text, NULL);
    level->names = sorted ? container_of(sorted, struct name, link) : NULL;
    return status;
}

static void tree_leave(struct tree *tree)
{
    struct tree_level *level = tree->level;
    tree->level = level->above;
    tree->depth--;
    path_put(level->path);
    names_free(level->names);
    mem_free(level);
}

/* The lines beside the levels above, outermost first: "|   " where more names follow. */
static void tree_indent(const struct tree *tree)
{
    /* The list of levels leads outwards, and the lines are drawn in the other direction. */
    bool more[WALK_DEPTH_MAX];
    unsigned count = 0;
    for (const struct tree_level *l = tree->level->above; l && count < WALK_DEPTH_MAX; l = l->above)
        more[count++] = l->names != NULL;
    while (count--)
        stream_text(tree->shell->out, more[count] ? "|   " : "    ");
}

static void tree_line(struct tree *tree, const struct name *name, struct path *path)
{
    struct stream *out = tree->shell->out;
    char *target = NULL;
    tree_indent(tree);

    /* The name was removed from the list: if that is empty now, it was the last one. */
    stream_text(out, tree->level->names ? "|-- " : "`-- ");
    stream_escaped(out, name->text, false);

    /* A link whose target cannot be read is drawn without it. */
    if (name->info.type == NODE_LINK && (target = mem_alloc(PATH_BYTES_MAX + 1)) &&
        path_read_link(path, target, PATH_BYTES_MAX + 1) >= 0) {
        stream_text(out, " -> ");
        stream_escaped(out, target, false);
    }
    mem_free(target);
    stream_text(out, "\n");
}

/* Reports an error by the absolute path: the names of the levels above are not kept. */
static int tree_fail(const struct tree *tree, struct path *path, const char *name,
                     status_t status)
{
    char *text = path_text_copy(path, NULL);
    int result = shell_fail_below(tree->shell, text ? text : "", name, status);
    mem_free(text);
    return result;
}

/* Draws the next name, and enters it if it is a directory. Only -ENOMEM ends the drawing. */
static status_t tree_step(struct tree *tree)
{
    struct name *name = tree->level->names;
    struct path *path = NULL;
    status_t status = name->status;

    /* Take the name out first: the names that remain decide which lines are drawn. */
    tree->level->names = names_next(name);
    if (!status)
        status = path_child(tree->level->path, name->text, false, &path);

    /* The line is drawn before the contents, even if those cannot be read. */
    bool directory = path && path_is_directory(path);
    tree_line(tree, name, path);
    tree->directories += directory;
    tree->files += !directory;

    if (directory && tree->depth < tree->depth_max)
        status = tree->depth >= WALK_DEPTH_MAX ? -ELOOP : tree_enter(tree, path);

    /* A node that was not found has no path: it is reported by its parent's path. */
    if (status)
        tree->result = path ? tree_fail(tree, path, "", status)
                            : tree_fail(tree, tree->level->path, name->text, status);
    path_put(path);
    mem_free(name);

    /* Other errors were reported, and the names after this one are still drawn. */
    return status == -ENOMEM ? status : 0;
}

static int tree_place(struct tree *tree, const char *name)
{
    struct shell *shell = tree->shell;
    struct path *path;
    status_t status = path_walk(shell->directory, name, 0, &path);
    if (status)
        return shell_fail(shell, name, status);

    /* The start is drawn as it was typed. */
    tree->result = SHELL_DONE;
    tree->skipped = 0;
    stream_escaped(shell->out, name, false);
    stream_text(shell->out, "\n");
    status = path_is_directory(path) ? tree_enter(tree, path) : 0;
    if (status)
        tree->result = shell_fail(shell, name, status);
    path_put(path);

    /* Draw the names of the innermost level. When none is left, continue in the level above. */
    while (tree->level && !shell->out->status && !shell_interrupted() && status != -ENOMEM) {
        if (tree->level->names)
            status = tree_step(tree);
        else
            tree_leave(tree);
    }

    /* After ^C or an error, levels remain. */
    while (tree->level)
        tree_leave(tree);
    id_set_destroy(&tree->entered);
    if (shell_interrupted())
        return SHELL_INTERRUPTED;
    return shell_end_skipped(shell, name, tree->skipped, tree->result);
}

static int run_tree(struct shell *shell, int count, char **words)
{
    struct tree tree = {
        .shell = shell,
        .all = option_given(shell, 'a'),
        .directories_only = option_given(shell, 'd'),
        .depth_max = UINT64_MAX,
    };
    if (!option_number(shell, 'L', 1, UINT64_MAX, &tree.depth_max))
        return SHELL_USAGE;

    int result = SHELL_DONE;
    for (int i = 1; i < max(count, 2) && !shell->out->status; i++) {
        int one = tree_place(&tree, count > 1 ? words[i] : ".");

        /* After ^C the totals would be wrong. */
        if (one == SHELL_INTERRUPTED)
            return one;
        result = one ? one : result;
    }

    /* The totals include all operands. */
    stream_format(shell->out, "\n%llu director%s", (unsigned long long)tree.directories,
                  tree.directories == 1 ? "y" : "ies");
    if (!tree.directories_only)
        stream_format(shell->out, ", %llu file%s", (unsigned long long)tree.files,
                      text_plural(tree.files));
    stream_text(shell->out, "\n");
    return result;
}

static const struct shell_option tree_options[] = {
    { 'a', "all", NULL, "include names that begin with a dot" },
    { 'd', "directories", NULL, "list only directories" },
    { 'L', "level", "N", "descend at most N levels" },
    { 0 },
};

static const struct shell_command command_tree = {
    .name = "tree",
    .arguments = "[-ad] [-L N] [DIRECTORY...]",
    .summary = "draw a directory tree, of one mount",
    .arguments_max = -1,
    .run = run_tree,
    .options = tree_options,
    .group = "Trees",
};
SHELL_COMMAND(command_tree);
DRIVER_DRIVES("command tree Trees: draw a directory tree, of one mount");
