/*
 * ls.c - lists directories and files: ls.
 *
 * Without options only the names are read; types, sizes and times are read when they are shown or
 * sorted by, because on a CD each may cost a seek. On a terminal names are shown in columns.
 * Directories wait in two lists, the operands and, with -R, those found below the current operand,
 * so that a tree of any depth is listed without recursion.
 */
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/id_set.h"
#include "shell/reading/listing.h"
#include "shell/reading/paths.h"
#include "shell/reading/show.h"
#include "shell/terminal.h"

enum { COLUMN_GAP = 2 };

struct ls {
    struct shell *shell;
    bool details, all, almost_all, recursive, by_size, by_time, human, reverse, single, marks;
    bool slashes, inodes, numeric, columns, colors; /* -p, -i, -n, -C, --color */
    bool unsorted;
    bool titles;           /* "name:" above each directory */
    bool printed;          /* so a title needs an empty line before it */
    int result;
    struct name *operands; /* directories that were typed and are not listed yet */
    struct name *pending;  /* directories found below the current operand; .text: the path */
    struct id_set entered; /* directories listed below the current operand */
};

static unsigned ls_levels(const struct ls *ls)
{
    /* -R must know which names are directories, and -F needs the modes. */
    bool look = ls->details || ls->by_size || ls->by_time || ls->recursive || ls->marks ||
                ls->slashes || ls->inodes || ls->colors;
    return look ? INFO_STANDARD | INFO_TIMES | INFO_MODE : INFO_NONE;
}

static void ls_failed(struct ls *ls, const char *name, status_t status)
{
    ls->result = shell_fail(ls->shell, name, status);
}

/* ---- the order ---------------------------------------------------------------------------- */

/* Compares for a descending order. */
static int compare_descending(uint64_t a, uint64_t b)
{
    return a == b ? 0 : a > b ? -1 : 1;
}

/* Maps a time to an unsigned number in the same order; a file without a time comes last. */
static uint64_t time_rank(const struct node_info *info)
{
    return info->has_modified ? (uint64_t)info->modified_s ^ 1ull << 63 : 0;
}

static int ls_compare(const struct sortable *a, const struct sortable *b, const void *context)
{
    const struct ls *ls = context;
    const struct node_info *one = &container_of(a, const struct name, link)->info;
    const struct node_info *two = &container_of(b, const struct name, link)->info;
    int order = 0;
    if (ls->by_size)
        order = compare_descending(one->size_bytes, two->size_bytes);
    else if (ls->by_time)
        order = compare_descending(time_rank(one), time_rank(two));

    /* Names of equal size or time are sorted by their text. */
    if (!order)
        order = names_by_text(a, b, NULL);
    return ls->reverse ? -order : order;
}

static struct name *ls_sort(const struct ls *ls, struct name *names)
{
    if (ls->unsorted)
        return names;
    struct sortable *sorted = sort_list(names ? &names->link : NULL, ls_compare, ls);
    return sorted ? container_of(sorted, struct name, link) : NULL;
}

/* ---- lines -------------------------------------------------------------------------------- */

struct widths {
    bool modes;
    int size, date, inode;
};

/* Finds the widths of the columns of -l. */
static struct widths ls_measure(const struct ls *ls, const struct name *names)
{
    struct widths widths = { .size = 1, .date = 1 };
    char text[max(SIZE_TEXT_BYTES, DATE_TEXT_BYTES)];
    for (const struct name *n = names; n; n = names_next(n)) {
        /* Format each value once here, to measure it, and again when its line is printed. */
        size_text(text, n->info.size_bytes, ls->human);
        int size = (int)strlen(text);
        widths.size = max(widths.size, size);
        date_text(text, n->info.has_modified, n->info.modified_s);
        int date = (int)strlen(text);
        widths.date = max(widths.date, date);
        int inode = format_text(text, sizeof(text), "%llu", (unsigned long long)n->info.id);
        widths.inode = max(widths.inode, inode);

        /* One name with a mode is enough to widen the column. */
        widths.modes |= (n->info.known & INFO_MODE) != 0;
    }
    return widths;
}

