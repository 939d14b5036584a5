/*
 * compile.c - compiles a regular expression to steps; see program.h.
 *
 * Steps refer to each other by relative numbers, so that a piece of them can be moved or copied: a
 * repetition inserts a step before the piece that it repeats, or copies the piece.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/pattern.h"
#include "shell/regex/program.h"

/* ---- steps --------------------------------------------------------------------------------- */

enum { NO_PIECE = -1 };

/* An open group. Its jumps to its end, one for each alternative but the last, are a list until that
 * end is known: each holds the number of the one before it in `to`. */
struct group {
    unsigned start, branch; /* where the group and its last alternative begin */
    int jump;               /* the last jump; NO_PIECE: none */
    unsigned number;        /* from 1; 0: the whole expression */
};

struct compiler {
    struct regex *e;
    unsigned flags;
    const char *at, *end;
    const char *why; /* the reason of -EINVAL */
    status_t status;
    int piece;       /* the start of what a * here would repeat, or NO_PIECE */
    unsigned depth;
    unsigned closed; /* bit n: group n is complete */
    struct group groups[REGEX_GROUPS_MAX];
};

static void fail(struct compiler *c, const char *why)
{
    /* Keep the first reason: the parser may find others while it ends. */
    if (!c->status)
        c->why = why;
    c->status = c->status ? c->status : -EINVAL;
}

