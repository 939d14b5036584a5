/*
 * options.c - parses options, answers --help, and runs commands with what is left; see options.h.
 */
#include "shell/options.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/command_not_found.h"

static const struct shell_option no_options[] = { { 0 } };

static const struct shell_option *table_of(const struct shell_command *command)
{
    return command->options ? command->options : no_options;
}

static bool option_is_end(const struct shell_option *option)
{
    return !option->letter && !option->name;
}

static int find_letter(const struct shell_option *table, char letter)
{
    /* Entries without a letter have 0 there, which must not match the NUL that ends a word. */
    for (int i = 0; letter && i < OPTIONS_MAX && !option_is_end(&table[i]); i++)
        if (table[i].letter == letter)
            return i;
    return -1;
}

static int find_name(const struct shell_option *table, const char *name, size_t length)
{
    for (int i = 0; i < OPTIONS_MAX && !option_is_end(&table[i]); i++)
        if (table[i].name && text_equal_n(table[i].name, strlen(table[i].name), name, length))
            return i;
    return -1;
}

/* Returns whether the value may be left out. */
static bool is_optional(const struct shell_option *option)
{
    return option->argument && *option->argument == '[';
}

/* Returns whether letters after this one in a word are its value. */
static bool takes_rest(const struct shell_option *option)
{
    return option->argument && !(is_optional(option) && option->argument[1] == '=');
}

bool option_repeats(const struct shell_option *option)
{
    size_t length = option->argument ? strlen(option->argument) : 0;
    return length > 3 && text_equal(option->argument + length - 3, "...");
}

/* ---- asking ------------------------------------------------------------------------------- */

static bool given_at(const struct shell *shell, int index)
{
    return index >= 0 && shell->options->given >> index & 1;
}

bool option_given(const struct shell *shell, char letter)
{
    return given_at(shell, find_letter(shell->options->table, letter));
}

bool option_given_name(const struct shell *shell, const char *name)
{
    return given_at(shell, find_name(shell->options->table, name, strlen(name)));
}

static const struct option_value *values_at(const struct shell *shell, int index)
{
    return given_at(shell, index) ? shell->options->values[index].first : NULL;
}

const struct option_value *option_values(const struct shell *shell, char letter)
{
    return values_at(shell, find_letter(shell->options->table, letter));
}

const struct option_value *option_values_name(const struct shell *shell, const char *name)
{
    return values_at(shell, find_name(shell->options->table, name, strlen(name)));
}

static const char *last_value_at(const struct shell *shell, int index)
{
    const struct option_value *value = index < 0 ? NULL : shell->options->values[index].last;
    return value ? value->text : NULL;
}

const char *option_value(const struct shell *shell, char letter)
{
    return last_value_at(shell, find_letter(shell->options->table, letter));
}

const char *option_value_name(const struct shell *shell, const char *name)
{
    return last_value_at(shell, find_name(shell->options->table, name, strlen(name)));
}

unsigned option_place_name(const struct shell *shell, const char *name)
{
    int index = find_name(shell->options->table, name, strlen(name));
    return index < 0 ? 0 : shell->options->last[index];
}

char option_last(const struct shell *shell, const char *letters)
{
    const struct options *options = shell->options;
    unsigned latest = 0;
    char found = 0;
    for (; *letters; letters++) {
        /* The greatest place was given last. A letter that the command lacks is never found. */
        int index = find_letter(options->table, *letters);
        if (given_at(shell, index) && options->last[index] > latest) {
            latest = options->last[index];
            found = *letters;
        }
    }
    return found;
}

bool option_is_last(const struct shell *shell, const char *name, const char *letters)
{
    const struct options *options = shell->options;
    unsigned place = option_place_name(shell, name);
    char letter = option_last(shell, letters);
    return place && (!letter || place > options->last[find_letter(options->table, letter)]);
}

/* ---- numbers ------------------------------------------------------------------------------ */

