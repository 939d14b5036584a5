/*
 * expression_list.h - several regular expressions that are alternatives of each other.
 *
 * Model       A text is a list of patterns, separated by newlines, as grep's are; each text that is
 *             added appends its own. What matches one of the patterns matches the list. An empty
 *             list matches nothing, an empty pattern everything.
 * Errors      -ENOMEM; -EINVAL: a pattern is not well formed, and *why is the reason.
 * Ownership   All zero is an empty list. expression_list_free() frees it, after errors too.
 */
#ifndef KERNEL_SHELL_EXPRESSION_LIST_H
#define KERNEL_SHELL_EXPRESSION_LIST_H

#include "kernel/shell/expression.h"

struct expression_list {
    struct expression_entry *first, *last;
};

status_t expression_list_add(struct expression_list *list, const char *text, unsigned flags,
                             const char **why) MUST_CHECK;
void expression_list_free(struct expression_list *list);

/* As expression_matches() and expression_find(): the first match of any, the longest of those. */
bool expression_list_matches(const struct expression_list *list, const char *text, size_t bytes);
/* As expression_begin() and expression_feed(); returns how many bytes of the piece are used up: the
 * next piece begins with the others. *matches: so far. */
void expression_list_begin(const struct expression_list *list);
size_t expression_list_feed(const struct expression_list *list, const char *text, size_t bytes,
                            bool last, bool *matches);
bool expression_list_find(const struct expression_list *list, const char *text, size_t bytes,
                          size_t from, size_t *start, size_t *end);

#endif
