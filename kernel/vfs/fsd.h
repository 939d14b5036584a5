/*
 * fsd.h - what a file system driver implements, and what it may call.
 *
 * A driver's mount_fs (kernel/dev/driver.h) creates a `struct fsd` by proving that the medium is
 * its own, and fills ops, default block, flags. From then on the VFS asks it by vnode id: ids are
 * 64 bits, never collide within the mount, and survive a reboot; get_vnode() reads the medium
 * again, so no table of every node ever seen is kept. `.` and `..` belong to the VFS alone: an FSD
 * neither lists nor looks them up.
 *
 * Locking     Calls come from any thread, several at once. No VFS lock is held during a call, so
 *             an FSD may wait for its device. read_write must not wait: it submits, and goes on
 *             in finish_io on the completion thread. put_vnode may be called by reclaim: it frees
 *             memory and takes no lock that is held across an allocation.
 * Ownership   fsd->private_data is the FSD's; freed in dismount. vnode->private_data is set by
 *             get_vnode and freed by put_vnode.
 * Errors      -EUCLEAN for structures that are wrong, -EIO for what could not be read.
 */
#ifndef KERNEL_VFS_FSD_H
#define KERNEL_VFS_FSD_H

#include "kernel/dev/device.h"
#include "kernel/vfs/cache/cache.h"

typedef uint64_t vnode_id_t;

#define VNODE_NONE ((vnode_id_t)0)
#define VNODE_ROOT ((vnode_id_t)1)

enum { NAME_BYTES_MAX = 1023, PATH_BYTES_MAX = 4095 };

enum node_type { NODE_NONE, NODE_FILE, NODE_DIRECTORY, NODE_LINK, NODE_OTHER };

struct fsd;
struct vnode;
struct vfs_io;

/* ---- asynchronous reading and writing ----------------------------------------------------- */

struct vfs_io {
    struct vnode *vnode;
    enum io_op op;
    uint64_t offset_bytes, length_bytes; /* in the file; whole cache blocks, unless uncached */
    const struct io_segment *segments;
    unsigned segment_count;
    bool append; /* writes at the end that the file has then, which the FSD puts in
                    offset_bytes; for uncached vnodes */

    /* the FSD's, from read_write to vfs_io_complete */
    uint64_t done_bytes;       /* how far it has come */
    bool exact;                /* as in struct io_request */
    struct io_request request; /* for vfs_io_submit */
    struct list link;          /* for a queue of its own */

    void (*complete)(struct vfs_io *io, status_t status); /* the VFS's */
    void *context;
};

/* Sends the part [io->done_bytes, + length_bytes) of the io to the FSD's device at `device_offset`;
 * finish_io follows. One at a time. */
void vfs_io_submit(struct vfs_io *io, uint64_t device_offset_bytes, uint64_t length_bytes);
/* The same to another device than the FSD's. */
void vfs_io_submit_to(struct vfs_io *io, const struct device_handle *handle,
                      uint64_t device_offset_bytes, uint64_t length_bytes);
/* Ends the io, once; io->done_bytes says how much is good. Any thread. */
void vfs_io_complete(struct vfs_io *io, status_t status);

/* ---- vnodes ------------------------------------------------------------------------------- */

