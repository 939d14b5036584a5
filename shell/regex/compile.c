/*
 * compile.c - from an expression to steps; see regex.h.
 *
 * Steps are relative to each other, so that a piece of them can be moved or copied: what repeats
 * puts a step before the piece it repeats, or copies it.
 */
#include "shell/regex/regex.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/pattern.h"

/* ---- characters ---------------------------------------------------------------------------- */

static bool is_between(uint32_t code, uint32_t low, uint32_t high)
{
    return low <= code && code <= high;
}

static bool is_upper(uint32_t code)
{
    return is_between(code, 'A', 'Z');
}

static bool is_lower(uint32_t code)
{
    return is_between(code, 'a', 'z');
}

static bool is_digit(uint32_t code)
{
    return is_between(code, '0', '9');
}

static bool is_alpha(uint32_t code)
{
    return is_upper(code) || is_lower(code) || is_between(code, 0x80, PATTERN_NO_CODE - 1);
}

static bool is_alnum(uint32_t code)
{
    return is_alpha(code) || is_digit(code);
}

static bool is_blank(uint32_t code)
{
    return code == ' ' || code == '\t';
}

static bool is_space(uint32_t code)
{
    return code == ' ' || is_between(code, '\t', '\r');
}

static bool is_control(uint32_t code)
{
    return code < ' ' || code == 0x7f;
}

static bool is_graph(uint32_t code)
{
    return code > ' ' && code < PATTERN_NO_CODE && code != 0x7f;
}

static bool is_print(uint32_t code)
{
    return code == ' ' || is_graph(code);
}

static bool is_punct(uint32_t code)
{
    return is_graph(code) && !is_alnum(code);
}

static bool is_hex(uint32_t code)
{
    return is_digit(code) || is_between(code | 0x20, 'a', 'f');
}

bool regex_is_word(uint32_t code)
{
    return is_alnum(code) || code == '_';
}

static const struct {
    const char *name; /* with what stands around it */
    bool (*has)(uint32_t code);
} classes[] = {
    { "[:alpha:]", is_alpha }, { "[:digit:]", is_digit }, { "[:alnum:]", is_alnum },
    { "[:upper:]", is_upper }, { "[:lower:]", is_lower }, { "[:space:]", is_space },
    { "[:blank:]", is_blank }, { "[:punct:]", is_punct }, { "[:cntrl:]", is_control },
    { "[:print:]", is_print }, { "[:graph:]", is_graph }, { "[:xdigit:]", is_hex },
};

/* ---- sets ---------------------------------------------------------------------------------- */

/* A member of a set: a class, or a range of characters, which may be one. */
struct member {
    bool (*has)(uint32_t code);
    uint32_t low, high;
};

/* Takes a member off; false: what begins like a class is none. */
static bool take_member(const char **at, const char *end, bool fold, struct member *member)
{
    bool is_class = text_starts(*at, "[:");
    *member = (struct member){ 0 };
    for (size_t i = 0; is_class && i < ARRAY_LENGTH(classes); i++)
        if (text_starts(*at, classes[i].name)) {
            *at += strlen(classes[i].name);
            member->has = fold && (classes[i].has == is_upper || classes[i].has == is_lower)
                              ? is_alpha
                              : classes[i].has;
            return true;
        }
    if (is_class)
        return false;
    *at += pattern_take(*at, (size_t)(end - *at), fold, &member->low);
    member->high = member->low;
    if (end - *at >= 2 && (*at)[0] == '-') {
        ++*at;
        *at += pattern_take(*at, (size_t)(end - *at), fold, &member->high);
    }
    return true;
}

bool regex_set_has(const struct regex *e, const struct step *step, uint32_t code)
{
    bool found = false;
    for (const char *at = step->set; at < step->set_end && !found;) {
        struct member member;
        if (!take_member(&at, step->set_end, e->fold, &member))
            break;
        found = member.has ? member.has(code) : is_between(code, member.low, member.high);
    }
    return found != step->negated;
}

/* The `]` of a set whose first member stands at `at`, where a `]` is a member; NULL: none. */
static const char *set_end(const char *at, const char *end)
{
    const char *first = at;
    while (at < end && (*at != ']' || at == first)) {
        const char *close = text_starts(at, "[:") ? strchr(at + 2, ':') : NULL;
        at = close && close[1] == ']' ? close + 2 : at + 1;
    }
    return at < end ? at : NULL;
}

/* ---- steps --------------------------------------------------------------------------------- */

