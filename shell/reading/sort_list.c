/*
 * sort_list.c - merge sort of linked lists; see sort_list.h.
 */
#include "shell/reading/sort_list.h"

enum { RUNS = 32 };

struct sorter {
    int (*compare)(const struct sortable *a, const struct sortable *b, const void *context);
    const void *context;
};

/* Merges two sorted lists. Of equal items, those of `a` come first, which keeps the sort stable. */
static struct sortable *merge(const struct sorter *sorter, struct sortable *a, struct sortable *b)
{
    struct sortable *merged = NULL, **end = &merged;

    /* Append the lesser first item of both. `end` is the pointer to which the next one goes. */
    while (a && b) {
        struct sortable **least = sorter->compare(a, b, sorter->context) <= 0 ? &a : &b;
        *end = *least;
        *least = (*least)->next;
        end = &(*end)->next;
    }

    /* What is left of one list is sorted already. */
    *end = a ? a : b;
    return merged;
}

/* Bottom-up: runs[i] is a sorted list of 2^i items, or empty. */
struct sortable *sort_list(struct sortable *list,
                           int (*compare)(const struct sortable *a, const struct sortable *b,
                                          const void *context),
                           const void *context)
{
    const struct sorter sorter = { compare, context };

    /* Add one item like 1 to a binary counter: two runs of the same length carry to the next
     * place. */
    struct sortable *runs[RUNS] = { 0 }, *sorted = NULL;
    while (list) {
        struct sortable *run = list;
        list = list->next;
        run->next = NULL;

        unsigned i = 0;
        for (; i < RUNS - 1 && runs[i]; i++) {
            run = merge(&sorter, runs[i], run);
            runs[i] = NULL;
        }
        runs[i] = merge(&sorter, runs[i], run);
    }

    /* A greater place holds earlier items, and must be the first list of a merge to stay stable. */
    for (unsigned i = 0; i < RUNS; i++)
        sorted = merge(&sorter, runs[i], sorted);
    return sorted;
}
