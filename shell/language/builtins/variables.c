/*
 * variables.c - commands for variables and options: set unset export readonly local getopts.
 */
#include "shell/variables.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/builtins/builtins.h"

/* ---- set ---------------------------------------------------------------------------------- */

static const struct language_option *find_option(char letter, const char *name)
{
    const struct language_option *option = language_options;
    while (option->name && !(name ? text_equal(option->name, name) : option->letter == letter))
        option++;
    return option->name ? option : NULL;
}

static void list_options(struct shell *shell, bool as_commands)
{
    if (!as_commands)
        stream_text(shell->out, "Current option settings\n");
    for (const struct language_option *option = language_options; option->name; option++) {
        bool on = shell->language->flags & option->flag;
        if (as_commands)
            stream_format(shell->out, "set %co %s\n", on ? '-' : '+', option->name);
        else
            stream_format(shell->out, "%-15s %s\n", option->name, on ? "on" : "off");
    }
}

static int set_option(struct shell *shell, const char *word, char letter, const char *name)
{
    const struct language_option *option = find_option(letter, name);
    if (!option && name)
        return builtin_fail(shell, "Illegal option -o %s", name);
    if (!option)
        return builtin_fail(shell, "Illegal option %c%c", *word, letter);
    if (*word == '-')
        shell->language->flags |= option->flag;
    else
        shell->language->flags &= ~option->flag;
    return SHELL_DONE;
}

/* Takes the options at the start of the words. Returns how many words they are; -1 after an
 * error. */
static int take_options(struct shell *shell, int count, char **words, bool *ended)
{
    int i = 0;
    for (*ended = false; i < count && !*ended; i++) {
        const char *word = words[i];
        if (*word != '-' && *word != '+')
            break;

        /* `set -` switches tracing off, and ends the options as `--` does. */
        *ended = text_equal(word, "--") || text_equal(word, "-");
        if (text_equal(word, "-"))
            shell->language->flags &= ~(unsigned)(FLAG_XTRACE | FLAG_VERBOSE);
        for (const char *letter = word + 1; *letter && !*ended; letter++) {
            bool named = *letter == 'o';
            const char *name = named && i + 1 < count ? words[++i] : NULL;
            if (named && !name)
                list_options(shell, *word == '+');
            else if (set_option(shell, word, *letter, name))
                return -1;
        }
    }
    return i;
}

static int run_set(struct shell *shell, int count, char **words)
{
    struct words parameters = { 0 };
    bool ended;
    if (count == 1) {
        builtin_list_variables(shell, 0, "");
        return SHELL_DONE;
    }

    int taken = take_options(shell, count - 1, words + 1, &ended);
    if (taken < 0)
        return SHELL_USAGE;
    if (taken == count - 1 && !(ended && text_equal(words[taken], "--")))
        return SHELL_DONE; /* options only: the parameters stay */

    status_t status = 0;
    for (int i = 1 + taken; i < count && !status; i++)
        status = words_add(&parameters, words[i], strlen(words[i]));
    if (status) {
        words_free(&parameters);
        return shell_fail(shell, NULL, status);
    }
    words_free(&shell->language->parameters.words);
    shell->language->parameters = (struct parameters){ .words = parameters };
    return SHELL_DONE;
}

static const struct shell_command command_set = {
    .name = "set",
    .arguments = "[-abCefmnuvx] [-o NAME] [--] [WORD...]",
    .summary = "list the variables; or set options (+ unsets them) and the parameters $1 ...",
    .arguments_max = -1,
    .run = run_set,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_set);

/* ---- unset -------------------------------------------------------------------------------- */

static int run_unset(struct shell *shell, int count, char **words)
{
    bool functions = false;
    int result = SHELL_DONE;
    for (; count > 1 && words[1][0] == '-' && words[1][1] && words[1][1] != '-'; words++, count--)
        for (const char *letter = words[1] + 1; *letter; letter++) {
            if (*letter != 'f' && *letter != 'v')
                return builtin_fail(shell, "Illegal option -%c", *letter);
            functions = *letter == 'f';
        }

    count = builtin_operands(count, &words);
    for (int i = 0; i < count; i++) {
        size_t length = variable_name_length(words[i]);
        if (!length || words[i][length])
            return builtin_fail(shell, "%s: bad variable name", words[i]);

        /* It is not an error if there was none (POSIX). */
        if (functions)
            (void)function_table_unset(&shell->language->functions, words[i]);
        else if (variables_unset(&shell->variables, words[i]))
            return builtin_fail(shell, "%s: is read only", words[i]);
    }
    return result;
}

