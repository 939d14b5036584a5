/*
 * names.c - commands about the names of commands: alias unalias command type hash.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/builtins/builtins.h"
#include "shell/language/syntax/grammar.h"

/* ---- alias, unalias ----------------------------------------------------------------------- */

static void print_alias(struct shell *shell, const char *name, const char *value)
{
    stream_format(shell->out, "%s=", name);
    builtin_print_quoted(shell->out, value);
    stream_text(shell->out, "\n");
}

static int run_alias(struct shell *shell, int count, char **words)
{
    struct aliases *aliases = &shell->language->aliases;
    int result = SHELL_DONE;
    count = builtin_operands(count, &words);
    if (!count)
        for (const struct alias *at = aliases->first; at; at = at->next)
            print_alias(shell, at->name, at->value);

    for (int i = 0; i < count; i++) {
        const char *equals = strchr(words[i], '='), *value = aliases_get(aliases, words[i]);
        if (equals && equals > words[i]) {
            status_t status = aliases_set(aliases, words[i], (size_t)(equals - words[i]),
                                          equals + 1);
            if (status)
                return shell_fail(shell, NULL, status);
        } else if (value) {
            print_alias(shell, words[i], value);
        } else {
            result = shell_complain(shell, "%s not found", words[i]);
        }
    }
    return result;
}

static const struct shell_command command_alias = {
    .name = "alias",
    .arguments = "[NAME[=TEXT]...]",
    .summary = "let names stand for text at the start of a command, or list them",
    .arguments_max = -1,
    .run = run_alias,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_alias);

static int run_unalias(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    if (count > 1 && text_equal(words[1], "-a")) {
        aliases_free(&shell->language->aliases);
        return SHELL_DONE;
    }
    count = builtin_operands(count, &words);
    for (int i = 0; i < count; i++)
        if (!aliases_unset(&shell->language->aliases, words[i]))
            result = shell_complain(shell, "%s not found", words[i]);
    return result;
}

static const struct shell_command command_unalias = {
    .name = "unalias",
    .arguments = "-a | NAME...",
    .summary = "remove aliases (-a: all)",
    .arguments_max = -1,
    .run = run_unalias,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_unalias);

/* ---- what a name is ----------------------------------------------------------------------- */

/* Returns whether a command exists; `special`: a special builtin. Loads the driver that has it. */
static bool find_command(const char *name, bool *special)
{
    struct code_use use = { 0 };
    const struct shell_command *command = shell_command_find(name, &use, NULL);
    *special = command && command->special;
    code_use_end(&use);
    return command;
}

/* Writes what a name is, in a sentence or as it would be typed. Returns false if it is nothing. */
static bool describe(struct shell *shell, const char *name, bool sentence)
{
    const char *alias = aliases_get(&shell->language->aliases, name);
    const char *what = NULL;
    bool special;
    if (grammar_is_reserved(name))
        what = "a shell keyword";
    else if (alias)
        what = "an alias for ";
    else if (function_table_find(&shell->language->functions, name))
        what = "a shell function";
    else if (find_command(name, &special))
        what = special ? "a special shell builtin" : "a shell builtin";
    if (!what)
        return false;

    if (sentence)
        stream_format(shell->out, "%s is %s%s\n", name, what, alias ? alias : "");
    else if (alias) {
        stream_text(shell->out, "alias ");
        print_alias(shell, name, alias);
    } else {
        stream_format(shell->out, "%s\n", name);
    }
    return true;
}

static int run_type(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    count = builtin_operands(count, &words);
    for (int i = 0; i < count; i++) {
        if (describe(shell, words[i], true))
            continue;
        stream_format(shell->out, "%s: not found\n", words[i]);
        result = SHELL_NO_COMMAND;
    }
    return result;
}

static const struct shell_command command_type = {
    .name = "type",
    .arguments = "COMMAND...",
    .summary = "describe what names are: commands, functions, aliases, keywords",
    .arguments_max = -1,
    .run = run_type,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_type);

static int run_command(struct shell *shell, int count, char **words)
{
    char option = '\0';
    int at = 1;
    for (; at < count && words[at][0] == '-' && words[at][1] && !text_equal(words[at], "--"); at++)
        for (const char *letter = words[at] + 1; *letter; letter++) {
            if (!strchr("pvV", *letter)) {
                shell_complain(shell, "Illegal option -%c", *letter);
                return SHELL_USAGE;
            }
            option = *letter == 'p' ? option : *letter;
        }
    at += at < count && text_equal(words[at], "--");
    if (at == count)
        return SHELL_DONE;

    if (option) {
        if (describe(shell, words[at], option == 'V'))
            return SHELL_DONE;
        if (option == 'V')
            stream_format(shell->out, "%s: not found\n", words[at]);
        return SHELL_NO_COMMAND;
    }

    /* Functions are passed over, and errors of a special builtin do not end the script. */
    bool outer = shell->language->by_command;
    const struct shell_command *command = shell->command;
    shell->language->by_command = true;
    shell->command = NULL;
    int result = shell_run_command(shell, count - at, words + at);
    shell->command = command;
    shell->language->by_command = outer;

    /* Nor do those of the commands that `eval` runs; but `exit` does. */
    if (!shell->language->exited && !(shell->language->flags & FLAG_ERREXIT))
        shell->leaving = false;
    return result;
}

static const struct shell_command command_command = {
    .name = "command",
    .arguments = "[-pvV] COMMAND [WORD...]",
    .summary = "run a command, not a function of that name; -v: show whether it exists",
    .arguments_max = -1,
    .run = run_command,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_command);

static int run_hash(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    bool special;
    for (int i = 1; i < count; i++)
        if (words[i][0] != '-' && !find_command(words[i], &special))
            result = shell_complain(shell, "%s: not found", words[i]);
    return result;
}

static const struct shell_command command_hash = {
    .name = "hash",
    .arguments = "[-r] [NAME...]",
    .summary = "check that commands exist; their places need not be remembered",
    .arguments_max = -1,
    .run = run_hash,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_hash);
