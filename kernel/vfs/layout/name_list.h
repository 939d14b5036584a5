/*
 * name_list.h - types that name_index.c and name_slots.c share: an index, its nodes, and the places
 * of those who list it. See name_index.h.
 */
#ifndef KERNEL_VFS_LAYOUT_NAME_LIST_H
#define KERNEL_VFS_LAYOUT_NAME_LIST_H

#include "kernel/sched/sync.h"
#include "kernel/vfs/layout/name_index.h"
#include "kernel/vfs/layout/table.h"

/* A place in an index's list: a node's or a reader's. */
struct name_place {
    struct list link;
    uint64_t sequence; /* of insertion; a reader's: the latest node's when it began */
    bool is_reader;
};

struct name_node {
    struct name_place place;
    struct table_link name_link, alias_link;
    struct name_entry entry; /* its texts and details are in the same allocation */
    unsigned last_number;    /* given to a later, equal name */
};

struct name_index {
    const struct name_format *format;
    struct fsd *fsd;
    _Atomic unsigned references;
    struct mutex lock; /* guards what follows, up to `seed` */
    struct list places;
    struct table by_name, by_alias;
    uint64_t last_sequence;
    unsigned renamed;
    uint64_t seed; /* of the hashes, so that a volume cannot choose names that collide */
    status_t status;
    unsigned skipped;
};

/* Returns the node with this name, else with this alias, or NULL. The caller holds the lock. */
struct name_node *name_node_find(struct name_index *index, const char *name, size_t length);

#endif
