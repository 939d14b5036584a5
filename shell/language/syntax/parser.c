/*
 * parser.c - the grammar; see parser.h. Each function parses what it is named after, and returns
 * NULL after an error.
 */
#include "shell/language/syntax/parser.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/syntax/grammar.h"
#include "shell/variables.h"

static struct node *parse_list(struct lexer *lexer, bool lines);
static struct node *parse_command(struct lexer *lexer);

/* Reserved words that end a list. */
static const char *const closing[] = { "}", "then", "elif", "else", "fi", "do", "done", "esac" };

/* ---- compound commands -------------------------------------------------------------------- */

/* Parses a list that must not be empty, up to the word that ends it, which `end` names if there is
 * only one. */
static struct node *parse_body(struct lexer *lexer, const char *end)
{
    struct node *list = parse_list(lexer, true);
    if (!list)
        grammar_fail_unexpected(lexer, lexer_peek(lexer) == TOKEN_END ? end : NULL);
    return list;
}

static struct node *parse_do(struct lexer *lexer)
{
    if (!grammar_expect(lexer, "do"))
        return NULL;
    struct node *body = parse_body(lexer, "done");
    return body && grammar_expect(lexer, "done") ? body : NULL;
}

/* Parses from after `if` or `elif` to `fi`. */
static struct node *parse_if(struct lexer *lexer)
{
    struct node *head = NULL, **link = &head, *node;

    /* A loop, not recursion: each `elif` is the else part of the one before. */
    do {
        *link = node = grammar_node(lexer, NODE_IF);
        if (!node || !(node->first = parse_body(lexer, "then")) ||
            !grammar_expect(lexer, "then") || !(node->second = parse_body(lexer, "fi")))
            return NULL;
        link = &node->third;
    } while (grammar_take_word(lexer, "elif"));

    if (grammar_take_word(lexer, "else") && !(*link = parse_body(lexer, "fi")))
        return NULL;
    return grammar_expect(lexer, "fi") ? head : NULL;
}

static struct node *parse_loop(struct lexer *lexer, enum node_kind kind)
{
    struct node *node = grammar_node(lexer, kind);
    if (!node || !(node->first = parse_body(lexer, "do")))
        return NULL;
    return (node->second = parse_do(lexer)) ? node : NULL;
}

/* Returns the name that a word is; NULL after an error if it is not one. */
static const char *parse_name(struct lexer *lexer, const struct word *word, const char *what)
{
    const struct part *part = word->parts;
    if (part && !part->next && part->kind == PART_TEXT &&
        variable_name_length(part->text) == part->length)
        return part->text;
    lexer_fail(lexer, "bad %s \"%.40s\"", what, part ? part->text : "");
    return NULL;
}

static struct node *parse_for(struct lexer *lexer)
{
    struct node *node = grammar_node(lexer, NODE_FOR);
    if (!node || lexer_peek(lexer) != TOKEN_WORD) {
        grammar_fail_unexpected(lexer, NULL);
        return NULL;
    }
    node->name = parse_name(lexer, lexer->word, "for loop variable");
    if (!node->name)
        return NULL;
    lexer_take(lexer);

    bool ended = grammar_take(lexer, TOKEN_SEMICOLON);
    grammar_skip_newlines(lexer);
    if (!ended && grammar_take_word(lexer, "in")) {
        node->has_words = true;
        for (struct word **end = &node->words; lexer_peek(lexer) == TOKEN_WORD; lexer_take(lexer)) {
            *end = lexer->word;
            end = &lexer->word->next;
        }
        if (!grammar_take(lexer, TOKEN_SEMICOLON) && lexer_peek(lexer) != TOKEN_NEWLINE)
            grammar_fail_unexpected(lexer, NULL);
        grammar_skip_newlines(lexer);
    }
    return (node->second = parse_do(lexer)) ? node : NULL;
}

static bool parse_patterns(struct lexer *lexer, struct case_item *item)
{
    struct word **end = &item->patterns;
    do {
        if (lexer_peek(lexer) != TOKEN_WORD) {
            grammar_fail_unexpected(lexer, NULL);
            return false;
        }
        *end = lexer->word;
        end = &lexer->word->next;
        lexer_take(lexer);
    } while (grammar_take(lexer, TOKEN_PIPE));

    bool closed = grammar_take(lexer, TOKEN_CLOSE);
    if (!closed)
        grammar_fail_unexpected(lexer, ")");
    return closed;
}

