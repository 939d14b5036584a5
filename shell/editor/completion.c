/*
 * completion.c - finds the word at the cursor, its candidates, and what to insert; see
 * completion.h.
 */
#include "shell/editor/completion.h"
#include "kernel/dev/device.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/quote.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"
#include "shell/language/expansion/glob.h"
#include "shell/language/state.h"
#include "shell/options.h"

enum { COMMAND_NAME_BYTES = 32, PLACES_MAX = 4 };

/* ---- the word at the cursor --------------------------------------------------------------- */

struct place {
    size_t start;            /* of the word */
    bool in_word;
    char quote;
    unsigned words;          /* of this command, before the cursor's */
    size_t command, command_end; /* the first of them */
    size_t part, part_end;       /* the second */
    bool redirection;        /* the word follows < or > */
};

/* Reserved words and assignments before a command. */
static bool begins_command(const char *word, size_t length)
{
    static const char *const words[] = {
        "!", "{", "if", "then", "elif", "else", "while", "until", "do", "time",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
        if (text_equal_n(word, length, words[i], strlen(words[i])))
            return true;
    size_t name = variable_name_length(word);
    return name && name < length && word[name] == '=';
}

static void place_end_word(struct place *place, const char *text, size_t at)
{
    bool reserved = !place->words && begins_command(text + place->start, at - place->start);

    /* A file name after < or > is not a word of the command. */
    if (place->in_word && !place->redirection && !reserved) {
        if (!place->words) {
            place->command = place->start;
            place->command_end = at;
        } else if (place->words == 1) {
            place->part = place->start;
            place->part_end = at;
        }
        place->words++;
    }

    if (place->in_word)
        place->redirection = false;
    place->in_word = false;

    place->start = at + 1;
}

static void place_separator(struct place *place, const char *text, size_t at)
{
    char c = text[at];
    place_end_word(place, text, at);

    /* An operator other than a redirection begins a new command. */
    if (c == '<' || c == '>')
        place->redirection = true;
    else if (c != ' ' && c != '\t')
        *place = (struct place){ .start = at + 1 };
}

/* The places around a ( or $( or `, which continue after its end. */
struct places {
    struct place now, outer[PLACES_MAX];
    char closing[PLACES_MAX]; /* what ends them */
    unsigned depth;
};

static void places_enter(struct places *places, char closing, size_t start)
{
    if (places->depth < PLACES_MAX) {
        places->closing[places->depth] = closing;
        places->outer[places->depth++] = places->now;
    }
    places->now = (struct place){ .start = start };
}

/* Enters or leaves a substitution or a subshell at *at, and moves to the last character of what
 * begins it. Returns false if there is none. */
static bool places_turn(struct places *places, const char *text, size_t cursor, size_t *at)
{
    char c = text[*at];
    bool dollar = c == '$' && *at + 1 < cursor && text[*at + 1] == '(';
    bool inside = places->depth && places->closing[places->depth - 1] == c;
    if (places->now.quote == '\'' || places->now.quote == '$')
        return false;

    if (inside && (!places->now.quote || c == '`')) {
        places->now = places->outer[--places->depth];

        /* A command can follow a subshell: the body of a function. */
        if (!places->now.in_word)
            places->now.start = *at + 1;
    } else if (dollar || c == '`' || (c == '(' && !places->now.quote)) {
        if (c == '(')
            places->now = (struct place){ .start = *at };
        else
            places->now.in_word = true;
        *at += dollar;
        places_enter(places, c == '`' ? '`' : ')', *at + 1);
    } else {
        return false;
    }
    return true;
}

/* A sketch of the parser, which must also understand lines that are not finished. */
static struct place place_find(const char *text, size_t cursor)
{
    struct places places = { .depth = 0 };
    for (size_t i = 0; i < cursor; i++) {
        struct place *place = &places.now;
        char c = text[i];

        /* Within '...' a backslash is an ordinary character. */
        bool escape = c == '\\' && place->quote != '\'' && i + 1 < cursor;

        /* The & of 2>&1 belongs to the redirection. */
        bool joins = c == '&' && i && text[i - 1] == '>';
        if (places_turn(&places, text, cursor, &i))
            continue;

        /* Outside quotes these characters end a word. An escaped one does not get here. A ) that
         * closes nothing ends the patterns of `case`. */
        if (!place->quote && !joins && strchr(" \t\n;|&<>)", c)) {
            place_separator(place, text, i);
            continue;
        }

        place->in_word = true;

        /* The word continues, with the next character if this one escapes it. */
        if (escape)
            i++;
        else
            place->quote = quote_turn(text, cursor, &i, place->quote);
    }
    return places.now;
}

/* ---- candidates --------------------------------------------------------------------------- */

struct finder {
    struct shell *shell;
    const char *prefix; /* of all candidates */
    bool at_home;       /* the prefix begins with ~/ */
    struct completion *completion;
    status_t status;
};

static void offer(struct finder *finder, const char *name)
{
    if (text_starts(name, finder->prefix) && !finder->status)
        finder->status = words_add(&finder->completion->candidates, name, strlen(name));
}

static void offer_command(const struct shell_command *command, void *finder)
{
    offer(finder, command->name);
}

static void find_commands(struct finder *finder)
{
    const struct language *language = finder->shell->language;
    shell_command_each(offer_command, finder);
    for (const struct function *at = language->functions.first; at; at = at->next)
        offer(finder, at->name);
    for (const struct alias *at = language->aliases.first; at; at = at->next)
        offer(finder, at->name);
}

static void offer_variable(const struct variable *variable, void *finder)
{
    if (variable->value)
        offer(finder, variable->name);
}

static void find_variables(struct finder *finder)
{
    variables_each(&finder->shell->variables, offer_variable, finder);
}

static void find_devices(struct finder *finder, const char *prefix)
{
    struct device *device;
    for (unsigned last = 0; (device = device_by_class(last));) {
        /* The reference is held while the name is copied: a device may disappear at any time. */
        last = device_number(device);
        if (text_starts(device_alias(device), prefix))
            offer(finder, device_alias(device));
        device_put(device);
    }
}

static bool name_wanted(const char *name, const void *context)
{
    const char *prefix = context;

    /* Hidden names are offered only after a dot, as `ls` and patterns do. */
    return text_starts(name, prefix) && (name[0] != '.' || prefix[0] == '.');
}

static bool is_directory(struct shell *shell, const char *directory, const char *name)
{
    struct buffer text = { 0 };
    struct path *path;
    buffer_put(&text, directory, strlen(directory));
    buffer_put(&text, name, strlen(name));

    /* A link to a directory counts as one, so the walk follows links. */
    bool is = !text.status && !path_walk(shell->directory, text.text, 0, &path);
    if (is) {
        is = path_is_directory(path);
        path_put(path);
    }

    buffer_free(&text);
    return is;
}

/* Removes all candidates except directories. */
static void keep_directories(struct finder *finder, const char *directory)
{
    struct words *words = &finder->completion->candidates, kept = { 0 };
    for (int i = 0; i < words->count && !finder->status; i++)
        if (is_directory(finder->shell, directory, words->list[i]))
            finder->status = words_add(&kept, words->list[i], strlen(words->list[i]));

    words_free(words);
    *words = kept;
}

/* Appends the first `head` bytes of the prefix, with ~ expanded. */
static void put_directory(const struct finder *finder, struct buffer *directory, size_t head)
{
    const char *home = shell_variable(finder->shell, "HOME");

    /* The prefix stays "~/..." in the line, and only the directory to read is expanded. */
    if (finder->at_home && head) {
        buffer_put(directory, home ? home : "/", strlen(home ? home : "/"));
        buffer_put(directory, finder->prefix + 1, head - 1);
    } else {
        buffer_put(directory, finder->prefix, head);
    }
}

/* Finds paths that begin with the prefix, and reduces the prefix to its last element. */
static void find_paths(struct finder *finder, bool directories_only)
{
    const char *slash = strrchr(finder->prefix, '/');
    size_t head = slash ? (size_t)(slash + 1 - finder->prefix) : 0;
    struct buffer directory = { 0 };
    struct completion *completion = finder->completion;

    /* Everything up to the last slash is the directory. What follows it is the start of a name. */
    put_directory(finder, &directory, head);

    if (directory.status) {
        finder->status = directory.status;
        return;
    }

    /* A directory that cannot be read has no candidates; that is not an error. */
    finder->prefix += head;
    struct name_filter filter = { name_wanted, finder->prefix };
    status_t status = directory_names(finder->shell, directory.text, &filter,
                                      &completion->candidates);
    if (status == -ENOMEM || status == -EINTR)
        finder->status = status;

    /* Names were listed without their types, so each is looked up. */
    if (directories_only)
        keep_directories(finder, directory.text);
    words_sort(&completion->candidates, 0);

    /* After a directory the path can continue. */
    if (completion->candidates.count == 1 &&
        is_directory(finder->shell, directory.text, completion->candidates.list[0]))
        completion->after = "/";
    buffer_free(&directory);
}

/* ---- which candidates to offer ------------------------------------------------------------ */

/* Returns the command that the words before the cursor name, or its part if they name one. The
 * caller ends the use, which borrows `name` until then. */
static const struct shell_command *command_at(const char *text, const struct place *place,
                                              char name[COMMAND_NAME_BYTES], struct code_use *use)
{
    char part[COMMAND_NAME_BYTES];
    bool fits = quote_remove(text + place->command, place->command_end - place->command, name,
                             COMMAND_NAME_BYTES);

    /* A word that does not fit names no command: all names are shorter. */
    const struct shell_command *command = fits ? shell_command_find(name, use, NULL) : NULL;
    if (!command || !command->parts || place->words < 2)
        return command;

    /* The second word selects a part, such as `add` of vdrive. */
    fits = quote_remove(text + place->part, place->part_end - place->part, part, sizeof(part));
    return fits ? options_part(command, part) : NULL;
}

/* Returns whether the usage line of a command contains a word. */
static bool takes(const struct shell_command *command, const char *what)
{
    size_t length = strlen(what);
    for (const char *at = command ? command->arguments : ""; *at; at++)
        if (strncmp(at, what, length) == 0)
            return true;
    return false;
}

static void find_arguments(struct finder *finder, const struct shell_command *command)
{
    bool slash = strchr(finder->prefix, '/') != NULL;

    /* The part's name is still to be typed. */
    if (command && command->parts) {
        for (const struct shell_command *const *part = command->parts; *part; part++)
            offer(finder, options_part_name(*part));
        return;
    }

    if (takes(command, "COMMAND"))
        find_commands(finder);
    if (takes(command, "VARIABLE"))
        find_variables(finder);

    /* A path with a slash cannot be a class name such as cdrom0. */
    if (takes(command, "DEVICE") && !slash)
        find_devices(finder, "");
    else if (takes(command, "DRIVE") && !slash)
        find_devices(finder, "virtual");

    /* Everything else may be a path. */
    if (takes(command, "COMMAND") || takes(command, "VARIABLE"))
        return;

    /* Offer only directories if nothing else in the usage line can be a file. */
    find_paths(finder, takes(command, "DIRECTORY") && !takes(command, "FILE") &&
                           !takes(command, "PATH") && !takes(command, "DEVICE"));
}

static void offer_option(struct finder *finder, const char *dashes, const char *name, size_t length)
{
    char text[48] = "";
    size_t dash_count = text_copy(text, sizeof(text), dashes);
    if (dash_count + length >= sizeof(text))
        return;

    memcpy(text + dash_count, name, length);
    offer(finder, text);
}

static void find_options(struct finder *finder, const struct shell_command *command)
{
    const struct shell_option *option = command ? command->options : NULL;
    for (; option && (option->letter || option->name); option++) {
        if (option->letter)
            offer_option(finder, "-", &option->letter, 1);
        if (option->name)
            offer_option(finder, *option->name == '-' ? "" : "--", option->name,
                         strlen(option->name));
    }

    /* Every command has --help, although no table contains it. */
    if (command)
        offer(finder, "--help");
}

/* Returns the start of NAM in "...$NAM", or NULL. */
static const char *variable_begun(const char *word)
{
    const char *dollar = strrchr(word, '$');
    if (!dollar)
        return NULL;

    /* A name that ends before the cursor is complete: in $A/b the word continues as a path. */
    const char *name = dollar + 1 + (dollar[1] == '{');
    name += name[-1] == '{' && *name == '#';
    return name[variable_name_length(name)] ? NULL : name;
}

static void find(struct finder *finder, const char *text, const struct place *place,
                 const char *word)
{
    /* Within '...' a $ has no meaning. */
    const char *variable = place->quote == '\'' ? NULL : variable_begun(word);

    finder->prefix = word;
    finder->completion->quote = place->quote;
    finder->completion->after = " ";

    /* The first rule that applies decides. In ${NAME} the brace must be closed. */
    if (variable) {
        finder->prefix = variable;
        find_variables(finder);
        finder->completion->after = strchr("{#", variable[-1]) ? "}" : "";
    } else if (place->redirection) {
        find_paths(finder, false);
    } else if (!place->words && !strchr(word, '/')) {
        find_commands(finder);
    } else {
        struct code_use use = { 0 };
        char name[COMMAND_NAME_BYTES];
        const struct shell_command *command =
            place->words ? command_at(text, place, name, &use) : NULL;
        if (*word == '-')
            find_options(finder, command);
        else
            find_arguments(finder, command);
        code_use_end(&use);
    }
}

static size_t common_length(const struct words *words)
{
    if (!words->count)
        return 0;
    const char *first = words->list[0], *last = words->list[words->count - 1];

    /* In a sorted list, the first and the last word differ most. */
    size_t length = 0;
    while (first[length] && first[length] == last[length])
        length++;

    /* Go back to the start of a character: two names may differ in its later bytes only. */
    while (length && utf8_continues(first[length]))
        length--;
    return length;
}

status_t completion_find(struct shell *shell, const char *text, size_t cursor,
                         struct completion *completion)
{
    struct place place = place_find(text, cursor);
    struct finder finder = { .shell = shell, .completion = completion };
    finder.at_home = cursor - place.start > 1 && text_starts(text + place.start, "~/");
    *completion = (struct completion){ .after = "" };

    /* The candidates are compared with the word as the command will see it, without quotes. */
    char *word = mem_alloc(cursor - place.start + 1);
    if (!word)
        return -ENOMEM;
    if (place.in_word)
        (void)quote_remove(text + place.start, cursor - place.start, word,
                           cursor - place.start + 1);
    else
        word[0] = '\0';

    find(&finder, text, &place, word);
    words_sort(&completion->candidates, 0);

    /* find() has reduced the prefix to the part that the candidates begin with. */
    completion->typed = strlen(finder.prefix);
    completion->common = common_length(&completion->candidates);
    mem_free(word);
    if (finder.status)
        completion_free(completion);
    return finder.status;
}

void completion_free(struct completion *completion)
{
    words_free(&completion->candidates);
}

/* ---- what to insert ----------------------------------------------------------------------- */

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

/* Appends a character as it must be typed within the open quote. */
static void put_quoted(struct buffer *buffer, char quote, char c)
{
    static const char quotes[] = "'\"";
    char text[16] = { c };

    /* Each quote has its own rules (POSIX 2.2). A control character can be typed only as
     * $'\xHH'. */
    if (quote == '$' && (c == '\'' || c == '\\'))
        format_text(text, sizeof(text), "\\%c", c);
    else if (is_control(c) && quote == '$')
        format_text(text, sizeof(text), "\\x%02X", (unsigned char)c);
    else if (is_control(c)) /* close the quote, and open it again after $'...' */
        format_text(text, sizeof(text), "%.1s$'\\x%02X'%.1s", strchr(quotes, quote),
                    (unsigned char)c, strchr(quotes, quote));
    else if (quote == '\'' && c == '\'')
        format_text(text, sizeof(text), "'\\''");
    else if (quote == '"' ? quote_double_escapes(c)
                          : !quote && strchr(" \t;&|<>\"'\\$`*?[#", c))
        format_text(text, sizeof(text), "\\%c", c);
    buffer_put(buffer, text, strlen(text));
}

void completion_text(const struct completion *completion, struct buffer *buffer)
{
    if (!completion->candidates.count)
        return;

    /* A name that begins with ~ is not the home directory. */
    const char *name = completion->candidates.list[0];
    if (!completion->typed && completion->common && *name == '~' && !completion->quote)
        buffer_put(buffer, "\\", 1);

    for (size_t i = completion->typed; i < completion->common; i++)
        put_quoted(buffer, completion->quote, name[i]);

    /* With several candidates the word is not complete, so nothing follows it. */
    if (completion->candidates.count > 1)
        return;

    /* A directory's quote stays open, since the path continues. */
    bool closes = completion->quote && text_equal(completion->after, " ");
    if (closes)
        buffer_put(buffer, completion->quote == '"' ? "\"" : "'", 1);
    buffer_put(buffer, completion->after, strlen(completion->after));
}
