/*
 * terminal.c - interprets characters and control sequences: see terminal.h.
 */
#include "drivers/video/terminal.h"
#include "lib/macros.h"
#include "lib/utf8.h"

enum {
    COLOUR_FRONT = 7,
    COLOUR_BACK = 0,
    COLOUR_BRIGHT = 8,
    TAB_COLUMNS = 8,
    REPLACEMENT = 0xfffd,
    PARAMETER_MAX = 9999,
};

enum { STATE_GROUND, STATE_ESCAPE, STATE_SKIP_ONE, STATE_CONTROL, STATE_STRING };

uint32_t *terminal_line(const struct terminal *t, int line)
{
    unsigned index = t->first + t->line_count + (unsigned)line;
    return t->cells + (size_t)(index % t->line_count) * t->columns;
}

/* ---- cells -------------------------------------------------------------------------------- */

static uint32_t make_cell(const struct terminal_pen *pen, uint32_t code)
{
    uint32_t front = pen->front, back = pen->back;

    /* There is one font: bold text is bright. */
    if (pen->bold && front < COLOUR_BRIGHT)
        front += COLOUR_BRIGHT;

    if (pen->inverse) {
        uint32_t other = front;
        front = back;
        back = other;
    }
    return code | front << CELL_FRONT_SHIFT | back << CELL_BACK_SHIFT;
}

static void erase(struct terminal *t, unsigned row, unsigned from, unsigned to)
{
    /* Erased cells get the current background, as xterm's do, and no other attribute. */
    struct terminal_pen pen = { .front = COLOUR_FRONT, .back = t->at.pen.back };
    uint32_t *cells = terminal_line(t, (int)row), blank = make_cell(&pen, ' ');
    for (unsigned column = from; column < to; column++)
        cells[column] = blank;
}

static void erase_rows(struct terminal *t, unsigned from, unsigned to)
{
    for (unsigned row = from; row < to; row++)
        erase(t, row, 0, t->columns);
}

static void copy_row(struct terminal *t, unsigned to, unsigned from)
{
    const uint32_t *source = terminal_line(t, (int)from);
    uint32_t *target = terminal_line(t, (int)to);
    for (unsigned column = 0; column < t->columns; column++)
        target[column] = source[column];
}

/* Scrolls by moving the screen's start in the ring; no cell is copied. */
static void scroll_up(struct terminal *t)
{
    /* When the ring is full, the new last row takes the place of the oldest line. */
    t->first = (t->first + 1) % t->line_count;
    if (t->history < t->line_count - t->rows)
        t->history++;
    erase(t, t->rows - 1, 0, t->columns);
}

/* Inserts `count` blank rows at `top`; the last rows are lost. */
static void open_rows(struct terminal *t, unsigned top, unsigned count)
{
    count = min(count, t->rows - top);

    /* From the bottom up, so that no row is overwritten before it was copied. */
    for (unsigned row = t->rows; row-- > top + count;)
        copy_row(t, row, row - count);
    erase_rows(t, top, top + count);
}

static void close_rows(struct terminal *t, unsigned top, unsigned count)
{
    count = min(count, t->rows - top);
    for (unsigned row = top; row + count < t->rows; row++)
        copy_row(t, row, row + count);
    erase_rows(t, t->rows - count, t->rows);
}

/* ---- the cursor --------------------------------------------------------------------------- */

static void move_to(struct terminal *t, unsigned row, unsigned column)
{
    t->at.row = min(row, t->rows - 1);
    t->at.column = min(column, t->columns - 1);
    t->at.wrap = false;
}

static void line_feed(struct terminal *t)
{
    t->at.wrap = false;
    if (t->at.row + 1 < t->rows)
        t->at.row++;
    else
        scroll_up(t);
}

static void line_back(struct terminal *t)
{
    t->at.wrap = false;
    if (t->at.row > 0)
        t->at.row--;
    else
        open_rows(t, 0, 1);
}

static bool is_combining(uint32_t code)
{
    return (code >= 0x300 && code <= 0x36f) || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0xfe00 && code <= 0xfe0f);
}

static void put(struct terminal *t, uint32_t code)
{
    /* A combining character has no cell of its own. */
    if (is_combining(code))
        return;

    /* The new line starts only now, so that 80 characters and an LF take one row. */
    if (t->at.wrap) {
        t->at.column = 0;
        line_feed(t);
    }

    terminal_line(t, (int)t->at.row)[t->at.column] = make_cell(&t->at.pen, code);
    if (t->at.column + 1 < t->columns)
        t->at.column++;
    else
        t->at.wrap = true;
}