struct vnode {
    struct fsd *fsd;
    vnode_id_t id;
    /* set by get_vnode */
    enum node_type type;
    _Atomic uint64_t size_bytes; /* files: content; links: length of the target, if known. Read
                                    it once: another thread may change it */
    uint32_t cache_block_bytes; /* preset to the FSD's default; 0: uncached, synchronous, by byte */
    status_t open_status;       /* opening its content ends with this, e.g. -ENOMEDIUM */
    struct cache *held_in;      /* the content lies in this cache of the FSD's, which outlives the
                                   vnode, from held_at on; NULL: in one of its own */
    uint64_t held_at;
    bool stream;                /* NODE_OTHER that can be read and written all the same, on a
                                   read-only file system too; uncached */
    bool transient;             /* goes with its last user instead of staying in memory */
    struct device *device;      /* that holds the content, where not fsd_device(): borrowed */
    void *private_data;
    /* vnode.c's */
    struct cache cache;
    unsigned references;
    /* files open on the content, and how */
    unsigned opens, readers, writers, read_denials, write_denials;
    _Atomic unsigned readers_refused;       /* so far, because of read_denials */
    _Atomic unsigned truncations;           /* so far */
    unsigned writes_left;                   /* in flight, of interrupted callers */
    bool exclusive;                         /* one of them has it alone */
    _Atomic bool unlinked; /* its name was removed */
    bool loading;
    status_t failed; /* why loading did */
    struct list hash_link, unused_link, fsd_link;
};

/* ---- information about nodes -------------------------------------------------------------- */

/* Levels of get_info, to be or-ed; the FSD leaves those that it does not know out of `known`. */
enum {
    INFO_NONE = 0,            /* does it exist? */
    INFO_DIRENT = 1,          /* id and type */
    INFO_STANDARD = 2,        /* size, attributes */
    INFO_TIMES = 4,
    INFO_MODE = 8,            /* POSIX mode, links, owner, device number */
    INFO_ALIAS = 16,          /* identity of a directory's content on the medium */
    INFO_MIME = 32,           /* the MIME type of a file's content: asked for by itself */
    INFO_ALL = INFO_DIRENT | INFO_STANDARD | INFO_TIMES | INFO_MODE | INFO_ALIAS,
};

enum {
    ATTRIBUTE_HIDDEN = 1,
    ATTRIBUTE_READ_ONLY = 2,
    ATTRIBUTE_ASSOCIATED = 4, /* a second file belongs to it, e.g. its resource fork on a CD for
                                 Macintosh: not listed, and not reachable by a name */
};

struct node_info {
    unsigned known;
    vnode_id_t id;
    enum node_type type;
    uint64_t size_bytes;
    unsigned attributes;
    bool has_modified, has_created, has_accessed, has_changed;
    int64_t modified_s, created_s, accessed_s, changed_s; /* UTC, seconds since 1970 */
    uint32_t mode, links, uid, gid;
    uint64_t device_number; /* PN: high << 32 | low */
    const char *mime;       /* INFO_MIME: as the medium stores it, the FSD's memory while the vnode
                               is referenced; NULL: it does not; the name decides */
    uint64_t alias;         /* equal for directories that share their content */
};

struct dir_entry {
    struct node_info info; /* as much as the directory itself has: the id; the type, unless it is
                              NODE_NONE; and what is `known` */
    unsigned skipped;      /* at the end: invalid entries that the listing leaves out */
    char name[NAME_BYTES_MAX + 1]; /* the VFS replaces slashes and invalid UTF-8 by `_` */
};

struct fs_info {
    char volume_name[128];
    char type[32];           /* "cdfs, Rock Ridge" */
    uint64_t total_bytes, free_bytes;
    uint32_t block_bytes;
    bool read_only;
};

/* Takes text a piece at a time, e.g. to a stream. */
struct text_sink {
    void (*write)(struct text_sink *sink, const char *text, size_t bytes);
};

/* Operations of fsd_ops.ioctl; the argument is a struct text_sink. */
enum {
    FSD_DESCRIBE_VOLUME = 1, /* all about the volume, whichever vnode: lines of text */
    FSD_DESCRIBE_NODE,       /* how the FSD understood this vnode */
};

/* One element of a path: not terminated, not empty, no slash, neither . nor .. */
struct element {
    const char *name;
    size_t length;
};

