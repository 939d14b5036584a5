/*
 * command.c - simple commands; see command.h.
 */
#include "shell/language/command.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/command_not_found.h"
#include "shell/language/descriptor.h"
#include "shell/language/expansion/expand.h"
#include "shell/language/trace.h"

void command_leave(struct shell *shell, int status)
{
    shell->status = status;
    shell->leaving = true;
}

int command_fail_expansion(struct shell *shell, status_t status)
{
    if (status == -ECANCELED) {
        command_leave(shell, SHELL_USAGE);
        return SHELL_USAGE;
    }
    return status == -EOVERFLOW ? shell_complain(shell, "argument list too long")
                                : shell_fail(shell, NULL, status);
}

/* ---- assignments -------------------------------------------------------------------------- */

static int assign_one(struct shell *shell, const struct assignment *at, struct buffer *traced)
{
    char *text;
    status_t status = expand_assignment(shell, at->value, &text);
    if (status)
        return command_fail_expansion(shell, status);

    status = variables_set(&shell->variables, at->name, at->length, text);
    if (!status && shell->language->flags & FLAG_ALLEXPORT)
        status = variables_mark(&shell->variables, at->name, at->length, VARIABLE_EXPORTED);
    if (!status && traced) {
        buffer_put(traced, at->name, at->length);
        buffer_put(traced, "=", 1);
        buffer_put(traced, text, strlen(text));
        buffer_put(traced, " ", 1);
    }
    mem_free(text);

    if (status == -EPERM) {
        shell_complain(shell, "%.*s: is read only", (int)at->length, at->name);
        command_leave(shell, SHELL_USAGE);
        return SHELL_USAGE;
    }
    return status ? shell_fail(shell, NULL, status) : SHELL_DONE;
}

/* Performs the assignments in order: A=1 B=$A sets both to 1. With `saved` they can be undone.
 * `traced`: they are appended to it; NULL: not. */
static int assign(struct shell *shell, const struct assignment *at, struct saved_variable **saved,
                  struct buffer *traced)
{
    int result = SHELL_DONE;
    for (; at && !result; at = at->next) {
        const struct variable *old = variables_find(&shell->variables, at->name, at->length);
        bool read_only = old && old->flags & VARIABLE_READ_ONLY;
        if (saved && !read_only && variables_save(&shell->variables, at->name, at->length, saved))
            return shell_fail(shell, NULL, -ENOMEM);
        result = assign_one(shell, at, traced);
        if (saved && !result)
            IGNORE(variables_mark(&shell->variables, at->name, at->length, VARIABLE_EXPORTED));
    }
    return result;
}

/* ---- looking up --------------------------------------------------------------------------- */

/* Commands that run further commands, whose words are not known here. */
static bool runs_others(const struct shell_command *command)
{
    static const char *const names[] = { ".", "source", "eval", "command", "exec" };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (text_equal(command->name, names[i]))
            return true;
    return false;
}

static const struct shell_command *find_command(struct command_run *run)
{
    const char *name = run->fields.list[0];
    struct node *node = (struct node *)(uintptr_t)run->node;
    const struct shell_command *command = atomic_load_explicit(&node->command,
                                                               memory_order_relaxed);
    if (command && text_equal(command->name, name))
        return command;

    command = shell_command_find(name, &run->use, &run->status);

    /* A command of the kernel stays. One of a loaded driver is looked up each time. */
    if (command && !run->use.link.next)
        atomic_store_explicit(&node->command, command, memory_order_relaxed);
    return command;
}

static void look_up(struct shell *shell, struct command_run *run)
{
    if (!run->fields.count)
        return;
    run->function = function_table_find(&shell->language->functions, run->fields.list[0]);
    run->command = run->function ? NULL : find_command(run); /* no function has a special name */
    run->words_known = !run->function && (!run->command || !runs_others(run->command));
}

/* ---- steps -------------------------------------------------------------------------------- */

static void stop(struct command_run *run, int result)
{
    run->stopped = true;
    run->result = result;
}

void command_expand(struct shell *shell, const struct node *node, struct command_run *run)
{
    *run = (struct command_run){ .node = node };
    shell->command = NULL;
    shell->script_line = node->line;
    if (node->kind != NODE_SIMPLE)
        return;

    shell->language->substituted = SHELL_DONE;
    status_t status = expand_command(shell, node->words, &run->fields);
    if (status) {
        stop(run, command_fail_expansion(shell, status));
        return;
    }
    if (shell->language->flags & FLAG_XTRACE)
        run->trace = shell->err;
    look_up(shell, run);
    run->words_known |= !run->fields.count;
}

