/*
 * internal.h - types and functions that only the files of kernel/vfs share.
 *
 * Each file calls only those listed before it, except through ops tables: mount/redirect.c,
 * vnode_cache.c, vnode.c, vnode_share.c, vfs_io.c, uncached.c, path/names.c, path/path_text.c,
 * write/dirty_fsds.c, write/errors.c, write/content.c, write/writeback.c, mount/dismount.c,
 * mount/mount_table.c, path/path.c, walk.c, mount/remount.c, mount/sync.c, change.c, then file.c
 * and mount/mount.c.
 *
 * Lock order: mounts (MOUNT) < dirty_fsds (NAMES) < vnodes (VNODE) < pages (CACHE) <
 * redirect (DEVICE).
 */
#ifndef KERNEL_VFS_INTERNAL_H
#define KERNEL_VFS_INTERNAL_H

#include "kernel/sched/sync.h"
#include "kernel/vfs/vfs.h"

struct mount {
    _Atomic int references; /* the table's, and one for each path or file */
    struct fsd *fsd;        /* owned */
    struct vnode *root;     /* a reference */
    char *text;             /* canonical absolute path, owned */
    uint64_t hash;          /* of the last name in the text */
    bool fixed;             /* the VFS's own: never unmounted on request */
    _Atomic bool left;      /* the table: its paths lead to other nodes, or none */
    struct list link;
    struct mount *next_of_hash;
    unsigned number;        /* increases along the list */
};

struct path {
    _Atomic int references;
    bool mount_point;    /* `/`, or the root of another mount than the parent's */
    bool movable;        /* the only path of its vnode, which refers to it: see path.c */
    struct mount *mount;
    struct vnode *vnode;
    struct path *parent; /* NULL: `/`. A movable path gets another one, and another name: read */
    char *name;          /* them, of any path above, with paths_lock() */
    size_t length;
    char room[];         /* for the first name */
};

struct file {
    struct path *path;   /* NULL if opened by id */
    struct mount *mount; /* a reference of its own if there is no path */
    struct vnode *vnode;
    unsigned flags;
    unsigned refused;     /* vnode->readers_refused at the time of opening, */
    unsigned truncations; /* and vnode->truncations */
    unsigned errors_seen; /* of vnode->errors */
    uint64_t offset;      /* directories: the FSD's position */
    void *cursor;         /* of open_dir */
    uint8_t *view_page;   /* for views of uncached files */
};

/* ---- mount/redirect.c --------------------------------------------------------------------- */

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

/* Returns the name of the file system's device, for messages. */
static inline const char *fsd_label(const struct fsd *fsd)
{
    const struct device *device = fsd_device(fsd)->device;
    return device ? device_label(device) : fsd->name;
}

/* ---- vnode_cache.c ------------------------------------------------------------------------ */

/* Initializes the vnode's cache, if its content needs one of its own. */
void vnode_cache_start(struct vnode *vnode);
/* Returns 0 if the vnode's content may be served now, else an errno as file_check() does. */
status_t vnode_check(struct vnode *vnode) MUST_CHECK;
/* Read through the cache that holds the content, as cache_read() and cache_view_open() do. */
ssize_t vnode_read(struct vnode *vnode, uint64_t offset, void *buffer, size_t bytes) MUST_CHECK;
ssize_t vnode_view_open(struct vnode *vnode, uint64_t offset, struct cache_view *view) MUST_CHECK;

/* ---- vnode.c ------------------------------------------------------------------------------ */

/* Once, before the first mount; after the last unmount. */
status_t vnodes_start(void) MUST_CHECK;
void vnodes_stop(void);
/* Finds the vnode of an id, or reads it from the medium. A reference. */
status_t vnode_get(struct fsd *fsd, vnode_id_t id, struct vnode **vnode) MUST_CHECK;
struct vnode *vnode_ref(struct vnode *vnode);
void vnode_put(struct vnode *vnode);
/* Begins to rename a node: walks in its file system wait until the end. One at a time: -EINTR. */
status_t vnode_move_begin(struct fsd *fsd) MUST_CHECK;
void vnode_move_end(struct fsd *fsd);
/* Waits until no move is under way, and returns the number of moves so far; -EINTR. */
status_t vnode_moves_wait(struct fsd *fsd, unsigned *moves) MUST_CHECK;
bool vnode_moved_since(const struct fsd *fsd, unsigned moves);
/* Returns whether a move is under way. */
bool vnode_is_moving(const struct fsd *fsd);
/* Waits until the vnodes that other threads free are freed: -EINTR. */
status_t vnodes_settle(struct fsd *fsd) MUST_CHECK;
/* Frees all vnodes of a file system before dismount; none may be referenced. */
void vnodes_drop(struct fsd *fsd);
/* Frees up to `wanted` unused vnodes; try-lock only. Returns how many. */
size_t vnodes_reclaim(size_t wanted);
/* Frees data that vnodes in use can make again, until `free_pages` pages are free. Try-lock. */
void vnodes_trim(size_t free_pages);
void vnodes_count(struct vfs_counts *counts);

