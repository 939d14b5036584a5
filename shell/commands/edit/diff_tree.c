/*
 * diff_tree.c - selects the files that diff compares; see diff_tree.h.
 *
 * The directories that are being compared are frames on the heap, of which there are at most
 * DEPTH_MAX. A directory that is inside itself, through a link, is not entered again.
 */
#include "shell/commands/edit/diff_tree.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/words.h"

enum { DEPTH_MAX = 256 };

/* One of two names, and its node. */
struct side {
    struct diff_name name;
    char *text;        /* owned; NULL: name.text is borrowed */
    struct path *path; /* owned; NULL: missing, standard input, or `status` is an error */
    enum node_type type;
    uint64_t size_bytes;
    status_t status;
};

struct frame {
    struct frame *outer;
    struct side sides[2];  /* the directories */
    struct words names[2]; /* of their entries, sorted */
    int next[2];
};

/* Returns "DIRECTORY/NAME", which the caller frees; NULL without memory. */
static char *join(const char *directory, const char *name)
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

static bool is_input(const struct side *side)
{
    return text_equal(side->name.text, "-");
}

/* Finds the node of a name. *side keeps the name, and the errno if there is none. */
static void look(const struct diff_tree *tree, struct side *side)
{
    struct node_info info;
    path_put(side->path);
    side->path = NULL;
    side->status = path_walk(tree->shell->directory, side->name.text,
                             tree->keeps_links ? WALK_NO_FOLLOW : 0, &side->path);
    if (!side->status)
        side->status = path_info(side->path, INFO_STANDARD, &info);
    if (side->status)
        return;
    side->type = info.type;
    side->size_bytes = info.size_bytes;
}

static void release(struct side sides[2])
{
    for (unsigned i = 0; i < 2; i++) {
        path_put(sides[i].path);
        mem_free(sides[i].text);
    }
}

/* ---- what is printed ---------------------------------------------------------------------- */

static void print_name(struct stream *out, const struct diff_name *name)
{
    stream_escaped(out, name->label ? name->label : name->text, false);
}

void diff_print_sentence(struct stream *out, const struct diff_name names[2], const char *before,
                         const char *after)
{
    stream_text(out, before);
    print_name(out, &names[0]);
    stream_text(out, " and ");
    print_name(out, &names[1]);
    stream_text(out, after);
}

void diff_print_title(const struct shell *shell, const struct diff_name names[2])
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
    stream_format(out, " %s %s\n", names[0].text, names[1].text);
}

static const char *type_text(const struct side *side)
{
    switch (side->type) {
    case NODE_DIRECTORY: return "directory";
    case NODE_LINK: return "symbolic link";
    case NODE_OTHER: return "special file";
    default: return side->size_bytes ? "regular file" : "regular empty file";
    }
}

static int report_types(const struct diff_tree *tree, const struct side sides[2])
{
    struct stream *out = tree->shell->out;
    for (unsigned i = 0; i < 2; i++) {
        stream_text(out, i ? " while file " : "File ");
        print_name(out, &sides[i].name);
        stream_format(out, " is a %s", type_text(&sides[i]));
    }
    stream_text(out, "\n");
    return SHELL_FAILED;
}

static int report_only(const struct diff_tree *tree, const struct side *directory,
                       const char *name)
{
    struct stream *out = tree->shell->out;
    stream_format(out, "Only in %s: ", directory->name.text);
    stream_escaped(out, name, false);
    stream_text(out, "\n");
    return SHELL_FAILED;
}

/* ---- directories -------------------------------------------------------------------------- */

static status_t list(const struct side *side, struct words *names)
{
    struct file *directory;
    struct dir_entry *entry;
    if (side->name.missing)
        return 0;
    status_t status = file_open(side->path, ".", OPEN_READ | OPEN_DIRECTORY, &directory);
    if (status)
        return status;
    entry = mem_alloc(sizeof(*entry));
    int got = entry ? 0 : -ENOMEM;
    while (entry && (got = dir_read(directory, 0, entry)) > 0) {
        status = words_add(names, entry->name, strlen(entry->name));
        if (status || shell_interrupted())
            break;
    }
    mem_free(entry);
    file_close(directory);
    if (names->count)
        words_sort(names, 0);
    return status ? status : got < 0 ? got : 0;
}

static void pop(struct frame **top)
{
    struct frame *frame = *top;
    *top = frame->outer;
    release(frame->sides);
    for (unsigned i = 0; i < 2; i++)
        words_free(&frame->names[i]);
    mem_free(frame);
}