struct fsd_ops {
    /* The last user went: free everything. Never NULL. */
    void (*dismount)(struct fsd *fsd);
    /* Never NULL. */
    status_t (*get_fs_info)(struct fsd *fsd, struct fs_info *info);
    /* The id of one element in a directory: exactly this name first, then - where fold_case - one
     * that differs only in case. -ENOENT. Never NULL. */
    status_t (*lookup)(struct fsd *fsd, struct vnode *directory, struct element element,
                       vnode_id_t *id);
    /* What get_info would say of this element's node, without making it: id and type too. -EAGAIN
     * when it takes get_vnode. NULL: it always does. */
    status_t (*get_child_info)(struct fsd *fsd, struct vnode *directory, struct element element,
                               unsigned levels, struct node_info *info);
    /* How the directory itself spells what was asked for, when it differs (another case, `;1`): the
     * length, with the name in name[NAME_BYTES_MAX + 1]; 0 when it is spelt as asked. NULL: names
     * are only ever found as they are. */
    size_t (*actual_name)(struct fsd *fsd, struct vnode *directory, struct element element,
                          char *name);
    /* Changes match names exactly. They passed the VFS's gate (vfs.h) a moment ago; what may have
     * changed since is the FSD's to see: -EEXIST, or -ENOENT in a directory that was removed. NULL:
     * -EROFS. */
    status_t (*create)(struct fsd *fsd, struct vnode *directory, struct element element,
                       vnode_id_t *id);
    status_t (*mkdir)(struct fsd *fsd, struct vnode *directory, struct element element,
                      vnode_id_t *id);
    /* Removes the name of `vnode`; a directory only when empty (-ENOTEMPTY); -ENOENT when the name
     * is another's by now. The node itself goes with put_vnode. NULL: -EROFS. */
    status_t (*unlink)(struct fsd *fsd, struct vnode *directory, struct element element,
                       struct vnode *vnode);
    /* Moves a name within the mount. What has the new name, `replaced`, of the same type, goes in
     * the same step: -ENOTEMPTY; -EEXIST when it is not this one, or NULL. -EINVAL for a directory
     * into itself. When it fails, both are as they were. NULL: -EROFS. */
    status_t (*rename)(struct fsd *fsd, struct vnode *from, struct element old_name,
                       struct vnode *to, struct element new_name, struct vnode *replaced);
    /* Fills in the vnode from the medium by vnode->id, checking everything again; a forged id ends
     * in an errno. Never NULL. */
    status_t (*get_vnode)(struct fsd *fsd, struct vnode *vnode);
    /* May the vnode's content be served now, from memory too? NULL: whenever fsd_device() may. */
    status_t (*check)(struct fsd *fsd, struct vnode *vnode);
    /* A file was opened on the content, or closed again; opening may be refused. NULL: all the
     * same to it. */
    status_t (*open)(struct fsd *fsd, struct vnode *vnode, bool write);
    void (*close)(struct fsd *fsd, struct vnode *vnode, bool write);
    /* Frees vnode->private_data. NULL: there is none. */
    void (*put_vnode)(struct fsd *fsd, struct vnode *vnode);
    /* Frees what it keeps of a vnode in use and can make again, such as a directory's index. Called
     * by reclaim under a spin of rank VNODE: takes others by try-lock only. NULL: there is none. */
    void (*trim_vnode)(struct fsd *fsd, struct vnode *vnode);
    /* Fills what it knows of the levels asked for. Never NULL. */
    status_t (*get_info)(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                         struct node_info *info);
    /* INFO_STANDARD: truncate or extend to info->size_bytes; INFO_TIMES: the times whose `has_...`
     * is set. -EINVAL for what is not kept. NULL: -EROFS. */
    status_t (*set_info)(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                         const struct node_info *info);
    /* Begins the io and returns. For vnodes with cache_block_bytes 0 it is complete on return.
     * NULL: nothing here has content. */
    void (*read_write)(struct fsd *fsd, struct vfs_io *io);
    /* A part sent by vfs_io_submit came back: submit the next or complete. On the completion
     * thread: never waits. NULL: vfs_io_submit is not used. */
    void (*finish_io)(struct fsd *fsd, struct vfs_io *io);
    /* Walks a directory: *cursor is the FSD's (NULL until open_dir, freed by close_dir). open_dir
     * and close_dir NULL: no cursor is needed but `position`, which starts at 0. */
    status_t (*open_dir)(struct fsd *fsd, struct vnode *directory, void **cursor);
    /* 1 and an entry; 0 and entry->skipped at the end; or an errno. It fills those of
     * `levels` (0: none) that need no further read of the medium: all of them for a node, or
     * none. Never NULL. */
    int (*read_dir)(struct fsd *fsd, struct vnode *directory, void *cursor, uint64_t *position,
                    unsigned levels, struct dir_entry *entry);
    void (*close_dir)(struct fsd *fsd, struct vnode *directory, void *cursor);
    /* The target, terminated and cut to `bytes`; returns its whole length. NULL: no links. */
    ssize_t (*read_link)(struct fsd *fsd, struct vnode *vnode, char *target, size_t bytes);
    /* An operation on the file; NULL: -EOPNOTSUPP. */
    status_t (*ioctl)(struct fsd *fsd, struct vnode *vnode, unsigned operation, void *argument,
                      size_t bytes);
    /* Passes an operation of kernel/dev/control.h to the device that holds the vnode's bytes.
     * Called by path_control(). NULL: -EOPNOTSUPP. */
    status_t (*passthrough)(struct fsd *fsd, struct vnode *vnode, unsigned operation,
                            void *argument, size_t bytes);
    /* Writes back all that is dirty. Called by file_flush(), before the device's own cache is
     * flushed, and before an unmount, which fails with its error. NULL: nothing is ever dirty. */
    status_t (*flush)(struct fsd *fsd);
};