/* ---- vnode_share.c ------------------------------------------------------------------------ */

/* Counts an opening of the vnode's content: -EBUSY or -ETXTBSY if it excludes, or is excluded by,
 * how it is open already (OPEN_DENY_WRITE, OPEN_DENY_READ, OPEN_EXCLUSIVE in vfs.h). A vnode with a
 * cache is written by one handle at a time, bypassing the cache, which is emptied first. */
status_t vnode_share(struct vnode *vnode, unsigned flags) MUST_CHECK;
void vnode_unshare(struct vnode *vnode, unsigned flags);
/* Counts a write that is left in flight: until it ends, opening the content is -EBUSY. */
void vnode_write_left(struct vnode *vnode, bool left);
/* Returns whether no file is open on the content; then none can be opened any more: -ENOENT. */
bool vnode_retire(struct vnode *vnode);

/* Returns whether the content has a cache that writes do not pass through: it is a device's. */
static inline bool vnode_bypasses_cache(const struct vnode *vnode)
{
    return vnode->cache_block_bytes && !vnode->fsd->ops->reserve;
}

/* Returns whether writes pass through the cache, and are written back later. */
static inline bool vnode_is_written_back(const struct vnode *vnode)
{
    return vnode->cache_block_bytes && vnode->fsd->ops->reserve && vnode->type == NODE_FILE;
}

/* ---- uncached.c --------------------------------------------------------------------------- */

/* Sends one io to the FSD and waits for it. *done_bytes are good, whatever the status. The wait is
 * not interruptible if the template has segments: they are the caller's memory. */
status_t vnode_io(struct vfs_io template, uint64_t *done_bytes) MUST_CHECK;
/* Moves one piece of memory (from mem_alloc or page_alloc), in whole cache blocks if the vnode has
 * blocks. Returns the bytes moved, or an errno if the first could not be. Interruptible. */
ssize_t vnode_io_memory(struct vnode *vnode, enum io_op op, uint64_t offset_bytes, void *memory,
                        size_t bytes) MUST_CHECK;
/* The same for any offset and length. */
ssize_t vnode_io_bytes(struct vnode *vnode, enum io_op op, uint64_t offset_bytes, void *memory,
                       size_t bytes) MUST_CHECK;
/* Writes at the end of an uncached vnode, wherever that is by then. *end: the offset after the
 * bytes written. */
ssize_t vnode_append(struct vnode *vnode, const void *memory, size_t bytes,
                     uint64_t *end) MUST_CHECK;

/* ---- path/names.c --------------------------------------------------------------------------- */

/* Replaces bytes that a listed name must not contain by `_`; returns whether there were any. */
bool name_clean(char *name);
/* Looks up a name as it is listed. */
status_t name_lookup(struct fsd *fsd, struct vnode *directory, struct element element,
                     vnode_id_t *id) MUST_CHECK;

/* ---- write/dirty_fsds.c ------------------------------------------------------------------- */

/* Which file systems have changed. */
struct dirty_fsds {
    struct spin lock;        /* rank NAMES */
    struct list list;        /* the one that changed first is first */
    struct wait_queue event; /* a file system was entered, a change or a sync has ended, ... */
};

extern struct dirty_fsds dirty_fsds;

/* Begins a change of the file system, once its gate is open: -EROFS, -EINTR. Its end enters the
 * file system into the list. */
