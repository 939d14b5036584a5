/*
 * set.c - character classes, and the parser of bracket expressions; see set.h.
 */
#include "shell/regex/set.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/pattern.h"

/* ---- characters --------------------------------------------------------------------------- */

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
    const char *name; /* with its brackets and colons */
    bool (*has)(uint32_t code);
} classes[] = {
    { "[:alpha:]", is_alpha }, { "[:digit:]", is_digit }, { "[:alnum:]", is_alnum },
    { "[:upper:]", is_upper }, { "[:lower:]", is_lower }, { "[:space:]", is_space },
    { "[:blank:]", is_blank }, { "[:punct:]", is_punct }, { "[:cntrl:]", is_control },
    { "[:print:]", is_print }, { "[:graph:]", is_graph }, { "[:xdigit:]", is_hex },
};

/* ---- sets --------------------------------------------------------------------------------- */

/* A member of a set: a class, or a range of one or more characters. */
struct member {
    bool (*has)(uint32_t code);
    uint32_t low, high;
};

/* Parses one member and moves past it. Returns false for a class with an unknown name. */
static bool take_member(const char **at, const char *end, bool fold, struct member *member)
{
    *member = (struct member){ 0 };

    /* A class is named by its brackets and colons: [[:alpha:]_]. */
    if (text_starts(*at, "[:")) {
        for (size_t i = 0; i < ARRAY_LENGTH(classes); i++)
            if (text_starts(*at, classes[i].name)) {
                *at += strlen(classes[i].name);
                member->has = classes[i].has;

                /* Folded characters are all lower case: either class contains each letter. */
                if (fold && (member->has == is_upper || member->has == is_lower))
                    member->has = is_alpha;
                return true;
            }
        return false;
    }

    *at += pattern_take(*at, (size_t)(end - *at), fold, &member->low);
    member->high = member->low;

    /* A `-` that is the last member is an ordinary character. */
    if (end - *at >= 2 && (*at)[0] == '-') {
        ++*at;
        *at += pattern_take(*at, (size_t)(end - *at), fold, &member->high);
    }
    return true;
}

/* Returns the `]` that ends the set whose members begin at `at`, or NULL. A `]` that is the first
 * member does not end it, nor does that of a class. */
static const char *find_end(const char *at, const char *end)
{
    const char *first = at;

    while (at < end && (*at != ']' || at == first)) {
        const char *close = text_starts(at, "[:") ? strchr(at + 2, ':') : NULL;
        at = close && close[1] == ']' ? close + 2 : at + 1;
    }

    return at < end ? at : NULL;
}

const char *regex_set_parse(const char *at, const char *end, struct regex_set *set)
{
    /* A ^ is a member unless it is the first character (POSIX 9.3.5). */
    set->negated = *at == '^';
    set->text = at + set->negated;
    set->end = find_end(set->text, end);
    if (!set->end)
        return "unmatched [";

    /* Parse all members now, so that regex_set_has() finds no errors. */
    for (at = set->text; at < set->end;) {
        struct member member;
        if (!take_member(&at, set->end, false, &member))
            return "invalid character class name";
        if (member.low > member.high)
            return "invalid range end";
    }
    return NULL;
}

bool regex_set_has(const struct regex_set *set, bool fold, uint32_t code)
{
    bool found = false;

    /* Stop at the first member that fits. A set of two or three members costs little to parse. */
    for (const char *at = set->text; at < set->end && !found;) {
        struct member member;
        if (!take_member(&at, set->end, fold, &member))
            break;
        found = member.has ? member.has(code) : is_between(code, member.low, member.high);
    }
    return found != set->negated;
}
