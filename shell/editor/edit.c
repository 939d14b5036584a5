/*
 * edit.c - changes to a line, and the ring of cut text; see edit.h.
 */
#include "shell/editor/edit.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/editor/text_ring.h"
#include "lib/width.h"

enum { CUT_BYTES = 2 * SHELL_LINE_BYTES };

static char cut_memory[CUT_BYTES];
static struct text_ring cuts = TEXT_RING_INIT(cut_memory);

/* ---- places ------------------------------------------------------------------------------- */

/* Returns the end of the character at `at`, with its combining marks. */
static size_t place_after(const struct edit *edit, size_t at)
{
    unsigned width;
    if (at >= edit->length)
        return edit->length;

    at += character_at(edit->text, edit->length, at, &width);

    /* Combining marks have no columns of their own, and are deleted with their character. */
    while (at < edit->length) {
        size_t bytes = character_at(edit->text, edit->length, at, &width);
        if (width)
            break;
        at += bytes;
    }
    return at;
}

/* Returns the start of the character before `at`. Searched from the front, since bytes of invalid
 * UTF-8 are characters too. */
static size_t place_before(const struct edit *edit, size_t at)
{
    size_t before = 0, next;
    while ((next = place_after(edit, before)) < at)
        before = next;
    return before;
}

static bool is_word_byte(char c)
{
    return text_is_digit(c) || (text_lower(c) >= 'a' && text_lower(c) <= 'z') ||
           (unsigned char)c >= 0x80;
}

static size_t word_start(const struct edit *edit)
{
    size_t at = edit->cursor;

    /* Pass the separators to the left of the cursor, and then the word before them. */
    while (at && !is_word_byte(edit->text[at - 1]))
        at--;
    while (at && is_word_byte(edit->text[at - 1]))
        at--;
    return at;
}

static size_t word_end(const struct edit *edit)
{
    size_t at = edit->cursor;
    while (at < edit->length && !is_word_byte(edit->text[at]))
        at++;
    while (at < edit->length && is_word_byte(edit->text[at]))
        at++;
    return at;
}

static size_t blank_word_start(const struct edit *edit)
{
    size_t at = edit->cursor;

    /* In contrast to word_start(), only blanks separate: a path is one word. */
    while (at && edit->text[at - 1] == ' ')
        at--;
    while (at && edit->text[at - 1] != ' ')
        at--;
    return at;
}

/* ---- changing ----------------------------------------------------------------------------- */

void edit_set(struct edit *edit, const char *text)
{
    size_t length = text_copy(edit->text, sizeof(edit->text), text);

    /* text_copy() returns the length of the whole text, which may not fit. */
    edit->too_long = length >= sizeof(edit->text);
    edit->length = edit->too_long ? sizeof(edit->text) - 1 : length;
    edit->cursor = edit->length;
}

void edit_begin_key(struct edit *edit)
{
    /* Each action that counts for the next key sets `now`. */
    edit->last = edit->now;
    edit->now = ACTION_OTHER;
}

void edit_insert(struct edit *edit, const char *text, size_t length)
{
    /* Insert all or nothing: half of a character would be invalid UTF-8. */
    if (edit->length + length >= sizeof(edit->text)) {
        edit->too_long = true;
        return;
    }

    /* The NUL moves too. */
    char *at = edit->text + edit->cursor;
    memmove(at + length, at, edit->length - edit->cursor + 1);
    memcpy(at, text, length);
    edit->length += length;
    edit->cursor += length;
}

static void remove_range(struct edit *edit, size_t from, size_t to)
{
    /* The NUL moves too. */
    memmove(edit->text + from, edit->text + to, edit->length - to + 1);
    edit->length -= to - from;
    edit->cursor = from;
}

void edit_erase_left(struct edit *edit)
{
    if (edit->cursor)
        remove_range(edit, place_before(edit, edit->cursor), edit->cursor);
}

void edit_erase_right(struct edit *edit)
{
    remove_range(edit, edit->cursor, place_after(edit, edit->cursor));
}