/* ---- control sequences -------------------------------------------------------------------- */

/* Returns a parameter, or `otherwise` if it is missing or 0. */
static unsigned parameter(const struct terminal *t, unsigned index, unsigned otherwise)
{
    unsigned value = index < t->parameter_count ? t->parameters[index] : 0;
    return value != 0 ? value : otherwise;
}

static void move_up(struct terminal *t)
{
    unsigned count = parameter(t, 0, 1);
    move_to(t, count < t->at.row ? t->at.row - count : 0, t->at.column);
}

static void move_down(struct terminal *t)
{
    move_to(t, t->at.row + parameter(t, 0, 1), t->at.column);
}

static void move_right(struct terminal *t)
{
    move_to(t, t->at.row, t->at.column + parameter(t, 0, 1));
}

static void move_left(struct terminal *t)
{
    unsigned count = parameter(t, 0, 1);
    move_to(t, t->at.row, count < t->at.column ? t->at.column - count : 0);
}

static void move_line_down(struct terminal *t)
{
    move_down(t);
    t->at.column = 0;
}

static void move_line_up(struct terminal *t)
{
    move_up(t);
    t->at.column = 0;
}

static void move_column(struct terminal *t)
{
    move_to(t, t->at.row, parameter(t, 0, 1) - 1);
}

static void move_row(struct terminal *t)
{
    move_to(t, parameter(t, 0, 1) - 1, t->at.column);
}

static void move_place(struct terminal *t)
{
    move_to(t, parameter(t, 0, 1) - 1, parameter(t, 1, 1) - 1);
}

enum { ERASE_TO_END = 0, ERASE_FROM_START = 1, ERASE_ALL = 2, ERASE_HISTORY = 3 };

static void erase_line(struct terminal *t)
{
    unsigned how = parameter(t, 0, ERASE_TO_END);
    erase(t, t->at.row, how == ERASE_TO_END ? t->at.column : 0,
          how == ERASE_FROM_START ? t->at.column + 1 : t->columns);
}

static void erase_screen(struct terminal *t)
{
    unsigned how = parameter(t, 0, ERASE_TO_END);
    if (how == ERASE_HISTORY) {
        t->history = 0;
        return;
    }
    if (how != ERASE_ALL)
        erase_line(t);
    erase_rows(t, how == ERASE_TO_END ? t->at.row + 1 : 0,
               how == ERASE_FROM_START ? t->at.row : t->rows);
}

static unsigned cells_right(const struct terminal *t)
{
    unsigned count = parameter(t, 0, 1), left = t->columns - t->at.column;
    return min(count, left);
}

static void erase_cells(struct terminal *t)
{
    erase(t, t->at.row, t->at.column, t->at.column + cells_right(t));
}

static void insert_cells(struct terminal *t)
{
    unsigned count = cells_right(t);
    uint32_t *cells = terminal_line(t, (int)t->at.row);
    for (unsigned column = t->columns; column-- > t->at.column + count;)
        cells[column] = cells[column - count];
    erase_cells(t);
}

static void delete_cells(struct terminal *t)
{
    unsigned count = cells_right(t);
    uint32_t *cells = terminal_line(t, (int)t->at.row);
    for (unsigned column = t->at.column; column + count < t->columns; column++)
        cells[column] = cells[column + count];
    erase(t, t->at.row, t->columns - count, t->columns);
}

static void insert_lines(struct terminal *t)
{
    open_rows(t, t->at.row, parameter(t, 0, 1));
}

static void delete_lines(struct terminal *t)
{
    close_rows(t, t->at.row, parameter(t, 0, 1));
}

static void scroll_lines_up(struct terminal *t)
{
    unsigned count = parameter(t, 0, 1);
    for (unsigned i = min(count, t->rows); i > 0; i--)
        scroll_up(t);
}

static void scroll_lines_down(struct terminal *t)
{
    open_rows(t, 0, parameter(t, 0, 1));
}

static void set_cursor_hidden(struct terminal *t, bool hidden)
{
    enum { MODE_CURSOR = 25 };
    if (t->question && parameter(t, 0, 0) == MODE_CURSOR)
        t->cursor_hidden = hidden;
}

static void set_mode(struct terminal *t)
{
    set_cursor_hidden(t, false);
}