static const char *ls_mark(const struct ls *ls, const struct name *name)
{
    if (!ls->marks)
        return ls->slashes && name->info.type == NODE_DIRECTORY ? "/" : "";

    /* With -l the target of a link is shown, which marks it as well. */
    switch (name->info.type) {
    case NODE_DIRECTORY: return "/";
    case NODE_LINK: return ls->details ? "" : "@";
    case NODE_FILE: return name->info.known & INFO_MODE && name->info.mode & 0111 ? "*" : "";
    default: return "";
    }
}

/* Writes the name, in the color of its type with --color: GNU's default colors. */
static void ls_name(const struct ls *ls, const struct name *name)
{
    struct stream *out = ls->shell->out;
    const char *color = NULL;
    if (ls->colors)
        switch (name->info.type) {
        case NODE_DIRECTORY: color = "01;34"; break;
        case NODE_LINK: color = "01;36"; break;
        case NODE_OTHER: color = "01;33"; break;
        default:
            color = name->info.known & INFO_MODE && name->info.mode & 0111 ? "01;32" : NULL;
        }
    if (color)
        stream_format(out, "\x1b[%sm", color);
    stream_escaped(out, name->text, false);
    if (color)
        stream_text(out, "\x1b[0m");
    stream_text(out, ls_mark(ls, name));
}

/* -n: the numbers that POSIX's long format has besides those of -l; 0 where they are unknown. */
static void ls_owner(const struct ls *ls, const struct node_info *info)
{
    bool known = info->known & INFO_MODE;
    if (ls->numeric)
        stream_format(ls->shell->out, "%2u %4u %4u ", known ? info->links : 1,
                      known ? info->uid : 0, known ? info->gid : 0);
}

static void ls_target(struct ls *ls, struct path *path)
{
    char *target = mem_alloc(PATH_BYTES_MAX + 1);
    if (target && path_read_link(path, target, PATH_BYTES_MAX + 1) >= 0) {
        stream_text(ls->shell->out, " -> ");
        stream_escaped(ls->shell->out, target, false);
    }
    mem_free(target);
}

static void ls_line(struct ls *ls, const struct widths *widths, const struct name *name,
                    struct path *path)
{
    struct stream *out = ls->shell->out;
    char mode[MODE_TEXT_BYTES], size[SIZE_TEXT_BYTES], date[DATE_TEXT_BYTES];
    if (ls->inodes)
        stream_format(out, "%*llu ", widths->inode, (unsigned long long)name->info.id);
    if (ls->details) {
        mode_text(mode, &name->info);
        size_text(size, name->info.size_bytes, ls->human);
        date_text(date, name->info.has_modified, name->info.modified_s);

        /* Where no file has a mode, the column is one wide: the type alone. */
        stream_format(out, "%.*s ", widths->modes ? MODE_TEXT_BYTES - 1 : 1, mode);
        ls_owner(ls, &name->info);
        stream_format(out, "%*s %*s ", widths->size, size, widths->date, date);
    }
    ls_name(ls, name);
    if (ls->details && name->info.type == NODE_LINK && path)
        ls_target(ls, path);
    stream_text(out, "\n");
}

/* ---- columns ------------------------------------------------------------------------------ */

struct grid {
    size_t count, columns, rows;
    uint16_t widths[128];
};

static size_t ls_columns(const struct ls *ls, const struct name *name)
{
    return text_columns(name->text) + strlen(ls_mark(ls, name));
}

/* Lays the names out in this many columns, filled downwards; returns whether they fit. */
static bool grid_fits(const struct ls *ls, struct grid *grid, const struct name *names,
                      size_t columns, size_t room)
{
    size_t total = 0, n = 0;
    grid->columns = columns;
    grid->rows = (grid->count + columns - 1) / columns;
    memset(grid->widths, 0, sizeof(grid->widths));

    /* Names fill the columns downwards: the first `rows` names are in the first column. */
    for (; names; names = names_next(names), n++) {
        size_t column = n / grid->rows, width = ls_columns(ls, names) + COLUMN_GAP;
        if (width > grid->widths[column]) {
            total += width - grid->widths[column];
            grid->widths[column] = (uint16_t)min(width, (size_t)UINT16_MAX);
        }

        /* The last column needs no gap. A single column always fits, even if it is too wide. */
        if (total > room + COLUMN_GAP && columns > 1)
            return false;
    }
    return true;
}

