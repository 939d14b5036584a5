/*
 * fsd.h - what a file system driver (FSD) implements, and what it may call.
 *
 * A driver's mount_fs (kernel/dev/driver.h) verifies that the medium has its format, then creates
 * a `struct fsd` and fills in ops, default block and flags. From then on the VFS refers to nodes by
 * vnode id: ids are 64 bits, never collide within the mount, and survive a reboot. get_vnode()
 * reads the medium again, so there is no table of every node ever seen. `.` and `..` belong to the
 * VFS alone: an FSD neither lists nor looks them up.
 *
 * Interface   The VFS calls struct fsd_ops. To read its medium's structures, an FSD creates a cache
 *             with device_cache_init(). To move a file's bytes, read_write sends parts of the io
 *             with vfs_io_submit(); finish_io sends the next part or calls vfs_io_complete().
 * Writing     An FSD without `reserve` writes at once, in read_write: ramfs. With it, the bytes of
 *             a file pass through its cache. For each write the VFS calls reserve, copies the bytes
 *             into the cache, and returns. Later, write-back calls prepare_write, which gives the
 *             range its place on the device; read_write with IO_WRITE, which must find that place
 *             without waiting; data_written, once the device has the bytes; and flush, which makes
 *             the file system's structures durable. So space is refused when bytes are written,
 *             and allocated when it is known how many bytes follow each other.
 * Locking     Calls come from any thread, several at once. No VFS lock is held during a call, so
 *             an FSD may wait for its device. read_write must not block: it submits, and continues
 *             in finish_io on the completion thread. put_vnode may be called by reclaim, while the
 *             thread holds any lock: it frees memory, takes no lock that is held across an
 *             allocation, and takes those by spin_lock_in_reclaim().
 * Ownership   fsd->private_data is the FSD's; freed in dismount. vnode->private_data is set by
 *             get_vnode and freed by put_vnode.
 * Errors      -EUCLEAN for invalid structures, -EIO for data that could not be read.
 */
#ifndef KERNEL_VFS_FSD_H
#define KERNEL_VFS_FSD_H

#include "kernel/code.h"
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
    bool append; /* uncached vnodes: write at the end that the file has at that moment; the FSD
                    returns it in offset_bytes */

    /* the FSD's, from read_write to vfs_io_complete */
    uint64_t done_bytes;       /* good so far */
    bool exact;                /* as in struct io_request */
    struct io_request request; /* for vfs_io_submit */
    struct list link;          /* for a queue of the FSD's */

    void (*complete)(struct vfs_io *io, status_t status); /* the VFS's */
    void *context;
};

/* Sends the part [io->done_bytes, + length_bytes) of the io to the FSD's device, at
 * `device_offset_bytes`; finish_io follows. One part at a time. */
void vfs_io_submit(struct vfs_io *io, uint64_t device_offset_bytes, uint64_t length_bytes);
/* The same to a device that is not the FSD's. */
void vfs_io_submit_to(struct vfs_io *io, const struct device_handle *handle,
                      uint64_t device_offset_bytes, uint64_t length_bytes);
/* Ends the io, once; the first io->done_bytes are good. Any thread. */
void vfs_io_complete(struct vfs_io *io, status_t status);

/* Errors of write-back so far: see write/errors.c. */
struct write_errors {
    unsigned count;
    status_t latest;
};

/* ---- vnodes ------------------------------------------------------------------------------- */