static const struct shell_command command_unset = {
    .name = "unset",
    .arguments = "[-fv] VARIABLE...",
    .summary = "remove variables, or functions (-f)",
    .arguments_max = -1,
    .run = run_unset,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_unset);

/* ---- export, readonly, local -------------------------------------------------------------- */

/* Marks NAME, or sets NAME=VALUE and then marks it. */
static int declare(struct shell *shell, const char *word, unsigned flags)
{
    size_t length = variable_name_length(word);
    if (!length || (word[length] && word[length] != '='))
        return builtin_fail(shell, "%s: bad variable name", word);

    int result = word[length] ? builtin_set(shell, word, length, word + length + 1) : SHELL_DONE;
    status_t status = result ? 0 : variables_mark(&shell->variables, word, length, flags);
    return status ? shell_fail(shell, NULL, status) : result;
}

static int declare_all(struct shell *shell, int count, char **words, unsigned flags,
                       const char *prefix)
{
    bool prints = count > 1 && text_equal(words[1], "-p");
    int result = SHELL_DONE;
    count = builtin_operands(count - prints, &words);
    words += prints;
    if (!count)
        builtin_list_variables(shell, flags, prefix);
    for (int i = 0; i < count && !result; i++)
        result = declare(shell, words[i], flags);
    return result;
}

static int run_export(struct shell *shell, int count, char **words)
{
    return declare_all(shell, count, words, VARIABLE_EXPORTED, "export ");
}

static const struct shell_command command_export = {
    .name = "export",
    .arguments = "[-p] [VARIABLE[=VALUE]...]",
    .summary = "set variables and mark them; all commands see all variables anyway",
    .arguments_max = -1,
    .run = run_export,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_export);

static int run_readonly(struct shell *shell, int count, char **words)
{
    return declare_all(shell, count, words, VARIABLE_READ_ONLY, "readonly ");
}

static const struct shell_command command_readonly = {
    .name = "readonly",
    .arguments = "[-p] [VARIABLE[=VALUE]...]",
    .summary = "set variables, which then cannot be changed",
    .arguments_max = -1,
    .run = run_readonly,
    .option_rules = OPTIONS_RAW,
    .special = true,
};
SHELL_COMMAND(command_readonly);

static int run_local(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    count = builtin_operands(count, &words);
    if (!shell->language->calls)
        return builtin_fail(shell, "not in a function");

    for (int i = 0; i < count && !result; i++) {
        size_t length = variable_name_length(words[i]);
        if (!length || (words[i][length] && words[i][length] != '='))
            return builtin_fail(shell, "%s: bad variable name", words[i]);

        /* The value stays until another is assigned. It is restored when the function ends. */
        status_t status = variables_save(&shell->variables, words[i], length,
                                         &shell->language->locals);
        if (status)
            return shell_fail(shell, NULL, status);
        if (words[i][length])
            result = builtin_set(shell, words[i], length, words[i] + length + 1);
    }
    return result;
}

static const struct shell_command command_local = {
    .name = "local",
    .arguments = "VARIABLE[=VALUE]...",
    .summary = "make variables local to the function",
    .arguments_max = -1,
    .run = run_local,
    .option_rules = OPTIONS_RAW,
    .special = true, /* as in dash */
};
SHELL_COMMAND(command_local);

/* ---- getopts ------------------------------------------------------------------------------ */

struct getopts {
    struct shell *shell;
    const char *letters, *name;
    int count;
    char **words; /* the parameters */
    int index;    /* OPTIND: of the next word, from 1 */
    unsigned at;  /* the next letter within the word before that; 0: none is left */
};