static void grid_row(struct ls *ls, const struct grid *grid, const struct name **cells,
                     size_t row)
{
    struct stream *out = ls->shell->out;
    for (size_t c = 0, n = row; n < grid->count; c++, n += grid->rows) {
        ls_name(ls, cells[n]);

        /* Pad all names except the last one of the row. */
        if (n + grid->rows < grid->count)
            stream_format(out, "%*s", grid->widths[c] - (int)ls_columns(ls, cells[n]), "");
    }
    stream_text(out, "\n");
}

static status_t ls_print_grid(struct ls *ls, const struct name *names)
{
    unsigned width, height;
    struct grid *grid = mem_zalloc(sizeof(*grid));
    const struct name **cells = NULL;
    terminal_size(&width, &height);
    for (const struct name *n = names; grid && n; n = names_next(n))
        grid->count++;

    /* Rows take their names from all columns, which the list cannot provide. */
    if (grid && grid->count)
        cells = mem_alloc(grid->count * sizeof(const struct name *));

    if (cells) {
        /* The largest number of columns that fits; one always does. */
        size_t columns = min(ARRAY_LENGTH(grid->widths), grid->count), n = 0;
        while (!grid_fits(ls, grid, names, columns, width))
            columns--;
        for (; names; names = names_next(names))
            cells[n++] = names;
        for (size_t row = 0; row < grid->rows && !shell_interrupted(); row++)
            grid_row(ls, grid, cells, row);
    }

    /* Without names there are no cells, and nothing to print. */
    bool good = grid && (cells || !grid->count);
    mem_free(cells);
    mem_free(grid);
    return good ? 0 : -ENOMEM;
}

/* ---- listings ----------------------------------------------------------------------------- */

/* Prints one line per name of `directory`. Names that were `typed` are paths from there. */
static void ls_print_lines(struct ls *ls, struct path *directory, const struct name *names,
                           bool typed)
{
    struct widths widths = ls_measure(ls, names);
    for (; names && !shell_interrupted() && !ls->shell->out->status; names = names_next(names)) {
        struct path *path = NULL;

        /* ls_examine() has reported why this name has no information. */
        if (names->status)
            continue;

        /* The target of a link needs its path. The name is shown without one as well. */
        bool link = ls->details && names->info.type == NODE_LINK;
        if (link && (typed ? path_walk(directory, names->text, WALK_NO_FOLLOW, &path)
                           : path_child(directory, names->text, true, &path)))
            path = NULL;
        ls_line(ls, &widths, names, path);
        path_put(path);
    }
}

static void ls_print(struct ls *ls, struct path *directory, const struct name *names, bool typed)
{
    if (names)
        ls->printed = true;

    /* A file or a pipe gets one name per line, which scripts can read (POSIX). */
    bool lines = ls->single || (!ls->columns && !shell_out_is_terminal(ls->shell));
    if (ls->details || ls->inodes || lines) {
        ls_print_lines(ls, directory, names, typed);
    } else {
        status_t status = ls_print_grid(ls, names);
        if (status)
            ls_failed(ls, NULL, status);
    }
}

/* Removes the names that begin with a dot, unless -a or -A is given. */
static struct name *ls_filter(const struct ls *ls, struct name *names)
{
    struct name *kept = NULL;
    while (names) {
        struct name *next = names_next(names);
        if (names->text[0] != '.' || ls->all || ls->almost_all) {
            /* This reverses the order, which does not matter before sorting. */
            names->link.next = kept ? &kept->link : NULL;
            kept = names;
        } else {
            mem_free(names);
        }
        names = next;
    }
    return kept;
}

/* Reads what is shown of each name or sorted by. */
static void ls_examine(struct ls *ls, struct path *directory, struct name *names)
{
    unsigned levels = ls_levels(ls);
    for (; levels && names && !shell_interrupted(); names = names_next(names)) {
        name_look(directory, true, names, levels);

        /* A name without information is left out of the listing, so it is reported here. */
        if (names->status && names->status != -EINTR)
            ls_failed(ls, names->text, names->status);
    }
}

/* -R: puts the directories among the names at the front of the pending ones. */
static status_t ls_descend(struct ls *ls, const char *where, const struct name *names)
{
    struct name *found = NULL, *next;
    status_t status = 0;
    for (; names && !status; names = names_next(names)) {
        /* With -a the names include `.` and `..`, which lead out of the tree. */
        if (names->info.type != NODE_DIRECTORY || text_equal(names->text, ".") ||
            text_equal(names->text, ".."))
            continue;
        char *path = join_path(where, names->text);
        status = path ? names_add(&found, path) : -ENOMEM;
        mem_free(path);
    }

    /* names_add() reversed the order, and moving them one by one restores it. */
    for (; found; found = next) {
        next = names_next(found);
        found->link.next = ls->pending ? &ls->pending->link : NULL;
        ls->pending = found;
    }
    return status;
}

