/*
 * shell.c - a shell's life, its messages, and its standard input.
 */
#include "shell/shell.h"
#include "kernel/console.h"
#include "kernel/module/index.h"
#include "kernel/module/module.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/reading/writable.h"
#include "shell/terminal.h"

/* ---- messages ----------------------------------------------------------------------------- */

bool shell_interrupted(void)
{
    return thread_interrupted();
}

/* Begins an error line: "name: ", and where in a script the command is. */
static void error_begin(struct shell *shell)
{
    /* Both streams may lead to the console: show earlier output first, and begin a new line. */
    IGNORE(stream_flush(shell->out));
    if (shell->out == shell->console) {
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

/* Writes "name: " and a text. */
static void write_message(struct shell *shell, const char *format, va_list arguments)
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
    write_message(shell, format, arguments);
    va_end(arguments);

    stream_text(shell->err, "\n");
    IGNORE(stream_flush(shell->err));
    return trouble_of(shell);
}

int shell_ask(struct shell *shell, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_message(shell, format, arguments);
    va_end(arguments);
    IGNORE(stream_flush(shell->err));

    /* Byte by byte: what follows the line is the next answer. */
    char c, first = '\0';
    ssize_t got;
    bool begun = false;
    while ((got = shell_read(shell, &c, 1)) > 0 && c != '\n') {
        first = begun ? first : c;
        begun = true;
    }
    return got < 0 ? (int)got : first == 'y' || first == 'Y';
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

static bool is_named(const void *entry, void *name)
{
    const struct shell_command *command = entry;
    return text_equal(command->name, name);
}

static const struct shell_command *find_loaded(const char *name, struct code_use *use)
{
    return module_entry_find("shell_commands", is_named, (void *)(uintptr_t)name, use, "command",
                             name);
}

/* The kernel's own first: a driver cannot replace a command. */
const struct shell_command *shell_command_find(const char *name, struct code_use *use)
{
    table_each(entry, shell_commands, struct shell_command)
        if (text_equal((*entry)->name, name))
            return *entry;

    const struct shell_command *command = find_loaded(name, use);
    if (!command && !index_load_for_command(name))
        command = find_loaded(name, use);
    return command;
}

struct visitor {
    void (*visit)(const struct shell_command *command, void *context);
    void *context;
};

static bool visit_entry(const void *entry, void *context)
{
    const struct visitor *visitor = context;
    visitor->visit(entry, visitor->context);
    return false;
}

static void visit_unloaded(const struct index_command *command, void *context)
{
    /* Its other members are in the object: it cannot be run. */
    const struct shell_command shown = {
        .name = command->name,
        .arguments = "",
        .summary = command->summary,
        .group = command->group[0] ? command->group : NULL,
    };
    visit_entry(&shown, context);
}

void shell_command_each(void (*visit)(const struct shell_command *command, void *context),
                        void *context)
{
    struct visitor visitor = { visit, context };

    table_each(entry, shell_commands, struct shell_command)
        visit(*entry, context);
    IGNORE(module_entry_find("shell_commands", visit_entry, &visitor, NULL, NULL, NULL));
    index_command_each(visit_unloaded, &visitor);
}

/* ---- what commands ask -------------------------------------------------------------------- */

ssize_t shell_read(struct shell *shell, void *buffer, size_t bytes)
{
    IGNORE(stream_flush(shell->out)); /* show a question before waiting for its answer */
    if (shell_interrupted())
        return -EINTR;
    return shell->read ? shell->read(shell, buffer, bytes) : 0;
}

bool shell_out_is_terminal(const struct shell *shell)
{
    return shell->out == shell->console && shell->console->sink == shell_console_sink &&
           terminal_is_seen();
}

const char *shell_variable(const struct shell *shell, const char *name)
{
    return variables_get(&shell->variables, name, strlen(name));
}

status_t shell_console_sink(struct stream *stream, const char *text, size_t bytes)
{
    (void)stream;
    console_write(text, bytes);
    return 0;
}

/* ---- life --------------------------------------------------------------------------------- */

void shell_destroy(struct shell *shell)
{
    variables_free(&shell->variables);
    path_put(shell->directory);
    shell->directory = NULL;
}

status_t shell_init(struct shell *shell,
                    status_t (*sink)(struct stream *stream, const char *text, size_t bytes),
                    void *out_context, void *err_context)
{
    *shell = (struct shell){ .status = SHELL_DONE };
    stream_init(&shell->console_out, sink, out_context);
    stream_init(&shell->console_err, sink, err_context);
    shell->out = shell->console = &shell->console_out;
    shell->err = &shell->console_err;
    shell->directory = path_root();

    status_t status = variables_set(&shell->variables, "HOME", 4, "/");
    if (!status)
        status = variables_set(&shell->variables, "PWD", 3, "/");
    if (status)
        shell_destroy(shell);
    return status;
}

status_t shell_copy(struct shell *shell, struct shell *copy)
{
    struct variables variables;
    status_t status = variables_copy(&shell->variables, &variables);
    if (status)
        return status;

    *copy = *shell;
    copy->variables = variables;
    copy->directory = path_get(shell->directory);

    /* A stream belongs to one thread, so the copy gets an err of its own with the same sink. */
    stream_init(&copy->console_err, shell->err->sink, shell->err->context);
    copy->err = &copy->console_err;
    return 0;
}

void shell_prompt(const struct shell *shell, char *text, size_t bytes)
{
    size_t used = text_copy(text, bytes, "spindle:");
    used += path_text(shell->directory, text + used, bytes - used - 3);
    used = min(used, bytes - 3);
    text_copy(text + used, bytes - used, "$ ");

    /* A name from a medium must not move the cursor. */
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
}
