/*
 * word.c - parses words; see word.h.
 *
 * Text runs are collected in lexer->scratch and copied to the tree when they end. A nested word
 * begins with an empty run, so the scratch buffer is free for it.
 */
#include "shell/language/syntax/word.h"
#include "lib/quote.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/pattern.h"
#include "shell/variables.h"

enum context {
    IN_WORD,
    IN_DOUBLE,         /* "..." */
    IN_OPERAND,        /* ${x:-...}, in which quotes have their meaning */
    IN_DOUBLE_OPERAND, /* the same within double quotes: ' is an ordinary character */
    IN_HERE,           /* a here-document, up to the end of the text */
    IN_ARITHMETIC,     /* $((...)) */
};

struct builder {
    struct lexer *lexer;
    enum context context;
    struct part *first, **end;
    size_t begun;  /* of scratch, where the run begins */
    bool quoted;   /* the run is */
    bool missing;  /* IN_ARITHMETIC: the )) is missing */
    unsigned open; /* IN_ARITHMETIC: parentheses */
};

static void parse_parts(struct builder *builder);

bool word_ends_at(char c)
{
    return !c || strchr(" \t\r\n;&|<>()", c);
}

/* ---- parts -------------------------------------------------------------------------------- */

static struct part *add_part(struct builder *builder, enum part_kind kind)
{
    struct part *part = lexer_alloc(builder->lexer, sizeof(*part));
    if (!part)
        return NULL;
    part->kind = kind;
    part->text = "";
    part->quoted = builder->context != IN_WORD && builder->context != IN_OPERAND;
    *builder->end = part;
    builder->end = &part->next;
    return part;
}

/* Ends the run of text: makes a part of it. */
static void flush(struct builder *builder)
{
    struct lexer *lexer = builder->lexer;
    size_t length = lexer->scratch.length - builder->begun;
    if (lexer->scratch.status)
        lexer_fail_status(lexer, lexer->scratch.status);
    if (!length || lexer->failed)
        return;

    char *text = tree_copy(lexer->tree, lexer->scratch.text + builder->begun, length);
    lexer->scratch.length = builder->begun;
    struct part *part = text ? add_part(builder, builder->quoted ? PART_QUOTED : PART_TEXT) : NULL;
    if (!part) {
        lexer_fail_status(lexer, -ENOMEM);
        return;
    }
    part->text = text;
    part->length = length;
}

static void put(struct builder *builder, char c, bool quoted)
{
    if (builder->quoted != quoted) {
        flush(builder);
        builder->quoted = quoted;
    }
    buffer_put(&builder->lexer->scratch, &c, 1);
}

static struct word *finish(struct builder *builder)
{
    flush(builder);
    struct word *word = lexer_alloc(builder->lexer, sizeof(*word));
    if (!word || builder->lexer->failed)
        return NULL;
    word->parts = builder->first;
    for (const struct part *at = word->parts; at; at = at->next)
        word->substitutes |= at->kind == PART_COMMAND || (at->word && at->word->substitutes);

    /* Most words are names and options, which expand to themselves. `[` is one of them. */
    const struct part *part = word->parts;
    word->plain = part && !part->next && part->kind == PART_TEXT && part->text[0] != '~' &&
                  !glob_is_pattern(part->text);
    return word;
}

static void builder_init(struct builder *builder, struct lexer *lexer, enum context context)
{
    *builder = (struct builder){ .lexer = lexer, .context = context };
    builder->end = &builder->first;
    builder->begun = lexer->scratch.length;
}

static void parse_parts_work(void *builder)
{
    parse_parts(builder);
}

/* Parses a word within a word. */
static struct word *parse_nested(struct lexer *lexer, enum context context, bool *missing)
{
    struct builder builder;
    builder_init(&builder, lexer, context);
    status_t status = depth_call(lexer->depth, parse_parts_work, &builder);
    if (status)
        lexer_fail_status(lexer, status);
    if (missing)
        *missing = builder.missing;
    return lexer->failed ? NULL : finish(&builder);
}

/* ---- $ ------------------------------------------------------------------------------------ */

static enum parameter_operator parse_operator(struct lexer *lexer, bool *colon)
{
    static const char letters[] = "-=?+";
    static const enum parameter_operator operators[] = {
        PARAMETER_DEFAULT, PARAMETER_ASSIGN, PARAMETER_ERROR, PARAMETER_ALTERNATIVE,
    };
    *colon = *lexer->at == ':';
    lexer->at += *colon;
    while (input_join(lexer, 0) || (*lexer->at && strchr("#%", *lexer->at) && input_join(lexer, 1)))
        ;

