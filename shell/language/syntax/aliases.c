/*
 * aliases.c - an ordered list of aliases; see aliases.h.
 */
#include "shell/language/syntax/aliases.h"
#include "lib/string.h"

/* Returns the link to the alias, or to where it belongs in the order. */
static struct alias **find(const struct aliases *aliases, const char *name, bool *found)
{
    struct alias **link = (struct alias **)(uintptr_t)&aliases->first;
    int order = -1;
    while (*link && (order = strcmp((*link)->name, name)) < 0)
        link = &(*link)->next;
    *found = *link && !order;
    return link;
}

const char *aliases_get(const struct aliases *aliases, const char *name)
{
    bool found;
    struct alias **link = find(aliases, name, &found);
    return found ? (*link)->value : NULL;
}

status_t aliases_set(struct aliases *aliases, const char *name, size_t length, const char *value)
{
    size_t bytes = strlen(value) + 1;
    struct alias *fresh = mem_alloc(sizeof(*fresh) + length + 1 + bytes);
    if (!fresh)
        return -ENOMEM;

    /* One allocation holds the structure, the name and the value. */
    memcpy(fresh->name, name, length);
    fresh->name[length] = '\0';
    memcpy(fresh->name + length + 1, value, bytes);
    fresh->value = fresh->name + length + 1;

    IGNORE(aliases_unset(aliases, fresh->name)); /* there may be none of this name */
    bool found;
    struct alias **link = find(aliases, fresh->name, &found);
    fresh->next = *link;
    *link = fresh;
    return 0;
}

bool aliases_unset(struct aliases *aliases, const char *name)
{
    bool found;
    struct alias **link = find(aliases, name, &found);
    if (found) {
        struct alias *old = *link;
        *link = old->next;
        mem_free(old);
    }
    return found;
}

status_t aliases_copy(const struct aliases *from, struct aliases *to)
{
    *to = (struct aliases){ 0 };
    for (const struct alias *at = from->first; at; at = at->next)
        if (aliases_set(to, at->name, strlen(at->name), at->value)) {
            aliases_free(to);
            return -ENOMEM;
        }
    return 0;
}

void aliases_free(struct aliases *aliases)
{
    for (struct alias *at = aliases->first, *next; at; at = next) {
        next = at->next;
        mem_free(at);
    }
    aliases->first = NULL;
}
