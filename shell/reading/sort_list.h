/*
 * sort_list.h - merge sort of linked lists.
 *
 * Model       Stable, and needs neither memory nor recursion, so that it works when memory is
 *             exhausted and on a kernel stack. Time is n log n.
 * Ownership   The caller's items are relinked, not copied. Each begins with a struct sortable.
 */
#ifndef SHELL_READING_SORT_LIST_H
#define SHELL_READING_SORT_LIST_H

#include <stddef.h>

/* The first field of an item. */
struct sortable {
    struct sortable *next;
};

/* Returns the sorted list. compare() returns < 0, 0 or > 0, as strcmp() does. */
struct sortable *sort_list(struct sortable *list,
                           int (*compare)(const struct sortable *a, const struct sortable *b,
                                          const void *context),
                           const void *context);

#endif
