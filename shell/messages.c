/*
 * messages.c - what a shell reports: errors, usage, times; see shell.h.
 */
#include "lib/macros.h"
#include "lib/text.h"
#include "shell/reading/writable.h"
#include "shell/shell.h"

bool shell_interrupted(void)
{
    return thread_interrupted();
}

/* Returns whether `out` leads to the console. On another thread it is a stream of its own. */
static bool is_console(const struct shell *shell)
{
    return shell->out->sink == shell->console->sink &&
           shell->out->context == shell->console->context;
}

/* Begins an error line: "name: ", and where in a script the command is. */
static void error_begin(struct shell *shell)
{
    /* Both streams may lead to the console: show earlier output first, and begin a new line. */
    IGNORE(stream_flush(shell->out));
    if (is_console(shell)) {
        if (!shell->out->at_line_start)
            stream_text(shell->err, "\n");
        shell->out->at_line_start = true;
    }

    /* A command names itself, which is enough. Other errors name the script's line. */
    stream_format(shell->err, "%s: ", shell->command ? shell->command->name : "spindle");
    if (!shell->command && shell->script_name) {
        stream_escaped(shell->err, shell->script_name, false);
        stream_format(shell->err, ":%u: ", shell->script_line);
    }
}

static int trouble_of(const struct shell *shell)
{
    return shell->command && shell->command->trouble ? shell->command->trouble : SHELL_FAILED;
}

static status_t escaped_sink(struct stream *stream, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        stream_escaped(stream->context, (const char[]){ text[i], '\0' }, false);
    return 0;
}

void shell_write_message(struct shell *shell, const char *format, va_list arguments)
{
    struct stream escaped;
    error_begin(shell);

    /* The arguments may contain names from a medium, which must not control the terminal. */
    stream_init(&escaped, escaped_sink, shell->err);
    stream_format_v(&escaped, format, arguments);
    IGNORE(stream_flush(&escaped));
}

int shell_complain(struct shell *shell, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    shell_write_message(shell, format, arguments);
    va_end(arguments);

    stream_text(shell->err, "\n");
    IGNORE(stream_flush(shell->err));
    return trouble_of(shell);
}

int shell_fail_with(struct shell *shell, status_t status, const char *format, ...)
{
    const char *reason = status_text(status);
    va_list arguments;
    if (status == -EINTR || shell_interrupted())
        return SHELL_INTERRUPTED;
    if (status == -EPIPE)
        return trouble_of(shell);

    va_start(arguments, format);
    shell_write_message(shell, format, arguments);
    va_end(arguments);
    stream_format(shell->err, ": %c%s\n", text_upper(*reason), reason + 1);
    IGNORE(stream_flush(shell->err));
    return trouble_of(shell);
}

int shell_fail(struct shell *shell, const char *subject, status_t status)
{
    /* ^C is not an error, whatever errno it caused; nor is a pipe whose reader has closed it. */
    if (status == -EINTR || shell_interrupted())
        return SHELL_INTERRUPTED;
    if (status == -EPIPE)
        return trouble_of(shell);

    const char *failing = shell->command ? shell->command->failing : NULL;
    const char *reason = status_text(status);
    error_begin(shell);
    if (subject && failing)
        stream_format(shell->err, "%s '", failing);
    if (subject) {
        stream_escaped(shell->err, subject, false);
        stream_text(shell->err, failing ? "': " : ": ");
    }

    /* The reason is a sentence of its own, as in the messages of GNU's tools. */
    stream_format(shell->err, "%c%s", text_upper(*reason), reason + 1);
    if (subject && status == -ENOENT && text_starts(subject, "/dev/"))
        stream_text(shell->err, "; discs are in /dev/Classes");

    /* A disk is read-only until a person asks for more: say how. */
    char device[DEVICE_NAME_BYTES];
    if (subject && status == -EROFS && writable_hint(shell->directory, subject, device))
        stream_format(shell->err, "; `mount -o rw %s` makes it writable", device);
    stream_text(shell->err, "\n");
    IGNORE(stream_flush(shell->err));
    return trouble_of(shell);
}

int shell_usage(struct shell *shell)
{
    const struct shell_command *command = shell->command;
    IGNORE(stream_flush(shell->out));
    stream_format(shell->err, "usage: %s%s%s\n", command->name, *command->arguments ? " " : "",
                  command->arguments);
    IGNORE(stream_flush(shell->err));
    return SHELL_USAGE;
}

void shell_print_time(struct shell *shell, uint64_t begun_us)
{
    uint64_t ms = (time_now_us() - begun_us) / 1000;
    IGNORE(stream_flush(shell->out));
    stream_format(shell->err, "real %llu.%03llus\n", (unsigned long long)(ms / 1000),
                  (unsigned long long)(ms % 1000));
    IGNORE(stream_flush(shell->err));
}
