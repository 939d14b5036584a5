/*
 * pager.c - cuts text into rows, keeps the last ones in a ring, and obeys keys; see pager.h.
 */
#include "shell/commands/text/pager.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/utf8.h"
#include "lib/width.h"
#include "shell/editor/keys.h"
#include "shell/regex/regex.h"
#include "shell/terminal.h"

enum { TAB_COLUMNS = 8, ROW_BYTES = 1024, ROWS_MAX = 1024, RING_BYTES = 64 * 1024 };
enum { PATTERN_BYTES = 80, MESSAGE_BYTES = 80 };

/* A row's bytes are ring[at % RING_BYTES ...], without a break. */
struct row {
    size_t at, bytes;
};

struct pager {
    struct shell *shell;
    bool paging;           /* to a terminal */
    bool ended;            /* the person has seen enough */
    bool at_end;           /* no more text follows the rows in the ring */
    unsigned columns;
    size_t page;           /* rows on a screen; one more is kept for the prompt */
    struct keys keys;
    char message[MESSAGE_BYTES]; /* to be shown instead of --More-- */

    /* Rows are numbered from 0 on. [first, end) are in the ring, [top, bottom) on the screen. */
    size_t first, end, top, bottom;
    size_t left;           /* rows to show before the next prompt */
    struct row rows[ROWS_MAX];
    size_t put;            /* the position in the ring after the last row; never reduced */
    char ring[RING_BYTES];

    struct regex *pattern; /* of the last search; NULL: none */
    bool searching;        /* rows are not shown until one matches */

    /* the row that is not complete yet, and the character */
    unsigned column;
    size_t row_bytes;
    char row[ROW_BYTES];
    size_t part_bytes;
    char part[4];
};

/* ---- the ring ----------------------------------------------------------------------------- */

static const struct row *row_of(const struct pager *pager, size_t number)
{
    return &pager->rows[number % ROWS_MAX];
}

static void keep_row(struct pager *pager)
{
    /* A row that would cross the ring's end begins at its start. */
    size_t at = pager->put, bytes = pager->row_bytes;
    if (at % RING_BYTES + bytes > RING_BYTES)
        at += RING_BYTES - at % RING_BYTES;

    /* The oldest rows make room, both in the table and among the bytes. */
    while (pager->first < pager->end && (pager->end - pager->first == ROWS_MAX ||
                                         at + bytes > row_of(pager, pager->first)->at + RING_BYTES))
        pager->first++;

    memcpy(pager->ring + at % RING_BYTES, pager->row, bytes);
    pager->rows[pager->end++ % ROWS_MAX] = (struct row){ at, bytes };
    pager->put = at + bytes;
    pager->row_bytes = 0;
    pager->column = 0;
}

static bool row_matches(struct pager *pager, size_t number)
{
    const struct row *row = row_of(pager, number);
    return regex_matches(pager->pattern, pager->ring + row->at % RING_BYTES, row->bytes);
}

/* ---- the screen --------------------------------------------------------------------------- */

/* Shows rows of the ring below those on the screen, until `left` is used up. */
static void show_rows(struct pager *pager)
{
    struct stream *out = pager->shell->out;
    for (; pager->bottom < pager->end && pager->left; pager->left--) {
        const struct row *row = row_of(pager, pager->bottom++);
        stream_write(out, pager->ring + row->at % RING_BYTES, row->bytes);
        stream_text(out, "\n");
    }

    /* Rows that scrolled off the top are no longer on the screen. */
    if (pager->bottom > pager->top + pager->page)
        pager->top = pager->bottom - pager->page;
}

/* Clears the screen and shows a page from this row on. */
static void show_from(struct pager *pager, size_t top)
{
    stream_text(pager->shell->out, "\033[H\033[J");
    pager->top = pager->bottom = max(top, pager->first);
    pager->left = pager->page;
    show_rows(pager);
}

/* Shows a page from `top` on and asks again, even if the page is not full. */
static void show_again(struct pager *pager, size_t top)
{
    show_from(pager, top);
    pager->left = 0;
}

static void set_message(struct pager *pager, const char *message)
{
    /* The NUL in this count leaves the last column free, where a terminal might wrap. */
    size_t room = min(pager->columns, sizeof(pager->message));
    format_text(pager->message, room, "%s", message);
}

/* Shows a text in the prompt's row, in reverse video, and waits for a key. */
static int read_key(struct pager *pager, const char *prompt, struct key *key)
{
    struct stream *out = pager->shell->out;

    /* Of a long pattern, show the end, so that the prompt never takes more than a row. */
    size_t length = strlen(prompt);
    if (length >= pager->columns)
        prompt += length - (pager->columns - 1);
    while (utf8_continues(*prompt))
        prompt++;
    stream_format(out, "\033[7m%s\033[m", prompt);
    IGNORE(stream_flush(out));

    /* Wait for a real key: answers of the terminal, such as the cursor's position, are skipped. */
    *key = (struct key){ .code = KEY_NOTHING };
    status_t status = 0;
    while (!status && (key->code == KEY_NOTHING || key->code == KEY_REPORT))
        status = keys_read(&pager->keys, key, TIME_NEVER);

    /* Erase the prompt. The stream saw escape sequences, but the row is empty again. */
    stream_text(out, "\r\033[K");
    out->at_line_start = true;
    return status;
}