struct vnode {
    struct fsd *fsd;
    _Atomic vnode_id_t id;
    /* set by get_vnode */
    enum node_type type;
    _Atomic uint64_t size_bytes; /* files: content; links: length of the target, if known. Read it
                                    once: another thread may change it */
    _Atomic uint64_t valid_bytes; /* cached files: bytes below this are in the cache or on the
                                     medium; from here to size_bytes the content is zero, and
                                     stored nowhere. The VFS moves it when bytes are written or the
                                     size is set. Without fsd->keeps_valid_length, get_vnode need
                                     not set it: all bytes of the medium are valid */
    uint32_t cache_block_bytes; /* preset to the FSD's default; 0: uncached, synchronous, by byte */
    status_t open_status;       /* opening the content fails with this, e.g. -ENOMEDIUM */
    struct cache *held_in;      /* the content is in this cache of the FSD's, from held_at on; it
                                   outlives the vnode. NULL: in a cache of the vnode's own */
    uint64_t held_at;
    bool stream;                /* a NODE_OTHER that can be read and written, even on a read-only
                                   file system; uncached */
    bool transient;             /* freed with its last user instead of staying in memory */
    struct device *device;      /* that holds the content, if it is not fsd_device(): borrowed */
    void *private_data;
    /* vnode.c's */
    struct cache cache;
    unsigned references;
    bool loading;
    status_t failed; /* why loading failed */
    _Atomic bool unlinked; /* its name was removed */
    struct list hash_link, unused_link, fsd_link;
    struct path *path; /* path.c's: of a directory that may be moved; not a reference; or NULL */
    /* vnode_share.c's: files open on the content */
    unsigned opens, readers, writers, read_denials, write_denials;
    _Atomic unsigned readers_refused; /* so far, because of read_denials */
    _Atomic unsigned truncations;     /* so far */
    unsigned writes_left;             /* in flight, of interrupted callers */
    bool exclusive;                   /* one file has it alone */
    bool retired;                     /* unlinked and closed: its dirty bytes were discarded */
    /* write/'s: what is not durable yet */
    unsigned turns;                   /* taken (content.c) */
    struct write_errors errors;
    bool failing;                     /* the latest write-back failed */
    uint64_t recorded_bytes;          /* of valid_bytes: passed to data_written; */
    uint64_t durable_bytes;           /* and flushed */
    bool listed;                      /* in fsd->dirty, which has a reference */
    struct list dirty_link;
    char *written_as;                 /* a path, for messages; owned; or NULL */
};

/* ---- information about nodes -------------------------------------------------------------- */

/* Levels of get_info, to be or-ed; the FSD omits those that it does not have from `known`. */
enum {
    INFO_NONE = 0,     /* whether the node exists */
    INFO_DIRENT = 1,   /* id and type */
    INFO_STANDARD = 2, /* size, attributes */
    INFO_TIMES = 4,
    INFO_MODE = 8,     /* POSIX mode, links, owner, device number */
    INFO_ALIAS = 16,   /* identity of a directory's content on the medium */
    INFO_MIME = 32,    /* the MIME type of a file's content: only when requested explicitly */
    INFO_ATTRIBUTES = 64, /* for set_info alone: get_info returns them with INFO_STANDARD */
    INFO_ALL = INFO_DIRENT | INFO_STANDARD | INFO_TIMES | INFO_MODE | INFO_ALIAS,
};

enum {
    ATTRIBUTE_HIDDEN = 1,
    ATTRIBUTE_READ_ONLY = 2,
    ATTRIBUTE_ASSOCIATED = 4, /* a second file belongs to it, e.g. its resource fork on a CD for
                                 Macintosh; that file is not listed and has no path */
    ATTRIBUTE_SYSTEM = 8,
    ATTRIBUTE_ARCHIVE = 16,   /* changed since the last backup: set by each change of the content */
    ATTRIBUTES_SETTABLE = ATTRIBUTE_HIDDEN | ATTRIBUTE_READ_ONLY | ATTRIBUTE_SYSTEM |
                          ATTRIBUTE_ARCHIVE, /* by INFO_ATTRIBUTES */
};

struct node_info {
    unsigned known; /* levels that are filled in */
    vnode_id_t id;
    enum node_type type;
    uint64_t size_bytes;
    unsigned attributes;
    bool has_modified, has_created, has_accessed, has_changed;
    int64_t modified_s, created_s, accessed_s, changed_s; /* UTC, seconds since 1970 */
    uint32_t modified_ns, accessed_ns; /* the rest; 0 where the format stores whole seconds */
    uint32_t mode, links, uid, gid; /* mode: as st_mode of POSIX, with type bits */
    uint64_t device_number; /* Rock Ridge PN: high << 32 | low */
    const char *mime;       /* as stored on the medium, in memory of the FSD's that is valid while
                               the vnode is referenced; NULL: the name decides */
    uint64_t alias;         /* equal for directories that share their content */
};

