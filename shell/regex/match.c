/*
 * match.c - matching; see program.h.
 *
 * A list holds the steps that wait for the next character, each once, ordered by where their
 * matches begin: the way that reaches a step first has the earliest start.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/pattern.h"
#include "shell/regex/program.h"

struct run {
    struct regex *e;
    const char *text;
    size_t bytes, at;
    bool found;
    bool any;        /* any match will do: stop at the first */
    bool more;       /* the text continues in another piece */
    size_t start, end;
};

/* Looks at one byte: each byte of a character beyond ASCII counts as a letter. */
static bool word_at(const char *text, size_t at)
{
    unsigned char c = (unsigned char)text[at];
    return c >= 0x80 || regex_is_word(c);
}

bool regex_holds(const char *text, size_t bytes, size_t at, bool more, enum assertion assertion)
{
    /* The ends of the text count as places without a letter. */
    bool before = at > 0 && word_at(text, at - 1);
    bool after = at < bytes && word_at(text, at);

    switch (assertion) {
    case AT_START: return at == 0;
    case AT_END: return at == bytes && !more;
    case AT_EDGE: return before != after;
    case AT_NO_EDGE: return before == after;
    case AT_WORD_START: return !before && after;
    case AT_WORD_END: return before && !after;
    case NOT_AFTER_WORD: return !before;
    default: return !after;
    }
}

static bool holds(const struct run *run, enum assertion assertion)
{
    return regex_holds(run->text, run->bytes, run->at, run->more, assertion);
}

/*
 * Calls visit() for each step that can be reached from `first` without taking a character, once
 * while `mark` is the same. After an assertion the walk continues if visit() returns true. Inlined,
 * since this is the inner loop of matching.
 */
static inline __attribute__((always_inline)) void
each_reachable(struct regex *e, unsigned first,
               bool (*visit)(void *context, unsigned at, const struct step *step), void *context)
{
    unsigned depth = 0;

    /* A stack of its own, not recursion: expressions have thousands of steps. */
    e->stack[depth++] = first;

    while (depth) {
        unsigned at = e->stack[--depth];
        const struct step *step = &e->steps[at];

        /* The step was reached on another way, which started no later than this one. */
        if (e->marks[at] == e->mark)
            continue;

        e->marks[at] = e->mark;

        /* The next step is pushed last, so it is followed first. */
        if (step->kind == STEP_SPLIT) {
            e->stack[depth++] = (unsigned)((int)at + step->to);
            e->stack[depth++] = at + 1;
        } else if (step->kind == STEP_JUMP) {
            e->stack[depth++] = (unsigned)((int)at + step->to);
        } else if (step->kind == STEP_OPEN || step->kind == STEP_CLOSE ||
                   visit(context, at, step)) {
            e->stack[depth++] = at + 1;
        }
    }
}

struct entry {
    struct run *run;
    size_t start;
};

static bool enter_step(void *context, unsigned at, const struct step *step)
{
    const struct entry *entry = context;
    struct run *run = entry->run;

    if (step->kind == STEP_ASSERT)
        return holds(run, (enum assertion)step->code);

    /* A longer match replaces this one later. Ways that start later are no longer followed. */
    if (step->kind == STEP_MATCH) {
        run->found = true;
        run->start = entry->start;
        run->end = run->at;
    } else {
        run->e->next[run->e->next_count++] = (struct way){ at, entry->start };
    }
    return false;
}

/* Adds to the list `next` all steps that a match beginning at `start` can reach from `first`. */
static void enter(struct run *run, unsigned first, size_t start)
{
    struct entry entry = { run, start };
    each_reachable(run->e, first, enter_step, &entry);
}

bool regex_step_takes(const struct regex *e, const struct step *step, uint32_t code)
{
    switch (step->kind) {
    case STEP_ANY: return true;
    case STEP_SET: return regex_set_has(&step->set, e->fold, code);
    default: return step->code == code;
    }
}

/* Makes `next` the list of steps that wait for a character, and begins a new `next`. */
static void turn(struct regex *e)
{
    struct way *kept = e->now;
    e->now = e->next;
    e->now_count = e->next_count;
    e->next = kept;
    e->next_count = 0;

    /* The marks of 2^32 characters ago must not count as new ones. */
    if (!++e->mark) {
        memset(e->marks, 0, e->count * sizeof(*e->marks));
        e->mark = 1;
    }
}

/* Takes one character with all ways. */
static void advance(struct run *run)
{
    struct regex *e = run->e;
    uint32_t code;
    size_t taken = pattern_take(run->text + run->at, run->bytes - run->at, e->fold, &code);

    turn(e);
    run->at += taken;

    /* The list is ordered by start, so the ways after one that starts too late do as well. */
    for (unsigned i = 0; i < e->now_count; i++) {
        const struct way *way = &e->now[i];
        if (run->found && way->start > run->start)
            break;
        if (regex_step_takes(e, &e->steps[way->step], code))
            enter(run, way->step + 1, way->start);
    }
}

/* ---- where a match may begin -------------------------------------------------------------- */

