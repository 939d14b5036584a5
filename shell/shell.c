/*
 * shell.c - a shell's life, its commands, and its descriptors.
 */
#include "shell/shell.h"
#include "kernel/console.h"
#include "kernel/module/index.h"
#include "kernel/module/module.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/descriptor.h"
#include "shell/language/state.h"
#include "shell/terminal.h"

/* ---- commands ----------------------------------------------------------------------------- */

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
const struct shell_command *shell_command_find(const char *name, struct code_use *use,
                                               status_t *status)
{
    status_t ignored;
    status = status ? status : &ignored;
    *status = 0;
    table_each(entry, shell_commands, struct shell_command)
        if (text_equal((*entry)->name, name))
            return *entry;

    const struct shell_command *command = find_loaded(name, use);
    if (command)
        return command;

    *status = index_load_for_command(name);
    if (!*status && !(command = find_loaded(name, use)))
        *status = -ENOENT; /* the index lists what the object does not have */
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
    struct descriptor *input = shell->descriptors[0];
    return input ? descriptor_read(input, buffer, bytes) : -EBADF;
}

bool shell_out_is_terminal(const struct shell *shell)
{
    return shell->out == shell->console && shell->console->sink == shell_console_sink &&
           terminal_is_seen();
}

bool shell_is_terminal(const struct shell *shell, unsigned descriptor)
{
    const struct descriptor *d =
        descriptor < SHELL_DESCRIPTORS ? shell->descriptors[descriptor] : NULL;
    return d && d->out && d->out->sink == shell_console_sink && terminal_is_seen();
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

static status_t closed_sink(struct stream *stream, const char *text, size_t bytes)
{
    (void)stream, (void)text, (void)bytes;
    return -EBADF;
}

struct descriptor *shell_set_descriptor(struct shell *shell, unsigned number,
                                        struct descriptor *descriptor)
{
    struct descriptor *before = shell->descriptors[number];
    struct stream *stream = descriptor && descriptor->out ? descriptor->out : &shell->closed;
    shell->descriptors[number] = descriptor;

    if (stream == &shell->closed && number >= 1 && number <= 2)
        stream_init(&shell->closed, closed_sink, NULL);
    if (number == 1)
        shell->out = stream;
    else if (number == 2)
        shell->err = stream;
    return before;
}

status_t shell_set_input(struct shell *shell,
                         ssize_t (*read)(void *context, void *buffer, size_t bytes),
                         void *context)
{
    struct descriptor *input = descriptor_create();
    if (!input)
        return -ENOMEM;
    input->read = read;
    input->context = context;
    IGNORE(descriptor_put(shell, shell_set_descriptor(shell, 0, input), NULL, false, 0));
    return 0;
}

struct jobs *shell_jobs(struct shell *shell)
{
    return &shell->language->jobs;
}

void shell_destroy(struct shell *shell)
{
    if (shell->language) {
        jobs_finish(&shell->language->jobs, false);
        variables_restore(&shell->variables, &shell->language->locals, NULL);
    }
    for (unsigned i = 0; i < SHELL_DESCRIPTORS; i++)
        IGNORE(descriptor_put(shell, shell_set_descriptor(shell, i, NULL), NULL, false, 0));
    IGNORE(descriptor_put(shell, shell->console_use, NULL, false, 0));
    shell->console_use = NULL;
    language_free(shell->language);
    variables_free(&shell->variables);
    path_put(shell->directory);
    shell->directory = NULL;
    shell->language = NULL;
}

static ssize_t read_end(void *context, void *buffer, size_t bytes)
{
    (void)context, (void)buffer, (void)bytes;
    return 0;
}

static status_t set_variables(struct shell *shell)
{
    static const struct {
        const char *name, *value;
    } initial[] = { { "HOME", "/" }, { "PWD", "/" }, { "IFS", " \t\n" }, { "OPTIND", "1" } };
    status_t status = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(initial) && !status; i++)
        status = variables_set(&shell->variables, initial[i].name, strlen(initial[i].name),
                               initial[i].value);

    /* Without a value: the number of the line. */
    return status ? status : variables_mark(&shell->variables, "LINENO", 6, VARIABLE_KEPT);
}

