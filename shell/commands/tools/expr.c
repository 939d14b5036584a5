/*
 * expr.c - evaluates an expression: expr.
 *
 * Grammar     |, &, comparisons, + -, * / %, :, then match, substr, index, length, + WORD, ( ), in
 *             ascending precedence, left to right. The kernel's stack limits the depth to
 *             EXPR_DEPTH_MAX.
 * Numbers     have 64 bits; a result that does not fit is an error.
 * Status      0; 1 if the result is empty or 0; 2 if the expression is invalid; 3 after another
 *             error (POSIX).
 */
#include "kernel/module/info.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"
#include "shell/options.h"
#include "shell/regex/regex.h"
#include "shell/words.h"

enum { EXPR_DEPTH_MAX = 32, EXPR_INVALID = 2, EXPR_TROUBLE = 3 };

struct expr {
    struct shell *shell;
    char **words;
    int count, at;
    unsigned depth;
    int result; /* of an error */
};

/* The value of a subexpression: a text, which may be a number. */
typedef struct buffer value;

static void fail(struct expr *expr, int result, const char *format, const char *text)
{
    if (!expr->result)
        shell_complain(expr->shell, format, text);
    expr->result = expr->result ? expr->result : result;
}

/* ---- values ------------------------------------------------------------------------------- */

static value text_value(struct expr *expr, const char *text, size_t bytes)
{
    value result = { 0 };
    buffer_put(&result, text, bytes);
    if (result.status)
        fail(expr, EXPR_TROUBLE, "%s", status_text(-ENOMEM));
    return result;
}

static value number_value(struct expr *expr, int64_t number)
{
    char text[32];
    int length = format_text(text, sizeof(text), "%lld", (long long)number);
    return text_value(expr, text, (size_t)length);
}

static const char *text_of(const value *one)
{
    return one->text ? one->text : "";
}

/* Parses a value as a whole number. Returns 1, 0 if it is none, -1 if it does not fit. */
static int parse_integer(const char *text, int64_t *number)
{
    bool negative = *text == '-';
    int64_t result = 0;
    text += negative;
    if (!*text || !text_all_digits(text, strlen(text)))
        return 0;
    for (; *text; text++)
        if (__builtin_mul_overflow(result, 10, &result) ||
            __builtin_sub_overflow(result, *text - '0', &result))
            return -1;
    if (!negative && result == INT64_MIN)
        return -1;
    *number = negative ? result : -result;
    return 1;
}

/* Returns whether a value is empty or a zero. */
static bool is_null(const value *one)
{
    const char *text = text_of(one) + (*text_of(one) == '-');
    if (!*text_of(one))
        return true;
    if (!*text)
        return false;
    while (*text == '0')
        text++;
    return !*text;
}

/* ---- operators ---------------------------------------------------------------------------- */

/* The length of a text in characters. */
static size_t characters(const char *text, size_t bytes)
{
    size_t count = 0;
    uint32_t code;
    for (size_t at = 0; at < bytes; count++)
        at += (size_t)max(utf8_decode(text + at, bytes - at, &code), 1);
    return count;
}

/* TEXT : REGEX. The expression begins at the start of the text; the result is its first group, or
 * without groups the length of the match. */
static value match(struct expr *expr, const value *text, const value *pattern)
{
    struct regex *regex;
    struct regex_span spans[REGEX_SPANS];
    struct buffer anchored = { 0 };
    const char *why;

    buffer_put(&anchored, "^", *text_of(pattern) != '^');
    buffer_put(&anchored, text_of(pattern), pattern->length);
    status_t status = anchored.status ? anchored.status
                                      : regex_create(anchored.text, REGEX_GROUPS, &regex, &why);
    buffer_free(&anchored);
    if (status) {
        fail(expr, status == -EINVAL ? EXPR_INVALID : EXPR_TROUBLE, "%s",
             status == -EINVAL ? why : status_text(status));
        return (value){ 0 };
    }

    int found = regex_find_groups(regex, text_of(text), text->length, 0, spans);
    bool has_group = regex_group_count(regex);
    regex_destroy(regex);
    if (found < 0)
        fail(expr, EXPR_TROUBLE, "%s", status_text(found));
    if (has_group)
        return found > 0 && spans[1].start != SIZE_MAX
                   ? text_value(expr, text_of(text) + spans[1].start, spans[1].end - spans[1].start)
                   : text_value(expr, "", 0);
    return number_value(expr, found > 0 ? (int64_t)characters(text_of(text), spans[0].end) : 0);
}