struct dir_entry {
    struct node_info info; /* as much as the directory itself contains: the id; the type, or
                              NODE_NONE; and the levels in `known` */
    unsigned skipped;      /* at the end: number of invalid entries that were not listed */
    char name[NAME_BYTES_MAX + 1]; /* the VFS replaces slashes and invalid UTF-8 by `_` */
};

struct fs_info {
    char volume_name[128];
    char type[32];           /* "cdfs, Rock Ridge" */
    uint64_t total_bytes, free_bytes;
    uint32_t block_bytes;
    bool read_only;
};

/* Receives text a piece at a time, e.g. for a stream. */
struct text_sink {
    void (*write)(struct text_sink *sink, const char *text, size_t bytes);
};

/* Operations of fsd_ops.ioctl; the argument is a struct text_sink. */
enum {
    FSD_DESCRIBE_VOLUME = 1, /* the whole volume, whatever the vnode: lines of text */
    FSD_DESCRIBE_NODE,       /* how the FSD decoded this vnode */
};

/* One element of a path: not terminated, not empty, no slash, neither . nor .. */
struct element {
    const char *name;
    size_t length;
};

struct fsd_ops {
    /* Frees everything; the fsd has no users. Never NULL. */
    void (*dismount)(struct fsd *fsd);
    /* Describes the volume, without free_bytes if count_free is there. Never NULL. */
    status_t (*get_fs_info)(struct fsd *fsd, struct fs_info *info);
    /* Counts the free bytes, for which it may read much of the medium. NULL: get_fs_info does. */
    status_t (*count_free)(struct fsd *fsd, uint64_t *free_bytes);
    /* Finds the id of one element in a directory: the exact name first, then (with fold_case) a
     * name that differs only in case. -ENOENT. Never NULL. */
    status_t (*lookup)(struct fsd *fsd, struct vnode *directory, struct element element,
                       vnode_id_t *id);
    /* Fills in what get_info would return for this element's node, with id and type, without
     * loading the node. -EAGAIN if that needs get_vnode. NULL: it always does. */
    status_t (*get_child_info)(struct fsd *fsd, struct vnode *directory, struct element element,
                               unsigned levels, struct node_info *info);
    /* Stores how the directory itself spells the element into name[NAME_BYTES_MAX + 1], if that
     * differs (case, `;1`), and returns its length; 0 if the spelling is the same. NULL: names are
     * always found as they are spelled. */
    size_t (*actual_name)(struct fsd *fsd, struct vnode *directory, struct element element,
                          char *name);
    /* Create a node. Changes match names exactly. The VFS has checked the change just before
     * (vfs.h); the FSD must detect a race: -EEXIST, or -ENOENT in a directory that was removed.
     * NULL: -EROFS. */
    status_t (*create)(struct fsd *fsd, struct vnode *directory, struct element element,
                       vnode_id_t *id);
    status_t (*mkdir)(struct fsd *fsd, struct vnode *directory, struct element element,
                      vnode_id_t *id);
    /* Creates a symbolic link to `target`, which has 1 to PATH_BYTES_MAX bytes. Checks as create()
     * does. NULL: -EOPNOTSUPP, the format has no links, or the driver does not write them. */
    status_t (*symlink)(struct fsd *fsd, struct vnode *directory, struct element element,
                        const char *target, vnode_id_t *id);
    /* Removes the name of `vnode`; a directory must be empty (-ENOTEMPTY). -ENOENT if the name
     * belongs to another node by now. put_vnode frees the node itself; only then may another node
     * get its id (reuses_ids). Write-back of the file's dirty data, which is discarded, may be in
     * flight until then: its place on the medium must not be reused before. NULL: -EROFS. */
    status_t (*unlink)(struct fsd *fsd, struct vnode *directory, struct element element,
                       struct vnode *vnode);
    /* Moves the name of `node` within the mount, atomically. `replaced` is the node of the new
     * name, of the same type, and is removed as by unlink; NULL: the new name is free, or the old
     * one, perhaps in another spelling. -ENOENT if the old name belongs to another node than `node`
     * by now; -ENOTEMPTY; -EEXIST if the new name belongs to another node than `replaced`; -EINVAL
     * for a directory into itself. If the node's id changes: vnode_set_id(). On failure nothing
     * changes. NULL: -EROFS. */
    status_t (*rename)(struct fsd *fsd, struct vnode *from, struct element old_name,
                       struct vnode *node, struct vnode *to, struct element new_name,
                       struct vnode *replaced);
    /* Fills in the vnode from the medium by vnode->id, and checks everything again: a forged id
     * results in an errno or in a node of the volume. Never NULL. */
    status_t (*get_vnode)(struct fsd *fsd, struct vnode *vnode);
    /* Returns 0 if the vnode's content may be served, cached bytes too, else an errno. NULL:
     * whenever the device may be used (fsd_check). */
    status_t (*check)(struct fsd *fsd, struct vnode *vnode);
    /* A file was opened on the content, or closed again. open may refuse, e.g. -EACCES to write a
     * file with ATTRIBUTE_READ_ONLY. NULL: always allowed. */
    status_t (*open)(struct fsd *fsd, struct vnode *vnode, bool write);
    void (*close)(struct fsd *fsd, struct vnode *vnode, bool write);
    /* Frees vnode->private_data. An unused vnode may be freed while another thread has the node
     * loaded again already. NULL: there is none. */
    void (*put_vnode)(struct fsd *fsd, struct vnode *vnode);
    /* Frees what the FSD keeps of a vnode in use and can make again, such as a directory's index.
     * Called by reclaim under a spinlock of rank VNODE: takes other locks by try-lock only. NULL:
     * there is nothing to free. */
    void (*trim_vnode)(struct fsd *fsd, struct vnode *vnode);
    /* Fills in the levels requested, as far as they are known. Never NULL. */
    status_t (*get_info)(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                         struct node_info *info);
    /* INFO_STANDARD: truncates or extends to info->size_bytes, and sets vnode->size_bytes and the
     * modification time; INFO_TIMES: sets the times whose `has_...` is set; INFO_ATTRIBUTES: sets
     * those of ATTRIBUTES_SETTABLE. -EINVAL for a value that the format does not store, or for a
     * node or a format that has none. For a cached file, no write and no write-back of it is under
     * way, nor an io in flight past the new end; extending reserves room as `reserve` does, and
     * truncating gives it back. On failure nothing changes. NULL: -EROFS. */
    status_t (*set_info)(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                         const struct node_info *info);
    /* Starts the io and returns. For vnodes with cache_block_bytes 0 it is complete on return. A
     * read of a cached file returns zeroes for what was reserved but has no place yet, and from
     * vnode->valid_bytes on. NULL: no node has content. */
    void (*read_write)(struct fsd *fsd, struct vfs_io *io);
    /* A part sent by vfs_io_submit has ended: submits the next one or completes the io. On the
     * completion thread: must not block. NULL: vfs_io_submit is not used. */
    void (*finish_io)(struct fsd *fsd, struct vfs_io *io);
    /* Begins to list a directory: *cursor is the FSD's (NULL until open_dir, freed by close_dir).
     * open_dir and close_dir NULL: `position`, which starts at 0, is all that read_dir needs. */
    status_t (*open_dir)(struct fsd *fsd, struct vnode *directory, void **cursor);
    /* Returns 1 and an entry; 0 and entry->skipped at the end; or an errno. Fills in those of
     * `levels` (0: none) that need no further read of the medium: for each node all of them, or
     * none. Never NULL. */
    int (*read_dir)(struct fsd *fsd, struct vnode *directory, void *cursor, uint64_t *position,
                    unsigned levels, struct dir_entry *entry);
    void (*close_dir)(struct fsd *fsd, struct vnode *directory, void *cursor);
    /* Stores the link's target, terminated and cut to `bytes`; returns its whole length. NULL: the
     * format has no links. */
    ssize_t (*read_link)(struct fsd *fsd, struct vnode *vnode, char *target, size_t bytes);
    /* An operation on the file; NULL: -EOPNOTSUPP. */
    status_t (*ioctl)(struct fsd *fsd, struct vnode *vnode, unsigned operation, void *argument,
                      size_t bytes);
    /* Passes an operation of kernel/dev/control.h to the device that holds the vnode's bytes.
     * Called by path_control(). NULL: -EOPNOTSUPP. */
    status_t (*passthrough)(struct fsd *fsd, struct vnode *vnode, unsigned operation,
                            void *argument, size_t bytes);
    /* Makes every change of the file system's structures durable, in epochs (layout/changes.h),
     * and ends with IO_FLUSH: so the bytes that were written before are durable as well.
     * Called by file_flush(), by the flusher, and before an unmount, which fails with its error.
     * What could not be written stays pending: the next call tries again. Several threads may call
     * it at once. NULL: nothing is ever dirty. */
    status_t (*flush)(struct fsd *fsd);