/* Makes the descriptors 0, which is at its end, 1 and 2. */
static status_t set_descriptors(struct shell *shell,
                                status_t (*sink)(struct stream *stream, const char *text,
                                                 size_t bytes),
                                void *out_context, void *err_context)
{
    status_t status = shell_set_input(shell, read_end, NULL);
    for (unsigned i = 1; i <= 2 && !status; i++) {
        struct descriptor *descriptor = descriptor_create();
        if (!descriptor)
            return -ENOMEM;
        status = descriptor_set_sink(descriptor, sink, i == 1 ? out_context : err_context, false);
        IGNORE(descriptor_put(shell, shell_set_descriptor(shell, i, descriptor), NULL, false, 0));
    }
    shell->console = shell->out;
    shell->console_use = descriptor_get(shell->descriptors[1]);
    return status;
}

status_t shell_init(struct shell *shell,
                    status_t (*sink)(struct stream *stream, const char *text, size_t bytes),
                    void *out_context, void *err_context)
{
    *shell = (struct shell){ .status = SHELL_DONE };
    shell->directory = path_root();
    shell->out = shell->err = shell->console = &shell->closed;
    stream_init(&shell->closed, closed_sink, NULL);

    shell->language = language_create();
    status_t status = shell->language ? set_descriptors(shell, sink, out_context, err_context)
                                      : -ENOMEM;
    if (!status)
        status = set_variables(shell);
    if (status)
        shell_destroy(shell);
    return status;
}

/* Returns what a copy of the shell uses as descriptor `number`; NULL if it is closed, or without
 * memory. */
static struct descriptor *copy_descriptor(struct shell *shell, struct shell *copy, unsigned number,
                                          bool thread)
{
    struct descriptor *descriptor = shell->descriptors[number];
    if (!descriptor || !thread)
        return descriptor_get(descriptor);

    /* Numbers that refer to the same object do so in the copy: their output stays in order. */
    for (unsigned i = 0; i < number; i++)
        if (shell->descriptors[i] == descriptor)
            return descriptor_get(copy->descriptors[i]);
    return descriptor_share(descriptor);
}

static status_t copy_shell(struct shell *shell, struct shell *copy, bool thread)
{
    struct variables variables;
    struct language *language = language_copy(shell->language);
    if (!language)
        return -ENOMEM;
    if (variables_copy(&shell->variables, &variables)) {
        language_free(language);
        return -ENOMEM;
    }

    *copy = *shell;
    copy->variables = variables;
    copy->language = language;
    copy->console_use = NULL;
    copy->directory = path_get(shell->directory);
    memset(copy->descriptors, 0, sizeof(copy->descriptors));
    copy->out = copy->err = &copy->closed;

    /* What the shell has written comes before what the copy writes. */
    bool failed = false;
    for (unsigned i = 0; i < SHELL_DESCRIPTORS; i++) {
        if (thread && shell->descriptors[i] && shell->descriptors[i]->out)
            IGNORE(stream_flush(shell->descriptors[i]->out));
        struct descriptor *descriptor = copy_descriptor(shell, copy, i, thread);
        failed |= shell->descriptors[i] && !descriptor;
        (void)shell_set_descriptor(copy, i, descriptor);
    }
    if (failed)
        shell_destroy(copy);
    return failed ? -ENOMEM : 0;
}

status_t shell_copy(struct shell *shell, struct shell *copy)
{
    return copy_shell(shell, copy, false);
}

status_t shell_copy_for_thread(struct shell *shell, struct shell *copy)
{
    return copy_shell(shell, copy, true);
}

void shell_prompt(const struct shell *shell, char *text, size_t bytes)
{
    static const char end[] = "$ ";
    size_t used = text_copy(text, bytes, "spindle:");
    used += path_text(shell->directory, text + used, bytes - used - strlen(end));
    used = min(used, bytes - sizeof(end)); /* it may be cut */
    text_copy(text + used, bytes - used, end);

    /* A name from a medium must not move the cursor. */
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
}
