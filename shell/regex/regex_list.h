/*
 * regex_list.h - several regular expressions, of which one must match.
 *
 * Model       A text holds one pattern a line, as grep's does; each text that is added appends its
 *             patterns. An empty list matches nothing, an empty pattern everything.
 * Errors      -ENOMEM; -EINVAL if a pattern is invalid, and *why is the reason.
 * Ownership   A list of zeroes is empty. regex_list_free() frees it, after errors too.
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

/* As regex_matches() and regex_find(): the first match of any, and the longest of those. */
bool regex_list_matches(const struct regex_list *list, const char *text, size_t bytes);
bool regex_list_find(const struct regex_list *list, const char *text, size_t bytes, size_t from,
                     size_t *start, size_t *end);

/* As regex_begin() and regex_feed(). Returns how many bytes of the piece are used up: the next
 * piece must begin with the others. *matches: whether a match was found so far. */
void regex_list_begin(const struct regex_list *list);
size_t regex_list_feed(const struct regex_list *list, const char *text, size_t bytes, bool last,
                       bool *matches);

#endif