status_t fsd_change_begin(struct fsd *fsd) MUST_CHECK;
void fsd_change_end(struct fsd *fsd);
/* Count a file that is open for writing. -EROFS, -EINTR. */
status_t fsd_writer_begin(struct fsd *fsd) MUST_CHECK;
void fsd_writer_end(struct fsd *fsd);
/* Lets changes wait from now on, and waits for the end of those under way. -EBUSY if files are open
 * for writing, unless `force`d, or if another thread has closed it; -EINTR. */
status_t fsd_close_gate(struct fsd *fsd, bool force) MUST_CHECK;
void fsd_open_gate(struct fsd *fsd);
/* Enters it into the list of those that have changed. */
void fsd_note_change(struct fsd *fsd);
/* Enters it, or takes it out. The caller holds the lock. */
void fsd_enter(struct fsd *fsd);
void fsd_leave(struct fsd *fsd);

/* Keep a file system in memory, without referencing its mount. */
void fsd_pin(struct fsd *fsd);
void fsd_unpin(struct fsd *fsd);
/* Makes the flusher look whether too much is dirty. */
void changes_wake(void);

/* Enters a vnode with dirty bytes, written by this path (or NULL), and its file system. */
void vnode_note_dirty(struct vnode *vnode, struct path *path);
bool vnode_is_listed(struct vnode *vnode);
/* Takes it out, with `if_clean` only if its cache has no dirty bytes. The caller has a reference of
 * its own. */
void vnode_unlist(struct vnode *vnode, bool if_clean);
/* Returns a reference to the first vnode in the list, which becomes the last one; NULL: none. */
struct vnode *fsd_next_dirty(struct fsd *fsd);
size_t fsd_count_dirty(struct fsd *fsd);
/* Take the path that a file was written by, or NULL, and give it back. */
char *vnode_take_text(struct vnode *vnode);
void vnode_give_text(struct vnode *vnode, char *text);
/* Change the text of a file, or those of the files in a directory, that was renamed. */
void vnode_note_rename(struct vnode *file, const char *from, const char *to);
void fsd_note_rename(struct fsd *fsd, const char *from, const char *to);

/* ---- write/errors.c ----------------------------------------------------------------------- */

/* Return how many errors of write-back there were so far, for the functions that take one. */
unsigned vnode_error_count(struct vnode *vnode);
unsigned fsd_error_count(struct fsd *fsd);
/* Return the latest error, if there were any since *seen. */
status_t vnode_take_error(struct vnode *vnode, unsigned *seen) MUST_CHECK;
status_t fsd_take_error(struct fsd *fsd, unsigned *seen) MUST_CHECK;
/* Counts an error of a file, and so of its file system; logs it unless it was reported, or is that
 * of the write-back before. */
void vnode_note_error(struct vnode *vnode, status_t status, bool reported);
/* The file was written back: the next error is logged. */
void vnode_note_success(struct vnode *vnode);
/* Counts an error of the file system's structures. */
void fsd_note_error(struct fsd *fsd, status_t status);

/* ---- write/content.c ---------------------------------------------------------------------- */

/* Writes a file through its cache, at an offset or at its end. Returns the bytes copied, or an
 * errno for the first: -ENOSPC, -EFBIG, -EROFS, -EINTR. *end: the offset after them. */
ssize_t vnode_write(struct vnode *vnode, struct path *path, bool append, uint64_t offset,
                    const void *bytes, size_t count, uint64_t *end) MUST_CHECK;
/* Cuts or extends it. */
status_t vnode_set_size(struct vnode *vnode, struct path *path, uint64_t bytes) MUST_CHECK;
/* Reserves room for a content of this size. */
status_t vnode_reserve(struct vnode *vnode, uint64_t bytes) MUST_CHECK;
/* Writes the dirty bytes to the device, which may still have them in its own cache, and has them
 * recorded: fsd_flush() makes them durable. */
status_t vnode_flush(struct vnode *vnode) MUST_CHECK;
/* What was recorded is durable: takes the vnode out of the list if that is all. */
void vnode_note_durable(struct vnode *vnode);
/* Returns how many bytes would be lost now. */
uint64_t vnode_unsafe_bytes(struct vnode *vnode);
/* Drops what is dirty. Returns how many bytes were lost. */
uint64_t vnode_discard(struct vnode *vnode);
/* Drops what is dirty if the file has neither a name nor an open handle. */
void vnode_drop_if_gone(struct vnode *vnode);

/* ---- write/writeback.c -------------------------------------------------------------------- */

