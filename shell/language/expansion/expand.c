/*
 * expand.c - word expansion; see expand.h.
 *
 * Fields and patterns are collected as patterns, in which characters that were quoted have a
 * backslash if they mean something in patterns.
 */
#include "shell/language/expansion/expand.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/expansion/arithmetic.h"
#include "shell/language/expansion/glob.h"
#include "shell/language/expansion/parameter.h"
#include "shell/language/expansion/substitution.h"
#include "shell/language/state.h"
#include "shell/pattern.h"

struct expansion {
    struct shell *shell;
    struct words *fields; /* NULL: neither split nor match */
    bool escapes;         /* quoted characters get a backslash */
    bool assigns;         /* ~ after a colon too */
    bool declares;        /* the word is NAME=VALUE: ~ after the = */
    struct buffer text;   /* the field so far */
    struct buffer literal; /* the same without escapes, if `escaped` */
    bool escaped;         /* a value contained a backslash, which escapes in a pattern only */
    bool begun;           /* there is a field, perhaps an empty one: '' */
    bool has_glob;
    bool after_blank;     /* IFS white space has ended the field before */
    bool splits_text;     /* literal text is split too: in ${x:-a b} */
    const char *ifs;      /* NULL: not asked for yet */
    const struct part *parts; /* for expand_parts() */
    status_t status;
};

/* ---- fields ------------------------------------------------------------------------------- */

/* Ends a field: adds the names that it matches, or else the field itself. */
static void end_field(struct expansion *x)
{
    /* Blanks around a value do not make fields, but '' makes an empty one. */
    if (!x->begun || x->status)
        return;
    buffer_put(&x->text, "", 0);
    x->status = x->text.status;

    int before = x->fields->count;
    if (!x->status && x->has_glob && !(x->shell->language->flags & FLAG_NOGLOB) &&
        glob_is_pattern(x->text.text))
        x->status = glob_expand(x->shell, x->text.text, x->fields);

    /* No name matches, so the pattern itself is the field (POSIX 2.13.3). */
    if (!x->status && x->fields->count == before && x->escaped) {
        x->status = x->literal.status;
        if (!x->status)
            x->status = words_add(x->fields, x->literal.text, x->literal.length);
    } else if (!x->status && x->fields->count == before) {
        glob_unescape(x->text.text);
        x->status = words_add(x->fields, x->text.text, strlen(x->text.text));
    }
    buffer_clear(&x->text);
    buffer_clear(&x->literal);
    x->begun = x->has_glob = x->escaped = false;
}

/* Appends text that is literal: it was quoted. */
static void put_quoted(struct expansion *x, const char *text, size_t length)
{
    x->begun = true;
    x->after_blank = false;
    if (x->escaped)
        buffer_put(&x->literal, text, length);
    while (x->escapes && length) {
        /* Escape each character that has a meaning in a pattern, also within [...]. */
        size_t run = 0;
        while (run < length && !(text[run] && strchr("*?[]\\-!^", text[run])))
            run++;
        buffer_put(&x->text, text, run);
        text += run;
        length -= run;
        if (length) {
            buffer_put(&x->text, "\\", 1);
            buffer_put(&x->text, text++, 1);
            length--;
        }
    }
    buffer_put(&x->text, text, length);
}

/* Appends text in which pattern characters have their meaning. */
static void put_pattern(struct expansion *x, const char *text, size_t length)
{
    x->begun = true;
    x->after_blank = false;
    for (size_t i = 0; i < length && !x->has_glob; i++)
        x->has_glob = text[i] == '*' || text[i] == '?' || text[i] == '[';
    buffer_put(&x->text, text, length);
    if (x->escaped)
        buffer_put(&x->literal, text, length);
}