static void reverse(char *text, size_t from, size_t to)
{
    while (from + 1 < to) {
        char c = text[from];
        text[from++] = text[--to];
        text[to] = c;
    }
}

/* At the end of the line, exchanges the last two characters. */
void edit_transpose(struct edit *edit)
{
    if (edit->cursor == edit->length)
        edit_left(edit);

    size_t middle = edit->cursor;
    if (!middle)
        return;

    /* Reversing two parts, and then the whole, exchanges the parts. */
    size_t from = place_before(edit, middle), to = place_after(edit, middle);
    reverse(edit->text, from, middle);
    reverse(edit->text, middle, to);
    reverse(edit->text, from, to);
    edit->cursor = to;
}

/* ---- moving ------------------------------------------------------------------------------- */

void edit_left(struct edit *edit)
{
    if (edit->cursor)
        edit->cursor = place_before(edit, edit->cursor);
}

void edit_right(struct edit *edit)
{
    edit->cursor = place_after(edit, edit->cursor);
}

void edit_home(struct edit *edit)
{
    edit->cursor = 0;
}

void edit_end(struct edit *edit)
{
    edit->cursor = edit->length;
}

void edit_word_left(struct edit *edit)
{
    edit->cursor = word_start(edit);
}

void edit_word_right(struct edit *edit)
{
    edit->cursor = word_end(edit);
}

/* ---- cutting and yanking ------------------------------------------------------------------ */

/* Adds a piece to the ring. After another cut, joins the two in the order of the line. */
static void keep_piece(struct edit *edit, const char *piece, size_t length, bool in_front)
{
    static char joined[SHELL_LINE_BYTES];
    const char *last = text_ring_get(&cuts, cuts.end - 1);
    size_t last_length = last && edit->last == ACTION_CUT ? strlen(last) : 0;

    /* Pieces that do not fit together stay two pieces. */
    if (length + last_length >= sizeof(joined))
        last_length = 0;

    memcpy(joined + (in_front ? 0 : last_length), piece, length);
    if (last_length) {
        memcpy(joined + (in_front ? length : 0), last, last_length);
        text_ring_drop_last(&cuts);
    }
    text_ring_add(&cuts, joined, length + last_length);
}

static void cut_range(struct edit *edit, size_t from, size_t to)
{
    /* An empty cut also continues the piece: at the end of a line, ^K ^K ^U is one cut. */
    edit->now = ACTION_CUT;
    if (from == to)
        return;

    /* Text before the cursor was cut from right to left, so it goes in front of the piece. */
    keep_piece(edit, edit->text + from, to - from, from < edit->cursor);
    remove_range(edit, from, to);
}

void edit_cut_end(struct edit *edit)
{
    cut_range(edit, edit->cursor, edit->length);
}

void edit_cut_start(struct edit *edit)
{
    cut_range(edit, 0, edit->cursor);
}

void edit_cut_blank_word(struct edit *edit)
{
    cut_range(edit, blank_word_start(edit), edit->cursor);
}

void edit_cut_word_left(struct edit *edit)
{
    cut_range(edit, word_start(edit), edit->cursor);
}

void edit_cut_word_right(struct edit *edit)
{
    cut_range(edit, edit->cursor, word_end(edit));
}

static void yank_piece(struct edit *edit, unsigned number)
{
    const char *piece = text_ring_get(&cuts, number);

    /* Remember the piece and its place, so that edit_yank_older() can replace it. */
    edit->now = ACTION_YANK;
    edit->yank_from = edit->cursor;
    edit->yank_number = number;
    if (piece)
        edit_insert(edit, piece, strlen(piece));
}

void edit_yank(struct edit *edit)
{
    yank_piece(edit, cuts.end - 1);
}

void edit_yank_older(struct edit *edit)
{
    /* After any other key, the text at the cursor is not what was yanked. */
    if (edit->last != ACTION_YANK)
        return;

    /* After the oldest piece comes the newest one again. */
    unsigned number = edit->yank_number > cuts.first ? edit->yank_number - 1 : cuts.end - 1;
    remove_range(edit, edit->yank_from, edit->cursor);
    yank_piece(edit, number);
}
