/*
 * ramfs.h - a file system in memory, the root of the tree: nodes, directories and their content.
 *
 * Files       node.c       nodes, and how they are found by id
 *             directory.c  entries: finding, changing and listing them
 *             content.c    the bytes of files
 *             table.c      the hash table of names and of nodes (table.h)
 *             ramfs.c      the FSD's operations and driver
 *
 * Model       A node has a number, which is its vnode id, and exists while it has a name or a
 *             vnode. Content is a tree of pages (kernel/vfs/cache/pages.h). A directory finds its
 *             entries by hash, and lists them in the order in which they were created.
 * Listing     A reader has a place of its own in the directory's list, after the entry that it read
 *             last. So it continues without a search, and entries added or removed meanwhile do
 *             not disturb it. Entries newer than the reader are not listed.
 * Removal     `entries` of a directory is one atomic number with a bit for "removed": an entry is
 *             counted before it is added, and a directory is removed by one atomic step from 0 to
 *             that bit. So a removal needs the parent's lock only.
 * Locking     Ranks as in kernel/port.h; each lock may be held while memory is allocated.
 *               renames (VNODE)   one per file system: moves between two directories. Only they
 *                                 change a node's parent and hold two node locks.
 *               node lock (FSD)   a directory's entries with their names; a file's pages
 *               shard lock (CACHE) nodes by id
 *             Sizes and times are atomic: they are read without a lock. put_vnode takes no lock.
 */
#ifndef FS_RAMFS_RAMFS_H
#define FS_RAMFS_RAMFS_H

#include "kernel/vfs/layout/table.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/fsd.h"

enum { RAMFS_SHARDS = 16 };

/* A place in a directory's list: an entry's or a reader's. */
struct ramfs_place {
    struct list link;
    uint64_t sequence; /* of creation; a reader's: the latest entry when it began */
    bool is_reader;
};

struct ramfs_directory {
    struct list places;
    struct table names;
    _Atomic uint64_t entries; /* with RAMFS_REMOVED */
    uint64_t last_sequence;
};

#define RAMFS_REMOVED ((uint64_t)1 << 63)

struct ramfs_node {
    vnode_id_t id;
    enum node_type type;
    _Atomic unsigned users; /* its name and its vnodes (briefly two, when reclaim frees one while
                               another is created) */
    _Atomic uint64_t size_bytes;
    _Atomic int64_t modified_s; /* the last change of its content (a directory's: its names), as
                                   time_wall_s() returns it: may be unknown */
    _Atomic int64_t accessed_s; /* set by a person only; INT64_MIN: never */
    _Atomic uint32_t modified_ns, accessed_ns;
    struct mutex lock;
    union {
        struct pages pages;                /* a file's */
        struct ramfs_directory *directory; /* a directory's, owned */
        char *target;                      /* a link's, owned; never changes */
    };
    struct table_link id_link;

    /* of its entry, under its directory's lock */
    struct ramfs_node *parent;
    struct ramfs_place place;
    struct table_link name_link;
    char *name;
    size_t name_length;
};

struct ramfs {
    struct fsd fsd;
    struct mutex renames;
    _Atomic vnode_id_t last_id;
    struct ramfs_shard {
        struct mutex lock;
        struct table nodes;
    } shards[RAMFS_SHARDS];
};

/* ---- node.c ---- */

/* Creates a node that is found by its id, with one user. `target`: a link's, which is copied; else
 * NULL. -ENOSPC when less than an eighth of memory is free, -ENOMEM. */
status_t ramfs_node_create(struct ramfs *ramfs, enum node_type type, struct element element,
                           const char *target, struct ramfs_node **node) MUST_CHECK;
/* Removes it from the nodes found by id, and releases one use. */
void ramfs_node_forget(struct ramfs *ramfs, struct ramfs_node *node);
/* Returns the node of an id, with one more user; NULL if there is none. */
struct ramfs_node *ramfs_node_get(struct ramfs *ramfs, vnode_id_t id);
void ramfs_node_put(struct ramfs_node *node);
void ramfs_nodes_free(struct ramfs *ramfs); /* all of them, whatever their users */
void ramfs_node_info(struct ramfs_node *node, struct node_info *info);
void ramfs_node_touch(struct ramfs_node *node); /* sets its time to now */
char *ramfs_name_copy(struct element element);  /* NULL when memory is exhausted */

/* ---- directory.c: struct fsd_ops (kernel/vfs/fsd.h) ---- */

status_t ramfs_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                      vnode_id_t *id);
status_t ramfs_get_child_info(struct fsd *fsd, struct vnode *directory, struct element element,
                              unsigned levels, struct node_info *info);
status_t ramfs_create(struct fsd *fsd, struct vnode *directory, struct element element,
                      vnode_id_t *id);
status_t ramfs_mkdir(struct fsd *fsd, struct vnode *directory, struct element element,
                     vnode_id_t *id);
status_t ramfs_symlink(struct fsd *fsd, struct vnode *directory, struct element element,
                       const char *target, vnode_id_t *id);
ssize_t ramfs_read_link(struct fsd *fsd, struct vnode *vnode, char *target, size_t bytes);
status_t ramfs_unlink(struct fsd *fsd, struct vnode *directory, struct element element,
                      struct vnode *vnode);
status_t ramfs_rename(struct fsd *fsd, struct vnode *from, struct element old_name,
                      struct vnode *moved, struct vnode *to, struct element new_name,
                      struct vnode *replaced);
status_t ramfs_open_dir(struct fsd *fsd, struct vnode *directory, void **cursor);
int ramfs_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor, uint64_t *position,
                   unsigned levels, struct dir_entry *entry);
void ramfs_close_dir(struct fsd *fsd, struct vnode *directory, void *cursor);

/* ---- content.c: struct fsd_ops ---- */

status_t ramfs_set_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                        const struct node_info *info);
void ramfs_read_write(struct fsd *fsd, struct vfs_io *io);

#endif
