/*
 * fold.c - divides lines that are too long, and converts tabs: fold, expand, unexpand.
 *
 * Columns     A tab advances to the next tab stop, a backspace goes back by one column, a carriage
 *             return to column 0. Every other byte takes a column, as in GNU's tools.
 * Memory      fold -s keeps a line of the width that is wanted; else nothing is kept.
 * References  POSIX.1-2017, fold, expand, unexpand.
 */
#include "kernel/module/info.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/input.h"
#include "shell/words.h"

enum { TAB = 8, TABS_MAX = 128 };

/* ---- fold --------------------------------------------------------------------------------- */

struct fold {
    struct shell *shell;
    uint64_t width, column;
    bool begun; /* bytes of this line were written */
    bool spaces, bytes;
    struct buffer line; /* of -s: what may have to be divided */
};

static uint64_t column_after(const struct fold *fold, uint64_t column, char c)
{
    if (fold->bytes)
        return column + 1;
    switch (c) {
    case '\b': return column ? column - 1 : 0;
    case '\r': return 0;
    case '\t': return column + TAB - column % TAB;
    default: return column + 1;
    }
}

/* Writes what was kept up to its last blank, or all of it if there is none, and a newline. */
static void divide(struct fold *fold)
{
    struct stream *out = fold->shell->out;
    size_t end = fold->line.length, cut = end;
    while (cut && fold->line.text[cut - 1] != ' ' && fold->line.text[cut - 1] != '\t')
        cut--;
    if (!cut)
        cut = end;

    stream_write(out, fold->line.text, cut);
    stream_text(out, "\n");
    memmove(fold->line.text, fold->line.text + cut, end - cut);
    fold->line.length = end - cut;
    fold->column = 0;
    for (size_t i = 0; i < fold->line.length; i++)
        fold->column = column_after(fold, fold->column, fold->line.text[i]);
}

static void fold_byte(struct fold *fold, char c)
{
    struct stream *out = fold->shell->out;
    if (c == '\n') {
        if (fold->line.length)
            stream_write(out, fold->line.text, fold->line.length);
        buffer_clear(&fold->line);
        stream_text(out, "\n");
        fold->column = 0;
        fold->begun = false;
        return;
    }

    /* A character that is wider than a line is written nevertheless. */
    uint64_t column = column_after(fold, fold->column, c);
    while (column > fold->width && (fold->spaces ? fold->line.length > 0 : fold->begun)) {
        if (fold->spaces)
            divide(fold);
        else
            stream_text(out, "\n");
        fold->column = fold->spaces ? fold->column : 0;
        fold->begun = false;
        column = column_after(fold, fold->column, c);
    }
    fold->column = column;
    fold->begun = true;
    if (fold->spaces)
        buffer_put(&fold->line, &c, 1);
    else
        stream_write(out, &c, 1);
}

static status_t fold_input(struct input *input, void *context)
{
    struct fold *fold = context;
    const char *data;
    ssize_t got;

    fold->column = 0;
    fold->begun = false;
    while ((got = input_piece(input, &data)) > 0 && !fold->shell->out->status) {
        for (ssize_t i = 0; i < got; i++)
            fold_byte(fold, data[i]);
        if (fold->line.status)
            return fold->line.status;
    }

    /* A last line without its newline ends without one. */
    if (fold->line.length)
        stream_write(fold->shell->out, fold->line.text, fold->line.length);
    buffer_clear(&fold->line);
    return got < 0 ? (status_t)got : 0;
}

static int run_fold(struct shell *shell, int count, char **words)
{
    struct fold fold = {
        .shell = shell,
        .width = 80,
        .spaces = option_given(shell, 's'),
        .bytes = option_given(shell, 'b'),
    };
    if (!option_number(shell, 'w', 1, SIZE_MAX / 2, &fold.width))
        return SHELL_USAGE;
    int result = input_each(shell, 1, count, words, fold_input, &fold);
    buffer_free(&fold.line);
    return result;
}

static const struct shell_option fold_options[] = {
    { 'b', "bytes", NULL, "count bytes, not columns" },
    { 's', "spaces", NULL, "divide lines after a blank" },
    { 'w', "width", "N", "use N columns instead of 80" },
    { 0 },
};