int shell_refuse_number(struct shell *shell, const char *what, const char *text, status_t status)
{
    shell_complain(shell, "%s: %s: '%s'", what,
                   status == -ERANGE ? "number too large" : "invalid number", text);
    return SHELL_USAGE;
}

bool shell_number(struct shell *shell, const char *what, const char *text, uint64_t least,
                  uint64_t most, uint64_t *number)
{
    uint64_t value;
    status_t status = text_parse_u64(text, &value);
    if (status) {
        shell_refuse_number(shell, what, text, status);
        return false;
    }

    /* UINT64_MAX means that there is no upper limit. */
    if (value < least && most == UINT64_MAX) {
        shell_complain(shell, "%s: number out of range (at least %llu): '%s'", what,
                       (unsigned long long)least, text);
        return false;
    }
    if (value < least || value > most) {
        shell_complain(shell, "%s: number out of range (%llu to %llu): '%s'", what,
                       (unsigned long long)least, (unsigned long long)most, text);
        return false;
    }
    *number = value;
    return true;
}

bool option_number(struct shell *shell, char letter, uint64_t least, uint64_t most,
                   uint64_t *number)
{
    const char *value = option_value(shell, letter);
    return !value ||
           shell_number(shell, (const char[]){ '-', letter, '\0' }, value, least, most, number);
}

bool option_number_name(struct shell *shell, const char *name, uint64_t least, uint64_t most,
                        uint64_t *number)
{
    char what[32];
    const char *value = option_value_name(shell, name);
    format_text(what, sizeof(what), "--%s", name);
    return !value || shell_number(shell, what, value, least, most, number);
}

/* ---- parts -------------------------------------------------------------------------------- */

const char *options_part_name(const struct shell_command *part)
{
    const char *blank = strrchr(part->name, ' ');
    return blank ? blank + 1 : part->name;
}

const struct shell_command *options_part(const struct shell_command *command, const char *word)
{
    for (const struct shell_command *const *part = command->parts; part && *part; part++)
        if (text_equal(options_part_name(*part), word))
            return *part;
    return NULL;
}

/* ---- help --------------------------------------------------------------------------------- */

static void option_title(const struct shell_option *option, char *text, size_t bytes)
{
    char dashed[48] = "";
    if (option->name)
        format_text(dashed, sizeof(dashed), "%s%s", *option->name == '-' ? "" : "--",
                    option->name);

    char letter[4] = "";
    if (option->letter)
        format_text(letter, sizeof(letter), "-%c", option->letter);

    /* The value follows a blank or a =: "-n N", but "--lines=N". */
    bool gap = !is_optional(option) && (!*dashed || *option->name == '-');
    bool equals = *dashed && is_optional(option) && option->argument[1] != '=';
    if (equals) {
        format_text(text, bytes, "%s%s%s[=%s", letter, *letter ? ", " : "", dashed,
                    option->argument + 1);
        return;
    }
    format_text(text, bytes, "%s%s%s%s%s", letter, *letter && *dashed ? ", " : "", dashed,
                !option->argument || is_optional(option) ? "" : gap ? " " : "=",
                option->argument ? option->argument : "");
}

void options_help(struct shell *shell, const struct shell_command *command)
{
    struct stream *out = shell->out;
    char title[80];
    stream_format(out, "usage: %s%s%s\n%s\n", command->name, *command->arguments ? " " : "",
                  command->arguments, command->summary);

    for (const struct shell_option *o = table_of(command); !option_is_end(o); o++) {
        option_title(o, title, sizeof(title));

        /* A title that is too wide gets a line of its own, so that the columns stay aligned. */
        if (strlen(title) > 20)
            stream_format(out, "  %s\n%23s%s\n", title, "", o->help);
        else
            stream_format(out, "  %-20s %s\n", title, o->help);
    }
    stream_format(out, "  %-20s %s\n", "--help", "show this help");

    /* Subcommands are listed only: each has a --help of its own. */
    for (const struct shell_command *const *part = command->parts; part && *part; part++)
        stream_format(out, "  %-20s %s\n", options_part_name(*part), (*part)->summary);
    if (command->parts)
        stream_format(out, "%s SUBCOMMAND --help describes each.\n", command->name);
}