static value calculate(struct expr *expr, char operator, const value *one, const value *two)
{
    int64_t a, b, result = 0;
    int a_is = parse_integer(text_of(one), &a), b_is = parse_integer(text_of(two), &b);
    bool overflows = false;

    if (!a_is || !b_is) {
        fail(expr, EXPR_INVALID, "non-integer argument", "");
        return (value){ 0 };
    }
    if (a_is < 0 || b_is < 0)
        overflows = true;
    else if ((operator == '/' || operator == '%') && !b)
        fail(expr, EXPR_INVALID, "division by zero", "");
    else if (operator == '+')
        overflows = __builtin_add_overflow(a, b, &result);
    else if (operator == '-')
        overflows = __builtin_sub_overflow(a, b, &result);
    else if (operator == '*')
        overflows = __builtin_mul_overflow(a, b, &result);
    else if (b == -1) /* INT64_MIN / -1 traps */
        overflows = operator == '/' && __builtin_sub_overflow((int64_t)0, a, &result);
    else
        result = operator == '/' ? a / b : a % b;
    if (overflows)
        fail(expr, EXPR_TROUBLE, "%s", "numerical result out of range");
    return expr->result ? (value){ 0 } : number_value(expr, result);
}

/* Compares as numbers if both are, else as texts. */
static bool compare(const char *operator, const value *one, const value *two)
{
    int64_t a, b;
    int order;
    if (parse_integer(text_of(one), &a) > 0 && parse_integer(text_of(two), &b) > 0)
        order = (a > b) - (a < b);
    else
        order = strcmp(text_of(one), text_of(two));

    if (text_equal(operator, "<"))
        return order < 0;
    if (text_equal(operator, "<="))
        return order <= 0;
    if (text_equal(operator, ">"))
        return order > 0;
    if (text_equal(operator, ">="))
        return order >= 0;
    return text_equal(operator, "!=") ? order != 0 : order == 0;
}

/* substr TEXT POSITION LENGTH, in characters from 1. */
static value substring(struct expr *expr, const value *text, const value *from, const value *length)
{
    int64_t first, count;
    size_t at = 0, end;
    uint32_t code;
    if (parse_integer(text_of(from), &first) <= 0 || parse_integer(text_of(length), &count) <= 0 ||
        first < 1 || count < 1)
        return text_value(expr, "", 0);
    while (--first && at < text->length)
        at += (size_t)max(utf8_decode(text->text + at, text->length - at, &code), 1);
    for (end = at; count-- && end < text->length;)
        end += (size_t)max(utf8_decode(text->text + end, text->length - end, &code), 1);
    return text_value(expr, text_of(text) + at, end - at);
}

/* index TEXT CHARACTERS: the place of the first of them, from 1; 0: none. */
static value index_of(struct expr *expr, const value *text, const value *set)
{
    uint32_t code;
    int64_t place = 1;
    for (size_t at = 0; at < text->length; place++) {
        size_t bytes = (size_t)max(utf8_decode(text->text + at, text->length - at, &code), 1);
        for (size_t i = 0; i < set->length; i++)
            if (i + bytes <= set->length && !memcmp(text->text + at, set->text + i, bytes))
                return number_value(expr, place);
        at += bytes;
    }
    return number_value(expr, 0);
}

/* ---- the parser --------------------------------------------------------------------------- */

static value parse_or(struct expr *expr, bool evaluates);

static bool take(struct expr *expr, const char *word)
{
    if (expr->at >= expr->count || !text_equal(expr->words[expr->at], word))
        return false;
    expr->at++;
    return true;
}

static value parse_word(struct expr *expr)
{
    if (expr->at >= expr->count) {
        fail(expr, EXPR_INVALID, expr->at > 1 ? "syntax error: missing argument after '%s'"
                                              : "missing operand",
             expr->words[expr->at - 1]);
        return (value){ 0 };
    }
    const char *word = expr->words[expr->at++];
    return text_value(expr, word, strlen(word));
}

static value parse_primary(struct expr *expr, bool evaluates)
{
    if (expr->depth > EXPR_DEPTH_MAX)
        fail(expr, EXPR_TROUBLE, "expression too deep", "");
    if (expr->result)
        return (value){ 0 };
    if (take(expr, "+"))
        return parse_word(expr);
    if (take(expr, "(")) {
        expr->depth++;
        value inner = parse_or(expr, evaluates);
        expr->depth--;
        if (!expr->result && expr->at >= expr->count)
            fail(expr, EXPR_INVALID, "syntax error: expecting ')' after '%s'",
                 expr->words[expr->at - 1]);
        else if (!expr->result && !take(expr, ")"))
            fail(expr, EXPR_INVALID, "syntax error: expecting ')' instead of '%s'",
                 expr->words[expr->at]);
        return inner;
    }
    if (take(expr, ")"))
        fail(expr, EXPR_INVALID, "syntax error: unexpected ')'", "");
    return expr->result ? (value){ 0 } : parse_word(expr);
}