static const struct shell_command command_fold = {
    .name = "fold",
    .arguments = "[-bs] [-w N] [FILE...]",
    .summary = "divide lines that are too long",
    .arguments_max = -1,
    .run = run_fold,
    .options = fold_options,
    .group = "Text",
};
SHELL_COMMAND(command_fold);
DRIVER_DRIVES("command fold Text: divide lines that are too long");

/* ---- expand, unexpand --------------------------------------------------------------------- */

struct tabs {
    struct shell *shell;
    uint64_t stops[TABS_MAX];
    unsigned count;
    uint64_t size;    /* of a list of one number: stops at its multiples; 0: none */
    bool initial;     /* convert only blanks at the start of a line */
    uint64_t column;
    bool converting;  /* on this line, still */

    /* of unexpand */
    uint64_t pending;       /* blanks that are not written yet */
    bool first_is_tab;      /* the first of them became a tab */
    bool blank_before_stop; /* the first of them is a single one before a tab stop */
    bool before_is_blank;   /* the last byte was a blank, or a line begins */
};

static int parse_tabs(struct tabs *tabs)
{
    const struct option_value *value = option_values(tabs->shell, 't');
    uint64_t number = 0;
    bool any = false;

    for (; value; value = value->next)
        for (const char *at = value->text;; at++) {
            if (text_is_digit(*at) && number < UINT64_MAX / 20) {
                number = number * 10 + (uint64_t)(*at - '0');
                any = true;
            } else if (!*at || *at == ',' || *at == ' ' || *at == '\t') {
                if (any && !number)
                    return shell_complain(tabs->shell, "tab size cannot be 0");
                if (any && tabs->count && number <= tabs->stops[tabs->count - 1])
                    return shell_complain(tabs->shell, "tab sizes must be ascending");
                if (any && tabs->count == TABS_MAX)
                    return shell_complain(tabs->shell, "-t: too many tab stops");
                if (any)
                    tabs->stops[tabs->count++] = number;
                number = 0;
                any = false;
                if (!*at)
                    break;
            } else {
                return shell_complain(tabs->shell, "tab size contains invalid character(s): '%s'",
                                      at);
            }
        }
    tabs->size = tabs->count == 1 ? tabs->stops[0] : tabs->count ? 0 : TAB;
    return SHELL_DONE;
}

/* Returns the next tab stop after a column; 0 after the last one. */
static uint64_t next_stop(const struct tabs *tabs, uint64_t column)
{
    if (tabs->size)
        return column + tabs->size - column % tabs->size;
    for (unsigned i = 0; i < tabs->count; i++)
        if (tabs->stops[i] > column)
            return tabs->stops[i];
    return 0;
}

static void write_blanks(struct stream *out, uint64_t count)
{
    for (; count && !out->status; count--)
        stream_text(out, " ");
}

static void expand_byte(struct tabs *tabs, char c)
{
    struct stream *out = tabs->shell->out;
    uint64_t stop = next_stop(tabs, tabs->column);

    if (c == '\t' && tabs->converting) {
        /* After the last stop a tab is one blank (POSIX). */
        stop = stop ? stop : tabs->column + 1;
        write_blanks(out, stop - tabs->column);
        tabs->column = stop;
        return;
    }
    if (c == '\n') {
        tabs->column = 0;
        tabs->converting = true;
    } else {
        tabs->column = c == '\b' ? tabs->column - (tabs->column > 0) : tabs->column + 1;
        tabs->converting = tabs->converting && (!tabs->initial || c == ' ' || c == '\t');
    }
    stream_write(out, &c, 1);
}

/* Writes the blanks that waited, of which the first may have become a tab. */
static void write_pending(struct tabs *tabs)
{
    struct stream *out = tabs->shell->out;
    if (tabs->pending) {
        bool tab = tabs->first_is_tab || (tabs->pending > 1 && tabs->blank_before_stop);
        stream_text(out, tab ? "\t" : " ");
        write_blanks(out, tabs->pending - 1);
    }
    tabs->pending = 0;
    tabs->first_is_tab = tabs->blank_before_stop = false;
}

/* Handles a blank. Returns false if it waits; *c may become a tab. */
static bool take_blank(struct tabs *tabs, char *c)
{
    uint64_t stop = next_stop(tabs, tabs->column);
    if (!stop) {
        /* After the last stop nothing is converted. */
        tabs->converting = false;
        return true;
    }
    if (*c == '\t') {
        tabs->column = stop;
        tabs->first_is_tab |= tabs->pending > 0;
    } else if (++tabs->column != stop || !tabs->before_is_blank) {
        /* A single blank before a stop stays one, unless more blanks follow it (GNU). */
        tabs->blank_before_stop |= tabs->column == stop;
        tabs->pending++;
        tabs->before_is_blank = true;
        return false;
    } else {
        *c = '\t';
        tabs->first_is_tab = true;
    }

    /* The tab replaces the blanks that waited, except that single one. */
    tabs->pending = tabs->blank_before_stop;
    return true;
}