    /*
     * Files that are written through their cache: `reserve`, prepare_write and data_written are
     * either all present or all NULL. For one vnode, the VFS calls `reserve` by one thread at a
     * time, and prepare_write and data_written by one thread at a time; both may happen at once.
     * During set_info of a size, none of them is called.
     */

    /* The bytes [offset, offset + bytes) are about to be copied into the file's cache. Reserves
     * room on the medium for what has no place yet, and sets the modification time. -ENOSPC, and
     * -EFBIG, come from here: nothing was copied then. Does not change vnode->size_bytes: the VFS
     * does, once the bytes are in the cache, perhaps fewer than these. Room that is not used in the
     * end is given back by put_vnode, or when the file is truncated. */
    status_t (*reserve)(struct fsd *fsd, struct vnode *vnode, uint64_t offset, uint64_t bytes);
    /* Gives the range, which is about to be written back, its place on the medium. It may have one
     * already. May block; must not fail for lack of room. */
    status_t (*prepare_write)(struct fsd *fsd, struct vnode *vnode, uint64_t offset,
                              uint64_t bytes);
    /* The device has all bytes of the file below `size` (in its own cache: IO_FLUSH is still to
     * come), and they are in their places. Records size, place and times in the file system's
     * structures, to be written by flush. The file's own size may be larger: bytes after these are
     * not recorded yet (without keeps_valid_length), or not as valid ones (with it). */
    status_t (*data_written)(struct fsd *fsd, struct vnode *vnode, uint64_t size);
    /* Makes a mounted file system writable, or read-only again. True: marks the volume as in use on
     * the medium first; -EROFS if the device cannot be written, or the volume is damaged in a way
     * that writing would make worse. False: everything was flushed; marks the volume as clean. Sets
     * fsd->read_only on success. A file system that has this slot is mounted read-only at first.
     * NULL: it stays as it was mounted. */
    status_t (*set_writable)(struct fsd *fsd, bool writable);
    /* Applies options of `mount -o` to a mounted file system: those that mount_fs accepts, and that
     * may change, such as tz=. -EINVAL for others: nothing changes then. NULL: there are none. */
    status_t (*set_options)(struct fsd *fsd, const char *options);
};

