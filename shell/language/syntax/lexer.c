/*
 * lexer.c - tokens, aliases and here-documents; see lexer.h.
 */
#include "shell/language/syntax/lexer.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/syntax/word.h"

/* ---- here-documents ----------------------------------------------------------------------- */

void lexer_begin_here(struct lexer *lexer, struct redirection *redirection,
                      const struct word *delimiter, bool tabs)
{
    struct here *here = lexer_alloc(lexer, sizeof(*here));
    if (!here)
        return;
    here->redirection = redirection;
    here->delimiter = word_delimiter(lexer, delimiter, &here->quoted);
    here->tabs = tabs;
    *lexer->here_end = here;
    lexer->here_end = &here->next;
}

static size_t line_length(const char *text)
{
    size_t length = 0;
    while (text[length] && text[length] != '\n')
        length++;
    return length;
}

/* Returns whether the line ends with a backslash that is not escaped itself. */
static bool is_continued(const char *line, size_t length)
{
    size_t count = 0;
    while (count < length && line[length - 1 - count] == '\\')
        count++;
    return count % 2;
}

/* Reads the lines up to the delimiter into the scratch buffer. */
static void read_lines(struct lexer *lexer, const struct here *here)
{
    size_t delimiter = strlen(here->delimiter);
    bool joined = false; /* the line before ended with a backslash */

    for (;;) {
        while (here->tabs && !joined && *lexer->at == '\t')
            lexer->at++;
        const char *line = lexer->at;
        size_t length = line_length(line);
        bool last = !line[length];

        /* A document that is not ended ends with the text, except where lines can follow. */
        if (!joined && text_equal_n(line, length, here->delimiter, delimiter)) {
            lexer->at += length + !last;
            lexer->line += !last;
            return;
        }
        if (last && lexer->partial) {
            lexer_fail_open(lexer, here->delimiter);
            return;
        }

        buffer_put(&lexer->scratch, line, length + !last);
        lexer->at += length + !last;
        lexer->line += !last;
        if (last)
            return;
        joined = !here->quoted && is_continued(line, length);
    }
}

static void read_here(struct lexer *lexer, struct here *here)
{
    size_t begun = lexer->scratch.length;
    read_lines(lexer, here);

    size_t length = lexer->scratch.length - begun;
    const char *text = lexer->scratch.status ? NULL
                       : tree_copy(lexer->tree, length ? lexer->scratch.text + begun : "", length);
    lexer->scratch.length = begun;
    if (!text)
        lexer_fail_status(lexer, -ENOMEM);
    if (lexer->failed)
        return;

    /* Errors in the document are reported for its last line. */
    unsigned line = lexer->line;
    here->redirection->word = here->quoted ? word_of_text(lexer, text)
                                           : word_parse_here(lexer, text);
    lexer->line = line;
}

static void read_pending(struct lexer *lexer)
{
    struct here *here = lexer->here;

    /* A newline in a $(...) of their texts must not read them again. */
    lexer->here = NULL;
    lexer->here_end = &lexer->here;
    for (; here && !lexer->failed; here = here->next)
        read_here(lexer, here);
}

/* ---- aliases ------------------------------------------------------------------------------ */

bool lexer_replace_alias(struct lexer *lexer)
{
    const struct part *part = lexer->word->parts;
    if (!lexer->aliases || !lexer->aliases->first || !part || part->next ||
        part->kind != PART_TEXT)
        return false;

    /* An alias is not replaced within its own text. */
    const char *value = aliases_get(lexer->aliases, part->text);
    if (!value || input_is_in(lexer, part->text) || !input_put(lexer, part->text, value))
        return false;
    lexer->peeked = false;
    return true;
}

void lexer_free_aliases(struct lexer *lexer)
{
    if (lexer->input.alias)
        return;
    tree_put(lexer->alias_names);
    lexer->alias_names = NULL;
}

const char *lexer_position(const struct lexer *lexer)
{
    const struct alias_use *use = lexer->input.alias;
    size_t left = (size_t)(lexer->input.end - lexer->at);
    for (; use; use = use->outer)
        left = use->left;
    return lexer->text_end - left;
}

/* ---- tokens ------------------------------------------------------------------------------- */

/* Skips blanks and comments. */
static void skip_blanks(struct lexer *lexer)
{
    for (;;) {
        char c = *lexer->at;
        if (c == '#') {
            lexer->at += line_length(lexer->at);
        } else if (c == '\\' && lexer->at[1] == '\n') {
            lexer->at += 2;
            lexer->line++;
            if (!*lexer->at && lexer->partial)
                lexer_fail_open(lexer, "line after \\");
        } else if (c == ' ' || c == '\t' || c == '\r') {
            lexer->at++;
        } else {
            lexer->alias_next = input_leave(lexer);
            return;
        }
    }
}

