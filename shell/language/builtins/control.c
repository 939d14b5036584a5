/*
 * control.c - commands that change what runs next: : true false break continue return exit eval
 * . source exec shift.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/builtins/builtins.h"
#include "shell/language/script.h"

/* ---- : true false ------------------------------------------------------------------------- */

static int run_true(struct shell *shell, int count, char **words)
{
    (void)shell, (void)count, (void)words;
    return SHELL_DONE;
}

static const struct shell_command command_colon = {
    .name = ":",
    .arguments = "[WORD...]",
    .summary = "do nothing, successfully; the words are expanded",
    .arguments_max = -1,
    .run = run_true,
    .option_rules = OPTIONS_RAW | OPTIONS_LITERAL,
    .special = true,
};
SHELL_COMMAND(command_colon);

static const struct shell_command command_true = {
    .name = "true",
    .arguments = "",
    .summary = "do nothing, successfully",
    .arguments_max = -1,
    .run = run_true,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_true);

static int run_false(struct shell *shell, int count, char **words)
{
    (void)shell, (void)count, (void)words;
    return SHELL_FAILED;
}

static const struct shell_command command_false = {
    .name = "false",
    .arguments = "",
    .summary = "do nothing, unsuccessfully",
    .arguments_max = -1,
    .run = run_false,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_false);

/* ---- break, continue ---------------------------------------------------------------------- */

static int leave_loops(struct shell *shell, int count, char **words, enum skip skip)
{
    struct language *language = shell->language;
    count = builtin_operands(count, &words);
    int loops = count ? builtin_number(shell, words[0]) : 1;
    if (loops < 0)
        return SHELL_USAGE;
    if (!loops)
        return builtin_fail(shell, "Illegal number: %s", words[0]);

    /* Outside of a loop there is nothing to leave, which is not an error. */
    if (language->loops) {
        language->skip = skip;
        language->skip_loops = (unsigned)loops < language->loops ? (unsigned)loops
                                                                 : language->loops;
    }
    return SHELL_DONE;
}

static int run_break(struct shell *shell, int count, char **words)
{
    return leave_loops(shell, count, words, SKIP_BREAK);
}

static const struct shell_command command_break = {
    .name = "break",
    .arguments = "[N]",
    .summary = "end the loop, or N nested loops",
    .arguments_max = -1,
    .run = run_break,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_break);

static int run_continue(struct shell *shell, int count, char **words)
{
    return leave_loops(shell, count, words, SKIP_CONTINUE);
}

static const struct shell_command command_continue = {
    .name = "continue",
    .arguments = "[N]",
    .summary = "begin the next round of the loop, or of the Nth loop around",
    .arguments_max = -1,
    .run = run_continue,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_continue);

/* ---- return, exit ------------------------------------------------------------------------- */

/* Returns the status that a word asks for, by default the last one; -1 after an error. */
static int wanted_status(struct shell *shell, int count, char **words)
{
    count = builtin_operands(count, &words);
    return count ? builtin_number(shell, words[0]) : shell->status;
}

static int run_return(struct shell *shell, int count, char **words)
{
    /* In the action of a trap, the default is the status before it, as for `exit`. */
    const struct language *language = shell->language;
    char **operands = words;
    bool own = language->traps.running && language->calls == language->traps.calls &&
               !builtin_operands(count, &operands);
    int status = own ? language->traps.status : wanted_status(shell, count, words);
    if (status < 0)
        return SHELL_USAGE;
    shell->language->skip = SKIP_RETURN;
    return shell->status = status;
}

static const struct shell_command command_return = {
    .name = "return",
    .arguments = "[STATUS]",
    .summary = "end the function or script; STATUS is the last command's by default",
    .arguments_max = -1,
    .run = run_return,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_return);

/* Ends the script that runs it; on the host it also ends the shell. */
static int run_exit(struct shell *shell, int count, char **words)
{
    /* On the machine's console there is no program to return to. */
    if (!shell->script_name && !shell->language->subshells &&
        shell->language->flags & FLAG_INTERACTIVE &&
        shell->console->sink == shell_console_sink)
        return shell_complain(shell, "not in a script; use `poweroff` to switch off");

    /* In the action of a trap, the default is the status before it (POSIX 2.14 exit). */
    const struct traps *traps = &shell->language->traps;
    char **operands = words;
    bool plain = !builtin_operands(count, &operands);
    int status = plain && traps->running ? traps->status : wanted_status(shell, count, words);
    if (status < 0)
        return SHELL_USAGE;
    shell->leaving = true;
    shell->language->exited = true;
    return shell->status = status & 255;
}

static const struct shell_command command_exit = {
    .name = "exit",
    .arguments = "[STATUS]",
    .summary = "end the script; STATUS is the last command's by default",
    .arguments_max = -1,
    .run = run_exit,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_exit);

/* ---- eval, . and source ------------------------------------------------------------------- */

static void run_work(void *argument)
{
    struct shell *shell = ((void **)argument)[0];
    shell->language->run_text(shell, ((void **)argument)[1]);
}