    const char *letter = *lexer->at ? strchr(letters, *lexer->at) : NULL;
    if (letter) {
        lexer->at++;
        return operators[letter - letters];
    }
    if (*colon || (*lexer->at != '#' && *lexer->at != '%'))
        return PARAMETER_BAD;

    /* A second # or % asks for the longest match. */
    bool suffix = *lexer->at == '%', twice = lexer->at[1] == *lexer->at;
    lexer->at += 1 + twice;
    return suffix ? twice ? PARAMETER_LONG_SUFFIX : PARAMETER_SUFFIX
           : twice ? PARAMETER_LONG_PREFIX : PARAMETER_PREFIX;
}

/* Returns the length of a parameter's name: a variable, a special one, or digits. */
static size_t parameter_length(const char *at, bool braces)
{
    size_t length = variable_name_length(at);
    if (length)
        return length;
    if (text_is_digit(*at)) {
        /* $10 is ${1}0, but ${10} is the tenth. */
        for (length = 1; braces && text_is_digit(at[length]); length++)
            ;
        return length;
    }
    return *at && strchr("@*#?-$!", *at) ? 1 : 0;
}

static bool is_length(const char *at)
{
    /* ${#} is the number of parameters, ${#-word} and ${#%x} have operators, ${#x} is a length. */
    size_t length = *at == '#' ? parameter_length(at + 1, true) : 0;
    return length && at[1 + length] == '}';
}

/* Parses ${...} from after its brace. */
static void parse_braces(struct builder *builder, struct part *part)
{
    struct lexer *lexer = builder->lexer;
    while (input_join(lexer, 0) || (*lexer->at == '#' && input_join(lexer, 1)) ||
           (*lexer->at == '#' && input_join(lexer, 1 + parameter_length(lexer->at + 1, true))))
        ;
    bool measures = is_length(lexer->at);
    lexer->at += measures;

    while (input_join(lexer, parameter_length(lexer->at, true)))
        ;
    const char *begun = lexer->at - measures;
    unsigned changes = lexer->input.changes;
    part->length = parameter_length(lexer->at, true);
    part->text = tree_copy(lexer->tree, lexer->at, part->length);
    lexer->at += part->length;
    if (measures)
        part->operator = PARAMETER_LENGTH;
    else if (!part->length)
        part->operator = PARAMETER_BAD;
    else if (*lexer->at != '}')
        part->operator = parse_operator(lexer, &part->colon);

    /* Patterns have quotes of their own even within double quotes (POSIX 2.6.2). */
    bool quoted = part->quoted && part->operator < PARAMETER_PREFIX;
    if (*lexer->at != '}' || part->operator != PARAMETER_VALUE)
        part->word = parse_nested(lexer, quoted ? IN_DOUBLE_OPERAND : IN_OPERAND, NULL);
    if (lexer->failed)
        return;

    if (*lexer->at != '}') {
        lexer_fail_open(lexer, "}");
        return;
    }
    if (part->operator == PARAMETER_BAD && lexer->input.changes == changes)
        part->text = tree_copy(lexer->tree, begun, (size_t)(lexer->at - begun));
    lexer->at++;
    if (!part->text)
        lexer_fail_status(lexer, -ENOMEM);
}

/* Parses $((...)) from after its parentheses. Returns false, with nothing taken, if it is $( (...))
 * instead. */
static bool parse_arithmetic(struct builder *builder)
{
    struct lexer *lexer = builder->lexer;
    struct input before;
    unsigned line = lexer->line;
    struct part **end = builder->end;
    bool missing;

    input_try(lexer, &before);
    struct part *part = add_part(builder, PART_ARITHMETIC);
    struct word *word = part ? parse_nested(lexer, IN_ARITHMETIC, &missing) : NULL;
    if (!word || !missing) {
        input_keep(lexer, &before);
        if (word) {
            part->word = word;
            lexer->at += 2;
        }
        return true;
    }

    input_end(lexer, &before);
    lexer->line = line;
    lexer->scratch.length = builder->begun;
    builder->end = end;
    *end = NULL;
    return false;
}

static void parse_commands(struct builder *builder, const char *text)
{
    struct part *part = add_part(builder, PART_COMMAND);
    if (!part)
        return;
    part->command = builder->lexer->commands(builder->lexer, text);
}