bool lexer_skip_lines(struct lexer *lexer)
{
    for (skip_blanks(lexer); *lexer->at == '\n' && !lexer->failed; skip_blanks(lexer)) {
        lexer->at++;
        lexer->line++;
    }
    lexer->peeked = false;
    return !*lexer->at && !lexer->failed;
}

/* A longer operator comes before those that it begins with. */
static const struct {
    char text[4];
    enum token token;
} operators[] = {
    { "\n", TOKEN_NEWLINE }, { ";;", TOKEN_DOUBLE_SEMICOLON }, { ";", TOKEN_SEMICOLON },
    { "&&", TOKEN_AND }, { "&", TOKEN_AMPERSAND }, { "||", TOKEN_OR }, { "|", TOKEN_PIPE },
    { "(", TOKEN_OPEN }, { ")", TOKEN_CLOSE }, { "<<-", TOKEN_HERE_TABS }, { "<<", TOKEN_HERE },
    { "<&", TOKEN_JOIN_READ }, { "<>", TOKEN_READ_WRITE }, { "<", TOKEN_READ },
    { ">>", TOKEN_APPEND }, { ">&", TOKEN_JOIN_WRITE }, { ">|", TOKEN_CLOBBER },
    { ">", TOKEN_WRITE },
};

/* Returns the end of an operator that begins here, or NULL. A backslash and a newline within it
 * join two lines (POSIX 2.2.1), which are counted. */
static const char *match_operator(const char *at, const char *operator, unsigned *joined)
{
    *joined = 0;
    for (; *operator; operator++) {
        if (*at++ != *operator)
            return NULL;
        for (; operator[1] && at[0] == '\\' && at[1] == '\n'; at += 2)
            ++*joined;
    }
    return at;
}

static enum token read_operator(struct lexer *lexer)
{
    unsigned joined;
    const char *end;
    size_t i = 0;
    while (!(end = match_operator(lexer->at, operators[i].text, &joined)))
        i++; /* one matches: each character that ends words begins an operator */
    lexer->at = end;
    lexer->line += joined;

    if (operators[i].token == TOKEN_NEWLINE) {
        lexer->line++;
        read_pending(lexer);
    }
    return operators[i].token;
}

static enum token read_token(struct lexer *lexer)
{
    skip_blanks(lexer);
    lexer->token_text = lexer->at;
    lexer->token_line = lexer->line;
    if (lexer->failed || !*lexer->at) {
        /* A here-document whose line is the last one has no text. */
        if (!lexer->failed && lexer->here && lexer->partial)
            lexer_fail_open(lexer, lexer->here->delimiter);
        else if (!lexer->failed)
            read_pending(lexer);
        return TOKEN_END;
    }

    char c = *lexer->at;
    if (word_ends_at(c))
        return read_operator(lexer);
    while (text_is_digit(c) && input_join(lexer, 1))
        ;
    if (text_is_digit(c) && (lexer->at[1] == '<' || lexer->at[1] == '>')) {
        lexer->number = c - '0';
        lexer->at++;
        return TOKEN_NUMBER;
    }
    lexer->word = word_parse(lexer);
    return lexer->failed ? TOKEN_END : TOKEN_WORD;
}

enum token lexer_peek(struct lexer *lexer)
{
    for (bool may_be_alias = false; !lexer->peeked;) {
        unsigned changes = lexer->input.changes;
        lexer->token = read_token(lexer);
        if (lexer->input.changes != changes)
            lexer->token_text = lexer->at; /* it was moved, or changed */
        lexer->token_length = (size_t)(lexer->at - lexer->token_text);
        lexer->peeked = true;

        /* After an alias that ends with a blank, any word may be one, and so its text's first. */
        may_be_alias |= lexer->alias_next;
        if (lexer->token == TOKEN_WORD && may_be_alias)
            (void)lexer_replace_alias(lexer);
    }
    return lexer->failed ? TOKEN_END : lexer->token;
}

void lexer_take(struct lexer *lexer)
{
    (void)lexer_peek(lexer);
    lexer->peeked = false;
}

void lexer_init(struct lexer *lexer, const char *text, struct depth *depth,
                const struct aliases *aliases)
{
    *lexer = (struct lexer){ .at = text, .line = 1, .depth = depth, .aliases = aliases };
    lexer->input.end = lexer->text_end = text + strlen(text);
    lexer->here_end = &lexer->here;
}

void lexer_free(struct lexer *lexer)
{
    buffer_free(&lexer->scratch);
    mem_free(lexer->input.own);
    tree_put(lexer->alias_names);
}