/* ---- parsing ------------------------------------------------------------------------------ */

struct parse {
    struct shell *shell;
    struct options *options;
    char **words;
    int count, at; /* words; the present one */
    int left;      /* of the words: the command's name, and the operands so far */
    bool help;
    int result; /* the command's status when parsing fails */
};

/* Reports a wrong option; returns false. */
static bool wrong(struct parse *parse, const char *format, const char *word)
{
    char text[160];
    format_text(text, sizeof(text), format, word);
    shell_complain(parse->shell, "%s; try %s --help", text, parse->shell->command->name);
    parse->result = SHELL_USAGE;
    return false;
}

static bool add_value(struct parse *parse, int index, const char *text)
{
    struct option_values *values = &parse->options->values[index];
    struct option_value *value = mem_alloc(sizeof(*value));
    if (!value) {
        parse->result = shell_fail(parse->shell, NULL, -ENOMEM);
        return false;
    }

    *value = (struct option_value){ NULL, text, parse->options->count, parse->left - 1 };

    /* Append it: commands such as grep use the values in the order given. */
    if (values->last)
        values->last->next = value;
    else
        values->first = value;
    values->last = value;
    return true;
}

static void free_values(struct options *options)
{
    for (int i = 0; i < OPTIONS_MAX; i++) {
        /* Commands see the values as const. Only this list owns them. */
        const struct option_value *next;
        for (const struct option_value *at = options->values[i].first; at; at = next) {
            next = at->next;
            mem_free((void *)(uintptr_t)at);
        }
    }
}

/* Records an option. Its value is `value`, or else the next word. Messages call it `shown`. */
static bool take(struct parse *parse, int index, const char *value, const char *shown)
{
    const struct shell_option *option = &parse->options->table[index];
    bool again = parse->options->given >> index & 1;

    parse->options->given |= (uint64_t)1 << index;
    parse->options->last[index] = ++parse->options->count;

    /* A value can be given to such an option only as in --all=5. */
    if (!option->argument)
        return !value || wrong(parse, "option %s does not take a value", shown);

    if (is_optional(option))
        return !value || add_value(parse, index, value);
    if (again && !option_repeats(option))
        return wrong(parse, "option %s given twice", shown);

    /* The value is the next word, even if it begins with a dash. */
    if (!value) {
        if (parse->at + 1 >= parse->count)
            return wrong(parse, "option %s requires a value", shown);
        value = parse->words[++parse->at];
    }
    return add_value(parse, index, value);
}

/* Takes a word such as -la, or -n5: the letters up to the first that has a value. */
static bool take_letters(struct parse *parse, const char *word)
{
    const struct shell_option *table = parse->options->table;
    for (const char *at = word + 1; *at; at++) {
        char shown[3] = { '-', *at };
        int index = find_letter(table, *at);

        /* Name the whole word if its first letter is unknown: it may be a long option with one
         * dash. */
        if (index < 0)
            return wrong(parse, "unknown option %s", at == word + 1 && at[1] ? word : shown);

        /* The rest of the word is this option's value, so it holds no more letters: -n5. */
        if (takes_rest(&table[index]))
            return take(parse, index, at[1] ? at + 1 : NULL, shown);
        if (!take(parse, index, NULL, shown))
            return false;
    }
    return true;
}

static bool begins_with(const struct shell_option *option, const char *name, size_t length)
{
    /* A name with a dash of its own has no long form: find parses "-name" itself. */
    return option->name && *option->name != '-' && strlen(option->name) >= length &&
           text_equal_n(option->name, length, name, length);
}