struct fsd {
    const struct fsd_ops *ops;
    const char *name;            /* the driver's: "cdfs" */
    struct device_handle device; /* .device NULL: none. Once mounted, use fsd_submit, fsd_check,
                                    fsd_device */
    uint32_t cache_block_bytes;  /* default for vnodes; 0: uncached */
    bool fold_case;
    _Atomic bool read_only;
    bool keeps_valid_length;     /* the format stores valid_bytes of a file: extending a file writes
                                    no zeroes */
    bool reuses_ids;             /* an id may belong to another node after an unlink or a rename */
    void *private_data;
    /* vnode.c's; `vnodes` is initialized once mounted */
    struct list vnodes;
    _Atomic unsigned moves;      /* of nodes: counts beginnings and ends, so odd during a move */
    _Atomic unsigned dying;      /* vnodes that left the list and are not freed yet */
    _Atomic bool changes_names;  /* names.c's: an invalid name was changed when it was listed */
    /* redirect.c's; `held` is initialized once mounted */
    bool paused;                 /* new requests are put into `held` */
    struct list held;
    unsigned requests, ios;      /* in flight */
    unsigned files;              /* open */
    _Atomic bool redirected;     /* `successor` is used instead of `device` */
    struct device_handle successor;
    struct device *former;       /* that of `device`, once redirected: a reference */
    /* write/'s: see dirty_fsds.c; both lists are initialized once mounted */
    struct list changed_link, dirty; /* `dirty`: vnodes that are not durable, the oldest first */
    uint64_t changed_us;         /* the time of the first change, if it is in the list */
    uint64_t retry_us;           /* after a failure */
    unsigned changers, writers;  /* changes under way; files open for writing */
    bool closed;                 /* the gate: no change may begin */
    _Atomic bool was_writable;   /* perhaps not any more: see vfs_exchange_device() */
    status_t warned;             /* of the flusher's latest sync */
    struct write_errors errors;
    unsigned errors_reported;    /* by vfs_sync(), so far */
    bool finished;               /* vfs_finish() made it read-only */
    unsigned pins;               /* threads that sync it, or are about to */
    bool syncing;
    _Atomic bool synchronous;    /* each change is made durable before it returns */
    struct list writer_link;     /* mount_table.c's: initialized once mounted */
    /* dismount.c's */
    struct list dismount_link;
    void (*free)(struct fsd *fsd);
    struct code_use code_use;    /* mount.c's: of ops */
};