static struct node *parse_case(struct lexer *lexer)
{
    struct node *node = grammar_node(lexer, NODE_CASE);
    if (!node || lexer_peek(lexer) != TOKEN_WORD) {
        grammar_fail_unexpected(lexer, NULL);
        return NULL;
    }
    node->words = lexer->word;
    lexer_take(lexer);
    grammar_skip_newlines(lexer);
    if (!grammar_expect(lexer, "in"))
        return NULL;
    grammar_skip_newlines(lexer);

    struct case_item **end = &node->items;
    for (;; end = &(*end)->next) {
        /* An alias is not replaced here, except after one that ends with a blank. */
        if (lexer_peek(lexer) == TOKEN_WORD && word_is(lexer->word, "esac")) {
            lexer_take(lexer);
            return node;
        }

        /* A ( may precede the patterns; then even `esac` is one. */
        *end = lexer_alloc(lexer, sizeof(**end));
        (void)grammar_take(lexer, TOKEN_OPEN);
        if (!*end || !parse_patterns(lexer, *end))
            return NULL;
        (*end)->body = parse_list(lexer, true);

        /* The last ;; may be left out. */
        if (!grammar_take(lexer, TOKEN_DOUBLE_SEMICOLON) && !grammar_next_is(lexer, "esac")) {
            grammar_fail_unexpected(lexer, "esac");
            return NULL;
        }
        grammar_skip_newlines(lexer);
    }
}

static struct node *parse_group(struct lexer *lexer)
{
    struct node *node = grammar_node(lexer, NODE_GROUP);
    if (!node || !(node->first = parse_body(lexer, "}")))
        return NULL;
    return grammar_expect(lexer, "}") ? node : NULL;
}

static struct node *parse_subshell(struct lexer *lexer)
{
    struct node *node = grammar_node(lexer, NODE_SUBSHELL);
    if (!node || !(node->first = parse_body(lexer, ")")))
        return NULL;
    if (grammar_take(lexer, TOKEN_CLOSE))
        return node;
    grammar_fail_unexpected(lexer, ")");
    return NULL;
}

static struct node *parse_while(struct lexer *lexer)
{
    return parse_loop(lexer, NODE_WHILE);
}

static struct node *parse_until(struct lexer *lexer)
{
    return parse_loop(lexer, NODE_UNTIL);
}

static const struct {
    const char *word;
    struct node *(*parse)(struct lexer *lexer);
} compounds[] = {
    { "{", parse_group }, { "if", parse_if },       { "while", parse_while },
    { "for", parse_for }, { "until", parse_until }, { "case", parse_case },
};

/* Parses NAME ( ) COMMAND from after the name. */
static struct node *parse_function(struct lexer *lexer, const struct word *name)
{
    struct node *node = grammar_node(lexer, NODE_FUNCTION);
    if (!node || !(node->name = parse_name(lexer, name, "function name")))
        return NULL;
    lexer_take(lexer);
    if (!grammar_take(lexer, TOKEN_CLOSE)) {
        grammar_fail_unexpected(lexer, ")");
        return NULL;
    }
    grammar_skip_newlines(lexer);
    return (node->first = parse_command(lexer)) ? node : NULL;
}

struct command_call {
    struct lexer *lexer;
    struct node *node;
};

static void parse_command_work(void *argument)
{
    struct command_call *call = argument;
    struct lexer *lexer = call->lexer;
    struct node *node = NULL;

    if (grammar_take(lexer, TOKEN_OPEN)) {
        node = parse_subshell(lexer);
    } else {
        size_t i = 0;
        while (!word_is(lexer->word, compounds[i].word))
            i++; /* one matches: the caller has looked */
        lexer_take(lexer);
        node = compounds[i].parse(lexer);
    }
    if (node)
        grammar_parse_redirections(lexer, node);
    call->node = lexer->failed ? NULL : node;
}

static bool begins_compound(struct lexer *lexer)
{
    for (size_t i = 0; i < ARRAY_LENGTH(compounds); i++)
        if (grammar_next_is(lexer, compounds[i].word))
            return true;
    return lexer_peek(lexer) == TOKEN_OPEN;
}

static struct node *parse_command(struct lexer *lexer)
{
    if (begins_compound(lexer)) {
        struct command_call call = { lexer, NULL };
        status_t status = depth_call(lexer->depth, parse_command_work, &call);
        if (status)
            lexer_fail_status(lexer, status);
        return call.node;
    }

