/*
 * regex_list.c - matches a text against several expressions in turn; see regex_list.h.
 */
#include "shell/regex/regex_list.h"
#include "lib/macros.h"
#include "lib/string.h"

struct regex_entry {
    struct regex_entry *next;
    struct regex *expression;
};

static status_t add_pattern(struct regex_list *list, const char *pattern, unsigned flags,
                            const char **why)
{
    struct regex_entry *entry = mem_zalloc(sizeof(*entry));
    status_t status =
        entry ? regex_create(pattern, flags, &entry->expression, why) : -ENOMEM;
    if (status) {
        mem_free(entry);
        return status;
    }

    /* Keep the order in which the patterns were given. */
    if (list->last)
        list->last->next = entry;
    else
        list->first = entry;
    list->last = entry;
    return 0;
}

status_t regex_list_add(struct regex_list *list, const char *text, unsigned flags,
                        const char **why)
{
    size_t bytes = strlen(text) + 1;
    char *copy = mem_alloc(bytes);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, text, bytes);

    /* Each line of the text is a pattern. */
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

void regex_list_free(struct regex_list *list)
{
    struct regex_entry *next;
    for (struct regex_entry *entry = list->first; entry; entry = next) {
        next = entry->next;
        regex_destroy(entry->expression);
        mem_free(entry);
    }
    *list = (struct regex_list){ 0 };
}

bool regex_list_matches(const struct regex_list *list, const char *text, size_t bytes)
{
    for (const struct regex_entry *entry = list->first; entry; entry = entry->next)
        if (regex_matches(entry->expression, text, bytes))
            return true;
    return false;
}

void regex_list_begin(const struct regex_list *list)
{
    for (const struct regex_entry *entry = list->first; entry; entry = entry->next)
        regex_begin(entry->expression);
}

size_t regex_list_feed(const struct regex_list *list, const char *text, size_t bytes,
                       bool last, bool *matches)
{
    /* Feed every expression, until one has matched. */
    size_t used = bytes;
    *matches = false;

    for (const struct regex_entry *entry = list->first; entry && !*matches;
         entry = entry->next) {
        size_t one;
        *matches = regex_feed(entry->expression, text, bytes, last, &one);

        /* The slowest expression decides how much of the piece is used up. */
        used = min(used, one);
    }

    /* Keep one byte more: whether a word begins depends on the character before it. */
    used -= used > 0;
    for (const struct regex_entry *entry = list->first; entry; entry = entry->next)
        regex_drop(entry->expression, used);
    return used;
}

bool regex_list_find(const struct regex_list *list, const char *text, size_t bytes,
                     size_t from, size_t *start, size_t *end)
{
    bool found = false;
    for (const struct regex_entry *entry = list->first; entry; entry = entry->next) {
        size_t one_start, one_end;
        if (!regex_find(entry->expression, text, bytes, from, &one_start, &one_end))
            continue;

        /* Of several matches, the leftmost, and the longest of those (POSIX 9.1). */
        if (!found || one_start < *start || (one_start == *start && one_end > *end)) {
            *start = one_start;
            *end = one_end;
        }
        found = true;
    }
    return found;
}