/* Returns an error if the two directories may not be entered: one is among the directories that
 * contain it, or there are too many of those. */
static int check_loop(const struct diff_tree *tree, const struct frame *top,
                      const struct side sides[2])
{
    unsigned depth = 0;
    for (const struct frame *outer = top; outer; outer = outer->outer, depth++)
        for (unsigned i = 0; i < 2; i++)
            if (sides[i].path && outer->sides[i].path &&
                path_is_same(sides[i].path, outer->sides[i].path))
                return shell_complain(tree->shell, "%s: recursive directory loop",
                                      sides[i].name.text);
    return depth < DEPTH_MAX ? SHELL_DONE : shell_fail(tree->shell, sides[0].name.text, -ELOOP);
}

/* Adds a frame for two directories, and takes what *sides own. After an error of listing one, the
 * names that were found are compared nevertheless. */
static int enter(const struct diff_tree *tree, struct frame **top, struct side sides[2])
{
    int result = check_loop(tree, *top, sides);
    if (result)
        return result;
    struct frame *frame = mem_zalloc(sizeof(*frame));
    if (!frame)
        return shell_fail(tree->shell, NULL, -ENOMEM);
    *frame = (struct frame){ .outer = *top, .sides = { sides[0], sides[1] } };
    *top = frame;
    memset(sides, 0, 2 * sizeof(*sides));

    for (unsigned i = 0; i < 2; i++) {
        status_t status = list(&frame->sides[i], &frame->names[i]);
        if (status)
            result = shell_fail(tree->shell, frame->sides[i].name.text, status);
    }
    return result;
}

/* ---- one pair ----------------------------------------------------------------------------- */

/* Compares two links by their targets. One that is missing cannot be read (GNU). */
static int compare_links(const struct diff_tree *tree, const struct side sides[2])
{
    struct shell *shell = tree->shell;
    char *targets[2] = { mem_alloc(PATH_BYTES_MAX + 1), mem_alloc(PATH_BYTES_MAX + 1) };
    int result = SHELL_DONE;

    for (unsigned i = 0; i < 2 && !result; i++) {
        ssize_t got = !targets[i] ? -ENOMEM : !sides[i].path ? -ENOENT
                    : path_read_link(sides[i].path, targets[i], PATH_BYTES_MAX + 1);
        if (got < 0)
            result = shell_fail(shell, sides[i].name.text, (status_t)got);
    }
    if (!result && !text_equal(targets[0], targets[1])) {
        const struct diff_name names[2] = { { .text = sides[0].name.text },
                                            { .text = sides[1].name.text } };
        diff_print_sentence(shell->out, names, "Symbolic links ", " differ\n");
        result = SHELL_FAILED;
    }
    mem_free(targets[0]);
    mem_free(targets[1]);
    return result;
}

static bool are_same(const struct side sides[2])
{
    if (is_input(&sides[0]) || is_input(&sides[1]))
        return is_input(&sides[0]) && is_input(&sides[1]);
    return sides[0].path && sides[1].path && path_is_same(sides[0].path, sides[1].path);
}

/* Compares two sides that exist, or are taken for empty. May add a frame. */
static int compare_sides(const struct diff_tree *tree, struct frame **top, struct side sides[2])
{
    const struct frame *inside = *top;
    struct stream *out = tree->shell->out;
    const enum node_type types[2] = { sides[0].type, sides[1].type };
    int result = SHELL_DONE;

    if (are_same(sides)) {
        /* Known to be equal without reading them. */
    } else if (types[0] != types[1] && (types[0] != NODE_OTHER || inside) &&
               (types[1] != NODE_OTHER || inside)) {
        return report_types(tree, sides);
    } else if (types[0] == NODE_DIRECTORY && inside && !tree->recurses) {
        stream_format(out, "Common subdirectories: %s and %s\n", sides[0].name.text,
                      sides[1].name.text);
    } else if (types[0] == NODE_DIRECTORY) {
        return enter(tree, top, sides);
    } else if (types[0] == NODE_LINK && types[1] == NODE_LINK) {
        result = compare_links(tree, sides);
    } else {
        const struct diff_name names[2] = { sides[0].name, sides[1].name };
        return tree->compare(tree->context, names, inside);
    }

    const struct diff_name names[2] = { sides[0].name, sides[1].name };
    if (!result && types[0] != NODE_DIRECTORY && option_given(tree->shell, 's'))
        diff_print_sentence(out, names, "Files ", " are identical\n");
    return result;
}