static void parse_name(struct builder *builder, size_t length)
{
    struct lexer *lexer = builder->lexer;
    struct part *part = add_part(builder, PART_PARAMETER);
    if (!part)
        return;
    part->text = tree_copy(lexer->tree, lexer->at, length);
    part->length = length;
    lexer->at += length;
    if (!part->text)
        lexer_fail_status(lexer, -ENOMEM);
}

static void parse_special_quoted(struct builder *builder)
{
    struct lexer *lexer = builder->lexer;
    struct part **before = (flush(builder), builder->end);
    lexer->at++;
    while (*lexer->at && *lexer->at != '\'') {
        char c;
        lexer->line += *lexer->at == '\n';
        lexer->at = quote_dollar_character(lexer->at, &c);
        if (c) /* no word can contain a NUL: \0 is left out */
            put(builder, c, true);
    }
    if (*lexer->at)
        lexer->at++;
    else
        lexer_fail_open(lexer, "'");

    flush(builder);
    if (builder->end == before)
        (void)add_part(builder, PART_QUOTED);
}

/* Parses what begins with a $. */
static void parse_dollar(struct builder *builder)
{
    struct lexer *lexer = builder->lexer;
    bool literal = builder->context == IN_WORD || builder->context == IN_OPERAND;
    lexer->at++;

    /* A backslash and a newline may separate the $ from what it begins, and be within a name. */
    while (input_join(lexer, 0) || input_join(lexer, parameter_length(lexer->at, false)))
        ;
    char next = *lexer->at;
    size_t length = parameter_length(lexer->at, false);

    if (next == '\'' && literal) {
        parse_special_quoted(builder);
    } else if (next == '{') {
        flush(builder);
        lexer->at++;
        struct part *part = add_part(builder, PART_PARAMETER);
        if (part)
            parse_braces(builder, part);
    } else if (next == '(') {
        flush(builder);
        lexer->at++;
        while (input_join(lexer, 0))
            ;
        bool twice = *lexer->at == '(';
        lexer->at += twice;
        if (twice && parse_arithmetic(builder))
            return;
        lexer->at -= twice;
        parse_commands(builder, NULL);
    } else if (length) {
        flush(builder);
        parse_name(builder, length);
    } else {
        put(builder, '$', !literal);
    }
}

/* ---- quotes ------------------------------------------------------------------------------- */

static void parse_single(struct builder *builder)
{
    struct lexer *lexer = builder->lexer;
    flush(builder);
    struct part **before = builder->end;

    for (lexer->at++; *lexer->at && *lexer->at != '\''; lexer->at++) {
        lexer->line += *lexer->at == '\n';
        put(builder, *lexer->at, true);
    }
    if (*lexer->at)
        lexer->at++;
    else
        lexer_fail_open(lexer, "'");

    /* '' makes a field, though it has no text. */
    flush(builder);
    if (builder->end == before)
        (void)add_part(builder, PART_QUOTED);
}

static void parse_double(struct builder *builder)
{
    struct lexer *lexer = builder->lexer;
    flush(builder);
    lexer->at++;

    bool empty = *lexer->at == '"';
    struct word *word = parse_nested(lexer, IN_DOUBLE, NULL);
    if (!word)
        return;
    if (*lexer->at != '"') {
        lexer_fail_open(lexer, "\"");
        return;
    }
    lexer->at++;

    /* Append its parts. "" makes a field, but "$@" alone may make none. */
    if (empty)
        (void)add_part(builder, PART_QUOTED);
    *builder->end = empty ? NULL : word->parts;
    while (*builder->end)
        builder->end = &(*builder->end)->next;
}

/* Parses `...`: its text, without the backslashes that are for it, is parsed by itself. */
static void parse_backquoted(struct builder *builder)
{
    struct lexer *lexer = builder->lexer;
    bool quoted = builder->context != IN_WORD && builder->context != IN_OPERAND;
    flush(builder);
    size_t begun = lexer->scratch.length;

    for (lexer->at++; *lexer->at && *lexer->at != '`'; lexer->at++) {
        bool escapes = *lexer->at == '\\' && lexer->at[1] &&
                       (strchr("$`\\", lexer->at[1]) || (quoted && lexer->at[1] == '"'));
        lexer->at += escapes;
        buffer_put(&lexer->scratch, lexer->at, 1);
    }
    if (!*lexer->at) {
        lexer_fail_open(lexer, "`");
        return;
    }
    lexer->at++;

    size_t length = lexer->scratch.length - begun;
    const char *text = lexer->scratch.status ? NULL
                       : tree_copy(lexer->tree, length ? lexer->scratch.text + begun : "", length);
    lexer->scratch.length = begun;
    if (text)
        parse_commands(builder, text);
    else
        lexer_fail_status(lexer, -ENOMEM);
}

