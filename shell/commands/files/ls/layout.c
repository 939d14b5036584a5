/*
 * layout.c - prints a list of names: lines, columns, or a row with commas; see ls.h.
 */
#include "lib/civil.h"
#include "lib/date.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/width.h"
#include "shell/commands/files/ls/ls.h"
#include "shell/reading/show.h"

enum {
    COLUMN_GAP = 2,
    COLUMN_LEAST = 3, /* columns that each name takes at least, with the gap (GNU) */
    TIME_BYTES = 96, /* more than SIZE_TEXT_BYTES */
};

/* ---- names -------------------------------------------------------------------------------- */

/* Stores how a byte is shown if not as it is. Returns the length; 0: it is not changed. */
static size_t quote_byte(enum ls_quoting quoting, char c, char piece[8])
{
    static const char names[] = "abtnvfr"; /* of the bytes from 7 on */
    unsigned value = (unsigned char)c;
    bool control = value < 0x20 || value == 0x7f;

    switch (quoting) {
    case LS_LITERAL: return 0;
    case LS_QUESTIONS:
        piece[0] = '?';
        return control;
    case LS_SAFE:
        control |= c == '\\';
        return control ? (size_t)format_text(piece, 8, "\\x%02X", value) : 0;
    default: break;
    }

    if (value >= 7 && value <= 13)
        return (size_t)format_text(piece, 8, "\\%c", names[value - 7]);
    if (control)
        return (size_t)format_text(piece, 8, "\\%03o", value);
    bool special = c == '\\' || c == (quoting == LS_QUOTES ? '"' : ' ');
    return special ? (size_t)format_text(piece, 8, "\\%c", c) : 0;
}

size_t ls_write(const struct ls *ls, const char *text, bool print)
{
    size_t columns = ls->quoting == LS_QUOTES ? 2 : 0, length = strlen(text), taken;
    struct stream *out = ls->shell->out;
    char piece[8];

    if (print && columns)
        stream_text(out, "\"");
    for (size_t at = 0; at < length; at += taken) {
        size_t quoted = quote_byte(ls->quoting, text[at], piece);
        unsigned width = (unsigned)quoted;

        taken = quoted ? 1 : character_at(text, length, at, &width);
        columns += width;
        if (print)
            stream_write(out, quoted ? piece : text + at, quoted ? quoted : taken);
    }
    if (print && ls->quoting == LS_QUOTES)
        stream_text(out, "\"");
    return columns;
}

static const char *ls_mark(const struct ls *ls, const struct name *name)
{
    bool directory = name->info.type == NODE_DIRECTORY;
    if (ls->marks <= LS_SLASHES)
        return ls->marks == LS_SLASHES && directory ? "/" : "";

    /* With -l the target of a link is shown, which marks it as well. */
    switch (name->info.type) {
    case NODE_DIRECTORY: return "/";
    case NODE_LINK: return ls->format == LS_DETAILS ? "" : "@";
    case NODE_FILE:
        return ls->marks == LS_ALL_MARKS && name->info.known & INFO_MODE &&
               name->info.mode & 0111 ? "*" : "";
    default: return "";
    }
}

/* Returns GNU's default color for the type of a node, or NULL. */
static const char *color_of(const struct node_info *info)
{
    switch (info->type) {
    case NODE_DIRECTORY: return "01;34";
    case NODE_LINK: return "01;36";
    case NODE_OTHER: return "01;33";
    default: return info->known & INFO_MODE && info->mode & 0111 ? "01;32" : NULL;
    }
}

/* Writes the name, in the color of its type with --color, and its mark. */
static void ls_name(const struct ls *ls, const struct name *name)
{
    struct stream *out = ls->shell->out;
    const char *color = ls->colors ? color_of(&name->info) : NULL;
    if (color)
        stream_format(out, "\x1b[%sm", color);
    ls_write(ls, name->text, true);
    if (color)
        stream_text(out, "\x1b[0m");
    stream_text(out, ls_mark(ls, name));
}

/* ---- lines -------------------------------------------------------------------------------- */

struct widths {
    bool modes;
    int size, date, inode, blocks;
};

static void time_text(const struct ls *ls, const struct node_info *info, char text[TIME_BYTES])
{
    int64_t seconds;
    bool known = ls_time_of(ls, info, &seconds);
    struct civil civil = seconds_to_civil(seconds);

    if (ls->date_format && known && civil_valid(&civil))
        date_format(text, TIME_BYTES, ls->date_format, seconds);
    else
        date_text(text, known, seconds);
}