status_t writeback_start(void) MUST_CHECK;
void writeback_stop(void);
/* Makes what was recorded durable, on the device. An error is one of each file in the list as
 * well. */
status_t fsd_flush(struct fsd *fsd) MUST_CHECK;
/* Makes all changes of the file system so far durable. Returns the first error, after trying all
 * files. If the device is gone: logs what is lost, and returns why. */
status_t fsd_sync(struct fsd *fsd) MUST_CHECK;
/* Drops what is dirty, with a line for each file: the device is gone. */
void fsd_lose(struct fsd *fsd);
/* Writes lines about what would be lost: the file system could not be synced, for this reason.
 * Waits for a sync in progress; interrupted, it writes the reason only. */
void fsd_list_dirty(struct fsd *fsd, status_t status, struct text_sink *sink);
/* Waits until it is not pinned, and drops what is dirty still: for the last user. */
void fsd_forget(struct fsd *fsd);

/* ---- mount/dismount.c --------------------------------------------------------------------- */

status_t dismount_start(void) MUST_CHECK;
/* Waits until every file system that is to be dismounted is freed. */
void dismount_stop(void);
/* Frees a file system without users and closes its device, as soon as no io of it is in flight.
 * Waits only a moment; the rest happens on a thread. */
void fsd_dismount(struct fsd *fsd);

/* ---- path/path_text.c --------------------------------------------------------------------- */

/* Guard the parents and names of movable paths, from here up to `/`. A spinlock of rank VNODE:
 * only for climbing. */
void paths_lock(void);
void paths_unlock(void);
/* Return whether `text` is the absolute path of a name in a directory; or of a path. */
bool path_child_has_text(struct path *parent, struct element name, const char *text);
bool path_has_text(struct path *path, const char *text);

/* ---- mount/mount_table.c ------------------------------------------------------------------ */

/* A directory that something is to be mounted on. */
struct mount_place {
    const char *text;  /* canonical absolute path */
    struct path *path; /* borrowed; NULL: the VFS's own, at start-up */
};


/* Creates a mount that is not in the table yet; the caller sets its root. Takes ownership of the
 * fsd, even on failure (NULL). */
struct mount *mount_create(struct fsd *fsd, const char *text);
struct mount *mount_get(struct mount *mount);
void mount_put(struct mount *mount);
/* Note that the file system may write to its device, or does not any more. -EBUSY if another mount
 * or writer has the device. */
status_t mounts_add_writer(struct fsd *fsd) MUST_CHECK;
void mounts_remove_writer(struct fsd *fsd);
/* Adds it to the table, which takes over the reference. -EBUSY if something is mounted there, if
 * another file system may write to the device, or if a directory above it is being moved, or was
 * since the place's text was made. -ENOENT if the mount that it is in has left the table. */
status_t mount_add(struct mount *mount, const struct mount_place *place) MUST_CHECK;
/* Returns the mount that covers `parent`/`name`: a reference, or NULL. */
struct mount *mount_find(struct path *parent, struct element name);
/* Return the file system of the mount after the one with this number, or before it, pinned; NULL
 * if there is none. Numbers increase in the order of mounting, from 1. */
struct fsd *mount_pin_next(unsigned *number);
struct fsd *mount_pin_previous(unsigned *number);
/* Returns the n-th mount in the order of mounting: a reference, or NULL. */
struct mount *mount_nth(unsigned n);
/* Returns whether something is mounted below the directory of this path. */
bool mounts_below(const char *directory);
/* See vfs_mount_below(). */
status_t mount_next_below(const char *directory, unsigned *number, char *name,
                          size_t bytes) MUST_CHECK;
/* Returns whether only the caller's path uses the mount, and nothing is mounted below it. */
bool mount_is_unused(struct mount *mount);
/* Take a mount out of the table; the caller gets the table's reference. The first: if only the
 * caller's path uses it, else -EBUSY. The second: one of this device, or one mounted below such a
 * mount; NULL if there is none. The third: the latest. */
status_t mount_take_unused(struct mount *mount) MUST_CHECK;
struct mount *mount_take_of_device(const struct device *device);
struct mount *mount_take_last(void);

/* ---- mount/remount.c ---------------------------------------------------------------------- */

enum mount_access { MOUNT_UNCHANGED, MOUNT_READ_ONLY, MOUNT_WRITABLE };