/* Reports the names that do not exist. */
static int report_missing(const struct diff_tree *tree, const struct side sides[2])
{
    int result = SHELL_DONE;
    for (unsigned i = 0; i < 2; i++)
        if (sides[i].status)
            result = shell_fail(tree->shell, sides[i].name.text, sides[i].status);
    return result;
}

/* Gives a missing side the type of the other one. */
static void take_for_empty(struct side *side, const struct side *other)
{
    side->name.missing = true;
    side->status = 0;
    side->type = other->type;
    side->size_bytes = 0;
}

/* Compares the entries of this name in the two directories of the frame. */
static int visit(const struct diff_tree *tree, struct frame **top, const char *name,
                 const bool has[2])
{
    struct frame *frame = *top;
    if (!(has[0] && has[1]) && !tree->adds_missing)
        return report_only(tree, &frame->sides[has[1]], name);

    struct side sides[2] = { 0 };
    int result = SHELL_DONE;
    for (unsigned i = 0; i < 2; i++) {
        sides[i].text = join(frame->sides[i].name.text, name);
        if (!sides[i].text)
            result = shell_fail(tree->shell, name, -ENOMEM);
        sides[i].name = (struct diff_name){ sides[i].text, tree->labels[i], !has[i] };
    }
    for (unsigned i = 0; i < 2 && !result; i++)
        if (has[i])
            look(tree, &sides[i]);
    for (unsigned i = 0; i < 2 && !result; i++)
        if (!has[i])
            take_for_empty(&sides[i], &sides[!i]);

    if (!result)
        result = report_missing(tree, sides);
    if (!result)
        result = compare_sides(tree, top, sides);
    release(sides);
    return result;
}

/* ---- all of them -------------------------------------------------------------------------- */

/* A file beside a directory is compared with the file of its name in it (POSIX). */
static int look_inside(const struct diff_tree *tree, struct side sides[2])
{
    unsigned in = sides[0].type == NODE_DIRECTORY ? 0 : 1;
    struct side *side = &sides[in];
    if (is_input(&sides[!in]))
        return shell_complain(tree->shell, "cannot compare '-' to a directory");

    const char *file = sides[!in].name.text, *slash = strrchr(file, '/');
    side->text = join(side->name.text, slash ? slash + 1 : file);
    if (!side->text)
        return shell_fail(tree->shell, NULL, -ENOMEM);
    side->name.text = side->text;
    look(tree, side);
    return report_missing(tree, sides);
}

static int compare_operands(const struct diff_tree *tree, struct frame **top,
                            struct side sides[2])
{
    for (unsigned i = 0; i < 2; i++)
        if (is_input(&sides[i]))
            sides[i] = (struct side){ .name = sides[i].name, .type = NODE_FILE, .size_bytes = 1 };
        else
            look(tree, &sides[i]);

    /* -N: one of the two may be missing. */
    for (unsigned i = 0; i < 2 && tree->adds_missing; i++)
        if (sides[i].status == -ENOENT && !sides[!i].status && !sides[!i].name.missing)
            take_for_empty(&sides[i], &sides[!i]);

    int result = report_missing(tree, sides);
    if (!result && (sides[0].type == NODE_DIRECTORY) != (sides[1].type == NODE_DIRECTORY))
        result = look_inside(tree, sides);
    return result ? result : compare_sides(tree, top, sides);
}

/* Takes the next name of a frame, from either side. Returns NULL after the last one. */
static const char *next_name(struct frame *frame, bool has[2])
{
    const char *names[2];
    for (unsigned i = 0; i < 2; i++) {
        has[i] = frame->next[i] < frame->names[i].count;
        names[i] = has[i] ? frame->names[i].list[frame->next[i]] : NULL;
    }
    if (has[0] && has[1]) {
        int order = strcmp(names[0], names[1]);
        has[0] = order <= 0;
        has[1] = order >= 0;
    }
    frame->next[0] += has[0];
    frame->next[1] += has[1];
    return has[0] ? names[0] : has[1] ? names[1] : NULL;
}

int diff_operands(const struct diff_tree *tree, const char *one, const char *two)
{
    struct frame *top = NULL;
    struct side sides[2] = { { .name = { one, tree->labels[0], false } },
                             { .name = { two, tree->labels[1], false } } };
    int result = compare_operands(tree, &top, sides);
    release(sides);

    while (top && !shell_interrupted() && !tree->shell->out->status) {
        bool has[2];
        const char *name = next_name(top, has);
        if (!name) {
            pop(&top);
            continue;
        }
        int status = visit(tree, &top, name, has);
        result = max(result, status);
    }
    while (top)
        pop(&top);
    return shell_interrupted() ? SHELL_INTERRUPTED : result;
}