/* Finds the widths of the columns before the names. */
static struct widths ls_measure(const struct ls *ls, const struct name *names)
{
    struct widths widths = { .size = 1, .date = 1 };
    char text[TIME_BYTES];
    for (const struct name *n = names; n; n = names_next(n)) {
        /* Format each value once here, to measure it, and again when its line is printed. */
        size_text(text, n->info.size_bytes, ls->human);
        int size = (int)strlen(text);
        widths.size = max(widths.size, size);
        time_text(ls, &n->info, text);
        int date = (int)strlen(text);
        widths.date = max(widths.date, date);
        int inode = format_text(text, sizeof(text), "%llu", (unsigned long long)n->info.id);
        widths.inode = max(widths.inode, inode);
        space_text(text, n->info.size_bytes, ls->human);
        int blocks = (int)strlen(text);
        widths.blocks = max(widths.blocks, blocks);

        /* One name with a mode is enough to widen the column. */
        widths.modes |= (n->info.known & INFO_MODE) != 0;
    }

    /* Between commas nothing is aligned. */
    if (ls->format == LS_COMMAS)
        widths.inode = widths.blocks = 0;
    return widths;
}

/* Writes, or only measures, what -i, -s and -Z show before a name. */
static size_t ls_prefix(const struct ls *ls, const struct widths *widths, const struct name *name,
                        bool print)
{
    char text[3 * SIZE_TEXT_BYTES], size[SIZE_TEXT_BYTES];
    size_t used = 0, room = sizeof(text);

    if (ls->inodes)
        used = (size_t)format_text(text, room, "%*llu ", widths->inode,
                                   (unsigned long long)name->info.id);
    if (ls->blocks) {
        space_text(size, name->info.size_bytes, ls->human);
        used += (size_t)format_text(text + used, room - used, "%*s ", widths->blocks, size);
    }

    /* Files have no labels. */
    if (ls->context)
        used += (size_t)format_text(text + used, room - used, "? ");
    if (print)
        stream_write(ls->shell->out, text, used);
    return used;
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
        ls_write(ls, target, true);
    }
    mem_free(target);
}

static void ls_line(struct ls *ls, const struct widths *widths, const struct name *name,
                    struct path *path)
{
    struct stream *out = ls->shell->out;
    char mode[MODE_TEXT_BYTES], size[SIZE_TEXT_BYTES], date[TIME_BYTES];
    bool details = ls->format == LS_DETAILS;
    ls_prefix(ls, widths, name, true);
    if (details) {
        mode_text(mode, &name->info);
        size_text(size, name->info.size_bytes, ls->human);
        time_text(ls, &name->info, date);

        /* Where no file has a mode, the column is one wide: the type alone. */
        stream_format(out, "%.*s ", widths->modes ? MODE_TEXT_BYTES - 1 : 1, mode);
        ls_owner(ls, &name->info);
        stream_format(out, "%*s %*s ", widths->size, size, widths->date, date);
    }
    ls_name(ls, name);
    if (details && name->info.type == NODE_LINK && path)
        ls_target(ls, path);
    stream_text(out, "\n");
}

/* Prints one line per name of `directory`. Names that were `typed` are paths from there. */
static void ls_print_lines(struct ls *ls, const struct widths *widths, struct path *directory,
                           const struct name *names, bool typed)
{
    for (; names && !shell_interrupted() && !ls->shell->out->status; names = names_next(names)) {
        struct path *path = NULL;

        /* ls_examine() has reported why this name has no information. */
        if (names->status && ls->format == LS_DETAILS)
            continue;

        /* The target of a link needs its path. The name is shown without one as well. */
        bool link = ls->format == LS_DETAILS && names->info.type == NODE_LINK;
        if (link && (typed ? path_walk(directory, names->text, WALK_NO_FOLLOW, &path)
                           : path_child(directory, names->text, true, &path)))
            path = NULL;
        ls_line(ls, widths, names, path);
        path_put(path);
    }
}

/* ---- columns ------------------------------------------------------------------------------ */

struct grid {
    size_t count, columns, rows;
    uint16_t widths[128];
};

static size_t cell_columns(const struct ls *ls, const struct widths *widths,
                           const struct name *name)
{
    return ls_prefix(ls, widths, name, false) + ls_write(ls, name->text, false) +
           strlen(ls_mark(ls, name));
}

