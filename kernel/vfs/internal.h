/*
 * internal.h - the types and functions that only the files of kernel/vfs share.
 *
 * Lock order: mounts (MOUNT) < vnodes (VNODE) < pages (CACHE).
 */
#ifndef KERNEL_VFS_INTERNAL_H
#define KERNEL_VFS_INTERNAL_H

#include "kernel/vfs/vfs.h"

struct mount {
    _Atomic int references; /* the table's, and one a path */
    struct fsd *fsd;        /* owned */
    struct vnode *root;     /* a reference */
    char *text;             /* canonical absolute path, owned */
    uint64_t hash;          /* of the path, as in struct path */
    bool fixed;             /* the VFS's own: never unmounted by request */
    _Atomic bool left;      /* the table: paths into it lead nowhere now */
    struct list link;
    struct mount *next_of_hash;
    unsigned number;        /* rises along the list */
};

struct path {
    _Atomic int references;
    struct path *parent; /* NULL: `/` */
    struct mount *mount;
    struct vnode *vnode;
    uint64_t hash; /* of all names down from `/` */
    size_t length;
    char name[];
};

struct file {
    struct path *path;   /* NULL when opened by id */
    struct mount *mount; /* a reference of its own when there is no path */
    struct vnode *vnode;
    unsigned flags;
    unsigned refused;    /* vnode->readers_refused when it was opened, */
    unsigned truncations; /* and vnode->truncations */
    uint64_t offset;     /* directories: the FSD's position */
    void *cursor;        /* of open_dir */
    uint8_t *view_page;  /* for views of uncached files */
};

/* ---- vnode.c ---- */

/* Once, before the first mount; after the last unmount. */
status_t vnodes_start(void) MUST_CHECK;
void vnodes_stop(void);
/* The vnode of an id, read from the medium when it is not in memory. A reference. */
status_t vnode_get(struct fsd *fsd, vnode_id_t id, struct vnode **vnode) MUST_CHECK;
struct vnode *vnode_ref(struct vnode *vnode);
void vnode_put(struct vnode *vnode);
/* After the name was removed: it goes with its last user. The caller has a reference. */
void vnode_unlinked(struct vnode *vnode);
/* A directory gets another name. Paths hold names: -EBUSY when another than the caller has a
 * reference to it, so that no path is left that leads elsewhere. Until the end, walks wait. */
status_t vnode_move_begin(struct vnode *directory) MUST_CHECK;
void vnode_move_end(void);
/* How many such moves there were, when none is under way; -EINTR. */
status_t vnode_moves_wait(unsigned *moves) MUST_CHECK;
bool vnode_moved_since(unsigned moves);
/* Before dismount; none may be referenced. */
void vnodes_drop(struct fsd *fsd);
/* Frees up to `wanted` unused vnodes; try-lock only. Returns how many. */
size_t vnodes_reclaim(size_t wanted);
/* Frees what vnodes in use can do without, until `free_pages` pages are free; try-lock only. */
void vnodes_trim(size_t free_pages);
void vnodes_count(struct vfs_counts *counts);
/* ---- vnode_share.c ---- */

/* Counts an opening of the vnode's content: -EBUSY or -ETXTBSY when it excludes, or is excluded by,
 * how it is open already (OPEN_DENY_WRITE, OPEN_DENY_READ, OPEN_EXCLUSIVE in vfs.h). A vnode with a
 * cache is written by one handle at a time, past the cache, which is emptied first. */
status_t vnode_share(struct vnode *vnode, unsigned flags) MUST_CHECK;
void vnode_unshare(struct vnode *vnode, unsigned flags);

/* A write that was left in flight: until it ends, opening the content is -EBUSY. */
void vnode_write_left(struct vnode *vnode, bool left);

/* ---- vfs_io.c ---- */

/* Writes the FSD's dirty data to its device. 0 also if nothing can be written any more. */
status_t fsd_flush(struct fsd *fsd) MUST_CHECK;

/* ---- vnode_cache.c ---- */

/* Initializes the vnode's cache, if its content needs one of its own. */
void vnode_cache_start(struct vnode *vnode);
/* Returns 0 if the vnode's content may be served now, else an errno as file_check() does. */
status_t vnode_check(struct vnode *vnode) MUST_CHECK;
/* Read through the cache that holds the content: as cache_read(), cache_view_open(). */
ssize_t vnode_read(struct vnode *vnode, uint64_t offset, void *buffer, size_t bytes) MUST_CHECK;
ssize_t vnode_view_open(struct vnode *vnode, uint64_t offset, struct cache_view *view) MUST_CHECK;

/* ---- names.c ---- */

/* Replaces what a listed name must not hold by `_`; returns whether it held any. */
bool name_clean(char *name);
/* The FSD's lookup, by names as they are listed. */
status_t name_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                     vnode_id_t *id) MUST_CHECK;

/* ---- mount/redirect.c ---- */

/* Count an io of the vnode's content that begins, or ended (called by vfs_io_complete). */
void fsd_io_began(struct vnode *vnode);
void fsd_io_ended(struct vnode *vnode);
/* Returns whether no io of the file system is in flight. */
bool fsd_is_idle(struct fsd *fsd);
/* Waits for that: 0, -ETIMEDOUT, -EINTR. */
status_t fsd_wait_idle(struct fsd *fsd, uint64_t deadline_us) MUST_CHECK;

/* Count an open file on it: its device keeps the door locked meanwhile. */
void fsd_file_opened(struct fsd *fsd);
void fsd_file_closed(struct fsd *fsd);
/* See vfs_exchange_device(). */
status_t fsd_exchange_device(struct fsd *fsd, struct device *device) MUST_CHECK;

