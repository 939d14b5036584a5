/*
 * screen.c - the console on the screen, and the thread that draws it: see video.h.
 */
#include "drivers/video/font.h"
#include "drivers/video/picture.h"
#include "drivers/video/terminal.h"
#include "drivers/video/video.h"
#include "kernel/console.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/sched/sync.h"
#include "lib/macros.h"
#include "lib/utf8.h"

enum {
    FRAME_US = 30000,
    HISTORY_LINES_MAX = 1000,
    HISTORY_MEMORY_PART = 128, /* the history takes at most this fraction of free memory */
};

extern const uint8_t font_start[], font_end[]; /* build/kernel/font.S */

static struct spin lock = SPIN_INIT(RANK_LOG); /* of the next four */
static struct terminal terminal;
static unsigned view; /* lines scrolled back */
static bool changed;
static struct wait_queue arrival = WAIT_QUEUE_INIT(arrival);

static const struct video_display *display;
static uint32_t *shown; /* the cells on the display */

/* ---- drawing -------------------------------------------------------------------------------- */

/* Copies a row of cells under the lock, so that drawing needs none. */
static void take_row(unsigned row, uint32_t *cells)
{
    spin_lock(&lock);
    const uint32_t *line = terminal_line(&terminal, (int)row - (int)view);
    for (unsigned column = 0; column < display->columns; column++)
        cells[column] = line[column];

    /* The cursor moves down with the text when the user scrolls back. */
    if (!terminal.cursor_hidden && terminal.at.row + view == row)
        cells[terminal.at.column] |= CELL_CURSOR;
    spin_unlock(&lock);
}

/* Draws each run of cells that differ from those on the display. */
static void paint_row(unsigned row, const uint32_t *cells)
{
    uint32_t *old = shown + row * display->columns;

    /* A run of cells costs one call, and unchanged cells cost no access to the display. */
    for (unsigned from = 0, to; from < display->columns; from = to) {
        bool same = cells[from] == old[from];
        for (to = from; to < display->columns && (cells[to] == old[to]) == same; to++)
            ;
        if (!same)
            display->draw(row, from, cells + from, to - from);
    }
    for (unsigned column = 0; column < display->columns; column++)
        old[column] = cells[column];
}

static void paint(void)
{
    static uint32_t cells[TERMINAL_COLUMNS_MAX];
    for (unsigned row = 0; row < display->rows; row++) {
        take_row(row, cells);
        paint_row(row, cells);
    }
}

/* The thread. The pause after each drawing limits how often it draws. */
static void paint_changes(void *argument)
{
    (void)argument;
    for (;;) {
        spin_lock(&lock);
        while (!changed)
            IGNORE(wait_queue_wait(&arrival, &lock, TIME_NEVER));
        changed = false;
        spin_unlock(&lock);

        /* Text that arrives while this draws sets `changed` again. */
        paint();
        thread_sleep_until(time_now_us() + FRAME_US);
    }
}

/* ---- the console -------------------------------------------------------------------------- */

/* The caller holds the lock. */
static void note_change(void)
{
    if (!changed)
        wait_queue_wake_one(&arrival);
    changed = true;
}

static void screen_write(const char *text, size_t bytes)
{
    spin_lock(&lock);
    terminal_write(&terminal, text, bytes);
    view = 0;
    note_change();
    spin_unlock(&lock);

    /* After a panic no thread runs, so the text is drawn here. */
    if (panic_is_active())
        paint();
}

static void screen_scroll(int half_screens)
{
    spin_lock(&lock);

    /* Stop at the screen on one side and at the oldest line on the other. */
    int lines = (int)view + half_screens * (int)(display->rows / 2);
    view = lines < 0 ? 0 : (unsigned)lines;
    view = min(view, terminal.history);
    note_change();
    spin_unlock(&lock);
}

static status_t screen_picture(const struct console_picture *picture, unsigned row)
{
    uint32_t first = picture_keep(picture);
    unsigned columns = picture->side / CONSOLE_PICTURE_COLUMN;
    char text[4];

    /* A tile is a character to the terminal: it scrolls and is erased like text. */
    for (unsigned i = 0; first != 0 && i < columns; i++) {
        int bytes = utf8_encode(first + row * columns + i, text);
        screen_write(text, bytes > 0 ? (size_t)bytes : 0);
    }
    return first != 0 ? 0 : -ENOMEM;
}

/* With little memory the history is shorter. */
static unsigned choose_history(void)
{
    size_t bytes = page_free_count() / HISTORY_MEMORY_PART * PAGE_BYTES;
    size_t lines = bytes / (display->columns * sizeof(uint32_t));
    return (unsigned)min(lines, HISTORY_LINES_MAX);
}

static bool make_cells(void)
{
    unsigned lines = display->rows + choose_history();
    uint32_t *cells = mem_alloc((size_t)lines * display->columns * sizeof(*cells));

    /* A cell of 0 equals no cell of the terminal, so the first drawing covers the whole display. */
    shown = mem_zalloc((size_t)display->rows * display->columns * sizeof(*shown));
    if (!cells || !shown) {
        mem_free(cells);
        mem_free(shown);
        return false;
    }
    terminal_init(&terminal, display->columns, display->rows, lines, cells);
    return true;
}

bool video_start(const struct framebuffer *framebuffer)
{
    static struct console console = {
        .name = "screen", .write = screen_write, .scroll = screen_scroll,
    };

    /* The font first: the number of rows depends on its height. Without a display the serial port
     * is the only console. */
    if (!font_read(font_start, (size_t)(font_end - font_start)))
        return false;
    display = framebuffer_start(framebuffer);
    if (!display)
        display = vga_start(framebuffer);
    if (!display)
        return false;

    /* All memory is allocated before the console is registered, so that it never fails later. */
    struct thread *painter = NULL;
    if (make_cells())
        painter = thread_create("screen", PRIORITY_NORMAL, paint_changes, NULL);
    if (!painter) {
        log_warn("screen", "not enough memory; the screen is not used");
        return false;
    }
    thread_detach(painter);

    if (display->shows_pictures)
        console.picture = screen_picture;
    console_register(&console);
    return true;
}
