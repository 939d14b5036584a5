/*
 * pattern.c - matches names against globs; see pattern.h.
 */
#include "shell/pattern.h"
#include "lib/macros.h"
#include "lib/string.h"

/* Whether a character is in a class of POSIX's locale (XBD 7.3.1). */
static bool is_upper(uint32_t c) { return c >= 'A' && c <= 'Z'; }
static bool is_lower(uint32_t c) { return c >= 'a' && c <= 'z'; }
static bool is_alpha(uint32_t c) { return is_upper(c) || is_lower(c); }
static bool is_digit(uint32_t c) { return c >= '0' && c <= '9'; }
static bool is_alnum(uint32_t c) { return is_alpha(c) || is_digit(c); }
static bool is_blank(uint32_t c) { return c == ' ' || c == '\t'; }
static bool is_space(uint32_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_graph(uint32_t c) { return c > ' ' && c < 0x7f; }
static bool is_print(uint32_t c) { return c >= ' ' && c < 0x7f; }
static bool is_punct(uint32_t c) { return is_graph(c) && !is_alnum(c); }
static bool is_cntrl(uint32_t c) { return c < ' ' || c == 0x7f; }
static bool is_xdigit(uint32_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static const struct {
    const char *name; /* with what ends it */
    bool (*has)(uint32_t code);
} classes[] = {
    { "alpha:]", is_alpha }, { "digit:]", is_digit }, { "alnum:]", is_alnum },
    { "upper:]", is_upper }, { "lower:]", is_lower }, { "space:]", is_space },
    { "blank:]", is_blank }, { "punct:]", is_punct }, { "print:]", is_print },
    { "graph:]", is_graph }, { "cntrl:]", is_cntrl }, { "xdigit:]", is_xdigit },
};

/* Takes [:class:] in a set. Returns false if there is none. */
static bool glob_take_class(const char **at, uint32_t code, bool *found)
{
    for (size_t i = 0; i < ARRAY_LENGTH(classes) && (*at)[0] == '[' && (*at)[1] == ':'; i++) {
        size_t length = strlen(classes[i].name);
        if (strncmp(*at + 2, classes[i].name, length) != 0)
            continue;
        *found |= classes[i].has(code);
        *at += 2 + length;
        return true;
    }
    return false;
}

/* Takes the next character of a set; a backslash before it is skipped. */
static uint32_t glob_take(const char **at, bool fold)
{
    uint32_t code;

    /* The backslash itself is never compared. */
    if (**at == '\\' && (*at)[1])
        ++*at;

    /* [.x.] and [=x=] are the character x: the locale has no others. */
    char kind = (*at)[0] == '[' ? (*at)[1] : '\0';
    if ((kind == '.' || kind == '=') && (*at)[2] && (*at)[3] == kind && (*at)[4] == ']') {
        code = (unsigned char)(*at)[2];
        *at += 5;
        return code;
    }
    *at += pattern_take(*at, strlen(*at), fold, &code);
    return code;
}

/* Returns whether the set after a `[` contains the character, and moves past the `]`. Without a `]`
 * nothing moves, and *closed is false. */
static bool glob_set(const char **glob, bool fold, uint32_t code, bool *closed)
{
    const char *at = *glob;
    bool negated = *at == '!' || *at == '^', found = false;
    at += negated;

    /* A ] that is the first member is an ordinary one (POSIX 2.13.1). */
    for (bool first = true; *at && (first || *at != ']'); first = false) {
        if (glob_take_class(&at, code, &found))
            continue;
        uint32_t low = glob_take(&at, fold), high = low;

        /* A - before the ] is an ordinary member too. */
        if (at[0] == '-' && at[1] && at[1] != ']') {
            at++;
            high = glob_take(&at, fold);
        }
        found |= low <= code && code <= high;
    }

    /* If the text ended before a ], the caller takes the [ as an ordinary character. */
    *closed = *at == ']';
    if (*closed)
        *glob = at + 1;
    return found != negated;
}

/* Matches one character of the text. If it matches, moves past it in both glob and text. */
static bool glob_step(const char **glob, const char **text, bool fold)
{
    const char *at = *glob;
    uint32_t code;
    size_t taken = pattern_take(*text, strlen(*text), fold, &code);
    bool closed = false, fits = false;

    if (*at == '[') {
        const char *set = at + 1;
        fits = glob_set(&set, fold, code, &closed);
        at = closed ? set : at;
    }

    /* A [ that is not closed is an ordinary character. */
    if (!closed && *at == '?') {
        at++;
        fits = true;
    } else if (!closed) {
        fits = glob_take(&at, fold) == code;
    }

    /* After a mismatch nothing moves: the caller retries from the last star. */
    if (fits) {
        *glob = at;
        *text += taken;
    }
    return fits;
}

bool glob_is_pattern(const char *glob)
{
    bool open = false;
    for (; *glob; glob++) {
        /* An escaped character is literal, and so is a [ without a ] after it. */
        if (*glob == '\\' && glob[1])
            glob++;
        else if (*glob == '*' || *glob == '?' || (open && *glob == ']'))
            return true;
        else
            open |= *glob == '[';
    }
    return false;
}

bool glob_matches_text(const char *glob, const char *text, bool fold_case)
{
    /* After a mismatch, let the last star take one more character. Earlier stars need not be tried
     * again: whatever they could take, the last one can. */
    const char *star = NULL, *retry = NULL;
    while (*text) {
        /* A star first takes no character at all. */
        if (*glob == '*') {
            star = ++glob;
            retry = text;
        } else if (!*glob || !glob_step(&glob, &text, fold_case)) {
            if (!star)
                return false;
            uint32_t code;
            glob = star;
            retry += pattern_take(retry, strlen(retry), false, &code);
            text = retry;
        }
    }

    /* The text is used up. What is left of the glob must match nothing. */
    while (*glob == '*')
        glob++;
    return !*glob;
}

bool glob_matches(const char *glob, const char *text, bool fold_case)
{
    /* Hidden names are matched only if the pattern asks for them (POSIX 2.13.3). */
    if (*text == '.' && *glob != '.' && !(glob[0] == '\\' && glob[1] == '.'))
        return false;
    return glob_matches_text(glob, text, fold_case);
}