static int run_eval(struct shell *shell, int count, char **words)
{
    struct buffer text = { 0 };
    count = builtin_operands(count, &words);
    buffer_put(&text, "", 0);
    for (int i = 0; i < count; i++) {
        buffer_put(&text, " ", i > 0);
        buffer_put(&text, words[i], strlen(words[i]));
    }

    const struct shell_command *command = shell->command;
    unsigned line = shell->script_line;
    status_t status = text.status;
    void *call[] = { shell, text.text };
    if (!status)
        status = depth_call(&shell->language->depth, run_work, call);
    buffer_free(&text);
    shell->command = command;
    shell->script_line = line;
    return status ? shell_fail(shell, NULL, status) : shell->status;
}

static const struct shell_command command_eval = {
    .name = "eval",
    .arguments = "[WORD...]",
    .summary = "run the words, joined, as a command line",
    .arguments_max = -1,
    .run = run_eval,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_eval);

static int run_source(struct shell *shell, int count, char **words)
{
    count = builtin_operands(count, &words);
    return count ? shell_source(shell, SCRIPT_ALONE, count, words) : shell_usage(shell);
}

static const struct shell_command command_source = {
    .name = "source",
    .arguments = "FILE [WORD...]",
    .summary = "run a script; the words are its $1, $2 and so on",
    .arguments_max = -1,
    .run = run_source,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_source);

/* Finds a script: a name without a slash is looked for in PATH, if that is set, and then in the
 * current directory. Stores the file's name in *found, which is empty then. */
static status_t find_script(struct shell *shell, const char *name, struct buffer *found)
{
    const char *at = strchr(name, '/') ? NULL : shell_variable(shell, "PATH");
    struct path *path;
    status_t status = -ENOENT;
    while (at && status == -ENOENT) {
        size_t length = 0;
        while (at[length] && at[length] != ':')
            length++;
        buffer_clear(found);
        buffer_put(found, at, length);
        buffer_put(found, "/", length > 0);
        buffer_put(found, name, strlen(name));
        status = found->status ? found->status : path_walk(shell->directory, found->text, 0, &path);
        at = at[length] ? at + length + 1 : NULL;
    }
    if (status == -ENOENT) {
        buffer_clear(found);
        buffer_put(found, name, strlen(name));
        status = found->status ? found->status : path_walk(shell->directory, name, 0, &path);
    }
    if (!status)
        path_put(path);
    return status;
}

static int run_dot(struct shell *shell, int count, char **words)
{
    struct buffer name = { 0 };
    char **operands = words;
    count = builtin_operands(count, &operands);
    if (!count)
        return shell_usage(shell);

    /* A missing file ends the script, as an error of any special builtin does. */
    status_t status = find_script(shell, operands[0], &name);
    int result;
    if (status) {
        result = shell_fail(shell, operands[0], status);
        result = result == SHELL_INTERRUPTED ? result : builtin_leave(shell);
    } else {
        operands[0] = name.text;
        result = shell_source(shell, SCRIPT_PART, count, operands);
    }
    buffer_free(&name);
    return result;
}

static const struct shell_command command_dot = {
    .name = ".",
    .arguments = "FILE [WORD...]",
    .summary = "run the commands in a file as if they were typed here: `exit` ends this script",
    .arguments_max = -1,
    .run = run_dot,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_dot);

/* ---- exec, shift -------------------------------------------------------------------------- */

/* Runs the command and ends: there is no process that it could replace. */
static int run_exec(struct shell *shell, int count, char **words)
{
    count = builtin_operands(count, &words);
    shell->language->keeps_redirections = !count;
    if (!count)
        return SHELL_DONE;

    /* It would take the place of the shell, so the action of a trap for EXIT does not run. */
    struct code_use use = { 0 };
    if (shell_command_find(words[0], &use, NULL))
        IGNORE(traps_set(&shell->language->traps, SIGNAL_EXIT, NULL)); /* needs no memory */
    int status = shell_run_command(shell, count, words);
    code_use_end(&use);
    shell->leaving = true;
    shell->language->exited = true;
    return shell->status = status;
}

static const struct shell_command command_exec = {
    .name = "exec",
    .arguments = "[COMMAND [WORD...]]",
    .summary = "keep the redirections; or run a command, and end the script",
    .arguments_max = -1,
    .run = run_exec,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_exec);

static int run_shift(struct shell *shell, int count, char **words)
{
    struct parameters *parameters = &shell->language->parameters;
    count = builtin_operands(count, &words);
    int number = count ? builtin_number(shell, words[0]) : 1;
    if (number < 0)
        return SHELL_USAGE;
    if (number > parameters_count(parameters))
        return builtin_fail(shell, "can't shift that many");
    parameters->shifted += number;
    parameters->option_index = parameters->option_at = 0; /* getopts begins again */
    return SHELL_DONE;
}

static const struct shell_command command_shift = {
    .name = "shift",
    .arguments = "[N]",
    .summary = "remove the first parameter, or the first N",
    .arguments_max = -1,
    .run = run_shift,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_shift);