/* ---- searching ---------------------------------------------------------------------------- */

/* Finds the next match below the screen's first row: in the ring now, or else in the rows that are
 * still to be read. */
static void search_next(struct pager *pager)
{
    if (!pager->pattern) {
        set_message(pager, "No previous regular expression");
        return;
    }
    for (size_t number = pager->top + 1; number < pager->end; number++)
        if (row_matches(pager, number)) {
            show_from(pager, number);
            return;
        }

    /* No row in the ring matches: end_row() tries the rows that follow. */
    pager->searching = true;
}

static void compile_pattern(struct pager *pager, const char *text)
{
    const char *why;
    struct regex *pattern;
    status_t status = regex_create(text, 0, &pattern, &why);
    if (status) {
        set_message(pager, status == -EINVAL ? why : status_text(status));
        return;
    }

    /* An invalid pattern keeps the previous one, so that `n` still works. */
    regex_destroy(pager->pattern);
    pager->pattern = pattern;
    search_next(pager);
}

/* Reads the pattern in the prompt's row. An empty one repeats the last search. */
static void search(struct pager *pager)
{
    char text[PATTERN_BYTES + 1] = "/";
    size_t length = 1;
    struct key key;
    while (!read_key(pager, text, &key)) {
        bool erases = key.code == KEY_BACKSPACE || key.code == KEY_RUBOUT;
        if (key.code == KEY_CR || key.code == KEY_LF) {
            if (length == 1)
                search_next(pager);
            else
                compile_pattern(pager, text + 1);
            return;
        }

        /* Erasing the slash cancels the search, as Escape and ^C do. */
        if (key.code == KEY_ESCAPE || key.code == KEY_CONTROL_C || (erases && length == 1)) {
            pager->keys.alt = false; /* this escape does not begin an Alt key */
            return;
        }

        /* A character may be several bytes long: erase all of them. */
        if (erases) {
            while (length > 1 && utf8_continues(text[--length]))
                ;
        } else if (key.code == KEY_TEXT && length + key.length < sizeof(text)) {
            memcpy(text + length, key.text, key.length);
            length += key.length;
        }
        text[length] = '\0';
    }

    /* The key could not be read: the command was interrupted. */
    pager->ended = true;
}

/* ---- keys --------------------------------------------------------------------------------- */

static void next_page(struct pager *pager)
{
    pager->left = pager->page;
    show_rows(pager);
}

static void next_row(struct pager *pager)
{
    pager->left = 1;
    show_rows(pager);
}

static void back(struct pager *pager, size_t rows)
{
    /* Rows before the first one were dropped from the ring. */
    if (pager->top == pager->first)
        set_message(pager, pager->first ? "No earlier text is kept" : "Beginning of text");
    else
        show_again(pager, pager->top > rows ? pager->top - rows : 0);
}

static void back_page(struct pager *pager)
{
    back(pager, pager->page);
}

static void back_row(struct pager *pager)
{
    back(pager, 1);
}

static void end(struct pager *pager)
{
    pager->ended = true;
}

static void help(struct pager *pager)
{
    static const char text[] = "space, f      next page\n"
                               "Enter, j      next row\n"
                               "b             page back\n"
                               "k             row back\n"
                               "/PATTERN      search for a regular expression\n"
                               "n             search again\n"
                               "h             this list\n"
                               "q             quit\n";
    struct key key;
    stream_text(pager->shell->out, "\033[H\033[J");
    stream_text(pager->shell->out, text);

    /* The list has overwritten the page, which must be drawn again. */
    if (read_key(pager, "Press a key to return", &key))
        pager->ended = true;
    else
        show_again(pager, pager->top);
}

static const struct {
    int code;       /* KEY_TEXT: the character */
    char character;
    void (*action)(struct pager *pager);
} actions[] = {
    { KEY_TEXT, ' ', next_page },   { KEY_TEXT, 'f', next_page }, { KEY_CONTROL_F, 0, next_page },
    { KEY_TEXT, 'j', next_row },    { KEY_CR, 0, next_row },      { KEY_LF, 0, next_row },
    { KEY_DOWN, 0, next_row },      { KEY_TEXT, 'k', back_row },  { KEY_UP, 0, back_row },
    { KEY_TEXT, 'b', back_page },   { KEY_CONTROL_B, 0, back_page },
    { KEY_TEXT, '/', search },      { KEY_TEXT, 'n', search_next },
    { KEY_TEXT, 'h', help },        { KEY_TEXT, 'q', end },       { KEY_TEXT, 'Q', end },
    { KEY_CONTROL_C, 0, end },
};

/* Returns whether the person must be asked: the screen is full and text follows, or there is a
 * message. */
static bool must_ask(const struct pager *pager)
{
    bool shown = pager->at_end && pager->bottom == pager->end;
    return !pager->ended && !pager->searching && (*pager->message || (!pager->left && !shown));
}