/* Returns the entry whose name is `name`, or the only one whose name begins with it; OPTIONS_MAX
 * for --help, which is not in the tables; or -1 after an error message. */
static int find_prefix(struct parse *parse, const char *name, size_t length, const char *word)
{
    const struct shell_option *table = parse->options->table;
    int found = find_name(table, name, length), others = 0;

    /* An exact name wins, even if longer names begin with it. Names with a dash of their own are
     * only for --help: the command parses them itself. */
    if (found >= 0 && *name != '-')
        return found;

    /* Collect the names that begin with it, for the message. */
    char names[96] = "";
    size_t used = 0;
    for (int i = 0; length && i < OPTIONS_MAX && !option_is_end(&table[i]); i++) {
        if (!begins_with(&table[i], name, length))
            continue;
        others += found >= 0;
        found = i;
        if (used < sizeof(names))
            used += format_text(names + used, sizeof(names) - used, " --%s", table[i].name);
    }

    /* --help is not in the table, but counts: --h is ambiguous if the command has --human. */
    if (length && length <= 4 && text_equal_n("help", length, name, length)) {
        others += found >= 0;
        found = OPTIONS_MAX;
        if (used < sizeof(names))
            format_text(names + used, sizeof(names) - used, " --help");
    }

    /* One name matches. Otherwise report none or several. */
    if (!others && found >= 0)
        return found;

    char text[160];
    format_text(text, sizeof(text), "option --%.*s is ambiguous:%s", (int)length, name, names);
    wrong(parse, found < 0 ? "unknown option %s" : "%s", found < 0 ? word : text);
    return -1;
}

static bool take_name(struct parse *parse, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);

    /* A value follows the first = only, so it may contain another. */
    int index = find_prefix(parse, word + 2, length - 2, word);

    if (index < 0)
        return false;
    if (index < OPTIONS_MAX)
        return take(parse, index, equals ? equals + 1 : NULL, word);

    parse->help = true;
    return !equals || wrong(parse, "option %s does not take a value", word);
}

/* Returns the option whose value is 5 in "-5": -n (lines to print), else -C (lines of context); or
 * -1 if there is neither. */
static int find_number_option(const struct shell_option *table)
{
    int index = find_letter(table, 'n');
    if (index < 0 || !table[index].argument)
        index = find_letter(table, 'C');
    return index >= 0 && table[index].argument ? index : -1;
}

static bool take_word(struct parse *parse, const char *word)
{
    if (word[1] == '-')
        return take_name(parse, word);

    /* Only commands that have -n N or -C N accept -5, the traditional form of it. */
    const struct shell_option *table = parse->options->table;
    int index = find_number_option(table);
    if (text_all_digits(word + 1, strlen(word + 1)) && index >= 0 &&
        find_letter(table, word[1]) < 0)
        return take(parse, index, word + 1, word);
    return take_letters(parse, word);
}

/* For OPTIONS_LENIENT: returns whether every letter of the word is an option, or its name is. */
static bool is_understood(const struct parse *parse, const char *word)
{
    if (word[1] == '-')
        return text_equal(word, "--help") ||
               find_name(parse->options->table, word + 2, strlen(word + 2)) >= 0;

    while (*++word)
        if (find_letter(parse->options->table, *word) < 0)
            return false;
    return true;
}