/* ---- mount/dismount.c ---- */

status_t dismount_start(void) MUST_CHECK;
/* Waits until every file system that is to be dismounted is freed. */
void dismount_stop(void);
/* Frees a file system without users and closes its device, as soon as no io of it is in flight.
 * Waits only a moment; the rest happens on a thread. */
void fsd_dismount(struct fsd *fsd);

/* ---- uncached.c ---- */

/* One io of the FSD, waited for. *done_bytes are good, whatever the status. With segments, the wait
 * is not interruptible: they are the caller's. */
status_t vnode_io(struct vfs_io template, uint64_t *done_bytes) MUST_CHECK;
/* The same with one piece of memory (from mem_alloc or page_alloc) and whole cache blocks, if there
 * are any: bytes moved, or an errno when not one could be. */
ssize_t vnode_io_memory(struct vnode *vnode, enum io_op op, uint64_t offset_bytes, void *memory,
                        size_t bytes) MUST_CHECK;
/* The same with any bytes. */
ssize_t vnode_io_bytes(struct vnode *vnode, enum io_op op, uint64_t offset_bytes, void *memory,
                       size_t bytes) MUST_CHECK;
/* Writes at the end of an uncached vnode, wherever that is by then; *end: after what was
 * written. */
ssize_t vnode_append(struct vnode *vnode, const void *memory, size_t bytes,
                     uint64_t *end) MUST_CHECK;

/* ---- mount/mount_table.c ---- */

/* A mount that is not in the table yet; the caller sets its root. Takes ownership of the fsd, even
 * on failure (NULL). */
struct mount *mount_create(struct fsd *fsd, const char *text, uint64_t hash);
struct mount *mount_get(struct mount *mount);
void mount_put(struct mount *mount);
/* Adds it to the table, which takes over the reference. -EBUSY if something is mounted there. */
status_t mount_add(struct mount *mount) MUST_CHECK;
/* Returns the mount that covers `parent`/`name`: a reference, or NULL. */
struct mount *mount_find(struct path *parent, const char *name, size_t length, uint64_t hash);
/* Returns the n-th mount in the order of mounting: a reference, or NULL. */
struct mount *mount_nth(unsigned n);
/* Returns whether something is mounted below the directory of this path. */
bool mounts_below(const char *directory);
/* See vfs_mount_below(). */
status_t mount_next_below(const char *directory, unsigned *number, char *name,
                          size_t bytes) MUST_CHECK;
/* Take a mount out of the table; the caller gets the table's reference. The first: if no other than
 * the caller's path uses it, else -EBUSY. The second: one of this device, or one mounted below it;
 * NULL if there is none. The third: the latest, whatever it is. */
status_t mount_take_unused(struct mount *mount) MUST_CHECK;
struct mount *mount_take_of_device(const struct device *device);
struct mount *mount_take_last(void);

/* ---- mount/mount.c ---- */

/* Asks the FSDs for the file system on a device (name or alias; "": none), or the one of `type`. */
status_t fsd_open(const char *device_name, const char *type, const char *options,
                  struct fsd **fsd) MUST_CHECK;
/* Mounts an fsd at a canonical path. Takes ownership of the fsd, even on failure. */
status_t mount_publish(struct fsd *fsd, const char *text, uint64_t hash, bool fixed) MUST_CHECK;

/* ---- path.c ---- */

uint64_t path_hash(uint64_t parent_hash, const char *name, size_t length);
/* Takes over the references to mount and vnode, also when it fails (NULL). */
struct path *path_create(struct path *parent, struct mount *mount, struct vnode *vnode,
                         const char *name, size_t length);
void path_set_root(struct path *path);

/* ---- walk.c ---- */

/* As path_child(). */
status_t path_child_element(struct path *parent, struct element element, bool cross,
                            struct path **result) MUST_CHECK;
/* The node of a name of exactly these bytes in a directory; -ENOENT. The second: what is mounted
 * there takes precedence. */
status_t path_lookup(struct path *parent, struct element element,
                     struct path **result) MUST_CHECK;
status_t path_lookup_mounted(struct path *parent, struct element element,
                             struct path **result) MUST_CHECK;

/* The place of a name: the directory that a text leads to without its last element. Every call that
 * changes a name finds it so. */
struct place {
    struct path *parent;  /* a reference */
    struct element name;  /* in the caller's text, or in `text` */
    bool slash;           /* a slash follows: only a directory can be meant (POSIX 4.13) */
    bool dots;            /* it was `.`, `..` or `/`, which cannot be changed */
    struct path *node;    /* with `follow`: what has the name; a reference; NULL: nothing */
    char *text;           /* owned */
};

/* With `follow`, links are followed to their end, which may have no node yet. */
status_t place_find(struct path *start, const char *text, bool follow,
                    struct place *place) MUST_CHECK;
void place_put(struct place *place);

/* ---- change.c ---- */

/* Creates a file at a place that has no node. -EEXIST: another thread was first. */
status_t place_create(const struct place *place) MUST_CHECK;
/* Removes or renames within the directory that `place` is in. */
status_t place_remove(const struct place *place) MUST_CHECK;
status_t place_rename(const struct place *from, const struct place *to) MUST_CHECK;
/* See fsd_ops.set_info; the same gate. */
status_t vnode_set_info(struct vnode *vnode, unsigned levels,
                        const struct node_info *info) MUST_CHECK;

#endif
