/*
 * complete.c - Tab: inserts what all candidates have in common; a second Tab lists them.
 */
#include "kernel/console.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/editor/completion.h"
#include "shell/editor/editor.h"
#include "shell/reading/show.h"
#include "shell/terminal.h"

enum { LISTED_MAX = 400, GAP = 2 };

static size_t widest(const struct words *words, int count)
{
    size_t most = 0;
    for (int i = 0; i < count; i++) {
        size_t width = text_columns(words->list[i]);
        if (width > most)
            most = width;
    }
    return most;
}

/* Lists the candidates in columns, sorted downwards, as `ls` does. */
static void list(struct stream *out, const struct words *words)
{
    unsigned columns, rows;
    terminal_size(&columns, &rows);

    /* A longer list would only scroll its first rows off the screen. */
    int count = words->count < LISTED_MAX ? words->count : LISTED_MAX;
    size_t width = widest(words, count) + GAP;

    /* The last column needs no gap after it. */
    int across = (int)((columns + GAP - 1) / width);
    across = max(across, 1);
    int down = (count + across - 1) / across;

    /* Sorted downwards: the next name of a row is `down` names further in the list. */
    for (int row = 0; row < down; row++) {
        for (int i = row; i < count; i += down) {
            const char *name = words->list[i];
            stream_escaped(out, name, false);
            for (size_t used = text_columns(name); used < width && i + down < count; used++)
                stream_text(out, " ");
        }
        stream_text(out, "\n");
    }
    if (count < words->count)
        stream_format(out, "and %d more\n", words->count - count);
    IGNORE(stream_flush(out));
}

static void show_list(struct editor *editor, const struct words *words)
{
    struct edit *edit = &editor->edit;

    /* Leave the line as it is, with the cursor at its end, and list the names in the rows after
     * it. */
    terminal_line_show(&editor->shown, editor->prompt, edit->text, edit->length, edit->length);
    console_write("\n", 1);
    list(editor->shell->console, words);

    /* The line is shown again after the list. */
    editor->shown = (struct terminal_line){ 0 };
}

static void use(struct editor *editor, const struct completion *completion)
{
    struct buffer text = { 0 };

    /* Insert what all candidates have in common. A first Tab that inserts nothing only beeps. */
    completion_text(completion, &text);
    if (text.length) {
        edit_insert(&editor->edit, text.text, text.length);
        editor->after_tab = false;
    } else if (completion->candidates.count > 1 && editor->after_tab) {
        show_list(editor, &completion->candidates);
    } else {
        editor->after_tab = true;
        console_write("\a", 1);
    }
    buffer_free(&text);
}

/* Completion may read discs, so ^C must interrupt it. The line is then discarded. */
void editor_complete(struct editor *editor)
{
    struct completion completion;
    console_set_interruptible(thread_current());

    status_t status = completion_find(editor->shell, editor->edit.text, editor->edit.cursor,
                                      &completion);
    console_set_interruptible(NULL);

    if (!status) {
        use(editor, &completion);
        completion_free(&completion);
    }

    /* The interrupt was for the completion, not for the command that runs next. */
    if (thread_interrupted()) {
        thread_clear_interrupt();
        editor->end = EDITOR_GIVEN_UP;
    }
}