/* Removes the options from the words. Returns the number of words that are left, or -1. */
static int parse_words(struct parse *parse, unsigned rules)
{
    bool open = true;
    parse->left = 1;

    /* The command parses its words itself, except a leading --help. */
    if (rules & OPTIONS_RAW) {
        parse->help = parse->count > 1 && text_equal(parse->words[1], "--help");
        return parse->count;
    }

    for (parse->at = 1; parse->at < parse->count; parse->at++) {
        char *word = parse->words[parse->at];
        bool is_option = open && word[0] == '-' && word[1];

        if (is_option && rules & OPTIONS_NUMBERS && (text_is_digit(word[1]) || word[1] == '.'))
            is_option = false;

        /* `--` ends the options (XBD 12.2, guideline 10). echo has no such rule: it writes it. */
        if (is_option && rules & OPTIONS_LENIENT)
            is_option = is_understood(parse, word);
        else if (is_option && text_equal(word, "--")) {
            open = false;
            continue;
        }

        /* take_word() moves parse->at if the option's value is the next word. */
        if (is_option && !take_word(parse, word))
            return -1;
        if (parse->help)
            return parse->left;

        /* Move operands to the front of the words, in their order, over the options that were
         * taken. */
        if (!is_option) {
            parse->words[parse->left++] = word;
            open = open && !(rules & (OPTIONS_FIRST | OPTIONS_LENIENT));
        }
    }

    parse->words[parse->left] = NULL;
    return parse->left;
}

/* Runs a command whose options were removed from its words, of which `left` remain. */
static int run_parsed(struct parse *parse, const struct shell_command *command, int left)
{
    struct shell *shell = parse->shell;
    if (left < 0)
        return parse->result;

    /* Help is given whatever the other words are. */
    if (parse->help) {
        options_help(shell, command);
        return SHELL_DONE;
    }

    /* A command with parts does nothing by itself: one of them is missing here. */
    if (command->parts || left - 1 < command->arguments_min ||
        (command->arguments_max >= 0 && left - 1 > command->arguments_max))
        return shell_usage(shell);

    shell->options = parse->options;
    return command->run(shell, left, parse->words);
}

static int run_with_options(struct shell *shell, const struct shell_command *command, int count,
                            char **words)
{
    /* A command that parses its words itself has no options to keep. */
    if (command->option_rules & OPTIONS_RAW &&
        !(count > 1 && text_equal(words[1], "--help") &&
          !(command->option_rules & OPTIONS_LITERAL))) {
        struct parse raw = { .shell = shell, .words = words, .count = count };
        return run_parsed(&raw, command, count);
    }

    /* On the heap: it is too large for a kernel stack, and commands run commands. */
    struct options *options = mem_zalloc(sizeof(*options));
    if (!options)
        return shell_fail(shell, NULL, -ENOMEM);

    options->table = table_of(command);
    struct parse parse = {
        .shell = shell, .options = options, .words = words, .count = count
    };

    int left = parse_words(&parse, command->option_rules);
    int result = run_parsed(&parse, command, left);

    free_values(options);
    mem_free(options);
    return result;
}

/* Runs the part that the first word names, if the command has parts. */
static int run_part(struct shell *shell, const struct shell_command *command, int count,
                    char **words)
{
    /* --help before a part describes the command itself. */
    if (!command->parts || count < 2 || words[1][0] == '-')
        return run_with_options(shell, command, count, words);

    const struct shell_command *part = options_part(command, words[1]);
    if (!part) {
        shell_complain(shell, "%s: unknown subcommand; try %s --help", words[1], command->name);
        return SHELL_USAGE;
    }

    /* From here on messages name the part: "vdrive add: ...". */
    shell->command = part;
    return run_with_options(shell, part, count - 1, words + 1);
}

int shell_run_found(struct shell *shell, const struct shell_command *command, int count,
                    char **words)
{
    const struct shell_command *outer = shell->command;
    const struct options *outer_options = shell->options;

    /* Commands run commands (time, find -exec): restore the outer one's state. */
    shell->command = command;
    int status = run_part(shell, command, count, words);
    shell->command = outer;
    shell->options = outer_options;
    return status;
}

int shell_run_command(struct shell *shell, int count, char **words)
{
    struct code_use use = { 0 };
    status_t status;
    const struct shell_command *command = shell_command_find(words[0], &use, &status);
    if (!command)
        return command_not_found(shell, words[0], status);

    int result = shell_run_found(shell, command, count, words);
    code_use_end(&use);
    return result;
}
