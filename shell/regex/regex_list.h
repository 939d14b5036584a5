/*
 * regex_list.h - several regular expressions that are alternatives of each other.
 *
 * Model       A text is a list of patterns, separated by newlines, as grep's are; each text that is
 *             added appends its own. What matches one of the patterns matches the list. An empty
 *             list matches nothing, an empty pattern everything.
 * Errors      -ENOMEM; -EINVAL: a pattern is not well formed, and *why is the reason.
 * Ownership   All zero is an empty list. regex_list_free() frees it, after errors too.
 */
#ifndef SHELL_REGEX_REGEX_LIST_H
#define SHELL_REGEX_REGEX_LIST_H

#include "shell/regex/regex.h"

struct regex_list {
    struct regex_entry *first, *last;
};

status_t regex_list_add(struct regex_list *list, const char *text, unsigned flags,
                             const char **why) MUST_CHECK;
void regex_list_free(struct regex_list *list);

/* As regex_matches() and regex_find(): the first match of any, the longest of those. */
bool regex_list_matches(const struct regex_list *list, const char *text, size_t bytes);
/* As regex_begin() and regex_feed(); returns how many bytes of the piece are used up: the
 * next piece begins with the others. *matches: so far. */
void regex_list_begin(const struct regex_list *list);
size_t regex_list_feed(const struct regex_list *list, const char *text, size_t bytes,
                            bool last, bool *matches);
bool regex_list_find(const struct regex_list *list, const char *text, size_t bytes,
                          size_t from, size_t *start, size_t *end);

#endif
