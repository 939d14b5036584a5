/*
 * ramfs.h - nodes and directories in memory: the types and functions of fs/ramfs.
 *
 * Model       A node has a number, which is its vnode id, and stays while it has a name or a
 *             vnode. Content is a tree of pages (kernel/vfs/cache/pages.h). A directory finds its
 *             entries by hash, and lists them in the order in which they were created.
 * Listing     A reader has a place of its own in the directory's list, after the entry that it read
 *             last: no entry has to be searched for, and entries that come or go meanwhile do not
 *             disturb the others. Entries newer than the reader are not listed.
 * Removal     `entries` of a directory is one atomic number with a bit for "removed": a new entry
 *             is counted before it is entered, and a directory is removed by one step from 0 to
 *             that bit. So a removal needs the parent's lock only.
 * Locking     Ranks as in kernel/port.h; each lock may be held while memory is allocated.
 *               renames (VNODE)   one a file system: moves between two directories. Only they
 *                                 change a node's parent and hold two node locks.
 *               node lock (FSD)   a directory's entries with their names; a file's pages
 *               shard lock (CACHE) nodes by id
 *             Sizes and times are atomic: they are read without a lock. put_vnode takes no lock.
 */
#ifndef FS_RAMFS_RAMFS_H
#define FS_RAMFS_RAMFS_H

#include "fs/ramfs/table.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/fsd.h"

enum { RAMFS_SHARDS = 16 };

/* A place in a directory's list: an entry's or a reader's. */
struct ramfs_place {
    struct list link;
    uint64_t sequence; /* the order in which entries came; a reader's: the last when it began */
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
    _Atomic unsigned users; /* its name and its vnodes (two for a moment, when reclaim frees one
                               while another is made) */
    _Atomic uint64_t size_bytes;
    _Atomic int64_t modified_s; /* when it was made, or its content changed (a directory's are its
                                   names); time_wall_s(): may be unknown */
    struct mutex lock;
    union {
        struct pages pages;                /* a file's */
        struct ramfs_directory *directory; /* a directory's, owned */
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

/* Creates a node that is found by its id, with one user. -ENOSPC when memory is short, -ENOMEM. */
status_t ramfs_node_create(struct ramfs *ramfs, enum node_type type, struct element element,
                           struct ramfs_node **node) MUST_CHECK;
/* Ends that it is found by its id, and one use. */
void ramfs_node_forget(struct ramfs *ramfs, struct ramfs_node *node);
/* The node of an id, with one more user; NULL: none. */
struct ramfs_node *ramfs_node_get(struct ramfs *ramfs, vnode_id_t id);
void ramfs_node_put(struct ramfs_node *node);
void ramfs_nodes_free(struct ramfs *ramfs); /* all, even those in use */
void ramfs_node_info(struct ramfs_node *node, struct node_info *info);
void ramfs_node_touch(struct ramfs_node *node); /* sets its time to now */
char *ramfs_name_copy(struct element element);  /* NULL: no memory */

/* ---- directory.c: struct fsd_ops (kernel/vfs/fsd.h) ---- */

status_t ramfs_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                      vnode_id_t *id);
status_t ramfs_get_child_info(struct fsd *fsd, struct vnode *directory, struct element element,
                              unsigned levels, struct node_info *info);
status_t ramfs_create(struct fsd *fsd, struct vnode *directory, struct element element,
                      vnode_id_t *id);
status_t ramfs_mkdir(struct fsd *fsd, struct vnode *directory, struct element element,
                     vnode_id_t *id);
status_t ramfs_unlink(struct fsd *fsd, struct vnode *directory, struct element element,
                      struct vnode *vnode);
status_t ramfs_rename(struct fsd *fsd, struct vnode *from, struct element old_name,
                      struct vnode *to, struct element new_name, struct vnode *replaced);
status_t ramfs_open_dir(struct fsd *fsd, struct vnode *directory, void **cursor);
int ramfs_read_dir(struct fsd *fsd, struct vnode *directory, void *cursor, uint64_t *position,
                   unsigned levels, struct dir_entry *entry);
void ramfs_close_dir(struct fsd *fsd, struct vnode *directory, void *cursor);

/* ---- content.c: struct fsd_ops ---- */

status_t ramfs_set_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                        const struct node_info *info);
void ramfs_read_write(struct fsd *fsd, struct vfs_io *io);

#endif
