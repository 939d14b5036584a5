/*
 * find.c - finds matches: with match.c, or for expressions with back references with groups.c.
 */
#include "shell/regex/program.h"

bool regex_find(struct regex *e, const char *text, size_t bytes, size_t from, size_t *start,
                size_t *end)
{
    struct regex_span spans[REGEX_SPANS];
    if (!e->has_back)
        return regex_follow(e, text, bytes, from, false, start, end);

    /* A search that had to end early has not found a match. */
    bool found = regex_find_groups(e, text, bytes, from, spans) > 0;
    *start = spans[0].start;
    *end = spans[0].end;
    return found;
}

bool regex_matches(struct regex *e, const char *text, size_t bytes)
{
    size_t start, end;
    if (e->has_back)
        return regex_find(e, text, bytes, 0, &start, &end);
    return regex_follow(e, text, bytes, 0, true, &start, &end);
}