static void ls_title(struct ls *ls, const char *name)
{
    if (!ls->titles)
        return;
    if (ls->printed)
        stream_text(ls->shell->out, "\n");
    stream_escaped(ls->shell->out, name, false);
    stream_text(ls->shell->out, ":\n");
    ls->printed = true;
}

/* -R: returns -ELOOP if this directory was listed already, on a damaged disc. */
static status_t ls_enter(struct ls *ls, struct path *path)
{
    struct node_info info;
    status_t status = path_info(path, INFO_ALIAS, &info);
    if (status || !ls->recursive)
        return status;

    /* An alias is unique within a file system. The address of that distinguishes mounts. */
    return id_set_add(&ls->entered, info.alias ^ (uint64_t)(uintptr_t)path_fsd(path) << 7);
}

static void ls_directory(struct ls *ls, struct path *path, const char *where)
{
    struct name *names = NULL;
    unsigned skipped = 0;

    /* A directory that was listed already is not read again. */
    status_t status = ls_enter(ls, path);
    if (!status)
        status = names_collect(path, true, ls_levels(ls), &names, &skipped);

    names = ls_filter(ls, names);

    /* A listing never contains `.` and `..`, so they are added. */
    if (ls->all && (names_add(&names, ".") || names_add(&names, "..")))
        status = -ENOMEM;

    /* The list is now complete: read what the options need of each name, then sort. */
    ls_examine(ls, path, names);
    names = ls_sort(ls, names);

    /* After an error, what could be read is still listed. */
    if (!shell_interrupted()) {
        ls_title(ls, where);
        ls_print(ls, path, names, false);
        if (ls->recursive && ls_descend(ls, where, names))
            status = -ENOMEM;
    }
    names_free(names);
    if (status)
        ls_failed(ls, where, status);
    ls->result = shell_end_skipped(ls->shell, where, skipped, ls->result);
}

/* ---- operands ----------------------------------------------------------------------------- */

/* Adds an operand to the directories to be listed, or to the `files` that are shown first. With
 * -d, directories are shown like files. */
static status_t ls_operand(struct ls *ls, const char *word, struct name **files, bool directory)
{
    struct path *path;
    struct shell *shell = ls->shell;

    /* A link to a directory is listed as the directory, except where links are shown (POSIX). */
    unsigned flags = ls->details || ls->marks || directory ? WALK_NO_FOLLOW : 0;
    status_t status = path_walk(shell->directory, word, flags, &path);

    /* Any other link is shown itself, a dangling one too; one that loops is an error (GNU). */
    bool directory_found = !status && path_is_directory(path);
    if (!flags && !directory_found && (!status || status == -ENOENT)) {
        if (!status)
            path_put(path);
        status = path_walk(shell->directory, word, WALK_NO_FOLLOW, &path);
    }
    if (status)
        return status;

    bool list = path_is_directory(path) && !directory;
    struct name **names = list ? &ls->operands : files;
    status = names_add(names, word);

    /* Examine it while its path is at hand: directories are sorted by size or time, too. Only a
     * file is reported here, because a directory that fails is reported when it is listed. */
    if (!status) {
        (*names)->status = path_info(path, INFO_STANDARD | INFO_TIMES | INFO_MODE,
                                     &(*names)->info);
        status = list ? 0 : (*names)->status;
    }
    path_put(path);
    return status;
}

/* Prints the operands that are files, and collects the directories. */
static void ls_operands(struct ls *ls, int count, char **words)
{
    struct name *files = NULL;
    bool directory = option_given(ls->shell, 'd');

    /* Without operands, the current directory is listed. */
    for (int i = 0; i < max(count, 1); i++) {
        const char *word = count ? words[i] : ".";
        status_t status = ls_operand(ls, word, &files, directory);
        if (status)
            ls_failed(ls, word, status);
    }

    files = ls_sort(ls, files);
    ls_print(ls, ls->shell->directory, files, true);
    names_free(files);
    ls->operands = ls_sort(ls, ls->operands);
}

