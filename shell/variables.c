/*
 * variables.c - the ordered list of a shell's variables; see variables.h.
 */
#include "shell/variables.h"
#include "lib/string.h"
#include "lib/text.h"

size_t variable_name_length(const char *text)
{
    size_t length = 0;

    for (;; length++) {
        char c = text_lower(text[length]);
        if (!((c >= 'a' && c <= 'z') || c == '_' || (length && text_is_digit(c))))
            return length;
    }
}

/* Returns the link to the variable, or to where it belongs in the order. */
static struct variable **variables_find(struct variable *const *first, const char *name,
                                        size_t length, bool *found)
{
    struct variable **link = (struct variable **)(uintptr_t)first;

    for (; *link; link = &(*link)->next) {
        /* Names are not terminated in the text of a command, so compare with both lengths. */
        size_t other = strlen((*link)->name);
        int order = memcmp((*link)->name, name, other < length ? other : length);

        *found = !order && other == length;

        /* Stop at the first name that is greater: the list is ordered. */
        if (*found || order > 0 || (!order && other > length))
            return link;
    }

    *found = false;
    return link;
}

const char *variables_get(const struct variables *variables, const char *name, size_t length)
{
    bool found;
    struct variable **link = variables_find(&variables->first, name, length, &found);
    return found ? (*link)->value : NULL;
}

status_t variables_set(struct variables *variables, const char *name, size_t length,
                       const char *value)
{
    bool found;
    struct variable **link = variables_find(&variables->first, name, length, &found);

    /* A new variable replaces the old one, so that the old value stays valid until it was
     * copied. */
    size_t bytes = strlen(value) + 1;
    struct variable *fresh = mem_alloc(sizeof(*fresh) + length + 1 + bytes);
    if (!fresh)
        return -ENOMEM;

    /* One allocation holds the structure, the name and the value. */
    memcpy(fresh->name, name, length);
    fresh->name[length] = '\0';
    fresh->value = fresh->name + length + 1;
    memcpy(fresh->value, value, bytes);

    struct variable *old = found ? *link : NULL;
    fresh->next = old ? old->next : *link;
    *link = fresh;
    mem_free(old); /* only now: `value` may be part of it, as in A=$A */
    return 0;
}

bool variables_unset(struct variables *variables, const char *name)
{
    bool found;
    struct variable **link = variables_find(&variables->first, name, strlen(name), &found);

    /* `link` is the pointer that leads to the variable: the head of the list, or a `next`. */
    if (found) {
        struct variable *old = *link;
        *link = old->next;
        mem_free(old);
    }
    return found;
}

status_t variables_copy(const struct variables *from, struct variables *to)
{
    *to = (struct variables){ 0 };

    /* Each search passes all earlier variables. That is acceptable, since a set is short. */
    for (const struct variable *at = from->first; at; at = at->next)
        if (variables_set(to, at->name, strlen(at->name), at->value)) {
            variables_free(to);
            return -ENOMEM;
        }
    return 0;
}

void variables_free(struct variables *variables)
{
    for (struct variable *at = variables->first, *next; at; at = next) {
        next = at->next;
        mem_free(at);
    }
    variables->first = NULL;
}
