/*
 * editor.c - the keys of the line editor, and a line from its first key to its last; see
 * editor.h.
 */
#include "shell/editor/editor.h"
#include "kernel/console.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/width.h"
#include "shell/editor/history.h"
#include "shell/terminal.h"

/* ---- a plain console ---------------------------------------------------------------------- */

static void plain_insert(struct editor *editor, const struct key *key)
{
    size_t before = editor->edit.length;

    edit_insert(&editor->edit, key->text, key->length);

    /* Echo the character only if the line had room for it. */
    if (editor->edit.length > before)
        console_write(key->text, key->length);
}

/* Erases the last character, which may have several columns. */
static void plain_erase(struct editor *editor)
{
    struct edit *edit = &editor->edit;
    size_t before = text_width(edit->text, edit->length);

    edit_erase_left(edit);

    /* BS only moves the cursor, so overwrite each column with a blank. */
    for (size_t n = text_width(edit->text, edit->length); n < before; n++)
        console_write("\b \b", 3);
}

/* ---- history ------------------------------------------------------------------------------ */

static void history_move_to(struct editor *editor, unsigned number)
{
    if (number < history_first() || number > history_end() || number == editor->history_at)
        return;

    /* Keep the new line, to which the user may return. Changes to a line of history are lost. */
    if (editor->history_at == history_end())
        text_copy(editor->stash, sizeof(editor->stash), editor->edit.text);

    editor->history_at = number;
    const char *line = history_get(number);
    edit_set(&editor->edit, line ? line : editor->stash);
}

static void history_older(struct editor *editor)
{
    history_move_to(editor, editor->history_at - 1);
}

static void history_newer(struct editor *editor)
{
    history_move_to(editor, editor->history_at + 1);
}

static void history_oldest(struct editor *editor)
{
    history_move_to(editor, history_first());
}

static void history_newest(struct editor *editor)
{
    history_move_to(editor, history_end());
}

/* ---- keys --------------------------------------------------------------------------------- */

static void end_line(struct editor *editor)
{
    editor->end = EDITOR_LINE;
}

static void give_up(struct editor *editor)
{
    editor->end = EDITOR_GIVEN_UP;
}

/* ^D: at the start of a line of input, ends the input; else erases. It does not leave the prompt:
 * there is nothing to return to. */
static void end_or_erase(struct editor *editor)
{
    if (!editor->shell && !editor->edit.length)
        editor->end = EDITOR_AT_END;
    else if (editor->terminal)
        edit_erase_right(&editor->edit);
}

static void clear_screen(struct editor *editor)
{
    /* The user may press ^L because the terminal was resized. */
    terminal_ask_size();
    terminal_line_clear(&editor->shown);
}

/* Keys that need only the line. */
static const struct {
    int code;
    void (*action)(struct edit *edit);
} edit_keys[] = {
    { KEY_CONTROL_A, edit_home },
    { KEY_HOME, edit_home },
    { KEY_CONTROL_B, edit_left },
    { KEY_LEFT, edit_left },
    { KEY_CONTROL_E, edit_end },
    { KEY_END, edit_end },
    { KEY_CONTROL_F, edit_right },
    { KEY_RIGHT, edit_right },
    { KEY_ALT + 'b', edit_word_left },
    { KEY_WORD_LEFT, edit_word_left },
    { KEY_ALT + 'f', edit_word_right },
    { KEY_WORD_RIGHT, edit_word_right },
    { KEY_BACKSPACE, edit_erase_left },
    { KEY_RUBOUT, edit_erase_left },
    { KEY_DELETE, edit_erase_right },
    { KEY_CONTROL_T, edit_transpose },
    { KEY_CONTROL_K, edit_cut_end },
    { KEY_CONTROL_U, edit_cut_start },
    { KEY_CONTROL_W, edit_cut_blank_word },
    { KEY_ALT + 'd', edit_cut_word_right },
    { KEY_ALT + KEY_RUBOUT, edit_cut_word_left },
    { KEY_ALT + KEY_BACKSPACE, edit_cut_word_left },
    { KEY_CONTROL_Y, edit_yank },
    { KEY_ALT + 'y', edit_yank_older },
};

/* Keys that need the editor; those with `at_prompt` have no effect in input for a command. */
static const struct {
    int code;
    bool at_prompt;
    void (*action)(struct editor *editor);
} editor_keys[] = {
    { KEY_CR, false, end_line },
    { KEY_LF, false, end_line },
    { KEY_CONTROL_C, false, give_up },
    { KEY_CONTROL_D, false, end_or_erase },
    { KEY_CONTROL_L, false, clear_screen },
    { KEY_CONTROL_P, true, history_older },
    { KEY_UP, true, history_older },
    { KEY_CONTROL_N, true, history_newer },
    { KEY_DOWN, true, history_newer },
    { KEY_ALT + '<', true, history_oldest },
    { KEY_ALT + '>', true, history_newest },
    { KEY_CONTROL_R, true, editor_search_begin },
    { KEY_TAB, true, editor_complete },
};

static void terminal_action(struct editor *editor, int code)
{
    for (size_t i = 0; i < ARRAY_LENGTH(edit_keys); i++)
        if (edit_keys[i].code == code)
            edit_keys[i].action(&editor->edit);
    for (size_t i = 0; i < ARRAY_LENGTH(editor_keys); i++)
        if (editor_keys[i].code == code && (editor->shell || !editor_keys[i].at_prompt))
            editor_keys[i].action(editor);
}