struct mount_options {
    enum mount_access access;
    bool synchronous, asynchronous;
    char *others; /* the words that are the file system's own; owned by the caller */
};

/* Separates the words of `mount -o`. -ENOMEM. */
status_t mount_options_parse(const char *text, struct mount_options *options) MUST_CHECK;
/* -EROFS, -EBUSY, or an error of writing. */
status_t mount_options_apply(struct fsd *fsd, const struct mount_options *options) MUST_CHECK;
/* Make the file system writable, or read-only again with everything flushed and its volume clean.
 * The caller has closed the gate. The first: -EBUSY if another mount has the same device; -EROFS
 * also once its device was exchanged, for a copy in memory. The second: a file system that cannot
 * change back is only flushed; on an error it stays as it was. */
status_t fsd_make_writable(struct fsd *fsd) MUST_CHECK;
status_t fsd_make_read_only(struct fsd *fsd) MUST_CHECK;
/* The same, with the gate closed meanwhile: errors of fsd_close_gate(). */
status_t fsd_begin_writing(struct fsd *fsd) MUST_CHECK;
status_t fsd_end_writing(struct fsd *fsd, bool force) MUST_CHECK;

/* ---- path/path.c ---------------------------------------------------------------------------- */

/* Takes over the references to mount and vnode, even on failure (NULL). */
struct path *path_create(struct path *parent, struct mount *mount, struct vnode *vnode,
                         struct element name);
/* Returns the path of a directory that may be moved and has one already: a reference; else NULL. */
struct path *path_of_vnode(struct vnode *vnode);
/* Enters a new path, whose vnode was looked up since `moves` was counted. Takes over the reference,
 * and returns one to it; or to the path that the directory got meanwhile; or NULL if something was
 * moved, so that its name may be wrong. */
struct path *path_enter(struct path *path, unsigned moves);
/* Gives a directory's path its new place, within vnode_move_begin(). Paths below it follow. `name`
 * is on the heap, and owned by the path from then on. */
void path_moved(struct path *path, struct path *parent, char *name);
void path_set_root(struct path *path);

/* ---- walk.c ------------------------------------------------------------------------------- */

/* As path_child(). */
status_t path_child_element(struct path *parent, struct element element, bool cross,
                            struct path **result) MUST_CHECK;

/* Finds the node of a name of exactly these bytes in a directory; -ENOENT. */
status_t path_lookup(struct path *parent, struct element element,
                     struct path **result) MUST_CHECK;

/* The place of a name: the directory that a text leads to without its last element. Every function
 * that changes a name finds it so. */
struct place {
    struct path *parent;  /* a reference */
    struct element name;  /* in the caller's text, or in `text` */
    bool slash;           /* a slash follows: it must be a directory (POSIX 4.13) */
    bool dots;            /* it was `.`, `..` or `/`, which cannot be changed */
    struct path *node;    /* with `follow`: the node of the name, a reference, or NULL */
    char *text;           /* owned */
};

/* With `follow`, links are followed to their end, which need not exist yet. */
status_t place_find(struct path *start, const char *text, bool follow,
                    struct place *place) MUST_CHECK;
void place_put(struct place *place);

/* ---- change.c ----------------------------------------------------------------------------- */

/* Creates a file at a place that has no node. -EEXIST: another thread was first. */
status_t place_create(const struct place *place) MUST_CHECK;
/* Remove a name, or rename it, after the checks that vfs.h describes. */
status_t place_remove(const struct place *place) MUST_CHECK;
status_t place_rename(const struct place *from, const struct place *to) MUST_CHECK;
/* See fsd_ops.set_info. -EROFS. */
status_t vnode_set_info(struct vnode *vnode, unsigned levels,
                        const struct node_info *info) MUST_CHECK;

/* ---- mount/mount.c ------------------------------------------------------------------------ */

/* Opens the file system on a device (name or alias; "": none): asks the FSD of `type`, or all. */
status_t fsd_open(const char *device_name, const char *type, const char *options,
                  struct fsd **fsd) MUST_CHECK;
/* Mounts an fsd, and applies the options; NULL: it is never unmounted on request. Takes ownership
 * of the fsd, even on failure. */
status_t mount_publish(struct fsd *fsd, const struct mount_place *place,
                       const struct mount_options *options) MUST_CHECK;

#endif
