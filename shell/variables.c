/*
 * variables.c - the hash table of a shell's variables; see variables.h.
 */
#include "shell/variables.h"
#include "lib/macros.h"
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

/* Returns the link to the variable, or the link at the end of its bucket. */
static struct variable **find_link(const struct variables *variables, const char *name,
                                   size_t length)
{
    /* Names are short and few: their first, last and number of characters spread them enough. */
    unsigned hash = (unsigned char)name[0] * 7u + (unsigned char)name[length - 1] +
                    (unsigned)length;
    struct variable **link =
        (struct variable **)(uintptr_t)&variables->buckets[hash % VARIABLE_BUCKETS];
    while (*link && !((*link)->name_length == length && memcmp((*link)->name, name, length) == 0))
        link = &(*link)->next;
    return link;
}

struct variable *variables_find(const struct variables *variables, const char *name, size_t length)
{
    return length ? *find_link(variables, name, length) : NULL;
}

const char *variables_get(const struct variables *variables, const char *name, size_t length)
{
    const struct variable *variable = variables_find(variables, name, length);
    return variable ? variable->value : NULL;
}

enum { ROOM_MIN = 16, WASTE_MAX = 256 };

/* Replaces a variable's value. -ENOMEM. */
static status_t set_value(struct variable *variable, const char *text)
{
    size_t bytes = strlen(text) + 1;

    /* A counter keeps its memory. A part of the old value may be the new one, as in A=${A#x}. */
    if (bytes <= variable->room && variable->room - bytes <= WASTE_MAX) {
        memmove(variable->value, text, bytes);
        return 0;
    }

    size_t room = max(bytes, ROOM_MIN);
    char *copy = mem_alloc(room);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, text, bytes);
    mem_free(variable->value);
    variable->value = copy;
    variable->room = room;
    return 0;
}

static struct variable *create(const char *name, size_t length, const char *value)
{
    struct variable *variable = mem_zalloc(sizeof(*variable) + length + 1);
    if (!variable)
        return NULL;
    memcpy(variable->name, name, length);
    variable->name_length = length;
    if (value && set_value(variable, value)) {
        mem_free(variable);
        return NULL;
    }
    return variable;
}

static void variable_free(struct variable *variable)
{
    if (variable)
        mem_free(variable->value);
    mem_free(variable);
}

status_t variables_set(struct variables *variables, const char *name, size_t length,
                       const char *value)
{
    struct variable **link = find_link(variables, name, length), *variable = *link;
    if (!variable)
        return (*link = create(name, length, value)) ? 0 : -ENOMEM;
    if (variable->flags & VARIABLE_READ_ONLY)
        return -EPERM;

    status_t status = set_value(variable, value);
    if (!status)
        variable->flags &= ~(unsigned)VARIABLE_KEPT;
    return status;
}

status_t variables_mark(struct variables *variables, const char *name, size_t length,
                        unsigned flags)
{
    struct variable **link = find_link(variables, name, length);
    if (!*link && !(*link = create(name, length, NULL)))
        return -ENOMEM;
    (*link)->flags |= flags;
    return 0;
}

status_t variables_unset(struct variables *variables, const char *name)
{
    struct variable **link = find_link(variables, name, strlen(name)), *variable = *link;
    if (!variable)
        return 0;
    if (variable->flags & VARIABLE_READ_ONLY)
        return -EPERM;
    *link = variable->next;
    variable_free(variable);
    return 0;
}

void variables_each(const struct variables *variables,
                    void (*visit)(const struct variable *variable, void *context), void *context)
{
    for (unsigned i = 0; i < VARIABLE_BUCKETS; i++)
        for (const struct variable *at = variables->buckets[i]; at; at = at->next)
            visit(at, context);
}

/* ---- saving ------------------------------------------------------------------------------- */

status_t variables_save(struct variables *variables, const char *name, size_t length,
                        struct saved_variable **saved)
{
    struct variable **link = find_link(variables, name, length), *variable = *link;
    struct saved_variable *entry = mem_zalloc(sizeof(*entry) + length + 1);
    struct variable *copy = entry && variable ? create(name, length, variable->value) : NULL;
    if (!entry || (variable && !copy)) {
        mem_free(entry);
        return -ENOMEM;
    }

    /* The copy takes the place of the variable in its bucket. */
    if (variable) {
        copy->flags = variable->flags;
        copy->next = variable->next;
        *link = copy;
    }
    memcpy(entry->name, name, length);
    entry->name_length = length;
    entry->variable = variable;
    entry->next = *saved;
    *saved = entry;
    return 0;
}

void variables_restore(struct variables *variables, struct saved_variable **saved,
                       struct saved_variable *until)
{
    while (*saved != until) {
        struct saved_variable *entry = *saved;
        struct variable **link = find_link(variables, entry->name, entry->name_length);
        struct variable *now = *link;

        if (now)
            *link = now->next;
        variable_free(now);
        if (entry->variable) {
            entry->variable->next = *link;
            *link = entry->variable;
        }
        *saved = entry->next;
        mem_free(entry);
    }
}

/* ---- whole sets --------------------------------------------------------------------------- */

status_t variables_copy(const struct variables *from, struct variables *to)
{
    *to = (struct variables){ 0 };
    for (unsigned i = 0; i < VARIABLE_BUCKETS; i++) {
        struct variable **end = &to->buckets[i];
        for (const struct variable *at = from->buckets[i]; at; at = at->next) {
            if (!(*end = create(at->name, at->name_length, at->value))) {
                variables_free(to);
                return -ENOMEM;
            }
            (*end)->flags = at->flags;
            end = &(*end)->next;
        }
    }
    return 0;
}

void variables_free(struct variables *variables)
{
    for (unsigned i = 0; i < VARIABLE_BUCKETS; i++) {
        for (struct variable *at = variables->buckets[i], *next; at; at = next) {
            next = at->next;
            variable_free(at);
        }
        variables->buckets[i] = NULL;
    }
}
