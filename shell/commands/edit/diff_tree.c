/*
 * diff_tree.c - compares directories; see diff_tree.h.
 *
 * The directories that are being compared are frames on the heap, of which there are at most
 * DEPTH_MAX: a tree is never as deep without a loop of links.
 */
#include "shell/commands/edit/diff_tree.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/words.h"

enum { DEPTH_MAX = 256 };

struct frame {
    struct frame *outer;
    char *sides[2];     /* the directories; NULL: it is missing, and all of its files are empty */
    char *shown[2];     /* their names */
    struct words names; /* of both, sorted */
    int next;
};

char *diff_join(const char *directory, const char *name)
{
    size_t length = strlen(directory);
    bool slash = length && directory[length - 1] != '/';
    char *path = mem_alloc(length + slash + strlen(name) + 1);
    if (!path)
        return NULL;
    memcpy(path, directory, length);
    if (slash)
        path[length] = '/';
    memcpy(path + length + slash, name, strlen(name) + 1);
    return path;
}

static status_t list(const struct diff_tree *tree, struct frame *frame, unsigned side)
{
    struct file *directory;
    struct dir_entry *entry;
    if (!frame->sides[side])
        return 0;
    status_t status = file_open(tree->shell->directory, frame->sides[side],
                                OPEN_READ | OPEN_DIRECTORY, &directory);
    if (status)
        return status;
    entry = mem_alloc(sizeof(*entry));
    int got = entry ? 0 : -ENOMEM;
    while (entry && (got = dir_read(directory, 0, entry)) > 0) {
        status = words_add(&frame->names, entry->name, strlen(entry->name));
        if (status || shell_interrupted())
            break;
    }
    mem_free(entry);
    file_close(directory);
    return status ? status : got < 0 ? got : 0;
}

static void pop(struct frame **top)
{
    struct frame *frame = *top;
    *top = frame->outer;
    for (unsigned i = 0; i < 2; i++) {
        mem_free(frame->sides[i]);
        mem_free(frame->shown[i]);
    }
    words_free(&frame->names);
    mem_free(frame);
}

/* Adds a frame for two directories. Takes the four names, which may be NULL without memory. */
static int push(const struct diff_tree *tree, struct frame **top, char *sides[2], char *shown[2])
{
    struct frame *frame = mem_zalloc(sizeof(*frame));
    if (!frame || !shown[0] || !shown[1]) {
        for (unsigned i = 0; i < 2; i++) {
            mem_free(sides[i]);
            mem_free(shown[i]);
        }
        mem_free(frame);
        return shell_fail(tree->shell, NULL, -ENOMEM);
    }
    *frame = (struct frame){ *top, { sides[0], sides[1] }, { shown[0], shown[1] }, { 0 }, 0 };
    *top = frame;
    int result = SHELL_DONE;
    for (unsigned i = 0; i < 2; i++) {
        status_t status = list(tree, frame, i);
        if (status)
            result = shell_fail(tree->shell, shown[i], status);
    }
    if (frame->names.count)
        words_sort(&frame->names, 0);
    return result;
}

/* Returns the type of a name; -1 if there is none. */
static int type_of(const struct diff_tree *tree, const char *name)
{
    struct path *path;
    struct node_info info;
    unsigned flags = tree->keeps_links ? WALK_NO_FOLLOW : 0;
    if (!name || path_walk(tree->shell->directory, name, flags, &path))
        return -1;
    int type = path_info(path, INFO_STANDARD, &info) ? -1 : (int)info.type;
    path_put(path);
    return type;
}

bool diff_exists(struct shell *shell, const char *name)
{
    struct path *path;
    if (text_equal(name, "-"))
        return true;
    status_t status = path_walk(shell->directory, name, 0, &path);
    if (!status)
        path_put(path);
    return status != -ENOENT;
}

bool diff_are_directories(struct shell *shell, const char *const names[2],
                          const bool directories[2])
{
    for (unsigned i = 0; i < 2; i++)
        if (!directories[i] && !(option_given(shell, 'N') && directories[!i] &&
                                 !diff_exists(shell, names[i])))
            return false;
    return true;
}

int diff_types_differ(struct shell *shell, const char *const names[2], unsigned directory)
{
    stream_format(shell->out, "File %s is a %s while file %s is a %s\n", names[0],
                  directory ? "regular file" : "directory", names[1],
                  directory ? "directory" : "regular file");
    return SHELL_FAILED;
}

static const char *type_text(int type)
{
    return type == NODE_DIRECTORY ? "directory" : type == NODE_LINK ? "symbolic link"
         : "regular file";
}