    if (lexer_peek(lexer) != TOKEN_WORD)
        return grammar_at_redirection(lexer) ? grammar_parse_simple(lexer, NULL)
                                             : (grammar_fail_unexpected(lexer, NULL), NULL);
    struct word *first = lexer->word;
    if (first->parts && first->parts->kind == PART_TEXT && !first->parts->next &&
        grammar_is_reserved(first->parts->text)) {
        grammar_fail_unexpected(lexer, NULL);
        return NULL;
    }
    if (first->parts && grammar_parse_assignment(lexer, first))
        return grammar_parse_simple(lexer, NULL);
    lexer_take(lexer);
    return lexer_peek(lexer) == TOKEN_OPEN ? parse_function(lexer, first)
                                           : grammar_parse_simple(lexer, first);
}

/* ---- pipelines and lists ------------------------------------------------------------------ */

/* Takes `time` before a pipeline. Alone or before an option it is a command: then *name is it. */
static bool take_time(struct lexer *lexer, struct word **name)
{
    if (!grammar_next_is(lexer, "time"))
        return false;
    *name = lexer->word;
    lexer_take(lexer);
    const struct part *part = lexer_peek(lexer) == TOKEN_WORD ? lexer->word->parts : NULL;
    bool pipeline = (lexer->token == TOKEN_WORD && !(part && part->text[0] == '-')) ||
                    lexer->token == TOKEN_OPEN;
    if (pipeline)
        *name = NULL;
    return pipeline;
}

static struct node *parse_pipeline(struct lexer *lexer)
{
    struct word *time = NULL;
    bool negated = grammar_take_word(lexer, "!"), timed = take_time(lexer, &time);
    struct node *first = time ? grammar_parse_simple(lexer, time) : parse_command(lexer);
    struct node *last = first;
    if (!first || (lexer_peek(lexer) != TOKEN_PIPE && !negated && !timed))
        return lexer->failed ? NULL : first;

    struct node *node = grammar_node(lexer, NODE_PIPELINE);
    unsigned count = 1;
    for (; last && grammar_take(lexer, TOKEN_PIPE); count++) {
        grammar_skip_to_command(lexer);
        last = last->next = parse_command(lexer);
    }
    if (count > PIPE_STAGES_MAX)
        lexer_fail(lexer, "more than %d commands in a pipe", PIPE_STAGES_MAX);
    if (!node || !last || lexer->failed)
        return NULL;
    node->first = first;
    node->line = first->line;
    node->negated = negated;
    node->timed = timed;
    return node;
}

static struct node *parse_and_or(struct lexer *lexer)
{
    struct node *first = parse_pipeline(lexer), *last = first;
    if (!first || (lexer_peek(lexer) != TOKEN_AND && lexer->token != TOKEN_OR))
        return first;

    struct node *node = grammar_node(lexer, NODE_AND_OR);
    if (!node)
        return NULL;
    node->first = first;
    while (lexer_peek(lexer) == TOKEN_AND || lexer->token == TOKEN_OR) {
        enum join join = lexer->token == TOKEN_AND ? JOIN_AND : JOIN_OR;
        lexer_take(lexer);
        grammar_skip_to_command(lexer);
        if (!(last->next = parse_pipeline(lexer)))
            return NULL;
        last = last->next;
        last->join = join;
    }
    return lexer->failed ? NULL : node;
}

/* Returns whether a list ends here: nothing of it can follow. */
static bool list_ends(struct lexer *lexer)
{
    enum token token = lexer_peek(lexer);
    if (token == TOKEN_END || token == TOKEN_CLOSE || token == TOKEN_DOUBLE_SEMICOLON)
        return true;
    for (size_t i = 0; i < ARRAY_LENGTH(closing) && token == TOKEN_WORD; i++)
        if (word_is(lexer->word, closing[i]))
            return true;
    return false;
}

/* Parses commands up to what ends the list, or to the end of the line unless it has `lines`. NULL
 * also for an empty list. */