/* Lays the names out in this many columns; returns whether they fit, as GNU's ls decides it. */
static bool grid_fits(const struct ls *ls, const struct widths *widths, struct grid *grid,
                      const struct name *names, size_t columns)
{
    size_t total = columns * COLUMN_LEAST, n = 0;
    grid->columns = columns;
    grid->rows = (grid->count + columns - 1) / columns;
    for (size_t i = 0; i < columns; i++)
        grid->widths[i] = COLUMN_LEAST;

    for (; names; names = names_next(names), n++) {
        size_t column = ls->format == LS_ACROSS ? n % columns : n / grid->rows;
        size_t width = cell_columns(ls, widths, names);

        /* The last column needs no gap. A single column always fits, even if it is too wide. */
        width += column + 1 < columns ? COLUMN_GAP : 0;
        if (width > grid->widths[column]) {
            total += width - grid->widths[column];
            grid->widths[column] = (uint16_t)min(width, (size_t)UINT16_MAX);
            if (ls->width && total >= ls->width && columns > 1)
                return false;
        }
    }
    return true;
}

static void grid_row(struct ls *ls, const struct widths *widths, const struct grid *grid,
                     const struct name **cells, size_t row)
{
    struct stream *out = ls->shell->out;
    bool across = ls->format == LS_ACROSS;
    size_t step = across ? 1 : grid->rows, n = across ? row * grid->columns : row;
    for (size_t c = 0; c < grid->columns && n < grid->count; c++, n += step) {
        ls_prefix(ls, widths, cells[n], true);
        ls_name(ls, cells[n]);

        /* Pad all names except the last one of the row. */
        if (c + 1 < grid->columns && n + step < grid->count)
            stream_format(out, "%*s", grid->widths[c] - (int)cell_columns(ls, widths, cells[n]),
                          "");
    }
    stream_text(out, "\n");
}

static status_t ls_print_grid(struct ls *ls, const struct widths *widths,
                              const struct name *names)
{
    struct grid *grid = mem_zalloc(sizeof(*grid));
    const struct name **cells = NULL;
    for (const struct name *n = names; grid && n; n = names_next(n))
        grid->count++;

    /* Rows take their names from all columns, which the list cannot provide. */
    if (grid && grid->count)
        cells = mem_alloc(grid->count * sizeof(const struct name *));

    if (cells) {
        /* The largest number of columns that fits; one always does. */
        size_t columns = min(ARRAY_LENGTH(grid->widths), grid->count), n = 0;
        size_t most = (ls->width + COLUMN_LEAST - 1) / COLUMN_LEAST;
        columns = ls->width ? min(columns, most) : columns;
        while (!grid_fits(ls, widths, grid, names, columns))
            columns--;
        for (; names; names = names_next(names))
            cells[n++] = names;
        for (size_t row = 0; row < grid->rows && !shell_interrupted(); row++)
            grid_row(ls, widths, grid, cells, row);
    }

    /* Without names there are no cells, and nothing to print. */
    bool good = grid && (cells || !grid->count);
    mem_free(cells);
    mem_free(grid);
    return good ? 0 : -ENOMEM;
}

static void ls_print_commas(struct ls *ls, const struct widths *widths, const struct name *names)
{
    struct stream *out = ls->shell->out;
    size_t at = 0;
    for (const struct name *n = names; n; n = names_next(n)) {
        size_t columns = cell_columns(ls, widths, n);

        /* The comma belongs to the name before it, and the line's end needs a column. */
        if (n != names) {
            bool fits = !ls->width || at + columns + 2 < ls->width;
            stream_text(out, fits ? ", " : ",\n");
            at = fits ? at + 2 : 0;
        }
        ls_prefix(ls, widths, n, true);
        ls_name(ls, n);
        at += columns;
    }
    if (names)
        stream_text(out, "\n");
}

status_t ls_print(struct ls *ls, struct path *directory, const struct name *names, bool typed)
{
    struct widths widths = ls_measure(ls, names);
    if (names)
        ls->printed = true;
    if (ls->format == LS_DOWN || ls->format == LS_ACROSS)
        return ls_print_grid(ls, &widths, names);
    if (ls->format == LS_COMMAS)
        ls_print_commas(ls, &widths, names);
    else
        ls_print_lines(ls, &widths, directory, names, typed);
    return 0;
}
