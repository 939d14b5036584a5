/*
 * arithmetic.c - a recursive parser that evaluates; see arithmetic.h.
 *
 * An operand that && || or ?: leaves out is parsed, but `unused`: it changes nothing.
 */
#include "shell/language/expansion/arithmetic.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/language/expansion/parameter.h"
#include "shell/language/state.h"

struct arithmetic {
    struct shell *shell;
    const char *text, *at;
    unsigned unused;
    status_t status;
    int64_t value; /* of evaluate_below() */
    int64_t (*step)(struct arithmetic *a);
};

static int64_t assignment(struct arithmetic *a);

static int64_t fail(struct arithmetic *a, const char *reason)
{
    if (!a->status)
        shell_complain(a->shell, "arithmetic expression: %s: \"%s\"", reason, a->text);
    a->status = -ECANCELED;
    return 0;
}

static void step_work(void *argument)
{
    struct arithmetic *a = argument;
    a->value = a->step(a);
}

/* Evaluates a part of the expression that can nest. */
static int64_t evaluate_below(struct arithmetic *a, int64_t (*step)(struct arithmetic *a))
{
    a->step = step;
    status_t status = a->status ? a->status
                                : depth_call(&a->shell->language->depth, step_work, a);
    if (status && !a->status)
        return fail(a, status == -EOVERFLOW ? "nested too deeply" : status_text(status));
    return a->value;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct arithmetic *a)
{
    while (is_blank(*a->at))
        a->at++;
}

/* ---- numbers and variables ---------------------------------------------------------------- */

/* Parses digits in base 8, 10 or 16, up to `most`: a greater number becomes that. Returns whether
 * it was not greater. */
static bool take_digits(const char **at, uint64_t most, uint64_t *value)
{
    bool fits = true;
    unsigned base = **at != '0' ? 10 : (*at)[1] == 'x' || (*at)[1] == 'X' ? 16 : 8;
    if (base == 16 && text_hex_digit((*at)[2]) >= 0)
        *at += 2;

    *value = 0;
    for (int digit; (digit = text_hex_digit(**at)) >= 0 && digit < (int)base; ++*at) {
        fits &= *value <= (most - (unsigned)digit) / base;
        *value = fits ? *value * base + (unsigned)digit : most;
    }
    return fits;
}

status_t arithmetic_scan(const char *text, bool is_signed, const char **end, int64_t *value)
{
    *end = text;
    *value = 0;
    while (is_blank(*text))
        text++;
    bool negative = *text == '-';
    text += negative || *text == '+';
    if (!text_is_digit(*text))
        return -EINVAL;

    /* Without a sign of its own, a negative number wraps around. */
    uint64_t number, most = is_signed ? (uint64_t)INT64_MAX + negative : UINT64_MAX;
    bool fits = take_digits(&text, most, &number);
    *end = text;
    *value = (int64_t)(negative && (fits || is_signed) ? 0 - number : number);
    return fits ? 0 : -ERANGE;
}

status_t arithmetic_number(const char *text, int64_t *value)
{
    const char *end;
    status_t status = arithmetic_scan(text, true, &end, value);
    while (is_blank(*end))
        end++;
    return status ? status : *end ? -EINVAL : 0;
}

static int64_t variable_value(struct arithmetic *a, const char *name, size_t length)
{
    char digits[PARAMETER_NUMBER_BYTES];
    const char *text = parameter_value(a->shell, name, length, digits);
    int64_t value = 0;
    if (!text && a->shell->language->flags & FLAG_NOUNSET && !a->unused && !a->status) {
        a->status = -ECANCELED;
        shell_complain(a->shell, "%.*s: parameter not set", (int)length, name);
    }
    while (text && is_blank(*text))
        text++;
    if (text && *text && arithmetic_number(text, &value) && !a->unused && !a->status) {
        shell_complain(a->shell, "Illegal number: %s", text);
        a->status = -ECANCELED;
    }
    return value;
}

static void assign(struct arithmetic *a, const char *name, size_t length, int64_t value)
{
    char text[24];
    if (a->unused || a->status)
        return;
    format_text(text, sizeof(text), "%lld", (long long)value);
    status_t status = variables_set(&a->shell->variables, name, length, text);
    if (status == -EPERM)
        shell_complain(a->shell, "%.*s: is read only", (int)length, name);
    a->status = status == -EPERM ? -ECANCELED : status;
}

/* ---- operands ----------------------------------------------------------------------------- */

static int64_t unary(struct arithmetic *a)
{
    skip_blanks(a);
    char c = *a->at;

    if (c == '(') {
        a->at++;
        int64_t value = evaluate_below(a, assignment);
        skip_blanks(a);
        if (*a->at != ')')
            return fail(a, "expecting ')'");
        a->at++;
        return value;
    }
    if (c && strchr("+-!~", c)) {
        a->at++;
        int64_t value = evaluate_below(a, unary);
        return c == '-' ? (int64_t)(0 - (uint64_t)value) : c == '!' ? !value : c == '~' ? ~value
                                                                                        : value;
    }
    if (text_is_digit(c)) {
        uint64_t number;
        (void)take_digits(&a->at, INT64_MAX, &number); /* a greater one is that, as in dash */
        return (int64_t)number;
    }

    size_t length = variable_name_length(a->at);
    if (!length)
        return fail(a, "expecting primary");
    const char *name = a->at;
    a->at += length;
    return variable_value(a, name, length);
}

/* ---- operators ---------------------------------------------------------------------------- */

