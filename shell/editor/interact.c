/*
 * interact.c - the shell at the console; see interact.h.
 */
#include "shell/editor/interact.h"
#include "kernel/console.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/editor/editor.h"
#include "shell/editor/history.h"
#include "shell/language/descriptor.h"
#include "shell/language/run.h"
#include "shell/language/script.h"
#include "shell/language/state.h"

static struct editor editor; /* one console, one editor */

/* ---- standard input ----------------------------------------------------------------------- */

/* What is left of the last line, with its LF. The line is in the editor's memory, which the command
 * owns until the next prompt. */
static struct {
    size_t at, length;
} input;

static status_t read_input_line(void)
{
    enum editor_end end;
    input.at = input.length = 0;
    status_t status = editor_read(&editor, "", NULL, &end);
    if (status || end == EDITOR_AT_END)
        return status;

    /* A ^C that arrived as a key ends the command as an interrupt does. */
    if (end == EDITOR_GIVEN_UP)
        return -EINTR;

    /* An LF takes the place of the NUL. */
    input.length = editor.edit.length + 1;
    editor.edit.text[editor.edit.length] = '\n';
    return 0;
}

static ssize_t read_console(void *context, void *buffer, size_t bytes)
{
    (void)context;
    status_t status = input.at == input.length ? read_input_line() : 0;
    if (status)
        return status;

    /* A line may be longer than the buffer. The rest is for the next call. */
    size_t count = input.length - input.at < bytes ? input.length - input.at : bytes;
    memcpy(buffer, editor.edit.text + input.at, count);
    input.at += count;
    return (ssize_t)count;
}

/* ---- interruptible commands --------------------------------------------------------------- */

/* From here to interruptible_end(), ^C interrupts this thread. */
static void interruptible_begin(struct shell *shell)
{
    /* Input that the last command has not read is not for this one. */
    input.at = input.length = 0;
    if (shell->descriptors[0])
        descriptor_forget(shell->descriptors[0]);
    console_set_interruptible(thread_current());
}

static void interruptible_end(struct shell *shell)
{
    console_set_interruptible(NULL);
    if (!thread_interrupted())
        return;

    /* The command's output comes before the ^C. */
    thread_clear_interrupt();
    IGNORE(stream_flush(shell->out));
    console_write("^C\n", 3);
    shell->out->at_line_start = true;
}

/* Runs the start-up script. A missing one is not an error. */
static void run_start_up_script(struct shell *shell)
{
    static char name[] = "/System/etc/startup";
    struct path *path;
    status_t status = path_walk(shell->directory, name, 0, &path);
    if (status == -ENOENT || status == -ENOTDIR)
        return;

    /* The walk only finds out whether the script exists. Report any other error. */
    if (!status)
        path_put(path);
    shell->status = status ? shell_fail(shell, name, status)
                           : shell_source(shell, SCRIPT_ALONE, 1, (char *[]){ name, NULL });
}

void shell_start_up(struct shell *shell, const char *run)
{
    shell_run_prepare(shell);
    if (shell_set_input(shell, read_console, NULL))
        shell_complain(shell, "standard input: out of memory");

    /* A ^C ends only the script, not the commands of `run` after it. */
    interruptible_begin(shell);
    run_start_up_script(shell);
    interruptible_end(shell);

    if (!run)
        return;
    interruptible_begin(shell);
    shell_run_text(shell, run);
    interruptible_end(shell);
}

/* ---- the prompt --------------------------------------------------------------------------- */

/* Moves to the start of a row, and shows the log lines that were held back while a command ran. */
static void begin_row(struct shell *shell)
{
    IGNORE(stream_flush(shell->out));
    if (!shell->out->at_line_start)
        console_write("\n", 1);
    shell->out->at_line_start = true;
    log_show_held();
}

/* Appends the line in the editor to the command. Returns false if it is too long: part of it is
 * missing, and half a command can do harm. */
static bool take_line(struct shell *shell, struct buffer *command)
{
    if (editor.edit.too_long) {
        shell_complain(shell, "line too long: it exceeds %d bytes", SHELL_LINE_BYTES - 1);
        shell->status = SHELL_USAGE;
        return false;
    }

    /* A copy: a command may read input with the editor. */
    buffer_put(command, "\n", command->length > 0);
    buffer_put(command, editor.edit.text, editor.edit.length);
    if (command->status)
        shell->status = shell_fail(shell, NULL, command->status);
    return !command->status;
}

/* Reads a command: a line, and further ones while a quote or a construct is open. Returns whether
 * there is one to run. */
static bool read_lines(struct shell *shell, struct buffer *command)
{
    static char prompt[PATH_BYTES_MAX / 8];
    shell_prompt(shell, prompt, sizeof(prompt));
    do {
        enum editor_end end;
        status_t status = editor_read(&editor, command->length ? "> " : prompt, shell, &end);

        /* An error is a ^C that came too late for the last command. */
        if (status)
            thread_clear_interrupt();
        else if (end != EDITOR_LINE)
            shell->status = SHELL_INTERRUPTED;
        if (status || end != EDITOR_LINE || !take_line(shell, command))
            return false;
    } while (shell_text_is_open(shell, command->text));
    return true;
}

/* All lines of a command are one entry of the history, also if it is given up or is wrong. */
static bool read_command(struct shell *shell, struct buffer *command)
{
    bool complete = read_lines(shell, command);
    if (command->length && command->length < SHELL_LINE_BYTES)
        history_add(command->text);
    return complete;
}

_Noreturn void shell_interact(struct shell *shell)
{
    shell->language->flags |= FLAG_INTERACTIVE;
    for (;;) {
        struct buffer command = { 0 };
        begin_row(shell);
        if (read_command(shell, &command)) {
            interruptible_begin(shell);
            shell_run_text(shell, command.text);
            interruptible_end(shell);
        }
        buffer_free(&command);
    }
}
