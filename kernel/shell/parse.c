/*
 * parse.c - see parse.h.
 */
#include "kernel/shell/parse.h"
#include "lib/format.h"
#include "lib/string.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_word(char c)
{
    return !c || is_blank(c) || strchr(";\n&|<>", c);
}

static void word_put(struct parser *parser, const char *text, size_t bytes)
{
    if (parser->word_length + bytes >= parser->word_bytes) {
        parser->error = "line too long";
        return;
    }
    memcpy(parser->word + parser->word_length, text, bytes);
    parser->word_length += bytes;
}

/* `$?`, else the dollar sign itself. */
static void word_put_dollar(struct parser *parser)
{
    if (parser->at[1] != '?') {
        word_put(parser, parser->at++, 1);
        return;
    }
    char number[12];
    int length = format_text(number, sizeof(number), "%d", parser->status);
    word_put(parser, number, (size_t)length);
    parser->at += 2;
}

static void word_put_single_quoted(struct parser *parser)
{
    const char *end = strchr(++parser->at, '\'');
    if (!end) {
        parser->error = "no closing '";
        return;
    }
    word_put(parser, parser->at, (size_t)(end - parser->at));
    parser->at = end + 1;
}

static void word_put_double_quoted(struct parser *parser)
{
    parser->at++;
    while (!parser->error && *parser->at != '"') {
        if (!*parser->at) {
            parser->error = "no closing \"";
        } else if (*parser->at == '$') {
            word_put_dollar(parser);
        } else {
            if (*parser->at == '\\' && parser->at[1] && strchr("\"\\$", parser->at[1]))
                parser->at++;
            word_put(parser, parser->at++, 1);
        }
    }
    parser->at++;
}

static enum token_kind parse_word(struct parser *parser)
{
    parser->word_length = 0;
    while (!parser->error && !ends_word(*parser->at)) {
        if (*parser->at == '\'') {
            word_put_single_quoted(parser);
        } else if (*parser->at == '"') {
            word_put_double_quoted(parser);
        } else if (*parser->at == '$') {
            word_put_dollar(parser);
        } else {
            if (*parser->at == '\\' && parser->at[1])
                parser->at++;
            word_put(parser, parser->at++, 1);
        }
    }
    if (parser->error)
        return TOKEN_ERROR;
    parser->word[parser->word_length] = '\0';
    return TOKEN_WORD;
}

static enum token_kind parse_operator(struct parser *parser)
{
    static const struct {
        const char *text;
        enum token_kind kind;
    } operators[] = {
        { ";", TOKEN_SEPARATOR }, { "\n", TOKEN_SEPARATOR }, { "&&", TOKEN_AND },
        { "||", TOKEN_OR },       { ">>", TOKEN_APPEND },    { ">", TOKEN_WRITE },
    };
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        size_t length = strlen(operators[i].text);
        if (memcmp(parser->at, operators[i].text, strnlen(parser->at, length)) == 0 &&
            strnlen(parser->at, length) == length) {
            parser->at += length;
            return operators[i].kind;
        }
    }
    parser->error = *parser->at == '|'   ? "pipes are not there yet"
                    : *parser->at == '<' ? "< is not there"
                                         : "a single & is not there";
    return TOKEN_ERROR;
}

enum token_kind parser_next(struct parser *parser)
{
    while (is_blank(*parser->at))
        parser->at++;
    if (*parser->at == '#')
        while (*parser->at && *parser->at != '\n')
            parser->at++;
    if (!*parser->at)
        return TOKEN_END;
    return ends_word(*parser->at) ? parse_operator(parser) : parse_word(parser);
}