/* ---- a terminal --------------------------------------------------------------------------- */

static const char *shown_prompt(const struct editor *editor)
{
    return editor->searching ? editor->search_prompt : editor->prompt;
}

static void show(struct editor *editor, size_t cursor)
{
    terminal_line_show(&editor->shown, shown_prompt(editor), editor->edit.text,
                       editor->edit.length, cursor);
    editor->stale = false;
}

static void terminal_insert(struct editor *editor, const struct key *key)
{
    struct edit *edit = &editor->edit;
    size_t before = edit->length;

    edit_insert(edit, key->text, key->length);

    /* A character at the end of the line needs no repaint, which keeps fast typing cheap. */
    if (editor->stale || edit->length == before || edit->cursor < edit->length ||
        !terminal_line_append(&editor->shown, editor->prompt, edit->text, edit->length,
                              edit->length - before))
        editor->stale = true;
}

/* Takes the size that the terminal has reported. If that has changed, the line on the screen was
 * wrapped at the new width: finds out where its rows are now, and shows it again. */
static void take_report(struct editor *editor, const struct key *key)
{
    if (!terminal_report(key->row, key->column) || !editor->terminal)
        return;
    terminal_line_adopt(&editor->shown, shown_prompt(editor), editor->edit.text,
                        editor->edit.cursor);
    editor->stale = true;
}

static void terminal_key(struct editor *editor, const struct key *key)
{
    if (key->code == KEY_TEXT) {
        terminal_insert(editor, key);
    } else {
        /* Any key except the end of the line may move the cursor or change the text. */
        editor->stale |= key->code != KEY_CR && key->code != KEY_LF;
        terminal_action(editor, key->code);
    }

    editor->after_tab &= key->code == KEY_TAB;
}

/* ---- a line ------------------------------------------------------------------------------- */

static void plain_key(struct editor *editor, const struct key *key)
{
    if (key->code == KEY_TEXT)
        plain_insert(editor, key);
    else if (key->code == KEY_BACKSPACE)
        plain_erase(editor);
    else
        terminal_action(editor, key->code); /* CR, LF, ^C or ^D: no other key is plain */
}

static void take_key(struct editor *editor, const struct key *key)
{
    /* CR LF ends one line, not two. */
    bool rest = editor->after_cr && key->code == KEY_LF;
    editor->after_cr = key->code == KEY_CR;

    /* This key has shown that the console is a terminal: continue with the line as it is. */
    if (terminal_is_seen() && !editor->terminal) {
        editor->terminal = true;
        terminal_line_adopt(&editor->shown, editor->prompt, editor->edit.text,
                            editor->edit.length);
    }

    /* A report is an answer of the terminal, not a key: it ends neither a search nor a cut. */
    if (key->code == KEY_REPORT) {
        take_report(editor, key);
    } else if (!rest && key->code != KEY_NOTHING) {
        edit_begin_key(&editor->edit);

        /* A key that ends the search also has its usual meaning. */
        if (editor->searching && editor_search_key(editor, key))
            editor->stale = true;
        else if (editor->terminal)
            terminal_key(editor, key);
        else
            plain_key(editor, key);
    }
}

static void begin(struct editor *editor, const char *prompt, struct shell *shell)
{
    edit_set(&editor->edit, "");

    /* The first key of this line does not continue a cut in the last one. */
    editor->edit.now = ACTION_OTHER;

    editor->prompt = prompt;
    editor->shell = shell;
    editor->end = EDITOR_RUNS;
    editor->terminal = terminal_is_seen();
    editor->stale = editor->after_tab = editor->searching = false;
    editor->history_at = history_end();

    /* Ask for the size at each prompt, since no terminal reports a change by itself. */
    if (editor->terminal && shell)
        terminal_ask_size();
    console_write(prompt, strlen(prompt));
    terminal_line_adopt(&editor->shown, prompt, "", 0);
}

/* Shows the end of the line and leaves the cursor in the row below it. */
static void finish(struct editor *editor)
{
    editor->searching = false;

    /* The cursor may be within a line of several rows. Output must begin after its last one. */
    if (editor->terminal && (editor->stale || editor->edit.cursor < editor->edit.length))
        show(editor, editor->edit.length);

    if (editor->end == EDITOR_GIVEN_UP)
        console_write("^C", 2);
    console_write("\n", 1);
}

status_t editor_read(struct editor *editor, const char *prompt, struct shell *shell,
                     enum editor_end *end)
{
    begin(editor, prompt, shell);

    while (editor->end == EDITOR_RUNS) {
        struct key key = { .code = KEY_NOTHING };

        /* Show a changed line only when no key is waiting. */
        status_t status = keys_read(&editor->keys, &key, editor->stale ? 0 : TIME_NEVER);
        if (status == -ETIMEDOUT)
            show(editor, editor->edit.cursor);
        else if (status)
            return status;
        else
            take_key(editor, &key);
    }

    /* ^D leaves the row as it is: nothing was typed in it. */
    if (editor->end != EDITOR_AT_END)
        finish(editor);
    *end = editor->end;
    return 0;
}