/* Asks what to do until more text is wanted, or no more. */
static void ask(struct pager *pager)
{
    struct key key;
    while (must_ask(pager)) {
        /* A message is shown once. After it the prompt is the usual one. */
        status_t status = read_key(pager, *pager->message ? pager->message : "--More--", &key);
        pager->message[0] = '\0';
        if (status) {
            pager->ended = true; /* ^C */
            return;
        }

        /* A key without an action changes nothing, so the loop asks again. */
        for (unsigned i = 0; i < ARRAY_LENGTH(actions); i++)
            if (actions[i].code == key.code &&
                (key.code != KEY_TEXT || actions[i].character == key.text[0]))
                actions[i].action(pager);
    }
}

/* ---- from text to rows -------------------------------------------------------------------- */

static void end_row(struct pager *pager)
{
    keep_row(pager);
    if (!pager->searching) {
        /* Ask only now, so that a text that fits on the screen ends without a question. */
        ask(pager);
        if (!pager->searching && !pager->ended)
            show_rows(pager);
    } else if (row_matches(pager, pager->end - 1)) {
        pager->searching = false;
        show_from(pager, pager->end - 1);
    }
}

/* Appends something of this width to the row, or to the next one if the row is full. */
static void put(struct pager *pager, const char *text, size_t bytes, unsigned width)
{
    /* Combining characters take bytes but no columns, so both limits must be checked. */
    if (pager->column + width > pager->columns || pager->row_bytes + bytes > ROW_BYTES) {
        end_row(pager);
        if (pager->ended)
            return;
    }
    memcpy(pager->row + pager->row_bytes, text, bytes);
    pager->row_bytes += bytes;
    pager->column += width;
}

/* Ends the character whose bytes were gathered. Bytes of invalid UTF-8 are one each. */
static void put_part(struct pager *pager)
{
    unsigned width;
    for (size_t at = 0, bytes; at < pager->part_bytes && !pager->ended; at += bytes) {
        bytes = character_at(pager->part, pager->part_bytes, at, &width);
        put(pager, pager->part + at, bytes, width);
    }
    pager->part_bytes = 0;
}

static void put_byte(struct pager *pager, char byte)
{
    static const char blanks[TAB_COLUMNS + 1] = "        ";
    unsigned char c = (unsigned char)byte;

    /* Gather the bytes of a character, which may continue in the next piece of input. */
    bool continues = (c & 0xc0) == 0x80 && pager->part_bytes &&
                     pager->part_bytes < sizeof(pager->part);
    if (!continues)
        put_part(pager);
    if (pager->ended)
        return;

    /* Tabs advance to the next multiple of eight columns; control characters are shown as ^X. */
    if (c >= 0x80) {
        pager->part[pager->part_bytes++] = byte;
    } else if (c == '\n') {
        end_row(pager);
    } else if (c == '\t') {
        unsigned width = TAB_COLUMNS - pager->column % TAB_COLUMNS;
        put(pager, blanks, width, width);
    } else if (c < 0x20 || c == 0x7f) {
        put(pager, (const char[]){ '^', (char)(c ^ 0x40) }, 2, 2);
    } else {
        put(pager, &byte, 1, 1);
    }
}

status_t pager_input(struct pager *pager, struct input *input)
{
    struct stream *out = pager->shell->out;
    const char *data;
    ssize_t got = 0;
    while (!pager->ended && !out->status && (got = input_piece(input, &data)) > 0) {
        /* To a file or a pipe, the text is copied unchanged. */
        if (!pager->paging)
            stream_write(out, data, (size_t)got);

        /* Carriage returns are dropped: most of them precede a newline. */
        for (ssize_t i = 0; pager->paging && i < got && !pager->ended; i++)
            if (data[i] != '\r')
                put_byte(pager, data[i]);
    }
    return got < 0 ? (status_t)got : 0;
}

/* ---- life --------------------------------------------------------------------------------- */

status_t pager_begin(struct shell *shell, struct pager **result)
{
    struct pager *pager = mem_zalloc(sizeof(*pager));
    if (!pager)
        return -ENOMEM;

    /* The last row of the screen is left for the prompt. */
    unsigned rows;
    pager->shell = shell;
    pager->paging = shell_out_is_terminal(shell);
    terminal_size(&pager->columns, &rows);
    pager->page = pager->left = rows > 1 ? rows - 1 : 1;
    *result = pager;
    return 0;
}

void pager_end(struct pager *pager)
{
    /* The last line may lack its newline, and the last character some of its bytes. */
    if (pager->paging && !pager->ended) {
        put_part(pager);
        if (pager->row_bytes)
            end_row(pager);
    }

    pager->at_end = true;

    /* A search that reached the end returns to where it began, if those rows are still kept. A new
     * one may be tried there. */
    while (pager->searching && !pager->ended && !shell_interrupted()) {
        pager->searching = false;
        set_message(pager, "Pattern not found");
        show_again(pager, pager->top);
        ask(pager);
    }
    regex_destroy(pager->pattern);
    mem_free(pager);
}
