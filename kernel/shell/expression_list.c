/*
 * expression_list.c - see expression_list.h.
 */
#include "kernel/shell/expression_list.h"
#include "lib/string.h"

struct expression_entry {
    struct expression_entry *next;
    struct expression *expression;
};

static status_t add_pattern(struct expression_list *list, const char *pattern, unsigned flags,
                            const char **why)
{
    struct expression_entry *entry = mem_zalloc(sizeof(*entry));
    status_t status =
        entry ? expression_create(pattern, flags, &entry->expression, why) : -ENOMEM;
    if (status) {
        mem_free(entry);
        return status;
    }

    if (list->last)
        list->last->next = entry;
    else
        list->first = entry;
    list->last = entry;
    return 0;
}

status_t expression_list_add(struct expression_list *list, const char *text, unsigned flags,
                             const char **why)
{
    size_t bytes = strlen(text) + 1;
    char *copy = mem_alloc(bytes);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, text, bytes);

    status_t status = 0;
    for (char *at = copy; at && !status;) {
        char *newline = strchr(at, '\n');
        if (newline)
            *newline = '\0';
        status = add_pattern(list, at, flags, why);
        at = newline ? newline + 1 : NULL;
    }
    mem_free(copy);
    return status;
}

void expression_list_free(struct expression_list *list)
{
    struct expression_entry *next;
    for (struct expression_entry *entry = list->first; entry; entry = next) {
        next = entry->next;
        expression_destroy(entry->expression);
        mem_free(entry);
    }
    *list = (struct expression_list){ 0 };
}

bool expression_list_matches(const struct expression_list *list, const char *text, size_t bytes)
{
    for (const struct expression_entry *entry = list->first; entry; entry = entry->next)
        if (expression_matches(entry->expression, text, bytes))
            return true;
    return false;
}

void expression_list_begin(const struct expression_list *list)
{
    for (const struct expression_entry *entry = list->first; entry; entry = entry->next)
        expression_begin(entry->expression);
}

size_t expression_list_feed(const struct expression_list *list, const char *text, size_t bytes,
                            bool last, bool *matches)
{
    size_t used = bytes;
    *matches = false;
    for (const struct expression_entry *entry = list->first; entry && !*matches;
         entry = entry->next) {
        struct expression *e = entry->expression;
        expression_feed(e, text, bytes, last);
        *matches = e->fed_match;
        if (e->fed_to < used)
            used = e->fed_to;
    }
    used -= used > 0; /* words and lines begin after the character before */
    for (const struct expression_entry *entry = list->first; entry; entry = entry->next)
        entry->expression->fed_to -= used;
    return used;
}

bool expression_list_find(const struct expression_list *list, const char *text, size_t bytes,
                          size_t from, size_t *start, size_t *end)
{
    bool found = false;
    for (const struct expression_entry *entry = list->first; entry; entry = entry->next) {
        size_t one_start, one_end;
        if (!expression_find(entry->expression, text, bytes, from, &one_start, &one_end))
            continue;
        if (!found || one_start < *start || (one_start == *start && one_end > *end)) {
            *start = one_start;
            *end = one_end;
        }
        found = true;
    }
    return found;
}