enum { NO_PIECE = -1 };

struct group {
    unsigned start, branch; /* where it and its last alternative begin */
    int jump;               /* the last of those that lead to its end; NO_PIECE: none. Each holds
                               the one before it in `to` */
};

struct compiler {
    struct regex *e;
    unsigned flags;
    const char *at, *end;
    const char *why; /* what is wrong */
    status_t status;
    int piece;       /* where what a * would repeat begins, or NO_PIECE */
    unsigned depth;
    struct group groups[REGEX_GROUPS_MAX];
};

static void fail(struct compiler *c, const char *why)
{
    if (!c->status)
        c->why = why;
    c->status = c->status ? c->status : -EINVAL;
}

/* Room for `more` steps behind the last; false after an error. */
static bool reserve(struct compiler *c, unsigned more)
{
    struct regex *e = c->e;
    if (c->status || e->count + more <= e->room)
        return !c->status;
    unsigned room = 2 * (e->count + more);
    if (e->count + more > REGEX_STEPS_MAX) {
        fail(c, "is too long");
        return false;
    }
    struct step *steps = mem_alloc(room * sizeof(*steps));
    if (!steps) {
        c->status = -ENOMEM;
        return false;
    }
    if (e->count)
        memcpy(steps, e->steps, e->count * sizeof(*steps));
    mem_free(e->steps);
    e->steps = steps;
    e->room = room;
    return true;
}

static void emit(struct compiler *c, struct step step)
{
    if (reserve(c, 1))
        c->e->steps[c->e->count++] = step;
}

static void insert(struct compiler *c, unsigned at, struct step step)
{
    struct step *steps;
    if (!reserve(c, 1))
        return;
    steps = c->e->steps;
    memmove(steps + at + 1, steps + at, (c->e->count - at) * sizeof(*steps));
    steps[at] = step;
    c->e->count++;
}

/* The same steps once more, at the end. */
static void copy(struct compiler *c, unsigned from, unsigned length)
{
    if (!reserve(c, length))
        return;
    memcpy(c->e->steps + c->e->count, c->e->steps + from, length * sizeof(struct step));
    c->e->count += length;
}

static void emit_piece(struct compiler *c, struct step step)
{
    c->piece = (int)c->e->count;
    emit(c, step);
}

static void emit_assertion(struct compiler *c, enum assertion assertion)
{
    c->piece = NO_PIECE;
    emit(c, (struct step){ .kind = STEP_ASSERT, .code = assertion });
}

/* ---- what repeats -------------------------------------------------------------------------- */

static void repeat_optional(struct compiler *c, unsigned from)
{
    int length = (int)(c->e->count - from);
    insert(c, from, (struct step){ .kind = STEP_SPLIT, .to = length + 1 });
}

static void repeat_star(struct compiler *c, unsigned from)
{
    int length = (int)(c->e->count - from);
    insert(c, from, (struct step){ .kind = STEP_SPLIT, .to = length + 2 });
    emit(c, (struct step){ .kind = STEP_JUMP, .to = -(length + 1) });
}

static void repeat_plus(struct compiler *c, unsigned length)
{
    emit(c, (struct step){ .kind = STEP_SPLIT, .to = -(int)length });
}

/* At least `low` times, at most `high`; UINT32_MAX: any number. */
static void repeat_bounds(struct compiler *c, unsigned from, unsigned low, unsigned high)
{
    unsigned length = c->e->count - from;
    if (!high) {
        c->e->count = from;
        return;
    }
    if (!low && high == UINT32_MAX) {
        repeat_star(c, from);
        return;
    }
    if (!low)
        repeat_optional(c, from++);
    for (unsigned i = 1; i < low && !c->status; i++)
        copy(c, from, length);
    if (high == UINT32_MAX)
        repeat_plus(c, length);
    for (unsigned i = low ? low : 1; high != UINT32_MAX && i < high && !c->status; i++) {
        emit(c, (struct step){ .kind = STEP_SPLIT, .to = (int)length + 1 });
        copy(c, from, length);
    }
}

static unsigned take_number(struct compiler *c)
{
    unsigned number = 0;
    for (; c->at < c->end && is_digit((unsigned char)*c->at); c->at++)
        if (number <= REGEX_REPEAT_MAX)
            number = number * 10 + (unsigned)(*c->at - '0');
    if (number > REGEX_REPEAT_MAX)
        fail(c, "repeats more than 255 times");
    return number;
}