/* Parses a function with up to three arguments. Returns false if there is none here. */
static bool parse_function(struct expr *expr, bool evaluates, value *result)
{
    static const struct { const char *name; int arguments; } functions[] = {
        { "length", 1 }, { "match", 2 }, { "index", 2 }, { "substr", 3 },
    };
    value parts[3] = { 0 };
    size_t which = 0;
    while (which < ARRAY_LENGTH(functions) && !take(expr, functions[which].name))
        which++;
    if (which == ARRAY_LENGTH(functions))
        return false;

    expr->depth++;
    for (int i = 0; i < functions[which].arguments && !expr->result; i++)
        if (expr->depth > EXPR_DEPTH_MAX)
            fail(expr, EXPR_TROUBLE, "expression too deep", "");
        else if (!parse_function(expr, evaluates, &parts[i]))
            parts[i] = parse_primary(expr, evaluates);
    expr->depth--;

    *result = (value){ 0 };
    if (!expr->result && evaluates)
        switch (which) {
        case 0:
            *result = number_value(expr, (int64_t)characters(text_of(&parts[0]), parts[0].length));
            break;
        case 1: *result = match(expr, &parts[0], &parts[1]); break;
        case 2: *result = index_of(expr, &parts[0], &parts[1]); break;
        default: *result = substring(expr, &parts[0], &parts[1], &parts[2]);
        }
    for (unsigned i = 0; i < 3; i++)
        buffer_free(&parts[i]);
    return true;
}

static value parse_operand(struct expr *expr, bool evaluates)
{
    value result;
    return parse_function(expr, evaluates, &result) ? result : parse_primary(expr, evaluates);
}

/* The binary operators by precedence, lowest first; each level has the words of one. */
static const char *const levels[][7] = {
    { "|" }, { "&" }, { "<", "<=", "=", "==", "!=", ">=", ">" }, { "+", "-" }, { "*", "/", "%" },
    { ":" },
};

static const char *take_operator(struct expr *expr, unsigned level)
{
    for (unsigned i = 0; i < ARRAY_LENGTH(levels[level]) && levels[level][i]; i++)
        if (!expr->result && take(expr, levels[level][i]))
            return levels[level][i];
    return NULL;
}

static value apply(struct expr *expr, unsigned level, const char *operator, value one, value two)
{
    value result;
    bool left = level == 0 ? !is_null(&one) : !is_null(&one) && !is_null(&two);
    if (level == 0 || level == 1) {
        /* The result is one of the operands, or 0. */
        bool right = level == 0 && !left && !is_null(&two);
        result = left || right ? (value){ 0 } : number_value(expr, 0);
        if (left || right) {
            value *chosen = left ? &one : &two;
            result = *chosen;
            *chosen = (value){ 0 };
        }
    } else if (level == 2) {
        result = number_value(expr, compare(operator, &one, &two));
    } else if (level == 5) {
        result = match(expr, &one, &two);
    } else {
        result = calculate(expr, *operator, &one, &two);
    }
    buffer_free(&one);
    buffer_free(&two);
    return result;
}

static value parse_level(struct expr *expr, unsigned level, bool evaluates)
{
    if (level == ARRAY_LENGTH(levels))
        return parse_operand(expr, evaluates);

    value left = parse_level(expr, level + 1, evaluates);
    for (const char *operator; (operator = take_operator(expr, level));) {
        /* The right side of | and & is not evaluated if it does not matter. */
        bool needed = evaluates && !(level == 0 && !is_null(&left)) &&
                      !(level == 1 && is_null(&left));
        value right = parse_level(expr, level + 1, needed);
        if (expr->result || !evaluates) {
            buffer_free(&left);
            buffer_free(&right);
            left = (value){ 0 };
        } else {
            left = apply(expr, level, operator, left, right);
        }
    }
    return left;
}

static value parse_or(struct expr *expr, bool evaluates)
{
    return parse_level(expr, 0, evaluates);
}

static int run_expr(struct shell *shell, int count, char **words)
{
    int first = count > 1 && text_equal(words[1], "--") ? 2 : 1;
    struct expr expr = { .shell = shell, .words = words, .count = count, .at = first };

    value result = parse_or(&expr, true);
    if (!expr.result && expr.at < count)
        fail(&expr, EXPR_INVALID, "syntax error: unexpected argument '%s'", words[expr.at]);
    if (!expr.result) {
        if (result.length)
            stream_write(shell->out, result.text, result.length);
        stream_text(shell->out, "\n");
    }
    int status = expr.result ? expr.result : is_null(&result);
    buffer_free(&result);
    return status;
}

static const struct shell_option expr_options[] = {
    { 0 },
};

static const struct shell_command command_expr = {
    .name = "expr",
    .arguments = "EXPRESSION",
    .summary = "evaluate an expression: 2 '*' 3, TEXT : REGEX, length TEXT",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_expr,
    .options = expr_options,
    .option_rules = OPTIONS_RAW,
    .group = "Text",
};
SHELL_COMMAND(command_expr);
DRIVER_DRIVES("command expr Text: evaluate an expression: 2 '*' 3, TEXT : REGEX, length TEXT");
