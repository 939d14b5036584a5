/*
 * find.c - walks trees and evaluates an expression for each node: find.
 *
 * The walk keeps one level for each open directory on the heap: the directory's path and the names
 * in it that are still to be visited, read and sorted when it is entered. So changes that the
 * expression makes do not disturb the walk, and it never recurses. It never crosses a mount, and
 * enters a directory once: a second visit is reported as ELOOP.
 */
#include "shell/commands/find/find.h"
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/id_set.h"
#include "shell/reading/listing.h"
#include "shell/reading/paths.h"
#include "shell/reading/walk.h"

struct find_level {
    struct find_level *above;
    struct path *path;  /* a reference */
    struct name *names; /* still to be visited */
    struct name *self;  /* the directory's own name, which the level owns */
    size_t length;      /* of its path in find_walk.text */
    uint64_t alias;     /* of its contents */
};

struct find_walk {
    struct find *find;
    struct find_level *level;
    unsigned depth; /* of the node that is visited: the number of levels */
    struct id_set entered;
    struct buffer text; /* the path of the node that is visited */
    size_t start_length; /* of its first part */
};

static bool stopped(const struct find_walk *walk)
{
    return walk->find->quit || walk->find->shell->out->status || shell_interrupted();
}

static void evaluate(struct find_walk *walk, const struct name *name)
{
    struct find *find = walk->find;

    /* -mindepth skips the evaluation of a directory, but its contents are visited. */
    if (walk->depth < find->depth_min || stopped(walk))
        return;
    struct find_item item = {
        .path = walk->text.text,
        .name = name->text,
        .parent = walk->level ? walk->level->path : NULL,
        .depth = walk->depth,
        .start_length = walk->start_length,
        .info = name->info,
    };
    find_evaluate(find, &item);
}

/* Returns -ELOOP for a directory that was entered before. With -L it may be met along several
 * links, and follow() has found out whether it contains itself. */
static status_t note_entered(struct find_walk *walk, uint64_t alias)
{
    return walk->find->follow ? 0 : id_set_add(&walk->entered, alias);
}

/* Adds a level for a directory and reads its names. Takes over `path`. Returns false if it cannot
 * be entered; an incomplete listing is walked as far as it goes. */
static bool enter(struct find_walk *walk, struct path *path, struct name *self)
{
    struct node_info info;
    struct find *find = walk->find;
    struct find_level *level = NULL;

    /* Refuse a directory that is too deep or was entered before: a damaged disc may contain
     * loops. */
    status_t status = walk->depth >= WALK_DEPTH_MAX ? -ELOOP : path_info(path, INFO_ALIAS, &info);
    if (!status)
        status = note_entered(walk, info.alias);
    if (!status && !(level = mem_zalloc(sizeof(*level))))
        status = -ENOMEM;
    if (status) {
        path_put(path);
        return find_fail(find, walk->text.text, status);
    }

    /* From here on the level owns the path and the directory's own name. */
    *level = (struct find_level){ .above = walk->level, .path = path, .self = self,
                                  .length = walk->text.length, .alias = info.alias };
    walk->level = level;
    walk->depth++;

    /* All names are read now, because the expression may create and remove files. */
    unsigned skipped;
    struct name *names = NULL;
    status = names_collect(path, false, find->levels, &names, &skipped);
    if (status)
        find_fail(find, walk->text.text, status);
    find->result = shell_end_skipped(find->shell, walk->text.text, skipped, find->result);
    struct sortable *sorted = sort_list(names ? &names->link : NULL, names_by_text, NULL);
    level->names = sorted ? container_of(sorted, struct name, link) : NULL;
    return true;
}

/* Evaluates a node, and enters it if it is a directory: before its evaluation with -depth, else
 * after it. Returns true if the new level owns the name. Takes over `path`, which is NULL when the
 * parent must look the name up. */
static bool visit(struct find_walk *walk, struct name *name, struct path *path)
{
    struct find *find = walk->find;
    bool enters = name->info.type == NODE_DIRECTORY && walk->depth < find->depth_max;
    if (!find->contents_first) {
        evaluate(walk, name);
        enters &= !find->prune;
    }

    /* The new level takes over the name, and evaluates it later if -depth is given. */
    status_t status = 0;
    if (enters && !stopped(walk)) {
        /* The start brings its path; other nodes are looked up only if they are entered. */
        if (!path)
            status = path_child(walk->level->path, name->text, false, &path);
        if (!status && enter(walk, path_get(path), name)) {
            path_put(path);
            return true;
        }
        if (status)
            find_fail(find, walk->text.text, status);
    }

    path_put(path);

    /* The node was not entered, so there are no contents to wait for. */
    if (find->contents_first)
        evaluate(walk, name);
    return false;
}