/* Makes room for `more` steps after the last. Returns false after an error. */
static bool reserve(struct compiler *c, unsigned more)
{
    struct regex *e = c->e;
    if (c->status || e->count + more <= e->room)
        return !c->status;

    /* Double the room, so that each step is copied a few times only. */
    unsigned room = 2 * (e->count + more);

    /* Nested repetitions multiply: ((a{255}){255}){255} must not take all memory. */
    if (e->count + more > REGEX_STEPS_MAX) {
        fail(c, "regular expression too long");
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

    /* The steps that move keep their relative targets. No step before `at` refers to one after
     * it. */
    steps = c->e->steps;
    memmove(steps + at + 1, steps + at, (c->e->count - at) * sizeof(*steps));
    steps[at] = step;
    c->e->count++;
}

/* Appends a copy of some steps. */
static void copy(struct compiler *c, unsigned from, unsigned length)
{
    if (!reserve(c, length))
        return;

    memcpy(c->e->steps + c->e->count, c->e->steps + from, length * sizeof(struct step));
    c->e->count += length;
}

static void emit_piece(struct compiler *c, struct step step)
{
    /* A * after this step repeats it alone. */
    c->piece = (int)c->e->count;
    emit(c, step);
}

static void emit_assertion(struct compiler *c, enum assertion assertion)
{
    /* An assertion takes no character, so it is not repeated. */
    c->piece = NO_PIECE;
    emit(c, (struct step){ .kind = STEP_ASSERT, .code = assertion });
}

/* ---- repetitions --------------------------------------------------------------------------- *
 *
 *     e?   SPLIT +n; e                 e*   SPLIT +n; e; JUMP back
 *     e+   e; SPLIT back               e{2,4}   e; e; SPLIT +n; e; SPLIT +n; e
 */

static void repeat_optional(struct compiler *c, unsigned from)
{
    /* The automaton may enter the piece or pass it. */
    int length = (int)(c->e->count - from);
    insert(c, from, (struct step){ .kind = STEP_SPLIT, .to = length + 1 });
}

static void repeat_star(struct compiler *c, unsigned from)
{
    /* The JUMP goes back to the SPLIT, which decides again. */
    int length = (int)(c->e->count - from);
    insert(c, from, (struct step){ .kind = STEP_SPLIT, .to = length + 2 });
    emit(c, (struct step){ .kind = STEP_JUMP, .to = -(length + 1) });
}

static void repeat_plus(struct compiler *c, unsigned length)
{
    emit(c, (struct step){ .kind = STEP_SPLIT, .to = -(int)length });
}

/* Repeats the piece at least `low` and at most `high` times; UINT32_MAX: without limit. */
static void repeat_bounds(struct compiler *c, unsigned from, unsigned low, unsigned high)
{
    unsigned length = c->e->count - from;

    /* e{0} matches only the empty text: remove the piece. */
    if (!high) {
        c->e->count = from;
        return;
    }

    if (!low && high == UINT32_MAX) {
        repeat_star(c, from);
        return;
    }

    /* e{0,n}: make the piece optional. The SPLIT moves it by one step. */
    if (!low)
        repeat_optional(c, from++);

    /* The piece exists once. Copy it up to `low` times, then add optional copies. */
    for (unsigned i = 1; i < low && !c->status; i++)
        copy(c, from, length);

    /* e{2,} is e; e+. */
    if (high == UINT32_MAX)
        repeat_plus(c, length);

    /* Each further copy can be passed. */
    for (unsigned i = low ? low : 1; high != UINT32_MAX && i < high && !c->status; i++) {
        emit(c, (struct step){ .kind = STEP_SPLIT, .to = (int)length + 1 });
        copy(c, from, length);
    }
}

static unsigned take_number(struct compiler *c)
{
    unsigned number = 0;

    /* Stop adding above the limit, so that a long number does not overflow. */
    for (; c->at < c->end && text_is_digit(*c->at); c->at++)
        if (number <= REGEX_REPEAT_MAX)
            number = number * 10 + (unsigned)(*c->at - '0');
    if (number > REGEX_REPEAT_MAX)
        fail(c, "repetition count above 255");
    return number;
}

/* Takes the numbers after a {, and its }. */
static void take_bounds(struct compiler *c)
{
    const char *close = c->flags & REGEX_EXTENDED ? "}" : "\\}";
    unsigned low = take_number(c), high = low;

    /* {2} is exactly 2, {2,} at least 2, and {,3} at most 3. */
    if (c->at < c->end && *c->at == ',') {
        c->at++;
        high = c->at < c->end && text_is_digit(*c->at) ? take_number(c) : UINT32_MAX;
    }

    if (!text_starts(c->at, close))
        fail(c, "unmatched {");
    else if (low > high)
        fail(c, "invalid repetition counts");
    if (c->status)
        return;

    c->at += strlen(close);
    repeat_bounds(c, (unsigned)c->piece, low, high);
}

/* ---- groups -------------------------------------------------------------------------------- */

static void open_group(struct compiler *c)
{
    if (c->depth == REGEX_GROUPS_MAX) {
        fail(c, "groups nested too deeply");
        return;
    }

    /* The whole expression is group 0, whose ends are those of the match. */
    unsigned start = c->e->count, number = c->depth ? ++c->e->group_count : 0;
    if (c->flags & REGEX_GROUPS && number && number < REGEX_SPANS)
        emit(c, (struct step){ .kind = STEP_OPEN, .code = number });

    /* A * directly after ( has nothing to repeat. */
    c->groups[c->depth++] = (struct group){ start, c->e->count, NO_PIECE, number };
    c->piece = NO_PIECE;
}

/* Ends an alternative: "a|b" is SPLIT to b; a; JUMP to the end; b. */
static void next_branch(struct compiler *c)
{
    struct group *group = &c->groups[c->depth - 1];
    unsigned length = c->e->count - group->branch;

    /* The SPLIT is before the alternative that ends here, and leads to it or to the next one. */
    insert(c, group->branch, (struct step){ .kind = STEP_SPLIT, .to = (int)length + 2 });

    /* The end of the group is not known yet: link the JUMP to the one before it. */
    emit(c, (struct step){ .kind = STEP_JUMP, .to = group->jump });
    group->jump = (int)c->e->count - 1;
    group->branch = c->e->count;

    c->piece = NO_PIECE;
}

/* Ends a group: resolves its jumps, and lets a * repeat it as a whole. */
static void close_group(struct compiler *c)
{
    const struct group *group = &c->groups[--c->depth];
    for (int jump = group->jump; jump != NO_PIECE && !c->status;) {
        /* Follow the list of jumps, and replace each link by the distance to the end. */
        int before = c->e->steps[jump].to;
        c->e->steps[jump].to = (int)c->e->count - jump;
        jump = before;
    }

    if (c->flags & REGEX_GROUPS && group->number && group->number < REGEX_SPANS) {
        emit(c, (struct step){ .kind = STEP_CLOSE, .code = group->number });
        c->closed |= 1U << group->number;
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
    struct step step = { .kind = STEP_SET };
    const char *why = regex_set_parse(c->at + 1, c->end, &step.set);

    /* The set is checked now, so that only valid ones become steps. */
    if (why) {
        fail(c, why);
        return;
    }

    c->at = step.set.end + 1;
    emit_piece(c, step);
}

static void emit_class(struct compiler *c, const char *set, bool negated)
{
    struct regex_set members = { .text = set, .end = set + strlen(set), .negated = negated };
    emit_piece(c, (struct step){ .kind = STEP_SET, .set = members });
}

/* Takes a back reference. Returns true: it is one, though perhaps an invalid one. */
static bool take_back(struct compiler *c, unsigned number)
{
    if (!(c->flags & REGEX_GROUPS))
        fail(c, "back references are not supported");
    else if (!(c->closed >> number & 1))
        fail(c, "Invalid back reference");
    c->at += 2;
    c->e->has_back = true;
    emit_piece(c, (struct step){ .kind = STEP_BACK, .code = number });
    return true;
}

/* Takes a backslash and a letter that has a meaning in both syntaxes. Returns false if the letter
 * has none. */
static bool take_letter(struct compiler *c, char letter)
{
    /* A class is kept as the text of a bracket expression. */
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
        return letter >= '1' && letter <= '9' && take_back(c, (unsigned)(letter - '0'));
    }

    c->at += 2;
    return true;
}

/* Takes one of * + ? {. Returns false if it is an ordinary character: there is nothing to repeat,
 * or no number follows an extended {. */
static bool take_repeat(struct compiler *c, char operator, const char *after)
{
    bool numbers = after < c->end && (text_is_digit(*after) || *after == ',');
    if (c->piece == NO_PIECE || (operator == '{' && !numbers && c->flags & REGEX_EXTENDED))
        return false;

    /* The piece may have been repeated before: a*+ repeats a*. */
    unsigned from = (unsigned)c->piece;
    c->at = after;
    switch (operator) {
    case '*': repeat_star(c, from); break;
    case '+': repeat_plus(c, c->e->count - from); break;
    case '?': repeat_optional(c, from); break;
    default: take_bounds(c);
    }
    return true;
}

static bool take_operator(struct compiler *c, char operator, const char *after)
{
    if (strchr("*+?{", operator))
        return take_repeat(c, operator, after);

    /* Depth 1 is the whole expression, which no ) closes. */
    c->at = after;
    if (operator == '(')
        open_group(c);
    else if (operator == '|')
        next_branch(c);
    else if (operator == ')' && c->depth > 1)
        close_group(c);
    else if (operator == ')')
        fail(c, "unmatched )");
    return true;
}

/* Returns whether this is an anchor: ^ and $ are anchors everywhere in extended expressions, and at
 * the ends of an alternative in basic ones (POSIX 9.3.8 and 9.4.9). */
static bool is_anchor(const struct compiler *c, char anchor)
{
    bool extended = c->flags & REGEX_EXTENDED;
    if (*c->at != anchor || extended)
        return *c->at == anchor;

    /* Basic: ^ at the start of an alternative, $ at its end. */
    if (anchor == '^')
        return c->e->count == c->groups[c->depth - 1].branch;

    const char *after = c->at + 1;
    return after == c->end || text_starts(after, "\\)") || text_starts(after, "\\|");
}

static void take_next(struct compiler *c)
{
    bool extended = c->flags & REGEX_EXTENDED, escaped = *c->at == '\\';
    if (escaped && c->at + 1 == c->end) {
        fail(c, "trailing backslash");
        return;
    }

    /* A backslash turns the operators of the one syntax into those of the other; * is the same in
     * both. */
    char character = c->at[escaped];
    bool is_operator = character && (strchr("()|+?{", character) ? escaped != extended
                                                                  : character == '*' && !escaped);

    /* What is not an operator here is a letter with a meaning, an anchor, or a character. */
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
    /* -w and -x are assertions around the expression, so that matching has no case for them. */
    if (c->flags & REGEX_WORDS)
        emit_assertion(c, NOT_AFTER_WORD);
    if (c->flags & REGEX_LINES)
        emit_assertion(c, AT_START);

    /* The whole expression is a group: a|b needs one for its jumps. */
    open_group(c);
    while (c->at < c->end && !c->status)
        if (c->flags & REGEX_FIXED)
            take_character(c);
        else
            take_next(c);

    if (c->depth > 1)
        fail(c, "unmatched (");

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
    /* Matching allocates nothing. A list has each step at most once; each step that is followed
     * pushes two. */
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
        /* Sets point into the text, so the expression keeps a copy. */
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
