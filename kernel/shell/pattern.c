/* pattern.c - see pattern.h. */
#include "kernel/shell/pattern.h"
#include "lib/string.h"
#include "lib/utf8.h"

/* ---- characters --------------------------------------------------------------------------- */

enum { NO_CODE = 0x110000 }; /* and above: bytes that are no UTF-8 */

/* The next character of text[bytes], which is not empty; returns the bytes it takes. */
static size_t next_code(const char *text, size_t bytes, bool fold, uint32_t *code)
{
    if ((unsigned char)*text < 0x80) { /* nearly all are */
        *code = (unsigned char)*text;
        if (fold)
            *code = unicode_fold(*code);
        return 1;
    }
    int length = utf8_decode(text, bytes, code);
    if (length < 0) {
        *code = NO_CODE + (unsigned char)*text;
        return 1;
    }
    if (fold)
        *code = unicode_fold(*code);
    return (size_t)length;
}

/* The end of a set that begins behind `[`: the `]`; NULL when there is none. A `]` that comes first
 * is a member. */
static const char *set_end(const char *set, const char *end, char negation)
{
    if (set < end && (*set == negation || *set == '^'))
        set++;
    if (set < end && *set == ']')
        set++;
    while (set < end && *set != ']')
        set++;
    return set < end ? set : NULL;
}

/* Is the character in the set between [ and ]? Of `code` both cases were made one. */
static bool set_has(const char *set, const char *end, char negation, bool fold, uint32_t code)
{
    bool negated = set < end && (*set == negation || *set == '^'), found = false;
    set += negated;
    while (set < end) {
        uint32_t low, high;
        set += next_code(set, (size_t)(end - set), fold, &low);
        high = low;
        if (end - set >= 2 && *set == '-') {
            set++;
            set += next_code(set, (size_t)(end - set), fold, &high);
        }
        found |= low <= code && code <= high;
    }
    return found != negated;
}

/* ---- globs -------------------------------------------------------------------------------- */

/* The next character of a glob's set, which a backslash makes an ordinary one. */
static uint32_t glob_take(const char **at, bool fold)
{
    uint32_t code;
    if (**at == '\\' && (*at)[1])
        ++*at;
    *at += next_code(*at, strlen(*at), fold, &code);
    return code;
}

/* At what stands behind `[`: is the character in the set? Moves behind the `]`; *closed is false,
 * and nothing moved, when there is none. */
static bool glob_set(const char **glob, bool fold, uint32_t code, bool *closed)
{
    const char *at = *glob;
    bool negated = *at == '!' || *at == '^', found = false;
    at += negated;
    for (bool first = true; *at && (first || *at != ']'); first = false) {
        uint32_t low = glob_take(&at, fold), high = low;
        if (at[0] == '-' && at[1] && at[1] != ']') {
            at++;
            high = glob_take(&at, fold);
        }
        found |= low <= code && code <= high;
    }
    *closed = *at == ']';
    if (*closed)
        *glob = at + 1;
    return found != negated;
}

/* One character of the glob against one of the text; both move on when it fits. */
static bool glob_step(const char **glob, const char **text, bool fold)
{
    const char *at = *glob;
    uint32_t code;
    size_t taken = next_code(*text, strlen(*text), fold, &code);
    bool closed = false, fits = false;
    if (*at == '[') {
        const char *set = at + 1;
        fits = glob_set(&set, fold, code, &closed);
        at = closed ? set : at;
    }
    if (!closed && *at == '?') {
        at++;
        fits = true;
    } else if (!closed) {
        fits = glob_take(&at, fold) == code;
    }
    if (fits) {
        *glob = at;
        *text += taken;
    }
    return fits;
}

bool glob_matches(const char *glob, const char *text, bool fold_case)
{
    const char *star = NULL, *retry = NULL;
    if (*text == '.' && *glob != '.' && !(glob[0] == '\\' && glob[1] == '.'))
        return false;
    while (*text) {
        if (*glob == '*') {
            star = ++glob;
            retry = text;
        } else if (!*glob || !glob_step(&glob, &text, fold_case)) {
            if (!star)
                return false;
            uint32_t code;
            glob = star; /* only the last star need take more */
            retry += next_code(retry, strlen(retry), false, &code);
            text = retry;
        }
    }
    while (*glob == '*')
        glob++;
    return !*glob;
}

/* ---- expressions -------------------------------------------------------------------------- */

enum atom_kind { ATOM_CODE, ATOM_ANY, ATOM_SET };

struct atom {
    enum atom_kind kind;
    bool star;
    uint32_t code;
    const char *set, *set_end;
};