/* Notes the bytes with which a character that the step matches can begin. */
static void note_start(struct regex *e, const struct step *step)
{
    for (unsigned c = 0; c < 0x80; c++)
        e->starts[c] |= regex_step_takes(e, step, e->fold ? unicode_fold(c) : c);

    /* Beyond ASCII, assume that it matches: testing every character would take long, and letters
     * there may fold to ASCII ones. */
    bool beyond = step->kind != STEP_CODE || step->code >= 0x80 || e->fold;
    for (unsigned c = 0x80; c < 0x100; c++)
        e->starts[c] |= beyond;
}

/* Passes every assertion, since whether it holds depends on the text. */
static bool start_step(void *context, unsigned at, const struct step *step)
{
    struct regex *e = context;
    (void)at;

    /* A match that takes no character may begin at any place. A back reference may be empty. */
    if (step->kind == STEP_MATCH || step->kind == STEP_BACK)
        e->anywhere = true;
    else if (step->kind != STEP_ASSERT)
        note_start(e, step);
    return step->kind == STEP_ASSERT;
}

void regex_find_starts(struct regex *e)
{
    const struct step *step = e->steps;

    /* The leading steps that are ordinary characters form the head. memchr() finds it quickly. */
    for (; !e->fold && ((step->kind == STEP_CODE && step->code < 0x80) ||
                        step->kind == STEP_OPEN || step->kind == STEP_CLOSE); step++)
        if (step->kind == STEP_CODE && e->head_bytes < REGEX_HEAD_MAX)
            e->head[e->head_bytes++] = (char)step->code;

    /* Without a head, at least the first byte of a match is known. */
    e->mark = 1;
    each_reachable(e, 0, start_step, e);
}

static size_t next_head(const struct run *run)
{
    const struct regex *e = run->e;
    const char *at = run->text + run->at, *end = run->text + run->bytes;

    while ((at = memchr(at, e->head[0], (size_t)(end - at)))) {
        /* The text ends within the head, so it does not match here or later. */
        if ((size_t)(end - at) < e->head_bytes)
            break;

        if (!memcmp(at, e->head, e->head_bytes))
            return (size_t)(at - run->text);

        at++;
    }

    return run->bytes;
}

/* Returns the next place where a match may begin, or the end of the text. */
static size_t next_place(const struct run *run)
{
    const struct regex *e = run->e;
    size_t at = run->at;

    /* From the fastest way to the slowest: stay here, search the head, or test each byte. */
    if (e->anywhere)
        return at;
    if (e->head_bytes)
        return next_head(run);

    while (at < run->bytes && !e->starts[(unsigned char)run->text[at]])
        at++;
    return at;
}

bool regex_may_start(const struct regex *e, const char *text, size_t bytes, size_t at)
{
    /* At the end of the text only an empty match can begin. */
    return e->anywhere || (at < bytes && e->starts[(unsigned char)text[at]]);
}

static bool may_begin(const struct run *run)
{
    return regex_may_start(run->e, run->text, run->bytes, run->at);
}

/* ---- matching ----------------------------------------------------------------------------- */

/*
 * Continues at run->at, with the ways that wait there. If more text follows, stops before the end:
 * a character, the character after it, or the head of a match might be incomplete there.
 */
static bool find_from(struct run *run)
{
    enum { LOOK_AHEAD = REGEX_HEAD_MAX + 4 };
    struct regex *e = run->e;
    size_t limit = run->bytes;

    if (run->more)
        limit = run->bytes > LOOK_AHEAD ? run->bytes - LOOK_AHEAD : 0;

    for (;;) {
        /* No way is open: skip to where a match may begin. */
        if (!run->found && !e->next_count) {
            size_t place = next_place(run), most = max(run->at, limit);
            run->at = min(place, most);
        }

        if (run->more && run->at >= limit)
            return run->found;

        /* A match may begin here too, until one was found that begins earlier. */
        if (!run->found && may_begin(run))
            enter(run, 0, run->at);

        /* Done: any match will do, no way can lengthen this one, or the text is used up. */
        if ((run->found && (run->any || !e->next_count)) || run->at == run->bytes)
            return run->found;

        advance(run);
    }
}

static bool find(struct run *run)
{
    /* The ways of the text before must not continue here. */
    run->e->next_count = 0;
    turn(run->e);
    return find_from(run);
}

void regex_begin(struct regex *e)
{
    e->fed_to = 0;
    e->fed_match = false;
    e->next_count = 0;
    turn(e);
}

bool regex_feed(struct regex *e, const char *text, size_t bytes, bool last, size_t *used)
{
    struct run run = { .e = e, .text = text, .bytes = bytes, .at = e->fed_to, .any = true,
                       .more = !last };

    /* A match remains a match, whatever follows. */
    if (!e->fed_match)
        e->fed_match = find_from(&run);

    e->fed_to = *used = run.at;
    return e->fed_match;
}

void regex_drop(struct regex *e, size_t bytes)
{
    e->fed_to -= bytes;
}

bool regex_follow(struct regex *e, const char *text, size_t bytes, size_t from, bool any,
                  size_t *start, size_t *end)
{
    struct run run = { .e = e, .text = text, .bytes = bytes, .at = from, .any = any };
    bool found = find(&run);
    *start = run.start;
    *end = run.end;
    return found;
}