/* Takes the next directory: below the current operand, or else the next operand. Directories are
 * listed once below each operand. */
static struct name *ls_next(struct ls *ls)
{
    struct name **list = ls->pending ? &ls->pending : &ls->operands;
    struct name *name = *list;

    /* The next operand is another tree, which may contain the same directories. */
    if (!ls->pending)
        id_set_destroy(&ls->entered);
    if (name)
        *list = names_next(name);
    return name;
}

static void ls_directories(struct ls *ls)
{
    struct name *name;
    while (!shell_interrupted() && !ls->shell->out->status && (name = ls_next(ls))) {
        /* Directories are walked to by their text: no path is held while others are listed. */
        struct path *path;
        status_t status = path_walk(ls->shell->directory, name->text, 0, &path);
        if (status) {
            ls_failed(ls, name->text, status);
        } else {
            ls_directory(ls, path, name->text);
            path_put(path);
        }
        mem_free(name);
    }
}

/* Returns whether --color applies: to a terminal, or always. */
static bool wants_colors(const struct shell *shell)
{
    const char *when = option_value_name(shell, "color");
    if (!option_given_name(shell, "color") || (when && text_equal(when, "never")))
        return false;
    return !when || !text_equal(when, "auto") || shell_out_is_terminal(shell);
}

static int run_ls(struct shell *shell, int count, char **words)
{
    char format = option_last(shell, "lnC1");
    struct ls ls = {
        .shell = shell,
        .details = (format != 'C' && option_given(shell, 'l')) || option_given(shell, 'n'),
        .numeric = option_given(shell, 'n'),
        .columns = format == 'C',
        .slashes = option_given(shell, 'p'),
        .inodes = option_given(shell, 'i'),
        .colors = wants_colors(shell),
        .unsorted = option_given(shell, 'U'),
        .all = option_last(shell, "aA") == 'a',
        .almost_all = option_last(shell, "aA") == 'A',
        .recursive = option_given(shell, 'R'),
        .by_size = option_last(shell, "tS") == 'S',
        .by_time = option_last(shell, "tS") == 't',
        .human = option_given(shell, 'h'),
        .reverse = option_given(shell, 'r'),
        .single = format == '1',
        .marks = option_given(shell, 'F'),
        .titles = count > 2 || option_given(shell, 'R'),
    };

    /* Operands that are files are shown first, then each directory (POSIX). */
    ls_operands(&ls, count - 1, words + 1);
    ls_directories(&ls);
    names_free(ls.pending);
    names_free(ls.operands);
    id_set_destroy(&ls.entered);
    return shell_interrupted() ? SHELL_INTERRUPTED : ls.result;
}

static const struct shell_option ls_options[] = {
    { 'l', NULL, NULL, "print type and mode, size, UTC time, name, link target" },
    { 'a', "all", NULL, "include names that begin with a dot" },
    { 'A', "almost-all", NULL, "same as -a, without . and .." },
    { 'R', "recursive", NULL, "list subdirectories recursively" },
    { 'S', NULL, NULL, "sort by size, largest first" },
    { 't', NULL, NULL, "sort by modification time, newest first" },
    { 'r', "reverse", NULL, "reverse the order" },
    { 'h', "human-readable", NULL, "with -l: print sizes such as 1.2K or 34M" },
    { 'd', "directory", NULL, "list directories themselves, not their contents" },
    { 'F', "classify", NULL, "append / to directories and @ to links" },
    { 'p', NULL, NULL, "append / to directories" },
    { 'i', "inode", NULL, "print the number of each file" },
    { 'n', "numeric-uid-gid", NULL, "as -l, with links, owner and group as numbers" },
    { 'U', NULL, NULL, "do not sort" },
    { 'C', NULL, NULL, "print names in columns, also to a pipe" },
    { '1', NULL, NULL, "print one name per line" },
    { 0, "color", "[=WHEN]", "color names by type: always, auto, never" },
    { 0 },
};

static const struct shell_command command_ls = {
    .name = "ls",
    .arguments = "[-1aACdFhilnpRrStU] [PATH...]",
    .summary = "list directories",
    .arguments_max = -1,
    .run = run_ls,
    .options = ls_options,
    .failing = "cannot access",
    .group = "Files",
};
SHELL_COMMAND(command_ls);
