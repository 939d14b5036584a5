/* pattern.c - see pattern.h. */
#include "shell/pattern.h"
#include "lib/string.h"

/* The next character of a glob's set, which a backslash makes an ordinary one. */
static uint32_t glob_take(const char **at, bool fold)
{
    uint32_t code;
    if (**at == '\\' && (*at)[1])
        ++*at;
    *at += pattern_take(*at, strlen(*at), fold, &code);
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
    size_t taken = pattern_take(*text, strlen(*text), fold, &code);
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

bool glob_matches_text(const char *glob, const char *text, bool fold_case)
{
    const char *star = NULL, *retry = NULL;
    while (*text) {
        if (*glob == '*') {
            star = ++glob;
            retry = text;
        } else if (!*glob || !glob_step(&glob, &text, fold_case)) {
            if (!star)
                return false;
            uint32_t code;
            glob = star; /* only the last star need take more */
            retry += pattern_take(retry, strlen(retry), false, &code);
            text = retry;
        }
    }
    while (*glob == '*')
        glob++;
    return !*glob;
}

bool glob_matches(const char *glob, const char *text, bool fold_case)
{
    if (*text == '.' && *glob != '.' && !(glob[0] == '\\' && glob[1] == '.'))
        return false;
    return glob_matches_text(glob, text, fold_case);
}
