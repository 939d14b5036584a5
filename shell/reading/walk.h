/*
 * walk.h - visits a whole tree, node by node, in the bytewise order of the paths; or nested: the
 * contents of a directory follow it directly (`a`, `a/x`, `a-b` instead of `a`, `a-b`, `a/x`).
 *
 * Model       A walk never crosses a mount and never recurses: nodes that were found but not
 *             visited wait in a heap, from which the least path is taken next. The entries of a
 *             directory are read when it is visited, so visited nodes may be removed. Each
 *             directory content is entered once: a directory that shows it again, or that is deeper
 *             than WALK_DEPTH_MAX, is visited with status -ELOOP.
 *             Information that a directory holds about its entries is taken from there. Only
 *             walk_path() creates the vnode of an item.
 * Memory      In proportion to the nodes that wait. The last eighth of memory is left free.
 * Ownership   The pointers of an item, and walk_path()'s path, are borrowed until the next call.
 */
#ifndef SHELL_READING_WALK_H
#define SHELL_READING_WALK_H

#include "kernel/vfs/vfs.h"

enum { WALK_DEPTH_MAX = 256 };
enum { WALK_NESTED = 1 };

struct walk;

struct walk_item {
    struct walk *walk;
    const char *text;      /* relative to the start, "" for the start itself if that is a file */
    const char *name;      /* the last element of text */
    struct path *parent;   /* the directory that contains it; NULL for a start that is a file */
    unsigned depth;        /* 1: directly below the start */
    bool found;            /* false: the node could not be read, for the reason in `status` */
    struct node_info info; /* if `found` */
    status_t status;       /* 0; of reading the node; of listing a directory; -ELOOP */
};

/* Begins a walk below `start`. If that is not a directory it is the only item. -ENOMEM, -EINTR. */
status_t walk_begin(struct path *start, unsigned flags, struct walk **walk) MUST_CHECK;
/* Returns 1 and an item, 0 at the end, -ENOMEM or -EINTR. If the start itself could not be listed
 * completely, returns the reason once, before the end. */
int walk_next(struct walk *walk, struct walk_item *item) MUST_CHECK;
/* Returns how many invalid entries were left out in the directories that were listed so far. */
unsigned walk_skipped(const struct walk *walk);
/* Returns the path of the item that walk_next() returned last. */
status_t walk_path(const struct walk_item *item, struct path **path) MUST_CHECK;
/* Frees a walk; NULL does nothing. */
void walk_end(struct walk *walk);

#endif