/* Appends a backslash of a value. If the field matches names, it escapes the next character. */
static void put_backslash(struct expansion *x)
{
    if (!x->escaped) {
        /* So far, the escapes are those of quoted characters. */
        buffer_put(&x->literal, x->text.length ? x->text.text : "", x->text.length);
        if (!x->literal.status) {
            glob_unescape(x->literal.text);
            x->literal.length = strlen(x->literal.text);
        }
    }
    x->escaped = true;
    put_pattern(x, "\\", 1);
}

static const char *field_separators(struct expansion *x)
{
    if (!x->ifs)
        x->ifs = variables_get(&x->shell->variables, "IFS", 3);
    return x->ifs ? x->ifs : " \t\n";
}

/* Takes a character of IFS (POSIX 2.6.5): white space around another one belongs to it. */
static void take_separator(struct expansion *x, char c)
{
    bool blank = c == ' ' || c == '\t' || c == '\n';
    if (x->begun) {
        end_field(x);
        x->after_blank = blank;
    } else if (!blank && x->after_blank) {
        x->after_blank = false;
    } else if (!blank) {
        x->begun = true; /* two separators have an empty field between them */
        end_field(x);
    }
}

/* Appends a result that is to be split, and is then a pattern. */
static void put_split(struct expansion *x, const char *text)
{
    const char *separators = field_separators(x);
    while (*text && !x->status) {
        size_t run = 0;
        while (text[run] && text[run] != '\\' && !strchr(separators, text[run]))
            run++;
        if (run)
            put_pattern(x, text, run);
        text += run;
        if (!*text)
            break;
        if (strchr(separators, *text))
            take_separator(x, *text);
        else
            put_backslash(x);
        text++;
    }
}

/* Appends the value of an expansion. */
static void put_value(struct expansion *x, const char *value, bool quoted)
{
    if (quoted)
        put_quoted(x, value, strlen(value));
    else if (x->fields)
        put_split(x, value);
    else
        put_pattern(x, value, strlen(value)); /* in `case $x in`, a backslash is an escape */
}

/* ---- ~ ------------------------------------------------------------------------------------ */

/* Appends the home directory for the ~ at `at`, if it is alone or before a slash (POSIX 2.6.1).
 * Returns how many characters were taken. `last`: the word ends with this text. */
static size_t put_home(struct expansion *x, const char *at, bool last)
{
    char next = at[1];
    if (*at != '~' || !(next == '/' || (next == ':' && x->assigns) || (!next && last)))
        return 0;

    const char *home = variables_get(&x->shell->variables, "HOME", 4);
    home = home && *home ? home : "/";
    size_t length = strlen(home);

    /* The directory's name is neither split nor matched, as if it were quoted. ~/a is /a if the
     * home is /, not //a. */
    put_quoted(x, home, length);
    return 1 + (next == '/' && home[length - 1] == '/');
}

/* Appends unquoted text of the word. */
static void put_text(struct expansion *x, const struct part *part, bool first)
{
    const char *text = part->text;
    if (first && x->declares) {
        size_t name = variable_name_length(text) + 1;
        put_pattern(x, text, name);
        text += name;
    }
    if (first)
        text += put_home(x, text, !part->next);
    while (x->assigns && *text) {
        /* In PATH=~/a:~/b each element may begin with a ~. */
        const char *colon = strchr(text, ':');
        size_t length = colon ? (size_t)(colon + 1 - text) : strlen(text);
        put_pattern(x, text, length);
        text += length;
        if (colon)
            text += put_home(x, text, !part->next);
    }

    if (x->splits_text && x->fields)
        put_split(x, text);
    else if (*text)
        put_pattern(x, text, strlen(text));
}

/* ---- parts -------------------------------------------------------------------------------- */

static void expand_parts(void *argument);

/* Expands the parts of a word within a word. */
static void expand_nested(struct expansion *x, const struct part *parts)
{
    const struct part *outer = x->parts;
    x->parts = parts;
    status_t status = depth_call(&x->shell->language->depth, expand_parts, x);
    if (status && !x->status)
        x->status = status;
    x->parts = outer;
}