/* Behind the {. */
static void take_bounds(struct compiler *c)
{
    const char *close = c->flags & REGEX_EXTENDED ? "}" : "\\}";
    unsigned low = take_number(c), high = low;
    if (c->at < c->end && *c->at == ',') {
        c->at++;
        high = c->at < c->end && is_digit((unsigned char)*c->at) ? take_number(c) : UINT32_MAX;
    }
    if (!text_starts(c->at, close))
        fail(c, "has no closing }");
    else if (low > high)
        fail(c, "has { } that go backwards");
    if (c->status)
        return;
    c->at += strlen(close);
    repeat_bounds(c, (unsigned)c->piece, low, high);
}

/* ---- groups -------------------------------------------------------------------------------- */

static void open_group(struct compiler *c)
{
    if (c->depth == REGEX_GROUPS_MAX) {
        fail(c, "has groups too deep in each other");
        return;
    }
    c->groups[c->depth++] = (struct group){ c->e->count, c->e->count, NO_PIECE };
    c->piece = NO_PIECE;
}

static void next_branch(struct compiler *c)
{
    struct group *group = &c->groups[c->depth - 1];
    unsigned length = c->e->count - group->branch;
    insert(c, group->branch, (struct step){ .kind = STEP_SPLIT, .to = (int)length + 2 });
    emit(c, (struct step){ .kind = STEP_JUMP, .to = group->jump });
    group->jump = (int)c->e->count - 1;
    group->branch = c->e->count;
    c->piece = NO_PIECE;
}

static void close_group(struct compiler *c)
{
    const struct group *group = &c->groups[--c->depth];
    for (int jump = group->jump; jump != NO_PIECE && !c->status;) {
        int before = c->e->steps[jump].to;
        c->e->steps[jump].to = (int)c->e->count - jump;
        jump = before;
    }
    c->piece = (int)group->start;
}

/* ---- the parser ---------------------------------------------------------------------------- */

static void take_character(struct compiler *c)
{
    struct step step = { .kind = STEP_CODE };
    c->at += pattern_take(c->at, (size_t)(c->end - c->at), c->e->fold, &step.code);
    emit_piece(c, step);
}

static void take_set(struct compiler *c)
{
    struct step step = { .kind = STEP_SET, .set = c->at + 1 };
    step.negated = *step.set == '^';
    step.set += step.negated;
    step.set_end = set_end(step.set, c->end);
    if (!step.set_end) {
        fail(c, "has no closing ]");
        return;
    }
    for (const char *at = step.set; at < step.set_end;) {
        struct member member;
        if (!take_member(&at, step.set_end, false, &member)) {
            fail(c, "has a [:class:] that there is not");
            return;
        }
        if (member.low > member.high)
            fail(c, "has a range that goes backwards");
    }
    c->at = step.set_end + 1;
    emit_piece(c, step);
}

static void emit_class(struct compiler *c, const char *set, bool negated)
{
    emit_piece(c, (struct step){ .kind = STEP_SET, .set = set, .set_end = set + strlen(set),
                                 .negated = negated });
}

/* What means something behind a backslash, whatever the syntax. */
static bool take_letter(struct compiler *c, char letter)
{
    switch (letter) {
    case 'w': emit_class(c, "[:alnum:]_", false); break;
    case 'W': emit_class(c, "[:alnum:]_", true); break;
    case 's': emit_class(c, "[:space:]", false); break;
    case 'S': emit_class(c, "[:space:]", true); break;
    case 'b': emit_assertion(c, AT_EDGE); break;
    case 'B': emit_assertion(c, AT_NO_EDGE); break;
    case '<': emit_assertion(c, AT_WORD_START); break;
    case '>': emit_assertion(c, AT_WORD_END); break;
    default:
        if (letter >= '1' && letter <= '9')
            fail(c, "refers back, which is not there");
        return c->status != 0;
    }
    c->at += 2;
    return true;
}

/* One of * + ? {; false: there is nothing to repeat, or no number behind the {. */
static bool take_repeat(struct compiler *c, char operator, const char *behind)
{
    bool numbers = behind < c->end && (is_digit((unsigned char)*behind) || *behind == ',');
    if (c->piece == NO_PIECE || (operator == '{' && !numbers && c->flags & REGEX_EXTENDED))
        return false;
    unsigned from = (unsigned)c->piece;
    c->at = behind;
    switch (operator) {
    case '*': repeat_star(c, from); break;
    case '+': repeat_plus(c, c->e->count - from); break;
    case '?': repeat_optional(c, from); break;
    default: take_bounds(c);
    }
    return true;
}