struct fsd {
    const struct fsd_ops *ops;
    const char *name;            /* the driver's: "cdfs" */
    struct device_handle device; /* .device NULL: none. Once mounted, use fsd_submit, fsd_check,
                                    fsd_device */
    uint32_t cache_block_bytes;  /* default for vnodes; 0: uncached */
    bool fold_case, read_only;
    void *private_data;
    struct list vnodes;          /* vnode.c's, with the next: initialized once mounted */
    _Atomic unsigned dying;      /* vnodes that left the list and are not yet freed */
    _Atomic bool changes_names;  /* names.c's: a name of its was changed when it was listed */
    /* redirect.c's; `held` is initialized once mounted */
    bool paused;                 /* new requests are put into `held` */
    struct list held;
    unsigned requests, ios;      /* in flight */
    unsigned files;              /* open */
    _Atomic bool redirected;     /* `successor` is used instead of `device` */
    struct device_handle successor;
    struct device *former;       /* that of `device`, once redirected: a reference */
    /* dismount.c's */
    struct list dismount_link;
    void (*free)(struct fsd *fsd);
};

/* For a mount_fs that fails after it has read from the medium: dismounts and frees the fsd, which
 * was interrupted perhaps, as soon as nothing of it is in flight. Waits only a moment. */
void fsd_discard(struct fsd *fsd);

/* Sends a request that is filled in but for device and generation to the FSD's device; its callback
 * begins with fsd_request_ended(). */
void fsd_submit(struct fsd *fsd, struct io_request *request);
void fsd_request_ended(struct fsd *fsd);
/* The device that holds the file system's bytes now: borrowed, and valid until dismount. */
const struct device_handle *fsd_device(const struct fsd *fsd);
/* May the file system be asked now? 0, -ESTALE, -ENOMEDIUM, -ENODEV. */
status_t fsd_check(struct fsd *fsd) MUST_CHECK;

/* A cache over the FSD's device itself, for the structures of the medium. Embed and destroy it in
 * dismount. block_bytes a multiple of the device's block. */
void device_cache_init(struct cache *cache, struct fsd *fsd, uint32_t block_bytes);

#endif
