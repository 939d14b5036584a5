/*
 * grammar.c - tokens that a rule expects, redirections and simple commands; see grammar.h.
 */
#include "shell/language/syntax/grammar.h"
#include "lib/macros.h"
#include "lib/text.h"
#include "shell/variables.h"

/* ---- tokens ------------------------------------------------------------------------------- */

/* Reports the token that was peeked. `expected`: what should be there; NULL: several things. */
void grammar_fail_unexpected(struct lexer *lexer, const char *expected)
{
    enum token token = lexer_peek(lexer);
    int length = lexer->token_length > 40 ? 40 : (int)lexer->token_length;
    const char *text = token == TOKEN_END ? "end of file" : token == TOKEN_NEWLINE ? "newline"
                                                                                  : NULL;
    if (lexer->failed)
        return;
    lexer->open = token == TOKEN_END;
    if (text && expected)
        lexer_fail(lexer, "%s unexpected (expecting \"%s\")", text, expected);
    else if (text)
        lexer_fail(lexer, "%s unexpected", text);
    else if (expected)
        lexer_fail(lexer, "\"%.*s\" unexpected (expecting \"%s\")", length, lexer->token_text,
                   expected);
    else
        lexer_fail(lexer, "\"%.*s\" unexpected", length, lexer->token_text);
}

bool grammar_is_reserved(const char *word)
{
    static const char *const reserved[] = {
        "!", "{", "}", "if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done",
        "case", "esac", "in",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(reserved); i++)
        if (text_equal(word, reserved[i]))
            return true;
    return false;
}

enum token grammar_peek_command(struct lexer *lexer)
{
    enum token token;
    do {
        token = lexer_peek(lexer);
    } while (token == TOKEN_WORD &&
             !(lexer->word->parts && grammar_is_reserved(lexer->word->parts->text)) &&
             lexer_replace_alias(lexer));
    return token;
}

void grammar_skip_to_command(struct lexer *lexer)
{
    while (grammar_peek_command(lexer) == TOKEN_NEWLINE)
        lexer_take(lexer);
}

/* Returns whether the next token is this reserved word. */
bool grammar_next_is(struct lexer *lexer, const char *word)
{
    return grammar_peek_command(lexer) == TOKEN_WORD && word_is(lexer->word, word);
}

bool grammar_take_word(struct lexer *lexer, const char *word)
{
    bool is = grammar_next_is(lexer, word);
    if (is)
        lexer_take(lexer);
    return is;
}

bool grammar_take(struct lexer *lexer, enum token token)
{
    bool is = lexer_peek(lexer) == token;
    if (is)
        lexer_take(lexer);
    return is;
}

bool grammar_expect(struct lexer *lexer, const char *word)
{
    bool is = grammar_take_word(lexer, word);
    if (!is)
        grammar_fail_unexpected(lexer, word);
    return is;
}

void grammar_skip_newlines(struct lexer *lexer)
{
    while (grammar_take(lexer, TOKEN_NEWLINE))
        ;
}

struct node *grammar_node(struct lexer *lexer, enum node_kind kind)
{
    struct node *node = lexer_alloc(lexer, sizeof(*node));
    if (node) {
        node->kind = kind;
        node->line = lexer->token_line;
    }
    return node;
}

/* ---- redirections ------------------------------------------------------------------------- */

static const struct {
    enum token token;
    enum redirection_kind kind;
    int number;
} redirections[] = {
    { TOKEN_READ, REDIRECT_READ, 0 },           { TOKEN_WRITE, REDIRECT_WRITE, 1 },
    { TOKEN_CLOBBER, REDIRECT_CLOBBER, 1 },     { TOKEN_APPEND, REDIRECT_APPEND, 1 },
    { TOKEN_READ_WRITE, REDIRECT_READ_WRITE, 0 }, { TOKEN_JOIN_READ, REDIRECT_JOIN, 0 },
    { TOKEN_JOIN_WRITE, REDIRECT_JOIN, 1 },     { TOKEN_HERE, REDIRECT_HERE, 0 },
    { TOKEN_HERE_TABS, REDIRECT_HERE, 0 },
};