/* Dismounts an fsd that was never mounted, as soon as nothing of it is in flight: for a mount_fs
 * that fails after it has read from the medium, perhaps because it was interrupted. Waits only a
 * moment; the rest happens on a thread. */
void fsd_discard(struct fsd *fsd);

/* Sends a request to the FSD's device; the FSD fills in everything except device and generation.
 * The request's callback must call fsd_request_ended() first. */
void fsd_submit(struct fsd *fsd, struct io_request *request);
void fsd_request_ended(struct fsd *fsd);
/* Returns the device that holds the file system's bytes: borrowed, and valid until dismount. */
const struct device_handle *fsd_device(const struct fsd *fsd);
/* Describes the volume, with its free space: the first time, much of the medium may be read. */
status_t fsd_get_usage(struct fsd *fsd, struct fs_info *info) MUST_CHECK;
/* Returns 0 if the device may be used, else -ESTALE, -ENOMEDIUM or -ENODEV. */
status_t fsd_check(struct fsd *fsd) MUST_CHECK;

/* Gives a vnode in use another id, for a rename that moves its record on the medium. Called within
 * fsd_ops.rename, once the rename cannot fail any more, by an FSD with reuses_ids. A vnode that has
 * the id already, the replaced one, is not found by it any more. The caller holds no lock of rank
 * VNODE or above. To be called when get_vnode of the old id fails: walks of other threads wait for
 * the end of the rename, and look the name up again. */
void vnode_set_id(struct vnode *vnode, vnode_id_t id);

/* The vnode's name was removed: it is not found by its id any more, and freed with its last user.
 * The caller has a reference. The VFS calls it after fsd_ops.unlink. An FSD with reuses_ids calls
 * it within, before another node can get the id. */
void vnode_unlinked(struct vnode *vnode);

/* Fills in the information on a file as get_info does, if its vnode is in memory: it may be newer
 * than the medium. Returns false if it is not, or is not a file's. */
bool vnode_loaded_info(struct fsd *fsd, vnode_id_t id, unsigned levels, struct node_info *info);

/* Initializes a cache over the FSD's device itself, for the structures of the medium. Embed it, and
 * destroy it in dismount. block_bytes: a multiple of the device's block. */
void device_cache_init(struct cache *cache, struct fsd *fsd, uint32_t block_bytes);

#endif
