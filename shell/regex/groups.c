/*
 * groups.c - finds where the groups of an expression matched, and matches back references.
 *
 * Model       The match itself is found by match.c, which follows all ways at once. This file then
 *             searches for one way from its start to its end, in the order of preference: it tries
 *             one way after the other, and goes back to the last choice from a dead end. Without
 *             back references no (step, place) is tried twice, so that takes time in proportion to
 *             match x expression.
 * Back        references depend on the way, so the whole search is done here, from each place, and
 *             the longest match is kept until the work reaches its limit.
 */
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/pattern.h"
#include "shell/regex/program.h"
#include "shell/words.h"

enum { ROOM_MIN = 64, WORK_BETWEEN_CHECKS = 1 << 14, SLOTS = 2 * REGEX_SPANS };

/* What to do when the search goes back: try another way, or restore a value. */
struct undo {
    enum { UNDO_WAY, UNDO_SLOT, UNDO_LOOP } what;
    unsigned index; /* of the step, or of the slot */
    size_t value;   /* a place in the text, or the old value */
};

struct search {
    struct regex *e;
    const char *text;
    size_t bytes, start, end; /* end: of the match; SIZE_MAX: not known */
    size_t slots[SLOTS];      /* starts and ends of groups; SIZE_MAX: none */
    size_t best[SLOTS];       /* of the longest match so far */
    bool found;
    uint64_t work;
    status_t status;

    struct undo *undo;
    size_t undo_count, undo_room;
    size_t *loops;    /* for each step that goes back: where it was last taken */
    uint8_t *tried;   /* a bit for each (place, step); NULL with back references */
};

static void push(struct search *s, struct undo undo)
{
    if (s->undo_count == s->undo_room) {
        size_t room = s->undo_room ? 2 * s->undo_room : ROOM_MIN, unchecked = 0;
        struct undo *grown = list_may_grow(&unchecked, room * sizeof(*grown))
                                 ? mem_alloc(room * sizeof(*grown)) : NULL;
        if (!grown) {
            s->status = -ENOMEM;
            return;
        }
        if (s->undo_count)
            memcpy(grown, s->undo, s->undo_count * sizeof(*grown));
        mem_free(s->undo);
        s->undo = grown;
        s->undo_room = room;
    }
    s->undo[s->undo_count++] = undo;
}

static void set_slot(struct search *s, unsigned slot, size_t value)
{
    push(s, (struct undo){ UNDO_SLOT, slot, s->slots[slot] });
    s->slots[slot] = value;
}

/* Goes back to the last choice. Returns false if there is none left. */
static bool go_back(struct search *s, unsigned *step, size_t *at)
{
    while (s->undo_count) {
        const struct undo *undo = &s->undo[--s->undo_count];
        if (undo->what == UNDO_SLOT) {
            s->slots[undo->index] = undo->value;
        } else if (undo->what == UNDO_LOOP) {
            s->loops[undo->index] = undo->value;
        } else {
            *step = undo->index;
            *at = undo->value;
            return true;
        }
    }
    return false;
}

/* Returns whether this step was not tried at this place, and notes that it is. */
static bool is_first_try(struct search *s, unsigned step, size_t at)
{
    if (!s->tried)
        return true;
    size_t bit = (at - s->start) * s->e->count + step;
    bool first = !(s->tried[bit / 8] >> bit % 8 & 1);
    s->tried[bit / 8] |= (uint8_t)(1 << bit % 8);
    return first;
}

/* Returns whether a loop may be repeated: its last repetition took a character. */
static bool may_loop(struct search *s, unsigned step, size_t at)
{
    if (s->loops[step] == at)
        return false;
    push(s, (struct undo){ UNDO_LOOP, step, s->loops[step] });
    s->loops[step] = at;
    return true;
}

/* Takes the text of a group again at *at. An unset group matches nothing (POSIX leaves it open). */
static bool take_back(const struct search *s, unsigned group, size_t *at)
{
    size_t from = s->slots[2 * group], length = s->slots[2 * group + 1] - from, taken = 0;
    if (from == SIZE_MAX || s->slots[2 * group + 1] == SIZE_MAX || length > s->bytes - *at)
        return false;
    if (!s->e->fold) {
        if (memcmp(s->text + from, s->text + *at, length))
            return false;
        *at += length;
        return true;
    }

    while (taken < length) {
        uint32_t one, two;
        size_t one_bytes = pattern_take(s->text + from + taken, length - taken, true, &one);
        size_t two_bytes = pattern_take(s->text + *at + taken, length - taken, true, &two);
        if (one != two || one_bytes != two_bytes)
            return false;
        taken += one_bytes;
    }
    *at += length;
    return true;
}

