/*
 * evaluate.c - lists, compound commands, subshells, jobs and traps; see evaluate.h.
 */
#include "shell/language/evaluate.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/command.h"
#include "shell/language/descriptor.h"
#include "shell/language/expansion/expand.h"
#include "shell/language/pipeline.h"
#include "shell/pattern.h"

bool evaluate_must_stop(const struct shell *shell)
{
    return shell->leaving || shell->language->skip != SKIP_NONE || shell_interrupted() ||
           shell->out->status == -EPIPE;
}

/* ---- traps -------------------------------------------------------------------------------- */

static void run_action(struct shell *shell, const char *action)
{
    struct traps *traps = &shell->language->traps;
    int status = shell->status, outer = traps->status;
    unsigned outer_calls = traps->calls;
    bool nested = traps->running; /* an action for EXIT, within another */
    size_t bytes = strlen(action) + 1;

    /* A copy: the action may set the trap itself. */
    char *text = mem_alloc(bytes);
    if (!text) {
        (void)shell_fail(shell, "trap", -ENOMEM);
        return;
    }
    memcpy(text, action, bytes);
    traps->running = true;
    traps->status = status;
    traps->calls = shell->language->calls;
    shell->language->run_text(shell, text);
    traps->running = nested;
    traps->status = outer;
    traps->calls = outer_calls;
    mem_free(text);

    /* $? is as before, unless the action has ended the shell or the function. */
    if (!shell->leaving && shell->language->skip != SKIP_RETURN)
        shell->status = status;
}

/* Takes ^C, if there is a trap for it. If the reader of a pipe has gone, that is not ^C. */
static void take_interrupt(struct shell *shell)
{
    struct language *language = shell->language;
    const char *action = language->traps.actions[SIGNAL_INT];
    if (!action || !shell_interrupted() || shell->out->status == -EPIPE)
        return;
    thread_clear_interrupt();
    language->depth.handled++;
    atomic_fetch_or(&language->traps.pending, (uint64_t)1 << SIGNAL_INT);
}

static void run_traps(struct shell *shell)
{
    struct traps *traps = &shell->language->traps;
    take_interrupt(shell);
    for (int number; !traps->running && (number = traps_next(traps));) {
        atomic_fetch_and(&traps->pending, ~((uint64_t)1 << number));

        const char *action = number == SIGNAL_KILL ? NULL : traps->actions[number];
        if (action)
            run_action(shell, action);
        else
            command_leave(shell, 128 + number);
    }
}

int evaluate_exit_trap(struct shell *shell)
{
    struct language *language = shell->language;
    char *action = language->traps.actions[SIGNAL_EXIT];
    int status = shell->status;
    if (!action)
        return status;

    /* ^C has ended the commands; the action must still run. */
    bool interrupted = shell_interrupted();
    if (interrupted)
        thread_clear_interrupt();
    language->traps.actions[SIGNAL_EXIT] = NULL;
    language->skip = SKIP_NONE;
    shell->leaving = false;
    if (*action)
        run_action(shell, action);
    status = shell->leaving ? shell->status : status;
    shell->leaving = true;
    mem_free(action);
    if (interrupted)
        thread_interrupt(thread_current());
    return shell->status = status;
}

/* ---- errors ------------------------------------------------------------------------------- */

/* Stores a status, and does what `set -e` and a trap for ERR ask for. */
static int end_command(struct shell *shell, int status)
{
    struct language *language = shell->language;
    if (shell_interrupted() && shell->out->status != -EPIPE)
        status = SHELL_INTERRUPTED;
    shell->status = status;
    run_traps(shell);
    if (!status || language->tested || evaluate_must_stop(shell))
        return shell->status;

    const char *action = language->traps.actions[SIGNAL_ERR];
    if (action && *action && !language->traps.running)
        run_action(shell, action);
    if (language->flags & FLAG_ERREXIT)
        shell->leaving = true;
    return shell->status;
}

/* Evaluates a command whose status is tested. */
static int evaluate_tested(struct shell *shell, const struct node *node)
{
    shell->language->tested++;
    int status = evaluate(shell, node);
    shell->language->tested--;
    return status;
}

/* ---- subshells and jobs ------------------------------------------------------------------- */

int evaluate_subshell(struct shell *shell, const struct node *node)
{
    shell->status = node ? evaluate(shell, node) : SHELL_DONE;
    if (shell->language->skip == SKIP_RETURN)
        shell->language->skip = SKIP_NONE;
    return evaluate_exit_trap(shell);
}

static int run_subshell(struct shell *shell, const struct node *node)
{
    struct shell *copy = mem_alloc(sizeof(*copy));
    status_t status = copy ? shell_copy(shell, copy) : -ENOMEM;
    if (status) {
        mem_free(copy);
        return shell_fail(shell, NULL, status);
    }

    int result = evaluate_subshell(copy, node->first);
    jobs_adopt(&shell->language->jobs, &copy->language->jobs);
    shell->language->depth.handled = copy->language->depth.handled;
    shell_destroy(copy);
    mem_free(copy);
    return result;
}