static void reset_mode(struct terminal *t)
{
    set_cursor_hidden(t, true);
}

static void save(struct terminal *t)
{
    t->saved = t->at;
}

static void restore(struct terminal *t)
{
    t->at = t->saved;
}

/* ---- the pen ------------------------------------------------------------------------------ */

/* Handles 38 and 48, which choose one of 256 colours by number or any colour by its parts; only the
 * first 16 are supported. Returns how many parameters the choice consists of. */
static unsigned choose_from_many(const struct terminal *t, unsigned index, uint8_t *colour)
{
    enum { BY_NUMBER = 5, BY_PARTS = 2 };
    unsigned how = parameter(t, index + 1, 0), number = parameter(t, index + 2, 0);
    if (how == BY_NUMBER && number < 16)
        *colour = (uint8_t)number;
    return how == BY_NUMBER ? 3 : how == BY_PARTS ? 5 : 1;
}

static void choose_plain(struct terminal_pen *pen, unsigned number)
{
    if (number == 0)
        *pen = (struct terminal_pen){ .front = COLOUR_FRONT, .back = COLOUR_BACK };
    else if (number == 1 || number == 22)
        pen->bold = number == 1;
    else if (number == 7 || number == 27)
        pen->inverse = number == 7;
    else if (number >= 30 && number <= 37)
        pen->front = (uint8_t)(number - 30);
    else if (number == 39)
        pen->front = COLOUR_FRONT;
    else if (number >= 40 && number <= 47)
        pen->back = (uint8_t)(number - 40);
    else if (number == 49)
        pen->back = COLOUR_BACK;
    else if (number >= 90 && number <= 97)
        pen->front = (uint8_t)(number - 90 + COLOUR_BRIGHT);
    else if (number >= 100 && number <= 107)
        pen->back = (uint8_t)(number - 100 + COLOUR_BRIGHT);
}

static void choose_pen(struct terminal *t)
{
    struct terminal_pen *pen = &t->at.pen;

    /* Without a parameter the sequence means 0: reset. */
    unsigned count = t->parameter_count > 0 ? t->parameter_count : 1;
    for (unsigned i = 0; i < count;) {
        unsigned number = parameter(t, i, 0);
        if (number == 38 || number == 48) {
            i += choose_from_many(t, i, number == 38 ? &pen->front : &pen->back);
            continue;
        }

        choose_plain(pen, number);
        i++;
    }
}

/* ---- reading ------------------------------------------------------------------------------ */

static const struct {
    char final;
    void (*run)(struct terminal *t);
} controls[] = {
    { 'A', move_up },        { 'B', move_down },    { 'C', move_right },
    { 'D', move_left },      { 'E', move_line_down }, { 'F', move_line_up },
    { 'G', move_column },    { 'd', move_row },     { 'H', move_place },
    { 'f', move_place },     { 'J', erase_screen }, { 'K', erase_line },
    { 'X', erase_cells },    { '@', insert_cells }, { 'P', delete_cells },
    { 'L', insert_lines },   { 'M', delete_lines }, { 'S', scroll_lines_up },
    { 'T', scroll_lines_down }, { 'm', choose_pen }, { 'h', set_mode },
    { 'l', reset_mode },     { 's', save },         { 'u', restore },
};

static void run_control(struct terminal *t, char final)
{
    t->state = STATE_GROUND;

    /* With `?` a letter means something else, except those that set and reset modes. */
    for (unsigned i = 0; i < ARRAY_LENGTH(controls); i++)
        if (controls[i].final == final && (!t->question || final == 'h' || final == 'l'))
            controls[i].run(t);
}

static void read_digit(struct terminal *t, unsigned digit)
{
    if (t->parameter_count == 0)
        t->parameter_count = 1;

    /* The limit is more than any screen has, and keeps the next digit from overflowing. */
    unsigned *value = &t->parameters[t->parameter_count - 1];
    *value = *value * 10 + digit;
    *value = min(*value, PARAMETER_MAX);
}

/* Excess parameters overwrite the last one. */
static void read_separator(struct terminal *t)
{
    if (t->parameter_count == 0)
        t->parameter_count = 1;
    if (t->parameter_count < TERMINAL_PARAMETERS_MAX)
        t->parameter_count++;
    t->parameters[t->parameter_count - 1] = 0;
}