void command_open(struct shell *shell, struct command_run *run, const struct output_words *words)
{
    if (run->stopped)
        return;
    int result = redirect_begin(shell, run->node->redirections, words, &run->redirected);
    if (!result)
        return;
    stop(run, result);

    /* POSIX 2.8.1: with a special builtin this ends the shell. */
    if (run->command && run->command->special && !shell_interrupted())
        command_leave(shell, SHELL_USAGE);
}

/* Runs a function: with the fields as its parameters, and what `local` saves. */
static int run_function(struct shell *shell, struct command_run *run)
{
    struct language *language = shell->language;
    const struct function *function = run->function;
    struct parameters outer = language->parameters;
    struct saved_variable *locals = language->locals;
    struct tree *tree = language->tree, *own = tree_get(function->tree);
    unsigned loops = language->loops;

    /* The first field is the name, so the parameters begin after it. */
    language->parameters = (struct parameters){ .words = run->fields, .shifted = 1 };
    run->fields = (struct words){ 0 };
    language->tree = own;
    language->loops = 0;
    language->calls++;
    int result = language->evaluate(shell, function->body);

    language->calls--;
    language->loops = loops;
    language->tree = tree;
    if (language->skip == SKIP_RETURN) {
        language->skip = SKIP_NONE;
        result = shell->status;
    }
    variables_restore(&shell->variables, &language->locals, locals);
    words_free(&language->parameters.words);
    language->parameters = outer;
    tree_put(own);
    return result;
}

static int run_found(struct shell *shell, struct command_run *run)
{
    if (run->function)
        return run_function(shell, run);
    if (!run->command)
        return command_not_found(shell, run->fields.list[0], run->status);

    /* Parsing removes the options from the list. */
    return shell_run_found(shell, run->command, run->fields.count, run->fields.list);
}

static int run_words(struct shell *shell, struct command_run *run)
{
    bool stays = !run->fields.count || (run->command && run->command->special);
    struct saved_variable *saved = NULL;
    struct buffer traced = { 0 };

    /* Before other commands the assignments are in effect for the command only. `local` in a
     * function saves after them, and has restored its own when the function has ended. */
    int result = assign(shell, run->node->assignments, stays ? NULL : &saved,
                        run->trace ? &traced : NULL);
    if (!result && run->trace)
        trace_command(shell, run->trace, &traced, &run->fields);
    buffer_free(&traced);
    if (!result)
        result = run->fields.count ? run_found(shell, run) : shell->language->substituted;
    variables_restore(&shell->variables, &saved, NULL);
    return result;
}

static int report_output(struct shell *shell, int result)
{
    /* A file reports its error when it is closed. A descriptor that is closed has nothing else. */
    if (shell->out == &shell->closed && shell->closed.status) {
        stream_init(&shell->closed, shell->closed.sink, NULL);
        return shell_complain(shell, "write error: bad file descriptor");
    }
    return result;
}

void command_execute(struct shell *shell, struct command_run *run)
{
    if (run->stopped)
        return;
    run->result = run_words(shell, run);
    shell->command = NULL;

    /* The output of one command appears before the next one runs. */
    IGNORE(stream_flush(shell->out));
    IGNORE(stream_flush(shell->err));
    run->result = report_output(shell, run->result);
}

int command_close(struct shell *shell, struct command_run *run, bool failed)
{
    int result = run->result;
    if (shell->language->keeps_redirections) {
        shell->language->keeps_redirections = false;
        redirect_keep(shell, &run->redirected);
    } else {
        result = redirect_end(shell, &run->redirected, failed, result);
    }
    code_use_end(&run->use); /* it borrows the name */
    words_free(&run->fields);
    return result;
}

/* ---- all steps ---------------------------------------------------------------------------- */

int command_run(struct shell *shell, const struct node *node)
{
    struct command_run run;
    const struct words *list = &run.fields;
    struct output_words words = { &list, 1 };
    command_expand(shell, node, &run);
    command_open(shell, &run, run.words_known ? &words : NULL);
    command_execute(shell, &run);
    return command_close(shell, &run, run.result != SHELL_DONE);
}

void command_run_compound(struct shell *shell, const struct node *node,
                          void (*work)(void *argument), void *argument, int *result)
{
    struct redirected redirected;
    shell->command = NULL;
    shell->script_line = node->line;

    /* What the commands read and write is not known. */
    *result = redirect_begin(shell, node->redirections, NULL, &redirected);
    if (!*result) {
        status_t status = depth_call(&shell->language->depth, work, argument);
        if (status == -EOVERFLOW)
            *result = shell_complain(shell, "nested too deeply");
        else if (status)
            *result = shell_fail(shell, NULL, status);
        if (status)
            command_leave(shell, *result);
    }
    *result = redirect_end(shell, &redirected, *result != SHELL_DONE, *result);
}