static status_t complain(struct expansion *x, const char *format, const char *a, const char *b)
{
    const struct shell_command *command = x->shell->command;
    x->shell->command = NULL; /* the message is the shell's own */
    shell_complain(x->shell, format, a, b);
    x->shell->command = command;
    return -ECANCELED;
}

/* Appends $@ or $*. */
static void put_all(struct expansion *x, bool star, bool quoted)
{
    const struct parameters *parameters = &x->shell->language->parameters;
    int count = parameters_count(parameters);
    size_t length;
    const char *separator = parameter_separator(x->shell, &length);
    bool separate = x->fields && !(star && quoted);

    x->begun |= star && quoted;
    for (int i = 1; i <= count && !x->status; i++) {
        /* Each parameter makes fields of its own, except in "$*" and where nothing is split.
         * Outside quotes, the end of one separates as white space of IFS does, as in dash: with
         * a separator at the start of the next one, there is no empty field between them. */
        if (i > 1 && separate && quoted)
            end_field(x);
        else if (i > 1 && separate)
            take_separator(x, ' ');
        else if (i > 1)
            put_value(x, (char[]){ length ? *separator : '\0', '\0' }, true);
        put_value(x, parameters_get(parameters, i), quoted);
    }
}

static bool is_all(const struct part *part)
{
    return part->length == 1 && (*part->text == '@' || *part->text == '*');
}

static void put_operand(struct expansion *x, const struct part *part)
{
    bool splits = x->splits_text, assigns = x->assigns;
    x->splits_text = !part->quoted;
    x->assigns = false;
    if (part->word)
        expand_nested(x, part->word->parts);
    x->splits_text = splits;
    x->assigns = assigns;
}

static void put_length(struct expansion *x, const struct part *part, const char *value)
{
    char number[PARAMETER_NUMBER_BYTES];
    size_t length = is_all(part) ? (size_t)parameters_count(&x->shell->language->parameters)
                                 : parameter_characters(value ? value : "");
    format_text(number, sizeof(number), "%zu", length);
    put_value(x, number, part->quoted);
}

static void put_trimmed(struct expansion *x, const struct part *part, const char *value)
{
    char *pattern, *copy;
    size_t begin, end;
    x->status = expand_pattern(x->shell, part->word, &pattern);
    if (x->status)
        return;

    /* The pattern may have changed the variable, so the caller's value is a copy. */
    x->status = parameter_trim(part->operator, pattern, value, &begin, &end);
    copy = x->status ? NULL : mem_alloc(end - begin + 1);
    if (copy) {
        memcpy(copy, value + begin, end - begin);
        copy[end - begin] = '\0';
        put_value(x, copy, part->quoted);
    } else if (!x->status) {
        x->status = -ENOMEM;
    }
    mem_free(copy);
    mem_free(pattern);
}

static void put_assigned(struct expansion *x, const struct part *part)
{
    char *text;
    if (!variable_name_length(part->text)) {
        x->status = complain(x, "%s: bad variable name", part->text, NULL);
        return;
    }
    x->status = expand_text(x->shell, part->word, &text);
    if (x->status)
        return;
    x->status = variables_set(&x->shell->variables, part->text, part->length, text);
    if (x->status == -EPERM)
        x->status = complain(x, "%s: is read only", part->text, NULL);
    x->ifs = NULL;
    if (!x->status)
        put_value(x, text, part->quoted);
    mem_free(text);
}

static void put_error(struct expansion *x, const struct part *part)
{
    char *text;
    x->status = expand_text(x->shell, part->word, &text);
    if (x->status)
        return;
    x->status = complain(x, "%s: %s", part->text, *text ? text : "parameter not set");
    mem_free(text);
}