struct pattern {
    bool fold, at_start, at_end;
    unsigned count;
    bool *states, *next; /* state n: the first n atoms have matched; count + 1 of them */
    char *text;          /* what the sets point into */
    struct atom *atoms;
};

static const char *parse_atom(struct pattern *p, const char *at, const char *end, bool fixed)
{
    struct atom *atom = &p->atoms[p->count++];
    const char *set;
    *atom = (struct atom){ .kind = ATOM_CODE };
    if (!fixed && *at == '.') {
        atom->kind = ATOM_ANY;
        at++;
    } else if (!fixed && *at == '[' && (set = set_end(at + 1, end, '^'))) {
        atom->kind = ATOM_SET;
        atom->set = at + 1;
        atom->set_end = set;
        at = set + 1;
    } else {
        if (!fixed && *at == '\\' && at + 1 < end)
            at++;
        at += next_code(at, (size_t)(end - at), p->fold, &atom->code);
    }
    if (!fixed && at < end && *at == '*') {
        atom->star = true;
        while (at < end && *at == '*')
            at++;
    }
    return at;
}

/* Is this $ an end, and not a character after an odd number of backslashes? */
static bool ends_with_anchor(const char *text, const char *end)
{
    if (end == text || end[-1] != '$')
        return false;
    const char *at = end - 1;
    while (at > text && at[-1] == '\\')
        at--;
    return (end - 1 - at) % 2 == 0;
}

static void pattern_parse(struct pattern *p, bool fixed)
{
    const char *at = p->text, *end = at + strlen(at);
    if (!fixed && *at == '^') {
        p->at_start = true;
        at++;
    }
    if (!fixed && ends_with_anchor(at, end)) {
        p->at_end = true;
        end--;
    }
    while (at < end)
        at = parse_atom(p, at, end, fixed);
}

struct pattern *pattern_create(const char *text, bool fixed, bool fold_case)
{
    size_t length = strlen(text);
    struct pattern *p = mem_zalloc(sizeof(*p));
    if (!p)
        return NULL;
    p->fold = fold_case;
    p->text = mem_alloc(length + 1);
    p->atoms = mem_alloc((length + 1) * sizeof(*p->atoms));
    p->states = mem_zalloc(length + 2);
    p->next = mem_zalloc(length + 2);
    if (!p->text || !p->atoms || !p->states || !p->next) {
        pattern_destroy(p);
        return NULL;
    }
    memcpy(p->text, text, length + 1);
    pattern_parse(p, fixed);
    return p;
}

void pattern_destroy(struct pattern *pattern)
{
    if (!pattern)
        return;
    mem_free(pattern->text);
    mem_free(pattern->atoms);
    mem_free(pattern->states);
    mem_free(pattern->next);
    mem_free(pattern);
}

/* Enters a state and those that starred atoms may leave out. */
static void enter(const struct pattern *p, bool *states, unsigned state)
{
    states[state] = true;
    while (state < p->count && p->atoms[state].star)
        states[++state] = true;
}

static bool atom_takes(const struct pattern *p, const struct atom *atom, uint32_t code)
{
    switch (atom->kind) {
    case ATOM_ANY: return true;
    case ATOM_SET: return set_has(atom->set, atom->set_end, '^', p->fold, code);
    default: return atom->code == code;
    }
}

/* All states at once move over one character. */
static void step(struct pattern *p, uint32_t code)
{
    memset(p->next, 0, p->count + 1);
    for (unsigned i = 0; i < p->count; i++)
        if (p->states[i] && atom_takes(p, &p->atoms[i], code))
            enter(p, p->next, p->atoms[i].star ? i : i + 1);
    bool *kept = p->states;
    p->states = p->next;
    p->next = kept;
}

/* The first place where a match may begin: most lines have none, and are not looked at further. */
static const char *first_place(const struct pattern *p, const char *text, const char *end)
{
    if (p->at_start || p->fold || !p->count || p->atoms[0].star ||
        p->atoms[0].kind != ATOM_CODE || p->atoms[0].code >= 0x80)
        return text;
    const char *place = memchr(text, (int)p->atoms[0].code, (size_t)(end - text));
    return place ? place : end;
}

bool pattern_matches(struct pattern *p, const char *text, size_t bytes)
{
    const char *end = text + bytes, *at = first_place(p, text, end);
    memset(p->states, 0, p->count + 1);
    enter(p, p->states, 0);
    while (at < end) {
        uint32_t code;
        if (p->states[p->count] && !p->at_end)
            return true;
        at += next_code(at, (size_t)(end - at), p->fold, &code);
        step(p, code);
        if (!p->at_start)
            enter(p, p->states, 0);
    }
    return p->states[p->count];
}
