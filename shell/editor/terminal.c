/*
 * terminal.c - see terminal.h.
 */
#include "shell/editor/terminal.h"
#include "kernel/console.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/width.h"
#include "shell/shell.h"

enum { COLUMNS_DEFAULT = 80, ROWS_DEFAULT = 24, COLUMNS_MIN = 8, ROWS_MIN = 2 };

static struct {
    bool seen, answered; /* has an answer come since the last question? */
    unsigned columns, rows;
} terminal = { .columns = COLUMNS_DEFAULT, .rows = ROWS_DEFAULT };

static void send_text(const char *text)
{
    console_write(text, strlen(text));
}

static void send_number(const char *format, size_t number)
{
    char text[16];
    format_text(text, sizeof(text), format, (unsigned)number);
    send_text(text);
}

/* ---- the size ----------------------------------------------------------------------------- */

bool terminal_is_seen(void)
{
    return terminal.seen;
}

void terminal_ask_size(void)
{
    terminal.answered = false;
    send_text("\0337\033[999;999H\033[6n\0338");
}

void terminal_seen(void)
{
    if (terminal.seen)
        return;
    terminal.seen = true;
    terminal_ask_size();
}

bool terminal_report(unsigned rows, unsigned columns)
{
    unsigned old_columns = terminal.columns, old_rows = terminal.rows;
    if (columns < COLUMNS_MIN || rows < ROWS_MIN)
        return false;
    if (!terminal.answered || columns < terminal.columns)
        terminal.columns = columns;
    if (!terminal.answered || rows < terminal.rows)
        terminal.rows = rows;
    terminal.answered = true;
    return terminal.columns != old_columns || terminal.rows != old_rows;
}

void shell_terminal_size(unsigned *columns, unsigned *rows)
{
    *columns = terminal.columns;
    *rows = terminal.rows;
}

bool shell_out_is_terminal(const struct shell *shell)
{
    return shell->out == shell->console && shell->console->sink == shell_console_sink &&
           terminal.seen;
}

/* ---- where a line's characters stand ------------------------------------------------------ */

/* The place behind the last character; `column` may be the number of columns: then the terminal
 * has not wrapped yet. */
struct place {
    size_t row, column;
};

static void place_advance(struct place *place, unsigned width)
{
    if (place->column + width > terminal.columns) {
        place->row++;
        place->column = 0;
    }
    place->column += width;
}

static void place_pass(struct place *place, const char *text, size_t length)
{
    unsigned width;
    for (size_t at = 0; at < length; place_advance(place, width))
        at += character_at(text, length, at, &width);
}

static void place_wrap(struct place *place)
{
    if (place->column == terminal.columns) {
        place->row++;
        place->column = 0;
    }
}

static struct place place_of(const char *prompt, const char *text, size_t length)
{
    struct place place = { 0, 0 };
    place_pass(&place, prompt, strlen(prompt));
    place_pass(&place, text, length);
    return place;
}

/* ---- showing ------------------------------------------------------------------------------ */

/* The rows from `top` up to `end` of a line, sent in pieces. */
struct painter {
    size_t top, end;
    struct place place;
    size_t used;
    char text[128];
};

static void painter_flush(struct painter *painter)
{
    console_write(painter->text, painter->used);
    painter->used = 0;
}

static void painter_put(struct painter *painter, const char *text, size_t bytes)
{
    if (painter->used + bytes > sizeof(painter->text))
        painter_flush(painter);
    memcpy(painter->text + painter->used, text, bytes);
    painter->used += bytes;
}

static bool painter_shows(const struct painter *painter)
{
    return painter->place.row >= painter->top && painter->place.row < painter->end;
}

static void paint_character(struct painter *painter, const char *text, size_t bytes,
                            unsigned width)
{
    struct place before = painter->place;
    place_advance(&painter->place, width);
    if (!painter_shows(painter))
        return;
    if (painter->place.row != before.row && painter->place.row > painter->top) {
        if (before.column < terminal.columns) /* no room for a wide one in the last column */
            painter_put(painter, "\033[K", 3);
        painter_put(painter, "\n", 1);
    }
    bool printable = bytes > 1 || ((unsigned char)*text >= ' ' && (unsigned char)*text < 0x7f);
    painter_put(painter, printable ? text : "?", printable ? bytes : 1);
}

static void paint(struct painter *painter, const char *text, size_t length)
{
    unsigned width;
    for (size_t at = 0, bytes; at < length && painter->place.row < painter->end; at += bytes) {
        bytes = character_at(text, length, at, &width);
        paint_character(painter, text + at, bytes, width);
    }
}

/* Which rows to show, so that the cursor's is among them. */
static void choose_top(struct terminal_line *line, size_t rows, size_t cursor_row)
{
    size_t room = terminal.rows - 1;
    if (rows <= room)
        line->top = 0;
    else if (cursor_row < line->top)
        line->top = cursor_row;
    else if (cursor_row >= line->top + room)
        line->top = cursor_row - room + 1;
}

static void move_to(struct place from, struct place to)
{
    if (from.row > to.row)
        send_number("\033[%uA", from.row - to.row);
    send_text("\r");
    if (to.column)
        send_number("\033[%uC", to.column);
}

void terminal_line_show(struct terminal_line *line, const char *prompt, const char *text,
                        size_t length, size_t cursor)
{
    struct place target = place_of(prompt, text, cursor), last = place_of(prompt, text, length);
    place_wrap(&target);
    place_wrap(&last);
    move_to((struct place){ line->row, 0 }, (struct place){ 0, 0 });
    choose_top(line, last.row + 1, target.row);
    struct painter painter = { .top = line->top, .end = line->top + terminal.rows - 1 };
    paint(&painter, prompt, strlen(prompt));
    paint(&painter, text, length);
    if (painter.place.row >= painter.end) /* it stopped before a row that is not shown */
        painter.place = (struct place){ painter.end - 1, terminal.columns };
    if (painter.place.column == terminal.columns)
        painter_put(&painter, "\n", 1);
    painter_flush(&painter);
    place_wrap(&painter.place);
    send_text("\033[J");
    move_to(painter.place, target);
    line->row = target.row - line->top;
}

void terminal_line_adopt(struct terminal_line *line, const char *prompt, const char *text,
                         size_t length)
{
    line->row = place_of(prompt, text, length).row;
    line->top = 0;
}

bool terminal_line_append(struct terminal_line *line, const char *prompt, const char *text,
                          size_t length, size_t bytes)
{
    struct place before = place_of(prompt, text, length - bytes);
    struct place after = place_of(prompt, text, length);
    bool simple = !line->top && after.row == before.row && after.column < terminal.columns &&
                  before.column && line->row == before.row;
    if (simple)
        console_write(text + length - bytes, bytes);
    return simple;
}

void terminal_clear(struct terminal_line *line)
{
    send_text("\033[H\033[2J");
    line->row = line->top = 0;
}