/* Keeps the match that ends here, if it is the longest. Returns whether the search is done. */
static bool note_match(struct search *s, size_t at)
{
    if (s->end != SIZE_MAX && at != s->end)
        return false;
    if (!s->found || at > s->best[1]) {
        memcpy(s->best, s->slots, sizeof(s->best));
        s->best[0] = s->start;
        s->best[1] = at;
        s->found = true;
    }
    return s->end != SIZE_MAX || at == s->bytes;
}

/* Follows one step. Returns false at a dead end. */
static bool follow(struct search *s, unsigned *number, size_t *at)
{
    const struct step *step = &s->e->steps[*number];
    unsigned target = (unsigned)((int)*number + step->to), next = *number + 1;
    uint32_t code;

    switch (step->kind) {
    case STEP_SPLIT:
        /* Backwards: a repetition, which takes as much as it can. */
        if (step->to < 0) {
            push(s, (struct undo){ UNDO_WAY, next, *at });
            *number = may_loop(s, *number, *at) ? target : next;
        } else {
            push(s, (struct undo){ UNDO_WAY, target, *at });
            *number = next;
        }
        return true;
    case STEP_JUMP:
        if (step->to < 0 && !may_loop(s, *number, *at))
            return false;
        *number = target;
        return true;
    case STEP_OPEN:
    case STEP_CLOSE:
        set_slot(s, 2 * step->code + (step->kind == STEP_CLOSE), *at);
        break;
    case STEP_ASSERT:
        if (!regex_holds(s->text, s->bytes, *at, false, (enum assertion)step->code))
            return false;
        break;
    case STEP_BACK:
        if (!take_back(s, step->code, at))
            return false;
        break;
    default:
        if (*at == s->bytes)
            return false;
        *at += pattern_take(s->text + *at, s->bytes - *at, s->e->fold, &code);
        if (!regex_step_takes(s->e, step, code) || *at > s->end)
            return false;
    }
    *number = next;
    return true;
}

/* Searches from s->start. The first way that is found is the preferred one. */
static void search(struct search *s)
{
    unsigned step = 0;
    size_t at = s->start;

    s->undo_count = 0;
    memset(s->slots, 0xff, sizeof(s->slots));
    memset(s->loops, 0xff, s->e->count * sizeof(*s->loops));
    while (!s->status) {
        if (++s->work % WORK_BETWEEN_CHECKS == 0 && thread_interrupted())
            s->status = -EINTR;
        if (!s->tried && s->work > REGEX_WORK_MAX)
            break;

        bool matched = s->e->steps[step].kind == STEP_MATCH;
        if (matched && note_match(s, at))
            break;
        if (matched || !is_first_try(s, step, at) || !follow(s, &step, &at))
            if (!go_back(s, &step, &at))
                break;
    }
}

/* Without back references: finds the match first, then its groups. */
static int find_in_match(struct search *s, size_t from)
{
    if (!regex_follow(s->e, s->text, s->bytes, from, false, &s->start, &s->end))
        return 0;

    size_t bits = (s->end - s->start + 1) * s->e->count, unchecked = 0;
    s->tried = list_may_grow(&unchecked, bits / 8 + 1) ? mem_zalloc(bits / 8 + 1) : NULL;
    if (!s->tried)
        return -ENOMEM;
    search(s);
    mem_free(s->tried);
    return s->status ? s->status : s->found;
}

/* With back references: searches from each place where a match may begin. */
static int find_anywhere(struct search *s, size_t from)
{
    s->end = SIZE_MAX;
    for (size_t at = from; at <= s->bytes && !s->found && !s->status; at++) {
        /* Not inside a character. */
        if (at > from && at < s->bytes && utf8_continues(s->text[at]))
            continue;
        s->start = at;
        if (regex_may_start(s->e, s->text, s->bytes, at))
            search(s);
    }
    return s->status ? s->status : s->found;
}

int regex_find_groups(struct regex *e, const char *text, size_t bytes, size_t from,
                      struct regex_span spans[REGEX_SPANS])
{
    struct search *s = mem_zalloc(sizeof(*s));
    int found = -ENOMEM;
    memset(spans, 0xff, REGEX_SPANS * sizeof(*spans));
    if (!s)
        return found;

    s->e = e;
    s->text = text;
    s->bytes = bytes;
    s->loops = mem_alloc(e->count * sizeof(*s->loops));
    if (s->loops)
        found = e->has_back ? find_anywhere(s, from) : find_in_match(s, from);

    /* A group that was opened but not closed on the way did not match. */
    for (unsigned i = 0; i < REGEX_SPANS && found > 0; i++)
        if (s->best[2 * i + 1] != SIZE_MAX)
            spans[i] = (struct regex_span){ s->best[2 * i], s->best[2 * i + 1] };
    mem_free(s->undo);
    mem_free(s->loops);
    mem_free(s);
    return found;
}

unsigned regex_group_count(const struct regex *e)
{
    return e->group_count;
}
