/*
 * editor.c - the person's side: a prompt, a line with backspace, and ^C.
 *
 * It sends no escape sequence, so it works on anything that shows bytes. CR, LF and CR LF end a
 * line; ^U clears it, ^C gives it up, ^D is ignored: there is nowhere to leave to.
 */
#include "kernel/console.h"
#include "kernel/log.h"
#include "kernel/shell/shell.h"
#include "lib/string.h"
#include "lib/utf8.h"

enum {
    KEY_INTERRUPT = 0x03,
    KEY_BACKSPACE = 0x08,
    KEY_KILL = 0x15,
    KEY_DELETE = 0x7f,
};

struct editor {
    size_t length;
    bool after_cr, too_long;
    char line[SHELL_LINE_BYTES];
};

status_t shell_console_sink(struct stream *stream, const char *text, size_t bytes)
{
    (void)stream;
    console_write(text, bytes);
    return 0;
}

/* Takes the last character off, with all its bytes. */
static void editor_erase(struct editor *editor)
{
    if (!editor->length)
        return;
    do
        editor->length--;
    while (editor->length && (editor->line[editor->length] & 0xc0) == 0x80);
    console_write("\b \b", 3);
}

static void editor_put(struct editor *editor, uint8_t byte)
{
    if (byte < 0x20 || byte == KEY_DELETE)
        return;
    if (editor->length + 1 == sizeof(editor->line)) {
        editor->too_long = true; /* said once, at the end of the line */
        return;
    }
    editor->line[editor->length++] = (char)byte;
    console_write((const char *)&byte, 1);
}

/* Takes a byte in; true when the line is complete. */
static bool editor_key(struct editor *editor, uint8_t byte)
{
    bool second_of_pair = editor->after_cr && byte == '\n';
    editor->after_cr = byte == '\r';
    switch (byte) {
    case '\n':
    case '\r': return !second_of_pair;
    case KEY_BACKSPACE:
    case KEY_DELETE: editor_erase(editor); return false;
    case KEY_KILL:
        while (editor->length)
            editor_erase(editor);
        return false;
    case KEY_INTERRUPT:
        thread_clear_interrupt();
        editor->length = 0;
        console_write("^C", 2);
        return true;
    default: editor_put(editor, byte); return false;
    }
}

static void editor_read(struct editor *editor)
{
    editor->length = 0;
    editor->too_long = false;
    for (;;) {
        int byte = console_read(TIME_NEVER);
        if (byte == -EINTR) /* the ^C itself follows in the ring */
            thread_clear_interrupt();
        else if (byte >= 0 && editor_key(editor, (uint8_t)byte))
            break;
    }
    editor->line[editor->length] = '\0';
    console_write("\n", 1);
}

static void show_prompt(struct shell *shell)
{
    char prompt[PATH_BYTES_MAX / 8];
    (void)!stream_flush(shell->out);
    if (!shell->out->at_line_start)
        console_write("\n", 1);
    shell->out->at_line_start = true;
    log_show_held();
    shell_prompt(shell, prompt, sizeof(prompt));
    console_write(prompt, strlen(prompt));
}

_Noreturn void shell_interact(struct shell *shell)
{
    static struct editor editor; /* one console, one editor */
    console_set_interruptible(thread_current());
    for (;;) {
        show_prompt(shell);
        editor_read(&editor);
        if (editor.too_long) {
            shell_complain(shell, "the line is longer than %d bytes", SHELL_LINE_BYTES - 1);
            shell->status = SHELL_USAGE;
            continue;
        }
        shell_run_text(shell, editor.line);
        thread_clear_interrupt(); /* the ^C itself stands in the ring: the next line is given up */
    }
}