enum operator {
    OR, AND, BIT_OR, BIT_XOR, BIT_AND, EQUAL, NOT_EQUAL, LESS_EQUAL, GREATER_EQUAL, LEFT, RIGHT,
    LESS, GREATER, PLUS, MINUS, TIMES, DIVIDE, REMAINDER,
};

/* A longer operator comes before those that it begins with. */
static const struct {
    char text[3];
    uint8_t operator, precedence;
} operators[] = {
    { "||", OR, 1 },         { "&&", AND, 2 },          { "==", EQUAL, 6 },
    { "!=", NOT_EQUAL, 6 },  { "<=", LESS_EQUAL, 7 },   { ">=", GREATER_EQUAL, 7 },
    { "<<", LEFT, 8 },       { ">>", RIGHT, 8 },        { "|", BIT_OR, 3 },
    { "^", BIT_XOR, 4 },     { "&", BIT_AND, 5 },       { "<", LESS, 7 },
    { ">", GREATER, 7 },     { "+", PLUS, 9 },          { "-", MINUS, 9 },
    { "*", TIMES, 10 },      { "/", DIVIDE, 10 },       { "%", REMAINDER, 10 },
};

/* Returns the operator at `at`, or -1. *assigns: a = follows, which makes it an assignment, except
 * == and so on. */
static int find_operator(const char *at, bool *assigns)
{
    *assigns = false;
    for (size_t i = 0; *at && i < ARRAY_LENGTH(operators); i++) {
        const char *text = operators[i].text;
        if (*at != text[0] || (text[1] && at[1] != text[1]))
            continue;
        bool compares = operators[i].precedence == 6 || operators[i].precedence == 7;
        *assigns = at[text[1] ? 2 : 1] == '=' && !compares && operators[i].precedence > 2;
        return (int)i;
    }
    return -1;
}

static int64_t divide(struct arithmetic *a, enum operator operator, int64_t left, int64_t right)
{
    if (!right)
        return a->unused ? 0 : fail(a, "division by zero");
    if (right == -1) /* the most negative number has no positive one */
        return operator == DIVIDE ? (int64_t)(0 - (uint64_t)left) : 0;
    return operator == DIVIDE ? left / right : left % right;
}

static int64_t apply(struct arithmetic *a, enum operator operator, int64_t left, int64_t right)
{
    uint64_t l = (uint64_t)left, r = (uint64_t)right;
    switch (operator) {
    case OR: return left || right;
    case AND: return left && right;
    case BIT_OR: return left | right;
    case BIT_XOR: return left ^ right;
    case BIT_AND: return left & right;
    case EQUAL: return left == right;
    case NOT_EQUAL: return left != right;
    case LESS_EQUAL: return left <= right;
    case GREATER_EQUAL: return left >= right;
    case LEFT: return (int64_t)(l << (r & 63));
    case RIGHT: return left >> (r & 63);
    case LESS: return left < right;
    case GREATER: return left > right;
    case PLUS: return (int64_t)(l + r);
    case MINUS: return (int64_t)(l - r);
    case TIMES: return (int64_t)(l * r);
    case DIVIDE:
    case REMAINDER: return divide(a, operator, left, right);
    }
    return 0;
}

/* Evaluates operators of at least this precedence. It nests by precedence only, so at most ten
 * deep. */
static int64_t binary(struct arithmetic *a, unsigned least)
{
    int64_t left = unary(a);
    for (;;) {
        skip_blanks(a);
        bool assigns;
        int found = find_operator(a->at, &assigns);
        if (found < 0 || assigns || operators[found].precedence < least || a->status)
            return left;
        enum operator operator = operators[found].operator;
        a->at += strlen(operators[found].text);

        bool skips = (operator == AND && !left) || (operator == OR && left);
        a->unused += skips;
        int64_t right = binary(a, operators[found].precedence + 1);
        a->unused -= skips;
        left = apply(a, operator, left, right);
    }
}

static int64_t conditional(struct arithmetic *a)
{
    int64_t condition = binary(a, 1);
    skip_blanks(a);
    if (*a->at != '?' || a->status)
        return condition;

    a->at++;
    a->unused += !condition;
    int64_t yes = evaluate_below(a, assignment);
    a->unused -= !condition;
    skip_blanks(a);
    if (*a->at != ':')
        return fail(a, "expecting ':'");

    a->at++;
    a->unused += condition != 0;
    int64_t no = evaluate_below(a, conditional);
    a->unused -= condition != 0;
    return condition ? yes : no;
}

static int64_t assignment(struct arithmetic *a)
{
    skip_blanks(a);
    const char *name = a->at;
    size_t length = variable_name_length(name);
    const char *at = name + length;
    while (is_blank(*at))
        at++;

    bool assigns = false;
    int found = length ? find_operator(at, &assigns) : -1;
    if (!assigns)
        found = -1;
    size_t bytes = found >= 0 ? strlen(operators[found].text) : 0;
    if (!length || at[bytes] != '=' || (!bytes && at[1] == '='))
        return conditional(a);

    a->at = at + bytes + 1;
    int64_t value = evaluate_below(a, assignment);
    if (found >= 0)
        value = apply(a, operators[found].operator, variable_value(a, name, length), value);
    assign(a, name, length, value);
    return value;
}

status_t arithmetic_evaluate(struct shell *shell, const char *text, int64_t *value)
{
    struct arithmetic a = { .shell = shell, .text = text, .at = text };
    const struct shell_command *command = shell->command;
    shell->command = NULL; /* messages are the shell's own */

    skip_blanks(&a);
    *value = *a.at ? assignment(&a) : 0;
    skip_blanks(&a);
    if (*a.at && !a.status)
        fail(&a, "expecting EOF");
    shell->command = command;
    return a.status;
}