static bool contains_itself(const struct find_walk *walk, const struct node_info *info)
{
    for (const struct find_level *level = walk->level; level; level = level->above)
        if (info->type == NODE_DIRECTORY && level->alias == info->alias)
            return true;
    return false;
}

/* -L: replaces the information on a link by that on what it leads to, if that exists. Returns the
 * path: a reference, or NULL. name->status is -ELOOP for a link that leads to itself or upwards. */
static struct path *follow(const struct find_walk *walk, struct path *directory,
                           struct name *name)
{
    struct path *path;
    struct node_info info;
    status_t status = path_walk(directory, name->text, 0, &path);
    if (status) {
        name->status = status == -ELOOP ? status : 0;
        return NULL;
    }

    status = path_info(path, walk->find->levels | INFO_ALIAS, &info);
    if (!status)
        name->info = info;
    if (!status && contains_itself(walk, &info))
        name->status = -ELOOP;
    if (!status && !name->status)
        return path;
    path_put(path);
    return NULL;
}

/* Visits the next name of the current level. */
static void step(struct find_walk *walk)
{
    struct find_level *level = walk->level;
    struct name *name = level->names;
    level->names = names_next(name);

    /* In the path, the name replaces that of the sibling before it. */
    walk->text.length = level->length;
    if (walk->text.text[level->length - 1] != '/')
        buffer_put(&walk->text, "/", 1);
    buffer_put(&walk->text, name->text, strlen(name->text));

    if (walk->text.status)
        find_fail(walk->find, name->text, walk->text.status);
    else
        name_look(level->path, false, name, walk->find->levels);
    struct path *target = NULL;
    if (walk->find->follow && !walk->text.status && !name->status &&
        name->info.type == NODE_LINK)
        target = follow(walk, level->path, name);
    if (name->status)
        find_fail(walk->find, walk->text.text, name->status);
    else if (!walk->text.status && visit(walk, name, target))
        return;
    mem_free(name);
}

/* Ends a level. The path is put first: -delete may remove the directory in its evaluation. */
static void leave(struct find_walk *walk)
{
    struct find_level *level = walk->level;
    walk->level = level->above;
    walk->depth--;
    walk->text.length = level->length;
    walk->text.text[level->length] = '\0';

    /* With -depth, the directory is evaluated in the level above, by its own name. */
    path_put(level->path);
    names_free(level->names);
    if (walk->find->contents_first)
        evaluate(walk, level->self);
    mem_free(level->self);
    mem_free(level);
}

/* Returns the start as a name: -name sees its last element, so that "a/" is "a" and "/" is "/". */
static status_t start_name(const char *word, struct name **name)
{
    size_t length;
    const char *base = base_name(word, &length);
    if (!length && *word == '/') {
        base = word;
        length = 1;
    }

    /* The element must be copied to end it, as slashes may follow. */
    char *text = mem_alloc(length + 1);
    if (!text)
        return -ENOMEM;
    memcpy(text, base, length);
    text[length] = '\0';
    *name = NULL;
    status_t status = names_add(name, text);
    mem_free(text);
    return status;
}

static status_t walk_start(struct find_walk *walk, const char *word)
{
    struct path *path;
    struct name *name;
    unsigned flags = walk->find->follow_start ? 0 : WALK_NO_FOLLOW;
    status_t status = path_walk(walk->find->shell->directory, word, flags, &path);

    /* A link that leads nowhere is visited itself. */
    if (status == -ENOENT && !flags)
        status = path_walk(walk->find->shell->directory, word, WALK_NO_FOLLOW, &path);
    if (status)
        return status;
    walk->start_length = strlen(word);

    /* Paths are printed as they were typed, with the path below them appended. */
    buffer_put(&walk->text, word, strlen(word));
    status = walk->text.status ? walk->text.status : start_name(word, &name);
    if (status) {
        path_put(path);
        return status;
    }

    /* No directory lists the start, so its information is read here. */
    status = path_info(path, walk->find->levels, &name->info);
    if (status)
        path_put(path);
    else if (visit(walk, name, path))
        return 0; /* the first level owns the name */
    mem_free(name);
    return status;
}

static void find_below(struct find *find, const char *word)
{
    struct find_walk walk = { .find = find };
    status_t status = walk_start(&walk, word);
    if (status)
        find_fail(find, word, status);

    /* After -quit, ^C or a failed output, the levels are only freed. */
    while (walk.level) {
        if (walk.level->names && !stopped(&walk))
            step(&walk);
        else
            leave(&walk);
    }
    id_set_destroy(&walk.entered);
    buffer_free(&walk.text);
}

/* ---- the command -------------------------------------------------------------------------- */

static bool begins_expression(const char *word)
{
    return (word[0] == '-' && word[1]) || text_equal(word, "(") || text_equal(word, ")") ||
           text_equal(word, "!");
}