static int find_redirection(enum token token)
{
    for (size_t i = 0; i < ARRAY_LENGTH(redirections); i++)
        if (redirections[i].token == token)
            return (int)i;
    return -1;
}

bool grammar_at_redirection(struct lexer *lexer)
{
    return lexer_peek(lexer) == TOKEN_NUMBER || find_redirection(lexer_peek(lexer)) >= 0;
}

static struct redirection *parse_redirection(struct lexer *lexer)
{
    int number = lexer_peek(lexer) == TOKEN_NUMBER ? lexer->number : -1;
    if (number >= 0)
        lexer_take(lexer);

    enum token token = lexer_peek(lexer);
    int found = find_redirection(token);
    struct redirection *redirection = lexer_alloc(lexer, sizeof(*redirection));
    if (!redirection)
        return NULL;
    redirection->kind = redirections[found].kind;
    redirection->number = number >= 0 ? number : redirections[found].number;
    lexer_take(lexer);

    if (lexer_peek(lexer) != TOKEN_WORD) {
        grammar_fail_unexpected(lexer, NULL);
        return NULL;
    }
    redirection->word = lexer->word;
    lexer_take(lexer);
    if (redirection->kind == REDIRECT_HERE)
        lexer_begin_here(lexer, redirection, redirection->word, token == TOKEN_HERE_TABS);
    return redirection;
}

/* Parses the redirections after a compound command. */
void grammar_parse_redirections(struct lexer *lexer, struct node *node)
{
    struct redirection **end = &node->redirections;
    (void)grammar_peek_command(lexer);
    while (grammar_at_redirection(lexer) && (*end = parse_redirection(lexer)))
        end = &(*end)->next;
}

/* ---- simple commands ---------------------------------------------------------------------- */

/* Returns NAME=value as an assignment, or NULL if the word is not one. */
struct assignment *grammar_parse_assignment(struct lexer *lexer, struct word *word)
{
    const struct part *part = word->parts;
    size_t length = part && part->kind == PART_TEXT ? variable_name_length(part->text) : 0;
    if (!length || part->text[length] != '=')
        return NULL;

    struct assignment *assignment = lexer_alloc(lexer, sizeof(*assignment));
    struct word *value = lexer_alloc(lexer, sizeof(*value));
    struct part *first = lexer_alloc(lexer, sizeof(*first));
    if (!assignment || !value || !first)
        return NULL;

    /* The value is the rest of the first part, and the other parts. */
    *first = *part;
    first->text += length + 1;
    first->length -= length + 1;
    value->parts = first->length ? first : first->next;
    value->substitutes = word->substitutes;
    *assignment = (struct assignment){
        .name = part->text, .length = length, .value = value,
    };
    return assignment;
}

/* Parses a simple command whose first word may have been taken already. */
struct node *grammar_parse_simple(struct lexer *lexer, struct word *first)
{
    struct node *node = grammar_node(lexer, NODE_SIMPLE);
    if (!node)
        return NULL;
    struct assignment **assignments = &node->assignments, *assignment;
    struct redirection **redirections_end = &node->redirections;
    struct word **words = &node->words;
    if (first) {
        *words = first;
        words = &first->next;
    }

    for (;;) {
        if (grammar_at_redirection(lexer)) {
            if (!(*redirections_end = parse_redirection(lexer)))
                return NULL;
            redirections_end = &(*redirections_end)->next;
        } else if (lexer_peek(lexer) != TOKEN_WORD) {
            break;
        } else if (!node->words && lexer_replace_alias(lexer)) {
            continue;
        } else if (!node->words && (assignment = grammar_parse_assignment(lexer, lexer->word))) {
            *assignments = assignment;
            assignments = &assignment->next;
            lexer_take(lexer);
        } else {
            *words = lexer->word;
            words = &lexer->word->next;
            lexer_take(lexer);
        }
    }

    if (!node->words && !node->assignments && !node->redirections)
        grammar_fail_unexpected(lexer, NULL);
    return lexer->failed ? NULL : node;
}