static void read_control(struct terminal *t, uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        read_digit(t, byte - '0');
    else if (byte == ';' || byte == ':')
        read_separator(t);
    else if (byte >= '<' && byte <= '?')
        t->question = true;
    else if (byte >= 0x40)
        run_control(t, (char)byte);
}

static void reset(struct terminal *t)
{
    t->at = (struct terminal_place){ .pen = { .front = COLOUR_FRONT, .back = COLOUR_BACK } };
    t->saved = t->at;
    t->cursor_hidden = false;
    erase_rows(t, 0, t->rows);
}

static void begin_control(struct terminal *t)
{
    t->state = STATE_CONTROL;
    t->question = false;
    t->parameter_count = 0;
    t->parameters[0] = 0;
}

static void read_escape(struct terminal *t, uint8_t byte)
{
    t->state = STATE_GROUND;
    switch (byte) {
    case '[': begin_control(t); break;
    case ']':
    case 'P': t->state = STATE_STRING; break;
    case '(':
    case ')':
    case '#': t->state = STATE_SKIP_ONE; break;
    case '7': save(t); break;
    case '8': restore(t); break;
    case 'c': reset(t); break;
    case 'D': line_feed(t); break;
    case 'E': t->at.column = 0; line_feed(t); break;
    case 'M': line_back(t); break;
    default: break;
    }
}

static void run_code(struct terminal *t, uint8_t byte)
{
    switch (byte) {
    case '\b':
        if (t->at.column > 0 && !t->at.wrap)
            t->at.column--;
        t->at.wrap = false;
        break;
    case '\t': move_to(t, t->at.row, (t->at.column / TAB_COLUMNS + 1) * TAB_COLUMNS); break;
    case '\n':
    case '\v':
    case '\f': line_feed(t); break;
    case '\r': move_to(t, t->at.row, 0); break;
    default: break;
    }
}

/* Reads a byte of a character of several bytes. Invalid and incomplete ones are shown as the
 * replacement character. */
static void read_part(struct terminal *t, uint8_t byte)
{
    uint32_t code = REPLACEMENT;
    bool follows = (byte & 0xc0) == 0x80;

    /* A first byte starts a character; a following one without a first is shown as invalid. */
    if (!follows) {
        t->byte_count = 0;
        t->bytes[t->byte_count++] = (char)byte;
        if (byte >= 0xc2 && byte <= 0xf4)
            return;
    } else if (t->byte_count > 0) {
        uint8_t head = (uint8_t)t->bytes[0];
        t->bytes[t->byte_count++] = (char)byte;
        if (t->byte_count < (head < 0xe0 ? 2u : head < 0xf0 ? 3u : 4u))
            return;
        (void)utf8_decode(t->bytes, t->byte_count, &code);
    }
    t->byte_count = 0;
    put(t, code);
}

static void read_ground(struct terminal *t, uint8_t byte)
{
    /* A character of several bytes was cut off by this byte. */
    bool incomplete = t->byte_count > 0 && (byte & 0xc0) != 0x80;
    if (incomplete)
        put(t, REPLACEMENT);
    if (byte >= 0x80) {
        read_part(t, byte);
        return;
    }

    t->byte_count = 0;
    if (byte < ' ')
        run_code(t, byte);
    else if (byte != 0x7f)
        put(t, byte);
}

static void read_byte(struct terminal *t, uint8_t byte)
{
    enum { CODE_BELL = 7, CODE_ESCAPE = 0x1b };

    /* ESC ends any sequence, a string too: its terminator is ESC \. */
    if (byte == CODE_ESCAPE) {
        t->byte_count = 0;
        t->state = STATE_ESCAPE;
        return;
    }

    /* Control characters take effect inside a sequence too, as on a VT100. */
    switch (t->state) {
    case STATE_GROUND: read_ground(t, byte); break;
    case STATE_ESCAPE: read_escape(t, byte); break;
    case STATE_SKIP_ONE: t->state = STATE_GROUND; break;
    case STATE_STRING: t->state = byte == CODE_BELL ? STATE_GROUND : STATE_STRING; break;
    default:
        if (byte < ' ')
            run_code(t, byte);
        else
            read_control(t, byte);
    }
}

void terminal_write(struct terminal *t, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        read_byte(t, (uint8_t)text[i]);
}

void terminal_init(struct terminal *t, unsigned columns, unsigned rows, unsigned lines,
                   uint32_t *cells)
{
    *t = (struct terminal){
        .columns = columns, .rows = rows, .line_count = lines, .cells = cells,
    };
    reset(t);
}