static void parse_backslash(struct builder *builder)
{
    struct lexer *lexer = builder->lexer;
    enum context context = builder->context;
    char next = lexer->at[1];
    bool all = context == IN_WORD || context == IN_OPERAND;
    bool escapes = all ? next != 0
                   : (quote_double_escapes(next) && !(context == IN_HERE && next == '"')) ||
                         (context == IN_DOUBLE_OPERAND && next == '}');

    /* A backslash and a newline join two lines (POSIX 2.2.1). */
    if (next == '\n') {
        lexer->line++;
        lexer->at += 2;
        if (!*lexer->at && lexer->partial)
            lexer_fail_open(lexer, "line after \\");
        return;
    }
    if (!next && context == IN_WORD && lexer->partial)
        lexer_fail_open(lexer, "line after \\");
    if (escapes)
        lexer->at++;
    put(builder, *lexer->at++, true);
}

/* ---- words -------------------------------------------------------------------------------- */

/* Returns whether the word ends here. */
static bool at_end(struct builder *builder)
{
    const char *at = builder->lexer->at;
    if (builder->context == IN_ARITHMETIC && *at == ')') {
        while (input_join(builder->lexer, 1))
            ;
        at = builder->lexer->at;
    }
    switch (builder->context) {
    case IN_WORD: return word_ends_at(*at);
    case IN_DOUBLE: return !*at || *at == '"';
    case IN_OPERAND:
    case IN_DOUBLE_OPERAND: return !*at || *at == '}';
    case IN_HERE: return !*at;
    case IN_ARITHMETIC: break;
    }

    /* The expression ends at )) outside of its own parentheses. */
    builder->missing = !*at || (!builder->open && *at == ')' && at[1] != ')');
    if (builder->missing)
        return true;
    if (*at == ')' && !builder->open)
        return true;
    builder->open += *at == '(';
    builder->open -= *at == ')';
    return false;
}

static void parse_part(struct builder *builder)
{
    struct lexer *lexer = builder->lexer;
    enum context context = builder->context;
    bool quotes = context == IN_WORD || context == IN_OPERAND;
    char c = *lexer->at;

    if (c == '\\')
        parse_backslash(builder);
    else if (c == '$')
        parse_dollar(builder);
    else if (c == '`')
        parse_backquoted(builder);
    else if (c == '\'' && quotes)
        parse_single(builder);
    else if (c == '"' && (quotes || context == IN_DOUBLE_OPERAND))
        parse_double(builder);
    else if (c == '"' && context == IN_ARITHMETIC)
        lexer->at++; /* the expression is quoted anyway */
    else {
        lexer->line += c == '\n';
        put(builder, c, !quotes);
        lexer->at++;
    }
}

static void parse_parts(struct builder *builder)
{
    while (!builder->lexer->failed && !at_end(builder))
        parse_part(builder);
    flush(builder);
}

struct word *word_parse(struct lexer *lexer)
{
    struct builder builder;
    builder_init(&builder, lexer, IN_WORD);
    parse_parts(&builder);
    return lexer->failed ? NULL : finish(&builder);
}

struct word *word_parse_here(struct lexer *lexer, const char *text)
{
    struct input outer;
    input_begin(lexer, text, &outer);
    struct word *word = parse_nested(lexer, IN_HERE, NULL);
    input_end(lexer, &outer);
    return word;
}

struct word *word_of_text(struct lexer *lexer, const char *text)
{
    struct builder builder;
    builder_init(&builder, lexer, IN_HERE);
    struct part *part = add_part(&builder, PART_QUOTED);
    if (!part)
        return NULL;
    part->text = text;
    part->length = strlen(text);
    return finish(&builder);
}

const char *word_delimiter(struct lexer *lexer, const struct word *word, bool *quoted)
{
    struct buffer text = { 0 };
    *quoted = false;
    buffer_put(&text, "", 0);

    /* No expansion is performed on it (POSIX 2.7.4). */
    for (const struct part *part = word->parts; part; part = part->next) {
        *quoted |= part->kind == PART_QUOTED;
        if (part->kind == PART_PARAMETER)
            buffer_put(&text, "$", 1);
        buffer_put(&text, part->text, part->length);
    }

    char *copy = text.status ? NULL : tree_copy(lexer->tree, text.text, text.length);
    buffer_free(&text);
    if (!copy)
        lexer_fail_status(lexer, -ENOMEM);
    return copy;
}
