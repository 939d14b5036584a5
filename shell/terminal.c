/*
 * terminal.c - keeps the size of the terminal at the console; see terminal.h.
 */
#include "shell/terminal.h"
#include "kernel/console.h"
#include "lib/macros.h"

enum { COLUMNS_DEFAULT = 80, ROWS_DEFAULT = 24, COLUMNS_MIN = 8, ROWS_MIN = 2 };

static struct {
    bool seen;
    bool answered; /* since the last question */
    unsigned columns, rows;
} terminal = { .columns = COLUMNS_DEFAULT, .rows = ROWS_DEFAULT };

bool terminal_is_seen(void)
{
    return terminal.seen;
}

void terminal_size(unsigned *columns, unsigned *rows)
{
    *columns = terminal.columns;
    *rows = terminal.rows;
}

void terminal_ask_size(void)
{
    /* Save the cursor, move it to the far corner, ask where it is, restore it. */
    static const char question[] = "\0337\033[999;999H\033[6n\0338";
    terminal.answered = false;
    console_write(question, sizeof(question) - 1);
}

void terminal_seen(void)
{
    if (terminal.seen)
        return;

    /* For good: a terminal does not become a log file again. */
    terminal.seen = true;
    terminal_ask_size();
}

bool terminal_report(unsigned rows, unsigned columns)
{
    unsigned old_columns = terminal.columns, old_rows = terminal.rows;

    /* A terminal that does not know its size may report 0 or 1. The editor needs room for a
     * prompt. */
    if (columns < COLUMNS_MIN || rows < ROWS_MIN)
        return false;

    /* The first answer to a question replaces the size; further terminals can only reduce it. */
    terminal.columns = terminal.answered ? min(columns, terminal.columns) : columns;
    terminal.rows = terminal.answered ? min(rows, terminal.rows) : rows;
    terminal.answered = true;
    return terminal.columns != old_columns || terminal.rows != old_rows;
}