/* Runs on the job's thread. */
static int run_job(struct shell *shell, const struct node *node)
{
    shell->language->depth.base = 0;
    (void)depth_begin(&shell->language->depth);

    /* The condition that starts a job does not test its status: `set -e` applies in it, as in
     * dash. */
    shell->language->tested = 0;
    int status = evaluate_subshell(shell, node);

    /* The reader of a pipe that the job wrote to sees its end now. */
    for (unsigned i = 0; i < SHELL_DESCRIPTORS; i++)
        IGNORE(descriptor_put(shell, shell_set_descriptor(shell, i, NULL), NULL, false, 0));
    return status;
}

static ssize_t read_end(void *context, void *buffer, size_t bytes)
{
    (void)context, (void)buffer, (void)bytes;
    return 0;
}

static int start_job(struct shell *shell, const struct node *node)
{
    struct language *language = shell->language;
    struct shell *copy = mem_alloc(sizeof(*copy));
    static const struct job_work work = { run_job, shell_destroy };
    struct job *job;
    jobs_reap(&language->jobs);

    status_t status = copy ? shell_copy_for_thread(shell, copy) : -ENOMEM;
    if (status) {
        mem_free(copy);
        return shell_fail(shell, NULL, status);
    }

    /* A job does not take the shell's input (POSIX 2.9.3.1). */
    status = shell_set_input(copy, read_end, NULL);
    if (status) {
        shell_destroy(copy);
        mem_free(copy);
    } else {
        status = jobs_start(shell, copy, language->tree, node, &work, &job);
    }
    if (status)
        return shell_fail(shell, NULL, status);
    language->last_job = job->id;
    if (language->flags & FLAG_INTERACTIVE) {
        stream_format(shell->err, "[%u] %u\n", job->number, job->id);
        IGNORE(stream_flush(shell->err));
    }
    return SHELL_DONE;
}

/* ---- lists -------------------------------------------------------------------------------- */

static int run_list(struct shell *shell, const struct node *node)
{
    for (const struct node *at = node->first; at && !evaluate_must_stop(shell); at = at->next) {
        if (at->background)
            shell->status = start_job(shell, at);
        else
            (void)evaluate(shell, at);
    }
    return shell->status;
}

/* a && b || c: both have the same precedence (POSIX 2.9.3), so the status so far decides. */
static int run_and_or(struct shell *shell, const struct node *node)
{
    for (const struct node *at = node->first; at && !evaluate_must_stop(shell); at = at->next) {
        bool skips = (at->join == JOIN_AND && shell->status) ||
                     (at->join == JOIN_OR && !shell->status);
        if (skips)
            continue;
        (void)(at->next ? evaluate_tested(shell, at) : evaluate(shell, at));
    }
    return shell->status;
}

static int run_pipeline(struct shell *shell, const struct node *node)
{
    const struct node *first = node->first;
    uint64_t begun_us = time_now_us();

    /* A single command runs on this thread, so that `cd` and assignments change this shell. */
    int status = first->next     ? pipeline_run(shell, node)
                 : node->negated ? evaluate_tested(shell, first)
                                 : evaluate(shell, first);
    if (node->timed)
        shell_print_time(shell, begun_us);
    if (node->negated && !evaluate_must_stop(shell)) {
        shell->status = !status;
        run_traps(shell);
        return shell->status;
    }
    return first->next ? end_command(shell, status) : shell->status;
}

/* ---- compound commands -------------------------------------------------------------------- */

static int run_if(struct shell *shell, const struct node *node)
{
    /* Each `elif` is the else part of the one before. */
    while (node && node->kind == NODE_IF) {
        int status = evaluate_tested(shell, node->first);
        if (evaluate_must_stop(shell))
            return shell->status;
        if (!status)
            return evaluate(shell, node->second);
        node = node->third;
    }
    return node ? evaluate(shell, node) : (shell->status = SHELL_DONE);
}

/* Returns whether the innermost loop must end, after its body or condition. */
static bool loop_ends(struct shell *shell)
{
    struct language *language = shell->language;
    if (language->skip != SKIP_BREAK && language->skip != SKIP_CONTINUE)
        return evaluate_must_stop(shell);
    if (--language->skip_loops)
        return true; /* `break 2`: the loop around this one as well */

    bool breaks = language->skip == SKIP_BREAK;
    language->skip = SKIP_NONE;
    return breaks || evaluate_must_stop(shell);
}

static int run_loop(struct shell *shell, const struct node *node)
{
    int status = SHELL_DONE;
    shell->language->loops++;
    for (;;) {
        bool failed = evaluate_tested(shell, node->first) != SHELL_DONE;
        bool skips = shell->language->skip != SKIP_NONE;
        if (loop_ends(shell))
            break;
        if (skips)
            continue; /* `continue` in the condition */
        if (failed != (node->kind == NODE_UNTIL))
            break;

        status = evaluate(shell, node->second);
        if (loop_ends(shell))
            break;
    }
    shell->language->loops--;
    return evaluate_must_stop(shell) ? shell->status : (shell->status = status);
}

