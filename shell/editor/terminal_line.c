/*
 * terminal_line.c - finds the row and column of each character, and paints rows; see
 * terminal_line.h.
 */
#include "shell/editor/terminal_line.h"
#include "kernel/console.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/width.h"
#include "shell/terminal.h"

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

/* ---- places ------------------------------------------------------------------------------- */

/* The place after a character. Its column may equal the number of columns: the row is full, and
 * only the next character, or place_wrap(), goes to the next row. */
struct place {
    size_t row, column;
};

static unsigned screen_columns(void)
{
    unsigned columns, rows;
    terminal_size(&columns, &rows);
    return columns;
}

static unsigned screen_rows(void)
{
    unsigned columns, rows;
    terminal_size(&columns, &rows);
    return rows;
}

static void place_advance(struct place *place, unsigned width)
{
    /* A wide character does not cross the edge: it goes to the next row as a whole. */
    if (place->column + width > screen_columns()) {
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
    if (place->column == screen_columns()) {
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

/* Sends the rows [top, end) of a line, in pieces. */
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

static void paint_character(struct painter *painter, const char *text, size_t bytes,
                            unsigned width)
{
    struct place before = painter->place;
    place_advance(&painter->place, width);

    if (painter->place.row < painter->top || painter->place.row >= painter->end)
        return;

    /* A wide character that does not fit into the last column leaves it empty: erase it. */
    if (painter->place.row != before.row && painter->place.row > painter->top) {
        if (before.column < screen_columns())
            painter_put(painter, "\033[K", 3);

        /* The console sends CR LF for it. */
        painter_put(painter, "\n", 1);
    }

    /* A control character must not reach the terminal. A command of several lines is shown in one,
     * with a pilcrow for each newline. */
    bool printable = bytes > 1 || ((unsigned char)*text >= ' ' && (unsigned char)*text < 0x7f);
    if (*text == '\n')
        painter_put(painter, "\xc2\xb6", 2);
    else
        painter_put(painter, printable ? text : "?", printable ? bytes : 1);
}

static void paint(struct painter *painter, const char *text, size_t length)
{
    unsigned width;

    /* Characters above the first row are passed too, since they determine the place. */
    for (size_t at = 0, bytes; at < length && painter->place.row < painter->end; at += bytes) {
        bytes = character_at(text, length, at, &width);
        paint_character(painter, text + at, bytes, width);
    }
}

/* Chooses which rows to show, so that the cursor's is one of them. */
static void choose_top(struct terminal_line *line, size_t rows, size_t cursor_row)
{
    /* The last row stays free: after a full row the cursor is in the next one. */
    size_t room = screen_rows() - 1;

    /* Scroll as little as possible, so that the text does not jump while the cursor moves. */
    if (rows <= room)
        line->top = 0;
    else if (cursor_row < line->top)
        line->top = cursor_row;
    else if (cursor_row >= line->top + room)
        line->top = cursor_row - room + 1;
}

static void move_to(struct place from, struct place to)
{
    /* Painting ends in the target's row or after it, so the cursor only moves up. */
    if (from.row > to.row)
        send_number("\033[%uA", from.row - to.row);

    send_text("\r");

    /* A count of 0 would move by one. */
    if (to.column)
        send_number("\033[%uC", to.column);
}

void terminal_line_show(struct terminal_line *line, const char *prompt, const char *text,
                        size_t length, size_t cursor)
{
    struct place target = place_of(prompt, text, cursor), last = place_of(prompt, text, length);
    place_wrap(&target);
    place_wrap(&last);

    /* Return to the first row that is shown, and paint from there. */
    move_to((struct place){ line->row, 0 }, (struct place){ 0, 0 });

    choose_top(line, last.row + 1, target.row);
    struct painter painter = { .top = line->top, .end = line->top + screen_rows() - 1 };
    paint(&painter, prompt, strlen(prompt));
    paint(&painter, text, length);

    /* The painter stops at the first character of a row that is not shown: the cursor is still at
     * the end of the row above it. */
    if (painter.place.row >= painter.end)
        painter.place = (struct place){ painter.end - 1, screen_columns() };

    /* A full last row: terminals differ in where the cursor is now, so go to the next row. */
    if (painter.place.column == screen_columns())
        painter_put(&painter, "\n", 1);
    painter_flush(&painter);
    place_wrap(&painter.place);

    /* Erase what is left of a longer line, and put the cursor where it belongs. */
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

    /* In the first column the row above may still have to be ended, and a full row needs its own
     * line end: both take a full repaint. */
    bool simple = !line->top && after.row == before.row && after.column < screen_columns() &&
                  before.column && line->row == before.row;
    if (simple)
        console_write(text + length - bytes, bytes);
    return simple;
}

void terminal_line_clear(struct terminal_line *line)
{
    send_text("\033[H\033[2J");
    line->row = line->top = 0;
}
