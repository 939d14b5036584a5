/*
 * walk.h - a whole tree, node by node, in the bytewise order of the paths; or nested, so that what
 * a directory holds follows it at once (`a`, `a/x`, `a-b` instead of `a`, `a-b`, `a/x`).
 *
 * The walk never crosses a mount and never recurses: what is known but not yet visited waits in a
 * heap, from which the least path comes next. Each directory content is entered once; a directory
 * that shows it again, or lies deeper than WALK_DEPTH_MAX, is visited with status -ELOOP.
 *
 * A directory's entries are read when it is visited, so what was visited may be removed.
 *
 * What a directory tells of its entries itself is taken from there: a node that is only looked at
 * is not made; walk_path() makes it.
 *
 * Ownership   walk_item's pointers, and walk_path()'s, are borrowed until the next call.
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
    struct path *parent;   /* the directory it was found in; NULL for a start that is a file */
    unsigned depth;        /* 1: directly below the start */
    bool found;            /* else the node could not be read: status says why */
    struct node_info info; /* when it was found */
    status_t status;       /* 0; of reading the node; of listing a directory; -ELOOP */
};

/* Below `start`; a start that is no directory is the only item. */
status_t walk_begin(struct path *start, unsigned flags, struct walk **walk) MUST_CHECK;
/* 1 and an item, 0 at the end, -ENOMEM or -EINTR; once, before the end, why the start itself could
 * not be listed whole. */
int walk_next(struct walk *walk, struct walk_item *item) MUST_CHECK;
/* Invalid entries that the directories listed so far hold and that were left out. */
unsigned walk_skipped(const struct walk *walk);
/* Of the item that walk_next() gave last. */
status_t walk_path(const struct walk_item *item, struct path **path) MUST_CHECK;
void walk_end(struct walk *walk); /* NULL: nothing */

#endif