static bool take_operator(struct compiler *c, char operator, const char *behind)
{
    if (strchr("*+?{", operator))
        return take_repeat(c, operator, behind);
    c->at = behind;
    if (operator == '(')
        open_group(c);
    else if (operator == '|')
        next_branch(c);
    else if (operator == ')' && c->depth > 1)
        close_group(c);
    else if (operator == ')')
        fail(c, "has a ) without a (");
    return true;
}

/* ^ and $ anchor everywhere in extended expressions, in basic ones at the ends of a branch. */
static bool is_anchor(const struct compiler *c, char anchor)
{
    bool extended = c->flags & REGEX_EXTENDED;
    if (*c->at != anchor || extended)
        return *c->at == anchor;
    if (anchor == '^')
        return c->e->count == c->groups[c->depth - 1].branch;
    const char *behind = c->at + 1;
    return behind == c->end || text_starts(behind, "\\)") || text_starts(behind, "\\|");
}

static void take_next(struct compiler *c)
{
    bool extended = c->flags & REGEX_EXTENDED, escaped = *c->at == '\\';
    if (escaped && c->at + 1 == c->end) {
        fail(c, "ends with a backslash");
        return;
    }
    char character = c->at[escaped];
    bool is_operator = character && (strchr("()|+?{", character) ? escaped != extended
                                                                  : character == '*' && !escaped);
    if (is_operator && take_operator(c, character, c->at + 1 + escaped))
        return;
    if (escaped && take_letter(c, character))
        return;
    if (is_anchor(c, '^') || is_anchor(c, '$')) {
        emit_assertion(c, *c->at++ == '^' ? AT_START : AT_END);
    } else if (*c->at == '.') {
        c->at++;
        emit_piece(c, (struct step){ .kind = STEP_ANY });
    } else if (*c->at == '[') {
        take_set(c);
    } else {
        c->at += escaped;
        take_character(c);
    }
}

static void compile(struct compiler *c)
{
    if (c->flags & REGEX_WORDS)
        emit_assertion(c, NOT_AFTER_WORD);
    if (c->flags & REGEX_LINES)
        emit_assertion(c, AT_START);
    open_group(c);
    while (c->at < c->end && !c->status)
        if (c->flags & REGEX_FIXED)
            take_character(c);
        else
            take_next(c);
    if (c->depth > 1)
        fail(c, "has no closing )");
    if (!c->status)
        close_group(c);
    if (c->flags & REGEX_LINES)
        emit_assertion(c, AT_END);
    if (c->flags & REGEX_WORDS)
        emit_assertion(c, NOT_BEFORE_WORD);
    emit(c, (struct step){ .kind = STEP_MATCH });
}

/* ---- life ---------------------------------------------------------------------------------- */

static status_t prepare_run(struct regex *e)
{
    e->now = mem_alloc(e->count * sizeof(*e->now));
    e->next = mem_alloc(e->count * sizeof(*e->next));
    e->marks = mem_zalloc(e->count * sizeof(*e->marks));
    e->stack = mem_alloc((2 * (size_t)e->count + 1) * sizeof(*e->stack));
    if (!e->now || !e->next || !e->marks || !e->stack)
        return -ENOMEM;
    regex_find_starts(e);
    return 0;
}

status_t regex_create(const char *text, unsigned flags, struct regex **expression,
                           const char **why)
{
    struct regex *e = mem_zalloc(sizeof(*e));
    struct compiler *c = mem_zalloc(sizeof(*c));
    size_t bytes = strlen(text) + 1;
    status_t status = -ENOMEM;
    *why = "";
    if (e && c && (e->text = mem_alloc(bytes))) {
        memcpy(e->text, text, bytes);
        e->fold = flags & REGEX_FOLD;
        *c = (struct compiler){ .e = e, .flags = flags, .at = e->text,
                                .end = e->text + bytes - 1, .piece = NO_PIECE };
        compile(c);
        *why = c->why ? c->why : "";
        status = c->status ? c->status : prepare_run(e);
    }
    mem_free(c);
    if (status)
        regex_destroy(e);
    else
        *expression = e;
    return status;
}

void regex_destroy(struct regex *e)
{
    if (!e)
        return;
    mem_free(e->text);
    mem_free(e->steps);
    mem_free(e->now);
    mem_free(e->next);
    mem_free(e->marks);
    mem_free(e->stack);
    mem_free(e);
}
