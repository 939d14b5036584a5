/*
 * search.c - ^R: finds the newest line of history that contains the typed text.
 */
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"
#include "shell/editor/editor.h"
#include "shell/editor/history.h"

static const char *find_text(const char *text, const char *part)
{
    size_t length = strlen(part);
    for (; *text; text++)
        if (strncmp(text, part, length) == 0)
            return text;
    return NULL;
}

static void set_prompt(struct editor *editor, bool failed)
{
    format_text(editor->search_prompt, sizeof(editor->search_prompt),
                "(%sreverse-i-search)`%s': ", failed ? "failed " : "", editor->query);
}

/* Searches from line `from` towards the oldest. If none matches, the line stays as it is. */
static void search(struct editor *editor, unsigned from)
{
    const char *line, *found = NULL;

    /* Numbers below the oldest line are not kept either, so the loop ends there. */
    for (; (line = history_get(from)); from--)
        if ((found = find_text(line, editor->query)))
            break;

    /* Put the cursor on the text that was found. */
    if (found && *editor->query) {
        edit_set(&editor->edit, line);
        editor->edit.cursor = (size_t)(found - line);
        editor->search_at = from;
    }

    set_prompt(editor, !found && *editor->query);
}

void editor_search_begin(struct editor *editor)
{
    /* Keep the line that is being typed: ^G restores it. */
    if (editor->history_at == history_end())
        text_copy(editor->stash, sizeof(editor->stash), editor->edit.text);

    editor->searching = true;
    editor->search_at = history_end();
    editor->query[0] = '\0';
    set_prompt(editor, false);
}

static void lengthen(struct editor *editor, const struct key *key)
{
    size_t length = strlen(editor->query);
    if (length + key->length >= sizeof(editor->query))
        return;

    memcpy(editor->query + length, key->text, key->length);
    editor->query[length + key->length] = '\0';

    /* The line that was found may still match: search from there, not from the newest. */
    search(editor, editor->search_at == history_end() ? history_end() - 1 : editor->search_at);
}

static void shorten(struct editor *editor)
{
    size_t length = strlen(editor->query);

    /* Remove all bytes of the last character. */
    while (length && utf8_continues(editor->query[--length]))
        ;

    editor->query[length] = '\0';

    /* Newer lines may match the shorter text again. */
    search(editor, history_end() - 1);
}

/* Restores the line as it was before the search. */
static void cancel(struct editor *editor)
{
    /* NULL if the line was a new one. */
    const char *line = history_get(editor->history_at);
    editor->searching = false;
    edit_set(&editor->edit, line ? line : editor->stash);
}

static void accept(struct editor *editor)
{
    /* Up and Down continue from the line that was found. */
    editor->searching = false;
    editor->history_at = editor->search_at;
    editor->stale = true;
}

bool editor_search_key(struct editor *editor, const struct key *key)
{
    switch (key->code) {
    case KEY_TEXT: lengthen(editor, key); return true;
    case KEY_BACKSPACE:
    case KEY_RUBOUT: shorten(editor); return true;
    case KEY_CONTROL_R: search(editor, editor->search_at - 1); return true;
    case KEY_CONTROL_G: cancel(editor); return true;
    case KEY_ESCAPE:
        accept(editor);
        editor->keys.alt = false; /* it ends the search, and does not begin an Alt key */
        return true;
    default: accept(editor); return false;
    }
}
