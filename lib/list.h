/*
 * list.h - doubly linked lists whose links are members of the elements.
 *
 * A `struct list` is both the head of a list and a link in one. An empty head, and a link that is
 * in no list, point to themselves; list_remove() leaves a link in that state, so it is idempotent.
 * Nothing is allocated or locked: the owner of the head documents its lock. container_of() returns
 * the element of a link.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include "lib/macros.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name) { &(name), &(name) }

/* Walks links; the body must not remove *link (list_each_safe may). */
#define list_each(link, head) \
    for (struct list *link = (head)->next; link != (head); link = link->next)
#define list_each_safe(link, head) \
    for (struct list *link = (head)->next, *link##_next = link->next; link != (head); \
         link = link##_next, link##_next = link->next)

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert_after(struct list *at, struct list *link)
{
    /* The head is a link as well, so there is no special case for an empty list. */
    link->next = at->next;
    link->prev = at;
    at->next->prev = link;
    at->next = link;
}

static inline void list_push_front(struct list *head, struct list *link)
{
    list_insert_after(head, link);
}

static inline void list_push_back(struct list *head, struct list *link)
{
    list_insert_after(head->prev, link);
}

static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;

    /* Removing the link again is harmless now. */
    list_init(link);
}

/* Removes and returns the first link, NULL if the list is empty. */
static inline struct list *list_pop_front(struct list *head)
{
    if (list_empty(head))
        return NULL;
    struct list *link = head->next;
    list_remove(link);
    return link;
}

#endif