static int set_loop_variable(struct shell *shell, const char *name, const char *value)
{
    status_t status = variables_set(&shell->variables, name, strlen(name), value);
    if (status == -EPERM) {
        shell_complain(shell, "%s: is read only", name);
        command_leave(shell, SHELL_USAGE);
        return SHELL_USAGE;
    }
    return status ? shell_fail(shell, NULL, status) : SHELL_DONE;
}

static int run_for(struct shell *shell, const struct node *node)
{
    const struct parameters *parameters = &shell->language->parameters;
    struct words words = { 0 };
    status_t status = 0;

    /* Without `in`, the words are the parameters as they are now. */
    for (int i = 1; !node->has_words && i <= parameters_count(parameters) && !status; i++) {
        const char *text = parameters_get(parameters, i);
        status = words_add(&words, text, strlen(text));
    }
    if (node->has_words)
        status = expand_words(shell, node->words, &words);

    /* $? in the body is still that of the command before. */
    if (status)
        shell->status = command_fail_expansion(shell, status);
    else if (!words.count)
        shell->status = SHELL_DONE;

    shell->language->loops++;
    for (int i = 0; i < words.count && !status && !evaluate_must_stop(shell); i++) {
        int result = set_loop_variable(shell, node->name, words.list[i]);
        if (result) {
            shell->status = result;
            break;
        }
        (void)evaluate(shell, node->second);
        if (loop_ends(shell))
            break;
    }
    shell->language->loops--;
    words_free(&words);
    return shell->status;
}

static status_t matches_any(struct shell *shell, const struct word *patterns, const char *text,
                            bool *matches)
{
    *matches = false;
    for (; patterns && !*matches; patterns = patterns->next) {
        char *pattern;
        status_t status = expand_pattern(shell, patterns, &pattern);
        if (status)
            return status;
        *matches = glob_matches_text(pattern, text, false);
        mem_free(pattern);
    }
    return 0;
}

static int run_case(struct shell *shell, const struct node *node)
{
    char *text;
    bool matches = false;
    shell->language->substituted = SHELL_DONE;
    status_t status = expand_text(shell, node->words, &text);
    if (status)
        return shell->status = command_fail_expansion(shell, status);

    const struct case_item *item = node->items;
    for (; item && !status; item = item->next) {
        status = matches_any(shell, item->patterns, text, &matches);
        if (matches)
            break;
    }
    mem_free(text);
    if (status)
        return shell->status = command_fail_expansion(shell, status);
    if (!item || !item->body)
        return shell->status = SHELL_DONE;
    return evaluate(shell, item->body);
}

static int define_function(struct shell *shell, const struct node *node)
{
    /* A special builtin is found before a function (POSIX 2.9.1.1), which would never run. */
    struct code_use use = { 0 };
    const struct shell_command *command = shell_command_find(node->name, &use, NULL);
    bool special = command && command->special;
    code_use_end(&use);
    if (special) {
        shell_complain(shell, "%s: a special builtin cannot be a function", node->name);
        command_leave(shell, SHELL_USAGE);
        return SHELL_USAGE;
    }
    status_t status = function_table_set(&shell->language->functions, node->name,
                                    shell->language->tree, node->first);
    return status ? shell_fail(shell, NULL, status) : SHELL_DONE;
}

/* ---- nodes -------------------------------------------------------------------------------- */

struct work {
    struct shell *shell;
    const struct node *node;
    int result;
};

static void compound_work(void *argument)
{
    struct work *work = argument;
    struct shell *shell = work->shell;
    const struct node *node = work->node;
    switch (node->kind) {
    case NODE_GROUP: work->result = evaluate(shell, node->first); break;
    case NODE_SUBSHELL: work->result = run_subshell(shell, node); break;
    case NODE_IF: work->result = run_if(shell, node); break;
    case NODE_WHILE:
    case NODE_UNTIL: work->result = run_loop(shell, node); break;
    case NODE_FOR: work->result = run_for(shell, node); break;
    case NODE_CASE: work->result = run_case(shell, node); break;
    default: break;
    }
}

static int run_compound(struct shell *shell, const struct node *node)
{
    struct work work = { shell, node, SHELL_DONE };
    command_run_compound(shell, node, compound_work, &work, &work.result);

    /* The end of the redirections may have failed. */
    shell->status = work.result;
    if (node->kind == NODE_SUBSHELL || (node->redirections && work.result))
        return end_command(shell, work.result);
    return shell->status;
}

int evaluate(struct shell *shell, const struct node *node)
{
    if (shell->language->flags & FLAG_NOEXEC && !(shell->language->flags & FLAG_INTERACTIVE))
        return shell->status;

    /* Lists do not nest by themselves. Everything else may, in a script. */
    switch (node->kind) {
    case NODE_SIMPLE: return end_command(shell, command_run(shell, node));
    case NODE_FUNCTION: return end_command(shell, define_function(shell, node));
    case NODE_LIST: return run_list(shell, node);
    case NODE_AND_OR: return run_and_or(shell, node);
    case NODE_PIPELINE: return run_pipeline(shell, node);
    default: return run_compound(shell, node);
    }
}