/* Appends the value itself. */
static void put_set(struct expansion *x, const struct part *part, const char *value)
{
    if (is_all(part))
        put_all(x, *part->text == '*', part->quoted);
    else if (value)
        put_value(x, value, part->quoted);
    else if (x->shell->language->flags & FLAG_NOUNSET)
        x->status = complain(x, "%s: parameter not set", part->text, NULL);
}

/* Returns a copy of a parameter's value: patterns and operands may change the variable. *value is
 * NULL if it is not set; for @ and * it is the parameters, joined. */
static status_t copy_value(struct expansion *x, const struct part *part, char **value)
{
    char number[PARAMETER_NUMBER_BYTES];
    *value = NULL;
    if (is_all(part)) {
        struct part all = { .kind = PART_PARAMETER, .text = part->text, .length = 1 };
        struct word word = { .parts = &all };
        return parameters_count(&x->shell->language->parameters)
                   ? expand_text(x->shell, &word, value) : 0;
    }

    const char *text = parameter_value(x->shell, part->text, part->length, number);
    size_t bytes = text ? strlen(text) + 1 : 0;
    if (!text)
        return 0;
    *value = mem_alloc(bytes);
    if (!*value)
        return -ENOMEM;
    memcpy(*value, text, bytes);
    return 0;
}

/* Appends ${x...} with an operator. */
static void put_operator(struct expansion *x, const struct part *part, const char *value)
{
    bool null = !value || (part->colon && !*value);
    bool unset = !value && !is_all(part) && x->shell->language->flags & FLAG_NOUNSET;

    switch (part->operator) {
    case PARAMETER_DEFAULT:
        null ? put_operand(x, part) : put_set(x, part, value);
        break;
    case PARAMETER_ALTERNATIVE:
        if (!null)
            put_operand(x, part);
        break;
    case PARAMETER_ASSIGN:
        null ? put_assigned(x, part) : put_set(x, part, value);
        break;
    case PARAMETER_ERROR:
        null ? put_error(x, part) : put_set(x, part, value);
        break;
    case PARAMETER_BAD:
        x->status = complain(x, "${%s}: bad substitution", part->text, NULL);
        break;
    default:
        if (unset)
            x->status = complain(x, "%s: parameter not set", part->text, NULL);
        else if (part->operator == PARAMETER_LENGTH)
            put_length(x, part, value);
        else if (value)
            put_trimmed(x, part, value);
        break;
    }
}

static void put_parameter(struct expansion *x, const struct part *part)
{
    char number[PARAMETER_NUMBER_BYTES], *value;

    /* "" around a value that is empty or not set is still a field; "$@" may be none. */
    x->begun |= part->quoted && !(is_all(part) && part->operator == PARAMETER_VALUE);
    if (part->operator == PARAMETER_VALUE) {
        put_set(x, part, is_all(part) ? NULL
                                      : parameter_value(x->shell, part->text, part->length,
                                                        number));
        return;
    }
    x->status = part->operator == PARAMETER_BAD ? 0 : copy_value(x, part, &value);
    if (part->operator == PARAMETER_BAD)
        value = NULL;
    if (x->status)
        return;
    put_operator(x, part, value);
    mem_free(value);
}

static void put_arithmetic(struct expansion *x, const struct part *part)
{
    char number[PARAMETER_NUMBER_BYTES], *text = NULL;
    int64_t value;

    /* Most expressions contain names, not expansions. */
    const struct part *only = part->word->parts;
    bool plain = only && !only->next && only->kind == PART_QUOTED;
    x->status = plain ? 0 : expand_text(x->shell, part->word, &text);
    if (x->status)
        return;
    x->status = arithmetic_evaluate(x->shell, plain ? only->text : text, &value);
    mem_free(text);
    x->ifs = NULL; /* it may have been assigned */
    format_text(number, sizeof(number), "%lld", (long long)value);
    if (!x->status)
        put_value(x, number, part->quoted);
}

/* ---- $(...) ------------------------------------------------------------------------------- */