/* Stores the option, or ? or : for an error, and the state for the next call. */
static int store(struct getopts *g, char letter, const char *argument)
{
    struct shell *shell = g->shell;
    char text[] = { letter, '\0' }, number[16];
    size_t length = variable_name_length(g->name);
    format_text(number, sizeof(number), "%d", g->index);

    int result = argument ? builtin_set(shell, "OPTARG", 6, argument) : SHELL_DONE;
    if (!argument)
        IGNORE(variables_unset(&shell->variables, "OPTARG")); /* it may not be set */
    if (!result)
        result = builtin_set(shell, "OPTIND", 6, number);
    if (!result) /* it exists, so this needs no memory */
        IGNORE(variables_mark(&shell->variables, "OPTIND", 6, VARIABLE_KEPT));
    shell->language->parameters.option_index = g->index;
    shell->language->parameters.option_at = g->at;
    if (result)
        return result;

    if (length && !g->name[length])
        return builtin_set(shell, g->name, length, text);
    shell_complain(shell, "%s: bad variable name", g->name);
    return SHELL_USAGE;
}

/* Stores an option that is not known or lacks its argument: silently if the letters begin with a
 * colon, else with a message. */
static int store_error(struct getopts *g, char letter, bool missing)
{
    char text[] = { letter, '\0' };
    if (*g->letters == ':')
        return store(g, missing ? ':' : '?', text);
    const struct shell_command *command = g->shell->command;
    g->shell->command = NULL;
    shell_complain(g->shell, missing ? "No arg for -%c option" : "Illegal option -%c", letter);
    g->shell->command = command;
    return store(g, '?', NULL);
}

static int end_options(struct getopts *g)
{
    const char *before = shell_variable(g->shell, "OPTARG");
    g->at = 0;
    (void)store(g, '?', before);
    return SHELL_FAILED;
}

/* Takes the next option (POSIX, getopts). */
static int take_option(struct getopts *g)
{
    /* The next letter may be in a word of which some were taken. */
    const char *word = g->at && g->index > 1 && g->index - 1 <= g->count ? g->words[g->index - 2]
                                                                        : NULL;
    if (!word || strlen(word) <= g->at) {
        word = g->index <= g->count ? g->words[g->index - 1] : NULL;
        if (!word || word[0] != '-' || !word[1])
            return end_options(g);
        g->index++;
        if (text_equal(word, "--"))
            return end_options(g);
        g->at = 1;
    }

    char letter = word[g->at++];
    const char *found = letter == ':' ? NULL : strchr(g->letters, letter), *rest = word + g->at;
    if (!*rest)
        g->at = 0;
    if (!found)
        return store_error(g, letter, false);
    if (found[1] != ':')
        return store(g, letter, "");

    /* The argument is the rest of the word, or the next word. */
    g->at = 0;
    if (*rest)
        return store(g, letter, rest);
    if (g->index > g->count)
        return store_error(g, letter, true);
    return store(g, letter, g->words[g->index++ - 1]);
}

static int run_getopts(struct shell *shell, int count, char **words)
{
    struct parameters *parameters = &shell->language->parameters;
    const struct variable *index = variables_find(&shell->variables, "OPTIND", 6);
    uint64_t number;
    if (count < 3)
        return shell_usage(shell);

    struct getopts g = { .shell = shell, .letters = words[1], .name = words[2] };
    g.count = count > 3 ? count - 3 : parameters_count(parameters);
    g.words = count > 3                  ? words + 3
              : parameters->words.list ? parameters->words.list + parameters->shifted
                                       : words + count;

    /* A script that assigns OPTIND begins again with that word. */
    bool kept = index && index->flags & VARIABLE_KEPT;
    bool valid = index && index->value && !text_parse_u64(index->value, &number) && number &&
                 number < WORDS_MAX;
    g.index = kept && parameters->option_index ? parameters->option_index
              : !kept && valid                 ? (int)number : 1;
    g.at = kept ? parameters->option_at : 0;
    return take_option(&g);
}

static const struct shell_command command_getopts = {
    .name = "getopts",
    .arguments = "LETTERS VARIABLE [WORD...]",
    .summary = "take the next option of the parameters, or of the words",
    .arguments_max = -1,
    .run = run_getopts,
    .option_rules = OPTIONS_RAW,
};
SHELL_COMMAND(command_getopts);
