/*
 * parse.c - finds words and operators, and checks a line before it runs; see parse.h.
 */
#include "shell/language/parse.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/variables.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_word(char c)
{
    return !c || is_blank(c) || strchr(";\n&|<>", c);
}

/* ---- skipping the parts of a word --------------------------------------------------------- */

static void skip_dollar(struct parser *parser)
{
    const char *at = ++parser->at;

    /* Refuse syntax of other shells. To take it literally would run a wrong command. */
    if (*at == '(') {
        parser->error = "$(...) is not supported";
    } else if (*at == '{') {
        /* ${?} is the status. All other forms need a name and the closing brace, without
         * operators. */
        size_t length = at[1] == '?' ? 1 : variable_name_length(at + 1);
        if (!length || at[1 + length] != '}')
            parser->error = "only ${NAME} is supported";
        else
            parser->at += length + 2;
    }
}

static void quote_open(struct parser *parser, const char *error)
{
    /* The text may continue in the next line of a script: parse_is_open() asks for `open`. */
    parser->error = error;
    parser->open = true;
}

/* Skips $'...' from its quote on. */
static void skip_special_quoted(struct parser *parser)
{
    const char *at = parser->at + 1;

    /* \' does not end the quote here, in contrast to '...'. */
    while (*at && *at != '\'')
        at += *at == '\\' && at[1] ? 2 : 1;

    if (*at)
        parser->at = at + 1;
    else
        quote_open(parser, "missing closing '");
}

static void skip_single_quoted(struct parser *parser)
{
    const char *end = strchr(parser->at + 1, '\'');
    if (end)
        parser->at = end + 1;
    else
        quote_open(parser, "missing closing '");
}

/* Skips one character that is not quoted, or an expansion. */
static void skip_one(struct parser *parser)
{
    if (*parser->at == '$')
        skip_dollar(parser);
    else if (*parser->at == '`')
        parser->error = "`...` is not supported";
    else
        parser->at++;
}

static void skip_double_quoted(struct parser *parser)
{
    parser->at++;

    /* In double quotes, $ and ` keep their meaning, and a backslash hides a quote. */
    while (!parser->error && *parser->at != '"') {
        if (!*parser->at)
            quote_open(parser, "missing closing \"");
        else if (*parser->at == '\\' && parser->at[1])
            parser->at += 2;
        else
            skip_one(parser);
    }

    parser->at++;
}

/* ---- tokens ------------------------------------------------------------------------------- */

/* Parses the `&1` of `2>&1`. */
static enum token_kind parse_join(struct parser *parser)
{
    parser->at++;

    /* Characters other than digits give numbers that are refused too, since they are unsigned. */
    parser->other = (unsigned)(*parser->at - '0');
    if ((parser->other != 1 && parser->other != 2) || !ends_word(parser->at[1])) {
        parser->error = "invalid file descriptor after >&: use 1 or 2";
        return TOKEN_ERROR;
    }
    parser->at++;
    return TOKEN_JOIN;
}

/* A longer operator comes before those that it begins with. */
static enum token_kind parse_operator(struct parser *parser)
{
    static const struct {
        const char *text;
        enum token_kind kind;
        const char *error;
    } operators[] = {
        { ";", TOKEN_SEPARATOR, NULL },
        { "\n", TOKEN_NEWLINE, NULL },
        { "&&", TOKEN_AND, NULL },
        { "&>", TOKEN_ERROR, "&> is not supported; use > FILE 2>&1" },
        { "&", TOKEN_ERROR, "& is not supported: commands run one after another" },
        { "||", TOKEN_OR, NULL },
        { "|&", TOKEN_ERROR, "|& is not supported; use 2>&1 |" },
        { "|", TOKEN_PIPE, NULL },
        { ">>", TOKEN_APPEND, NULL },
        { ">", TOKEN_WRITE, NULL },
        { "<<", TOKEN_ERROR, "<< is not supported; use echo ... | COMMAND" },
        { "<", TOKEN_READ, NULL },
    };

    size_t i = 0;
    while (strncmp(parser->at, operators[i].text, strlen(operators[i].text)) != 0)
        i++; /* one matches: each character that ends words begins an operator */

    /* An operator of other shells is TOKEN_ERROR, and its text is the reason. */
    parser->at += strlen(operators[i].text);
    parser->error = operators[i].error;
    parser->stream = 1;

    /* A > can be the start of >&2. */
    return operators[i].kind == TOKEN_WRITE && *parser->at == '&' ? parse_join(parser)
                                                                 : operators[i].kind;
}

/* Parses < or > after a word of digits, which is the number of the stream (POSIX 2.7). */
static enum token_kind parse_numbered(struct parser *parser)
{
    /* Only one digit is a stream: 0 before <, 1 or 2 before >. */
    unsigned stream = (unsigned)(*parser->word - '0');
    bool writes = *parser->at == '>';

    if (parser->word_length != 1 || (writes ? stream != 1 && stream != 2 : stream != 0)) {
        parser->error = "invalid file descriptor: use 0<, 1> or 2>";
        return TOKEN_ERROR;
    }