static struct node *parse_list(struct lexer *lexer, bool lines)
{
    struct node *first = NULL, **end = &first;
    for (;;) {
        /* In a single line, the newlines of an alias may come first. */
        while (grammar_peek_command(lexer) == TOKEN_NEWLINE && (lines || !first))
            lexer_take(lexer);
        if (list_ends(lexer) || (!lines && lexer->token == TOKEN_NEWLINE))
            break;

        struct node *node = parse_and_or(lexer);
        if (!node)
            return NULL;
        *end = node;
        end = &node->next;

        node->background = lexer_peek(lexer) == TOKEN_AMPERSAND;
        if (node->background || lexer->token == TOKEN_SEMICOLON)
            lexer_take(lexer);
        else if (!lines || lexer->token != TOKEN_NEWLINE)
            break;
    }
    if (!first || lexer->failed || (!first->next && !first->background))
        return lexer->failed ? NULL : first;

    struct node *list = grammar_node(lexer, NODE_LIST);
    if (list) {
        list->first = first;
        list->line = first->line;
    }
    return list;
}

/* ---- substitutions and complete commands -------------------------------------------------- */

struct substitution_call {
    struct lexer *lexer;
    const char *text;
    struct node *node;
};

static void parse_substitution_work(void *argument)
{
    struct substitution_call *call = argument;
    struct lexer *lexer = call->lexer;
    call->node = parse_list(lexer, true);
    if (call->text ? lexer_peek(lexer) != TOKEN_END : !grammar_take(lexer, TOKEN_CLOSE))
        grammar_fail_unexpected(lexer, call->text ? NULL : ")");
}

/* For lexer->commands: the lexer is in the middle of a word, whose token is read afterwards. */
static struct node *parse_substitution(struct lexer *lexer, const char *text)
{
    struct input outer;
    const char *token_text = lexer->token_text;
    unsigned token_line = lexer->token_line;
    bool alias_next = lexer->alias_next;

    /* The here-documents begun before follow the line in which this word ends. */
    struct here *here = lexer->here, **here_end = lexer->here_end;
    lexer->here = NULL;
    lexer->here_end = &lexer->here;
    if (text)
        input_begin(lexer, text, &outer);

    struct substitution_call call = { lexer, text, NULL };
    lexer->peeked = false;
    status_t status = depth_call(lexer->depth, parse_substitution_work, &call);
    if (status)
        lexer_fail_status(lexer, status);

    /* What is missing at the end of `...` cannot follow. */
    if (text) {
        lexer->open = false;
        input_end(lexer, &outer);
    }
    lexer->peeked = false;
    if (lexer->failed)
        return NULL;

    /* As do those that $(cat <<A) has begun, after them. */
    if (here) {
        *here_end = lexer->here;
        lexer->here_end = lexer->here ? lexer->here_end : here_end;
        lexer->here = here;
    }
    lexer->token_text = token_text;
    lexer->token_line = token_line;
    lexer->alias_next = alias_next;
    return call.node;
}

void parser_init(struct parser *parser, const char *text, struct depth *depth,
                 const struct aliases *aliases)
{
    lexer_init(&parser->lexer, text, depth, aliases);
    parser->lexer.commands = parse_substitution;
}

void parser_free(struct parser *parser)
{
    lexer_free(&parser->lexer);
}

unsigned parser_line(const struct parser *parser)
{
    return parser->lexer.token_line;
}

static struct node *parse_complete(struct lexer *lexer)
{
    struct node *node = parse_list(lexer, false);
    enum token token = lexer_peek(lexer);
    if (!lexer->failed && token != TOKEN_NEWLINE && token != TOKEN_END)
        grammar_fail_unexpected(lexer, NULL);

    /* The newline token reads the here-documents; the end of the text has done so already. */
    if (token == TOKEN_NEWLINE)
        lexer_take(lexer);
    return lexer->failed ? NULL : node;
}

enum parse_result parser_next(struct parser *parser, struct tree **tree)
{
    struct lexer *lexer = &parser->lexer;
    *tree = NULL;
    if (lexer_skip_lines(lexer))
        return PARSE_END;
    lexer_free_aliases(lexer);
    *tree = lexer->tree = tree_create();
    if (!lexer->tree) {
        lexer_fail_status(lexer, -ENOMEM);
        return PARSE_ERROR;
    }

    if (lexer_peek(lexer) != TOKEN_END)
        lexer->tree->root = parse_complete(lexer);
    if (!lexer->failed && lexer->tree->root)
        return PARSE_COMMAND;

    tree_put(lexer->tree);
    *tree = lexer->tree = NULL;
    return !lexer->failed ? PARSE_END : lexer->open && lexer->partial ? PARSE_OPEN : PARSE_ERROR;
}
