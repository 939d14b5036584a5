/*
 * pattern.c - matches names against globs; see pattern.h.
 */
#include "shell/pattern.h"
#include "lib/string.h"

/* Takes the next character of a set; a backslash before it is skipped. */
static uint32_t glob_take(const char **at, bool fold)
{
    uint32_t code;

    /* The backslash itself is never compared. */
    if (**at == '\\' && (*at)[1])
        ++*at;
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