/* find [-HLP] [PATH...] [EXPRESSION]: the first word that looks like one begins the expression. */
static int run_find(struct shell *shell, int count, char **words)
{
    struct find find = { .shell = shell, .levels = INFO_DIRENT, .depth_max = UINT64_MAX };
    int first = 1;

    /* -P, -H and -L must precede the paths, and the last of them counts. */
    for (; first < count && words[first][0] == '-' && words[first][1] && !words[first][2] &&
           strchr("PHL", words[first][1]); first++) {
        find.follow_start = words[first][1] != 'P';
        find.follow = words[first][1] == 'L';
    }
    if (first < count && text_equal(words[first], "--"))
        first++;

    int end = first;
    while (end < count && !begins_expression(words[end]))
        end++;

    /* The whole expression must be valid before anything is visited or removed. */
    int result = find_parse(&find, words + end);

    if (!result) {
        for (int i = first; i < end && !find.quit && !shell->out->status; i++)
            find_below(&find, words[i]);

        /* Without a path, the current directory is searched (GNU). */
        if (first == end)
            find_below(&find, ".");
        find_finish_batches(&find);
        result = shell_interrupted() ? SHELL_INTERRUPTED : find.result;
    }
    find_free(&find);
    return result;
}

static const struct shell_option find_options[] = {
    { 0, "-name", "GLOB", "the name matches; quote patterns: '*.md'" },
    { 0, "-iname", "GLOB", "like the one above, ignoring case" },
    { 0, "-path", "GLOB", "the whole path matches; * also matches /" },
    { 0, "-ipath", "GLOB", "like the one above, ignoring case" },
    { 0, "-wholename", "GLOB", "as -path; -iwholename as -ipath" },
    { 0, "-regex", "RE", "the whole path matches; -iregex: ignoring case" },
    { 0, "-regextype", "TYPE", "of RE: emacs, posix-basic or posix-extended" },
    { 0, "-type", "LIST", "f: file, d: directory, l: link, o: other; or a list: f,d" },
    { 0, "-xtype", "LIST", "the same of what a link leads to" },
    { 0, "-lname", "GLOB", "a link whose text matches; -ilname: ignoring case" },
    { 0, "-samefile", "FILE", "the same file" },
    { 0, "-inum", "[+-]N", "its number is N" },
    { 0, "-links", "[+-]N", "it has N names" },
    { 0, "-perm", "[-/]MODE", "its mode is MODE; -: has all of it, /: any of it" },
    { 0, "-size", "[+-]N[bcwkMG]", "N 512-byte blocks; c: bytes, k: KiB; +: more, -: less" },
    { 0, "-newer", "FILE", "modified later than FILE" },
    { 0, "-newerXY", "FILE", "X and Y: a, B, c or m; Y also t: FILE is a date" },
    { 0, "-mtime", "[+-]N", "modified N days ago; also -atime, -ctime" },
    { 0, "-mmin", "[+-]N", "modified N minutes ago; also -amin, -cmin" },
    { 0, "-empty", NULL, "an empty file or directory" },
    { 0, "-true", NULL, "always true" },
    { 0, "-false", NULL, "always false" },
    { 0, "-maxdepth", "N", "descend at most N levels below PATH" },
    { 0, "-mindepth", "N", "ignore the first N levels; PATH is level 0" },
    { 0, "-depth", NULL, "visit the contents of a directory first" },
    { 0, "-xdev", NULL, "stay on one mount (always on)" },
    { 0, "-follow", NULL, "as -L" },
    { 0, "-prune", NULL, "true; do not descend into this directory" },
    { 0, "-quit", NULL, "exit immediately" },
    { 0, "-print", NULL, "print the path (the default action)" },
    { 0, "-print0", NULL, "print the unescaped path and a NUL" },
    { 0, "-printf", "FORMAT", "print FORMAT: %p path, %f name, %s size, %y type ..." },
    { 0, "-exec", "CMD \\;", "run CMD, with {} as the path; true if it exits with 0" },
    { 0, "-exec", "CMD {} +", "run CMD with many paths at a time" },
    { 0, "-delete", NULL, "remove it; implies -depth" },
    { 0, "-not", NULL, "the next expression is false; also written as !" },
    { 0, "-a", NULL, "both are true; may be omitted" },
    { 0, "-o", NULL, "either is true; binds weaker than -a; \\( \\) groups" },
    { 0 },
};

static const struct shell_command command_find = {
    .name = "find",
    .arguments = "[-HLP] [PATH...] [EXPRESSION]",
    .summary = "find files for which an expression is true, on one mount",
    .arguments_max = -1,
    .run = run_find,
    .options = find_options,
    .option_rules = OPTIONS_RAW,
    .group = "Trees",
};
SHELL_COMMAND(command_find);
DRIVER_DRIVES("command find Trees: find files for which an expression is true, on one mount");