static void unexpand_byte(struct tabs *tabs, char c)
{
    bool blank = c == ' ' || c == '\t';
    if (tabs->converting) {
        if (blank && !take_blank(tabs, &c))
            return;
        if (!blank)
            tabs->column = c == '\b' ? tabs->column - (tabs->column > 0) : tabs->column + 1;
        write_pending(tabs);
        tabs->before_is_blank = blank;
        tabs->converting = tabs->converting && (!tabs->initial || blank);
    }
    stream_write(tabs->shell->out, &c, 1);
    if (c == '\n') {
        tabs->column = 0;
        tabs->converting = tabs->before_is_blank = true;
    }
}

static status_t expand_input(struct input *input, void *context)
{
    struct tabs *tabs = context;
    const char *data;
    ssize_t got;
    while ((got = input_piece(input, &data)) > 0 && !tabs->shell->out->status)
        for (ssize_t i = 0; i < got; i++)
            expand_byte(tabs, data[i]);
    return got < 0 ? (status_t)got : 0;
}

static status_t unexpand_input(struct input *input, void *context)
{
    struct tabs *tabs = context;
    const char *data;
    ssize_t got;
    while ((got = input_piece(input, &data)) > 0 && !tabs->shell->out->status)
        for (ssize_t i = 0; i < got; i++)
            unexpand_byte(tabs, data[i]);
    return got < 0 ? (status_t)got : 0;
}

static int run_expand(struct shell *shell, int count, char **words)
{
    struct tabs *tabs = mem_zalloc(sizeof(*tabs));
    if (!tabs)
        return shell_fail(shell, NULL, -ENOMEM);
    tabs->shell = shell;
    tabs->converting = true;
    tabs->initial = option_given(shell, 'i');
    int result = parse_tabs(tabs);
    if (!result)
        result = input_each(shell, 1, count, words, expand_input, tabs);
    mem_free(tabs);
    return result;
}

static int run_unexpand(struct shell *shell, int count, char **words)
{
    struct tabs *tabs = mem_zalloc(sizeof(*tabs));
    if (!tabs)
        return shell_fail(shell, NULL, -ENOMEM);
    tabs->shell = shell;
    tabs->converting = tabs->before_is_blank = true;

    /* POSIX: -t implies -a. */
    tabs->initial = option_given_name(shell, "first-only") ||
                    (!option_given(shell, 'a') && !option_given(shell, 't'));
    int result = parse_tabs(tabs);
    if (!result)
        result = input_each(shell, 1, count, words, unexpand_input, tabs);
    if (!result)
        write_pending(tabs);
    mem_free(tabs);
    return result;
}

static const struct shell_option expand_options[] = {
    { 'i', "initial", NULL, "convert only tabs at the start of a line" },
    { 't', "tabs", "LIST...", "tab stops: one number for all, or a list" },
    { 0 },
};

static const struct shell_option unexpand_options[] = {
    { 'a', "all", NULL, "convert all blanks, not only those at the start of a line" },
    { 0, "first-only", NULL, "convert only blanks at the start of a line" },
    { 't', "tabs", "LIST...", "tab stops: one number for all, or a list; implies -a" },
    { 0 },
};

static const struct shell_command command_expand = {
    .name = "expand",
    .arguments = "[-i] [-t LIST] [FILE...]",
    .summary = "convert tabs to blanks",
    .arguments_max = -1,
    .run = run_expand,
    .options = expand_options,
    .group = "Text",
};
SHELL_COMMAND(command_expand);
DRIVER_DRIVES("command expand Text: convert tabs to blanks");

static const struct shell_command command_unexpand = {
    .name = "unexpand",
    .arguments = "[-a] [-t LIST] [FILE...]",
    .summary = "convert blanks to tabs",
    .arguments_max = -1,
    .run = run_unexpand,
    .options = unexpand_options,
    .group = "Text",
};
SHELL_COMMAND(command_unexpand);
DRIVER_DRIVES("command unexpand Text: convert blanks to tabs");