static void put_commands(struct expansion *x, const struct part *part)
{
    struct buffer output = { 0 };
    x->status = substitution_run(x->shell, part->command, &output);

    /* Newlines at its end are removed (POSIX 2.6.3). */
    while (output.length && output.text[output.length - 1] == '\n')
        output.text[--output.length] = '\0';
    x->begun |= part->quoted;
    if (!x->status && output.length)
        put_value(x, output.text, part->quoted);
    buffer_free(&output);
}

/* ---- words -------------------------------------------------------------------------------- */

static void expand_parts(void *argument)
{
    struct expansion *x = argument;
    const struct part *first = x->parts;
    for (const struct part *part = first; part && !x->status; part = part->next) {
        switch (part->kind) {
        case PART_TEXT: put_text(x, part, part == first); break;
        case PART_QUOTED: put_quoted(x, part->text, part->length); break;
        case PART_PARAMETER: put_parameter(x, part); break;
        case PART_COMMAND: put_commands(x, part); break;
        case PART_ARITHMETIC: put_arithmetic(x, part); break;
        }
    }
}

static status_t expand_one(struct expansion *x, const struct word *word, char **text)
{
    expand_nested(x, word ? word->parts : NULL);

    /* The result of an empty word is "", not NULL. */
    buffer_put(&x->text, "", 0);
    if (!x->status)
        x->status = x->text.status;
    *text = x->text.text;
    if (x->status) {
        buffer_free(&x->text);
        *text = NULL;
    }
    return x->status;
}

static bool declares(const struct word *word)
{
    const struct part *part = word->parts;
    size_t length = part && part->kind == PART_TEXT ? variable_name_length(part->text) : 0;
    return length && part->text[length] == '=';
}

/* Adds NAME=VALUE, an operand of `export` and the like, as one field. */
static status_t expand_declaration(struct shell *shell, const struct word *word,
                                   struct words *fields)
{
    struct expansion x = { .shell = shell, .assigns = true, .declares = true };
    char *text;
    status_t status = expand_one(&x, word, &text);
    if (!status)
        status = words_add(fields, text, strlen(text));
    mem_free(text);
    return status;
}

static bool is_declaring(const char *name)
{
    return text_equal(name, "export") || text_equal(name, "readonly") || text_equal(name, "local");
}

status_t expand_command(struct shell *shell, const struct word *word, struct words *fields)
{
    status_t status = 0;
    bool declaring = false;
    for (; word && !status; word = word->next) {
        /* The name is known with the first field; all other words are expanded at once. */
        struct word one = *word;
        one.next = NULL;
        if (fields->count && !declaring)
            return expand_words(shell, word, fields);
        status = declaring && declares(word) ? expand_declaration(shell, word, fields)
                                             : expand_words(shell, &one, fields);
        declaring = fields->count && is_declaring(fields->list[0]);
    }
    return status;
}

status_t expand_words(struct shell *shell, const struct word *word, struct words *fields)
{
    struct expansion x = { .shell = shell, .fields = fields, .escapes = true };
    for (; word && !x.status; word = word->next) {
        if (word->plain) {
            x.status = words_add(fields, word->parts->text, word->parts->length);
            continue;
        }
        x.parts = word->parts;
        expand_parts(&x);
        end_field(&x);
        x.after_blank = false;
    }
    buffer_free(&x.text);
    buffer_free(&x.literal);
    return x.status;
}

status_t expand_text(struct shell *shell, const struct word *word, char **text)
{
    struct expansion x = { .shell = shell };
    return expand_one(&x, word, text);
}

status_t expand_assignment(struct shell *shell, const struct word *word, char **text)
{
    struct expansion x = { .shell = shell, .assigns = true };
    return expand_one(&x, word, text);
}

status_t expand_pattern(struct shell *shell, const struct word *word, char **pattern)
{
    struct expansion x = { .shell = shell, .escapes = true };
    return expand_one(&x, word, pattern);
}