bool diff_links(struct shell *shell, const char *const names[2], int *result)
{
    const struct diff_tree tree = { .shell = shell, .keeps_links = true };
    char targets[2][256] = { "", "" };
    int types[2];
    for (unsigned i = 0; i < 2; i++)
        types[i] = text_equal(names[i], "-") ? NODE_FILE : type_of(&tree, names[i]);
    if ((types[0] != NODE_LINK && types[1] != NODE_LINK) || types[0] < 0 || types[1] < 0)
        return false;

    *result = SHELL_FAILED;
    if (types[0] != types[1]) {
        stream_format(shell->out, "File %s is a %s while file %s is a %s\n", names[0],
                      type_text(types[0]), names[1], type_text(types[1]));
        return true;
    }
    for (unsigned i = 0; i < 2; i++) {
        struct path *path;
        status_t status = path_walk(shell->directory, names[i], WALK_NO_FOLLOW, &path);
        ssize_t got = status ? status : path_read_link(path, targets[i], sizeof(targets[i]) - 1);
        if (!status)
            path_put(path);
        if (got < 0)
            *result = shell_fail(shell, names[i], (status_t)got);
        targets[i][got < 0 ? 0 : min((size_t)got, sizeof(targets[i]) - 1)] = '\0';
    }
    if (*result == SHELL_FAILED && text_equal(targets[0], targets[1]))
        *result = SHELL_DONE;
    else if (*result == SHELL_FAILED)
        stream_format(shell->out, "Symbolic links %s and %s differ\n", names[0], names[1]);
    return true;
}

void diff_print_title(const struct shell *shell, const char *one, const char *two)
{
    const struct options *options = shell->options;
    struct stream *out = shell->out;
    bool joins = false;

    /* Letters without values are joined, as they are usually typed. */
    stream_text(out, "diff");
    for (unsigned turn = 1; turn <= options->count; turn++)
        for (unsigned i = 0; options->table[i].letter || options->table[i].name; i++) {
            const struct shell_option *option = &options->table[i];
            if (!(options->given >> i & 1) || options->last[i] != turn || option->letter == 'L')
                continue;
            if (option->letter)
                stream_format(out, joins && !option->argument ? "%.0s%c%s" : "%s%c%s", " -",
                              option->letter, option->argument ? option_value(shell, 'U') : "");
            else
                stream_format(out, " --%s", option->name);
            joins = option->letter && !option->argument;
        }
    stream_format(out, " %s %s\n", one, two);
}

/* Compares one name of both directories. May push a frame. */
static int visit(const struct diff_tree *tree, struct frame **top, char *sides[2], char *shown[2],
                 const char *name)
{
    struct stream *out = tree->shell->out;
    struct frame *frame = *top;
    int types[2] = { type_of(tree, sides[0]), type_of(tree, sides[1]) };
    bool missing = types[0] < 0 || types[1] < 0;
    int present = max(types[0], types[1]);

    if (missing && !tree->adds_missing) {
        stream_format(out, "Only in %s: ", frame->shown[types[0] < 0]);
        stream_escaped(out, name, false);
        stream_text(out, "\n");
        return SHELL_FAILED;
    }
    if (!missing && types[0] != types[1]) {
        stream_format(out, "File %s is a %s while file %s is a %s\n", shown[0],
                      type_text(types[0]), shown[1], type_text(types[1]));
        return SHELL_FAILED;
    }
    if (present == NODE_DIRECTORY && !tree->recurses) {
        stream_format(out, "Common subdirectories: %s and %s\n", shown[0], shown[1]);
        return SHELL_DONE;
    }
    int result;
    const char *links[2] = { sides[0], sides[1] };
    if (!missing && tree->keeps_links && diff_links(tree->shell, links, &result))
        return result;
    if (present != NODE_DIRECTORY)
        return tree->compare(tree->context, types[0] < 0 ? NULL : sides[0],
                             types[1] < 0 ? NULL : sides[1], shown[0], shown[1]);

    unsigned depth = 0;
    for (struct frame *outer = frame; outer; outer = outer->outer)
        depth++;
    if (depth == DEPTH_MAX)
        return shell_fail(tree->shell, shown[0], -ELOOP);
    char *below[2] = { types[0] < 0 ? NULL : diff_join(sides[0], ""),
                       types[1] < 0 ? NULL : diff_join(sides[1], "") };
    char *names[2] = { diff_join(shown[0], ""), diff_join(shown[1], "") };
    for (unsigned i = 0; i < 2; i++)
        if (names[i])
            names[i][strlen(names[i]) - 1] = '\0';
    return push(tree, top, below, names);
}

static char *copy_of(const char *text)
{
    char *copy = mem_alloc(strlen(text) + 1);
    if (copy)
        memcpy(copy, text, strlen(text) + 1);
    return copy;
}

int diff_trees(const struct diff_tree *tree, const char *one, const char *two)
{
    struct frame *top = NULL;
    char *roots[2] = { NULL, NULL }, *shown[2] = { copy_of(one), copy_of(two) };
    for (unsigned i = 0; i < 2; i++) {
        const char *root = i ? two : one;
        if (diff_exists(tree->shell, root))
            roots[i] = copy_of(root);
    }
    int result = push(tree, &top, roots, shown);

    while (top && !shell_interrupted() && !tree->shell->out->status) {
        if (top->next == top->names.count) {
            pop(&top);
            continue;
        }
        const char *name = top->names.list[top->next++];
        char *sides[2], *names[2];
        for (unsigned i = 0; i < 2; i++) {
            sides[i] = top->sides[i] ? diff_join(top->sides[i], name) : NULL;
            names[i] = diff_join(top->shown[i], name);
        }
        int status = names[0] && names[1] ? visit(tree, &top, sides, names, name)
                                          : shell_fail(tree->shell, NULL, -ENOMEM);
        for (unsigned i = 0; i < 2; i++) {
            mem_free(sides[i]);
            mem_free(names[i]);
        }
        result = max(result, status);
    }
    while (top)
        pop(&top);
    return shell_interrupted() ? SHELL_INTERRUPTED : result;
}