    enum token_kind kind = parse_operator(parser);
    parser->stream = stream;
    return kind;
}

static enum token_kind parse_word(struct parser *parser)
{
    parser->word = parser->at;

    /* Quoted parts may contain blanks and operators, so skip each as a whole. */
    while (!parser->error && !ends_word(*parser->at)) {
        if (*parser->at == '\'')
            skip_single_quoted(parser);
        else if (*parser->at == '"')
            skip_double_quoted(parser);
        else if (*parser->at == '\\' && parser->at[1])
            parser->at += 2;
        else if (*parser->at == '$' && parser->at[1] == '\'' && parser->at++)
            skip_special_quoted(parser);
        else if (*parser->at == '\\')
            parser->at++, parser->open = true;
        else
            skip_one(parser);
    }
    if (parser->error)
        return TOKEN_ERROR;

    /* In 2>FILE the digits are not a word but belong to the operator. */
    parser->word_length = (size_t)(parser->at - parser->word);
    if ((*parser->at == '<' || *parser->at == '>') &&
        text_all_digits(parser->word, parser->word_length))
        return parse_numbered(parser);
    return TOKEN_WORD;
}

static void skip_blanks(struct parser *parser)
{
    for (;; parser->at++) {
        /* Stop before the newline: it ends the line also after a comment. */
        if (*parser->at == '#')
            while (parser->at[1] && parser->at[1] != '\n')
                parser->at++;
        else if (parser->at[0] == '\\' && parser->at[1] == '\n')
            parser->at++;
        else if (!is_blank(*parser->at) && !(*parser->at == '\n' && parser->joining))
            break;
    }
}

static bool joins(enum token_kind kind)
{
    return kind == TOKEN_AND || kind == TOKEN_OR || kind == TOKEN_PIPE;
}

enum token_kind parser_next(struct parser *parser)
{
    skip_blanks(parser);
    enum token_kind kind = !*parser->at            ? TOKEN_END
                           : ends_word(*parser->at) ? parse_operator(parser)
                                                    : parse_word(parser);

    /* A newline after && || or | is a blank, so that the command continues in the next line. */
    parser->joining = joins(kind);
    return kind;
}

bool parse_is_redirection(enum token_kind kind)
{
    return kind == TOKEN_READ || kind == TOKEN_WRITE || kind == TOKEN_APPEND ||
           kind == TOKEN_JOIN;
}

/* ---- checking ----------------------------------------------------------------------------- */

struct check {
    enum token_kind before; /* the operator before this command */
    bool filled, reads, writes, writes_errors;
    unsigned stages;
};

static void check_redirection(struct parser *parser, struct check *check, enum token_kind kind)
{
    bool *had = kind == TOKEN_READ    ? &check->reads
                : parser->stream == 2 ? &check->writes_errors
                                      : &check->writes;

    /* Of two > the first would only empty its file. That is always a mistake, so refuse it. */
    if (*had)
        parser->error = "a command can have only one <, one > and one 2>";
    else if (kind != TOKEN_JOIN && parser_next(parser) != TOKEN_WORD && !parser->error)
        parser->error = kind == TOKEN_READ ? "missing file name after <"
                                           : "missing file name after >";

    /* A redirection alone is a command: > FILE creates a file. */
    *had = check->filled = true;
}

static void check_operator(struct parser *parser, struct check *check, enum token_kind kind)
{
    unsigned stages = kind == TOKEN_PIPE ? check->stages + 1 : 1;
    bool ends = kind == TOKEN_NEWLINE || kind == TOKEN_END;

    /* A line may be empty, or end with a `;`. */
    if (!check->filled && (joins(check->before) || !ends))
        parser->error = kind == TOKEN_PIPE || check->before == TOKEN_PIPE
                            ? "missing command next to |"
                        : joins(kind) || joins(check->before)
                            ? "missing command next to && or ||"
                            : "missing command before ;";
    else if (stages > PIPE_STAGES_MAX)
        parser->error = "more than 16 commands in a pipe";

    *check = (struct check){ .before = kind, .stages = stages };
}

const char *parse_check(const char *text, const char **next)
{
    struct parser parser = { .at = text };
    struct check check = { .before = TOKEN_NEWLINE, .stages = 1 };
    enum token_kind kind;

    /* Words need no check of their own: parser_next() has found their errors. */
    do {
        kind = parser_next(&parser);
        if (kind == TOKEN_WORD)
            check.filled = true;
        else if (parse_is_redirection(kind))
            check_redirection(&parser, &check, kind);
        else if (kind != TOKEN_ERROR)
            check_operator(&parser, &check, kind);
    } while (!parser.error && kind != TOKEN_NEWLINE && kind != TOKEN_END);

    *next = parser.at;
    return parser.error;
}

bool parse_is_open(const char *text)
{
    struct parser parser = { .at = text };
    enum token_kind kind;
    bool joining;

    /* parser_next() replaces `joining`, so keep the value from before the last token. */
    do {
        joining = parser.joining;
        kind = parser_next(&parser);
    } while (kind != TOKEN_END && kind != TOKEN_NEWLINE && !parser.error);

    return parser.open || (kind == TOKEN_END && joining);
}
