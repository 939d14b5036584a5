/*
 * vfs.h - paths, mounts and files, for their users. (kernel/vfs/fsd.h is for implementers of file
 * systems.)
 *
 * Paths       A `struct path` is a place reached by a walk: a referenced mount and vnode, the path
 *             it was reached from, and its name there. `..` returns to that parent, out of a mount
 *             too, and stays at `/`. A path follows its directory when that is moved. Vnodes
 *             themselves have no parent. At most 16 links a walk.
 * Mounts      The table holds (parent path, name) as text. A mounted file system covers the
 *             directory of that path. `/System/Devices` belongs to the VFS: it remains whatever
 *             disc is mounted at /System.
 * Files       A `struct file` is an open handle with an offset; one thread uses it at a time.
 *             Reads go through the vnode's file cache, and so do writes, on file systems on disks:
 *             a write returns when the bytes are in memory. They are written back after 5 seconds,
 *             or when 1/16 of memory is dirty; file_flush(), vfs_sync() and vfs_unmount() do it at
 *             once. Writers wait while 1/8 of memory is dirty.
 * Media       Every operation returns -ESTALE, -ENOMEDIUM or -ENODEV once the disc below was
 *             changed or removed, or its drive is gone, even for cached bytes.
 * Interrupts  Reads, walks and opens of an interrupted thread end with -EINTR. An io in flight then
 *             ends by itself.
 * Locking     Called from threads with no lock held; may wait for devices.
 * Ownership   Functions that return a path or a file return a reference; release it with path_put
 *             or file_close.
 */
#ifndef KERNEL_VFS_VFS_H
#define KERNEL_VFS_VFS_H

#include "kernel/vfs/cache/cache.h"
#include "kernel/vfs/fsd.h"
#include "lib/identify/identify.h"

struct path;
struct mount;
struct file;

/* ---- paths -------------------------------------------------------------------------------- */

enum {
    WALK_NO_FOLLOW = 1, /* a link as the last element is the result itself */
};

struct path *path_root(void);
struct path *path_get(struct path *path);
void path_put(struct path *path); /* NULL is allowed */
/* Returns a reference to the path of `..`: the root's is the root itself. */
struct path *path_parent(struct path *path);

/* Walks `text` from `start`, or from `/` if it begins with a slash. A trailing slash requires a
 * directory, and follows a link even with WALK_NO_FOLLOW (POSIX 4.13). -ENOENT, -ENOTDIR, -ELOOP,
 * -ENAMETOOLONG, or an error of the file system. */
status_t path_walk(struct path *start, const char *text, unsigned flags,
                   struct path **result) MUST_CHECK;
/* Walks one element further, by a name from dir_read(): never `.` nor `..`. Does not follow links.
 * Enters a mount only with `cross`. */
status_t path_child(struct path *parent, const char *name, bool cross,
                    struct path **result) MUST_CHECK;
/* Stores the absolute path, cut to `bytes`; returns its whole length. */
size_t path_text(struct path *path, char *text, size_t bytes);
/* Returns the absolute path; or with `name`, that of a name in it. In memory that the caller frees:
 * the path may become longer or shorter at any time. NULL without memory. */
char *path_text_copy(struct path *path, const struct element *name);
struct vnode *path_vnode(struct path *path); /* borrowed */
struct fsd *path_fsd(struct path *path);     /* borrowed */
bool path_is_directory(struct path *path);
/* Returns whether it is the root of a mounted file system. */
bool path_is_mount_point(struct path *path);
/* Returns whether it is `directory` itself, or was reached through it. */
bool path_is_inside(struct path *path, struct path *directory);
bool path_is_same(struct path *a, struct path *b); /* the same node, however reached */
/* Returns whether its text still leads to it: not once it was removed, or its mount is gone. */
bool path_is_live(struct path *path);
/* Returns whether the directory itself was removed, or replaced by a rename. */
bool path_is_unlinked(struct path *path);

/* Fills in information on a node; info->known holds the levels available. The MIME type of a file
 * is the one that the file system stores, else that of its name; it is valid while the path is
 * held. */
status_t path_info(struct path *path, unsigned levels, struct node_info *info) MUST_CHECK;
/* The same for the node that path_child() would return, which is not loaded if the directory itself
 * has the information. */
status_t path_child_info(struct path *parent, const char *name, bool cross, unsigned levels,
                         struct node_info *info) MUST_CHECK;
ssize_t path_read_link(struct path *path, char *target, size_t bytes) MUST_CHECK;
/* Returns the MIME type of a name; "application/octet-stream" if its extension is unknown. */
const char *mime_type(const char *name);

/* Writes the file system's description of its volume or, with `node`, of how it decoded this one
 * node, as lines of text. -EOPNOTSUPP if it has none. */
status_t path_describe(struct path *path, bool node, struct text_sink *sink) MUST_CHECK;
/* The same of the volume on a device, which need not be mounted. */
status_t device_describe_volume(const char *device, struct text_sink *sink) MUST_CHECK;

/* Passes an operation of kernel/dev/control.h to the device that holds the node's bytes: for a
 * device's file, that device; for other files, the device of their file system. -EOPNOTSUPP if
 * there is none. */
status_t path_control(struct path *path, unsigned operation, void *argument,
                      size_t bytes) MUST_CHECK;

/* ---- formats (identify.c) ----------------------------------------------------------------- */

enum { MOUNT_REASON_BYTES = 192 };

/* Finds the formats that the device's medium has signatures of. Returns -EINTR, or another errno
 * only if nothing could be examined; result->status is the error of blocks that could not be
 * read. */
status_t device_identify(const struct device_handle *handle, struct identify *result) MUST_CHECK;
/* The same for the device that holds the path's file system. -EOPNOTSUPP if there is none. */
status_t path_identify(struct path *path, struct identify *result) MUST_CHECK;
/* The same for a file's content. */
status_t file_identify(struct file *file, struct identify *result) MUST_CHECK;
/* Writes why vfs_mount() of `device` failed with `status`: for -EMEDIUMTYPE, the format of the
 * medium ("FAT32 file system, which Spindle cannot mount"); for -EIO, whether it is an audio CD;
 * else the text of the status. */
void device_mount_reason(const char *device, status_t status, char *text, size_t bytes);

/* ---- changing names ----------------------------------------------------------------------- */

/*
 * Every change of a name passes the same checks, in this order: -ENAMETOOLONG; -EILSEQ for a new
 * name that is not UTF-8; -ENOENT in a directory that was removed; -EEXIST, -ENOENT or -EBUSY (a
 * mount point) for the node of the name; -EROFS. Only -ENOENT of a look-up means that the name is
 * free; any other error is returned. A slash after the last element requires a directory: -ENOTDIR,
 * or -EISDIR for a file to be created.
 */

/* -EEXIST, for `.` and `..` too. */
status_t vfs_mkdir(struct path *start, const char *text) MUST_CHECK;
/* Creates a symbolic link to `target`, which need not exist. -ENOENT for an empty target,
 * -ENAMETOOLONG for one that no walk could follow, -EEXIST; -EOPNOTSUPP if the file system can be
 * written but cannot store links. */
status_t vfs_symlink(struct path *start, const char *target, const char *text) MUST_CHECK;
/* Removes a file or an empty directory (-ENOTEMPTY). -EBUSY if something is mounted there or below;
 * -EINVAL for `.` and `..`. A directory removed while it is in use has no names any more. */
status_t vfs_unlink(struct path *start, const char *text) MUST_CHECK;
/* Moves a name within one file system (-EXDEV). A node that has the new name is replaced: a file by
 * a file, an empty directory by a directory (-EISDIR, -ENOTDIR, -ENOTEMPTY). -EINVAL for a
 * directory into itself, -EBUSY for `.` and `..`. A directory may be in use: the paths that lead to
 * it or through it follow. It is not moved (-EBUSY) while something is mounted on it or below. */
status_t vfs_rename(struct path *start, const char *from, const char *to) MUST_CHECK;
/* The same for a name in one directory, and one in another. */
status_t path_rename(struct path *from, const char *old_name, struct path *to,
                     const char *new_name) MUST_CHECK;
/* -EROFS, or -EINVAL if the file system does not store such a time. */
status_t path_set_modified(struct path *path, int64_t modified_s) MUST_CHECK;
/* The same for the times of modification and access that `times` has. A file system that stores
 * coarser times rounds them. */
status_t path_set_times(struct path *path, const struct node_info *times) MUST_CHECK;
/* Sets and clears some of ATTRIBUTES_SETTABLE. -EINVAL if the node, such as the root, or the file
 * system has none; -EROFS. */
status_t path_set_attributes(struct path *path, unsigned set, unsigned clear) MUST_CHECK;

/* ---- mounts ------------------------------------------------------------------------------- */

/* Mounts the file system on `device` (name or alias; "": none) over the directory `text`. `type`
 * names the FSD; NULL asks all of them in turn. -EBUSY if something is mounted there, or if the
 * device is mounted elsewhere as well and one of these mounts is writable; -ENOENT for a directory
 * that was removed; -EMEDIUMTYPE if no FSD knows the medium. */
status_t vfs_mount(struct path *start, const char *text, const char *device, const char *type,
                   const char *options) MUST_CHECK;
/* -EINVAL if it is not a mount point; -EBUSY while files or directories on it are in use or
 * something is mounted below; or the error of writing back dirty data: it stays mounted then. */
status_t vfs_unmount(struct path *start, const char *text) MUST_CHECK;
/* Changes a mount in place: `rw` makes it writable (-EROFS if the medium or its format cannot be
 * written, -EBUSY if the device is mounted elsewhere as well), `ro` read-only again (-EBUSY while
 * files are open for writing, or an error of writing back), `sync` makes each change durable before
 * it returns, until `async`. Other options are the file system's. File systems on disks are
 * read-only until then. -EINVAL if it is not a mount point, or for an option that cannot change. */
status_t vfs_remount(struct path *start, const char *text, const char *options) MUST_CHECK;
/* Makes every file system durable, then read-only, before the machine is switched off: the one that
 * was mounted last is the first, since its device may be an image on another. Writes a line about
 * each file that cannot be written, and returns the first error: nothing stays read-only then. With
 * `force` it does what can be done, and writes no lines. */
status_t vfs_finish(bool force, struct text_sink *sink) MUST_CHECK;
/* Takes the mounts of a device, and the mounts below them, out of the tree at once. Bytes that were
 * not written back are written if the medium is still there; else a line is logged for each file.
 * Files open there return errors until closed, and a warning is logged. Returns the number of
 * mounts. */
unsigned vfs_unmount_device(struct device *device);
/* Redirects a mounted file system to another device that holds the same bytes: open files, ids and
 * cached pages stay valid. -EINVAL if it is not a mount point, or blocks or size differ; -EALREADY
 * if it was redirected before; -EBUSY if it is writable, or was since it was mounted: the bytes may
 * differ; -ESTALE, -ENOMEDIUM or -ENODEV if the disc was changed meanwhile. From then on it cannot
 * be made writable. */
status_t vfs_exchange_device(struct path *start, const char *text, const char *device) MUST_CHECK;
/* Mounts the root file system and `/System/Devices`. Once, at start-up. */
status_t vfs_start(void) MUST_CHECK;
/* Unmounts everything (host tests); kasserts that nothing is in use. */
void vfs_stop(void);

struct mount_info {
    char path[256];
    char device[DEVICE_NAME_BYTES];
    unsigned device_number; /* 0: none. Another device may have the same name by now */
    bool stale;             /* its device or medium is gone: it cannot be read */
    struct fs_info fs;
};
/* Fills in information on the n-th mount in the order of mounting; -ENOENT past the last. The free
 * space is left out where it must be counted. */
status_t vfs_mount_info(unsigned n, struct mount_info *info) MUST_CHECK;
/* As vfs_mount_info(), with the free space: the first time, much of the medium may be read. */
status_t vfs_mount_usage(unsigned n, struct mount_info *info) MUST_CHECK;
/* Stores the name of the next mount directly below `path`, in the order of mounting; *position is 0
 * at first. -ENOENT past the last. */
status_t vfs_mount_below(struct path *path, unsigned *position, char *name,
                         size_t bytes) MUST_CHECK;

/* ---- files -------------------------------------------------------------------------------- */

enum {
    OPEN_READ = 1,
    OPEN_WRITE = 2,
    OPEN_CREATE = 4,
    OPEN_TRUNCATE = 8,
    OPEN_APPEND = 16,
    OPEN_DIRECTORY = 32,  /* for dir_read */
    OPEN_DENY_WRITE = 64, /* no other file may write it meanwhile */
    OPEN_EXCLUSIVE = 128, /* no other file may open it meanwhile; implied for a device that is
                             opened for writing */
    OPEN_DENY_READ = 256, /* no other file may read it meanwhile, else -ETXTBSY: for an output that
                             may be its own input. Streams, which store nothing, can be read */
};

/* -EBUSY, or -ETXTBSY for OPEN_DENY_READ, if it is already open in a way that excludes `flags`.
 * OPEN_CREATE creates a file where a dangling link leads to (POSIX open()). */
status_t file_open(struct path *start, const char *text, unsigned flags,
                   struct file **file) MUST_CHECK;
status_t file_open_path(struct path *path, unsigned flags, struct file **file) MUST_CHECK;
/* Opens by vnode id in the file system that `mounted` is on. Such a file has no path. */
status_t file_open_id(struct path *mounted, vnode_id_t id, unsigned flags,
                      struct file **file) MUST_CHECK;
void file_close(struct file *file); /* NULL is allowed */

/* Returns 0 if its bytes may be served now, else -ESTALE, -ENOMEDIUM or -ENODEV. */
status_t file_check(struct file *file) MUST_CHECK;
uint64_t file_size(struct file *file);
/* Returns whether it is open on the node of this path. */
bool file_is_of(struct file *file, struct path *path);
/* Returns whether a reader was refused since this handle was opened with OPEN_DENY_READ. A new
 * content may then have been made without that reader's input, and must not replace the old one. */
bool file_has_refused_reader(struct file *file);
void file_seek(struct file *file, uint64_t offset_bytes);
/* Return the number of bytes moved; 0 at the end; an errno if the first byte could not be moved.
 * Reads, with dir_read() and file_view(), end with -EINTR once the thread was interrupted. */
ssize_t file_read(struct file *file, void *buffer, size_t bytes) MUST_CHECK;
ssize_t file_read_at(struct file *file, uint64_t offset_bytes, void *buffer,
                     size_t bytes) MUST_CHECK;
/* Nothing is written past the end of a device: -ENOSPC. */
ssize_t file_write(struct file *file, const void *buffer, size_t bytes) MUST_CHECK;
ssize_t file_write_at(struct file *file, uint64_t offset_bytes, const void *buffer,
                      size_t bytes) MUST_CHECK;
/* Repeats file_write() until all bytes are written; -EIO if the file takes no more. */
status_t file_write_all(struct file *file, const void *buffer, size_t bytes) MUST_CHECK;
/* Reads a whole file of at most `most` bytes into memory that the caller frees, with a NUL after
 * its bytes. -EFBIG if it is larger. */
status_t file_read_whole(struct path *start, const char *text, size_t most, char **data,
                         size_t *bytes) MUST_CHECK;
/* Sets the end of the file; bytes added read as zeroes. */
status_t file_set_size(struct file *file, uint64_t bytes) MUST_CHECK;
/* Reserves room for a content of this size, without changing the file: -ENOSPC, -EFBIG. So a copy
 * that does not fit is refused before it begins. 0 where room is not reserved. */
status_t file_reserve(struct file *file, uint64_t bytes) MUST_CHECK;
/* Sets the size to 0, unless another handle has done so since this one was opened. A device keeps
 * its content. */
status_t file_truncate(struct file *file) MUST_CHECK;
/* Makes completed writes durable (POSIX fsync()): until it returns 0, they may be lost at a power
 * failure. Returns the latest error if writing the file back has failed since the handle was opened
 * or flushed, even if the bytes were written later: each handle gets it once. */
status_t file_flush(struct file *file) MUST_CHECK;
/* The same without making them durable: the device has the bytes, perhaps in its own cache, and the
 * flusher does the rest within seconds. Costs no flush of the device. */
status_t file_write_dirty(struct file *file) MUST_CHECK;
/* Returns the latest error, if writing the file back has failed since the handle got the last one.
 * Does not wait for bytes that are still to be written back: file_flush() or vfs_sync() does. */
status_t file_take_error(struct file *file) MUST_CHECK;
/* The same, and closes the file. */
status_t file_finish(struct file *file) MUST_CHECK;
/* Returns whether writes return before the device has the bytes. */
bool file_is_written_back(struct file *file);
/* Makes every change of a file system so far durable; without a path, of all of them. Returns the
 * first error, after trying everything; or the latest one, if a write-back has failed since the
 * last vfs_sync(): a device that failed may have lost bytes, although it works now. */
status_t vfs_sync(struct path *path) MUST_CHECK;
/* The same for a program that begins to write now: it gets the errors from now on, whether another
 * one has got them or not. A path on another file system than the mark's has no earlier errors. */
struct vfs_sync_mark {
    const struct fsd *fsd; /* compared only */
    unsigned errors;
};
struct vfs_sync_mark vfs_sync_mark(struct path *path);
status_t vfs_sync_since(struct path *path, struct vfs_sync_mark *mark) MUST_CHECK;
/* Reads or writes directly from or to the segments' memory, without a copy, if offset and length
 * are whole cache blocks of the file; else through the cache or a block of its own, with the same
 * result. 0 if all bytes were moved, or an errno with *done_bytes good ones. Not interruptible. */
status_t file_transfer(struct file *file, enum io_op op, uint64_t offset_bytes,
                       const struct io_segment *segments, unsigned segment_count,
                       uint32_t length_bytes, uint32_t *done_bytes) MUST_CHECK;
/* Returns the device that holds the file's bytes, or NULL: memory. Borrowed, until file_close(). */
struct device *file_device(struct file *file);
/* Returns that device's level (Book, chapter 6); 0 if there is none. */
unsigned file_level(struct file *file);

/* Shows the next bytes in place, at the file's offset, and advances it; 0 at the end. */
ssize_t file_view(struct file *file, struct cache_view *view) MUST_CHECK;
/* Shows the bytes at `offset_bytes`, whatever the file's own offset is. Several threads may do so
 * on one handle. -EOPNOTSUPP if the file has no cache: use file_read_at(). */
ssize_t file_view_at(struct file *file, uint64_t offset_bytes,
                     struct cache_view *view) MUST_CHECK;
void file_view_close(struct file *file, struct cache_view *view);

/* Returns 1 and an entry, 0 at the end, or an errno. entry->info has those of `levels` that the
 * directory itself contains: entry->info.known is all of them, or 0 (path_child_info() reads
 * further). Mount points that the directory itself does not contain are not listed: see
 * vfs_mount_below(). */
int dir_read(struct file *directory, unsigned levels, struct dir_entry *entry) MUST_CHECK;

/* ---- replacing ---------------------------------------------------------------------------- */

/*
 * A new content for a file, in a file of its own beside it (`.NAME.part~1`), which takes the name
 * in one step once it is complete: there is always the old file or the new one. This needs space
 * for both. A handle on the old one stays valid. Devices and streams are written in place.
 */
struct replacement {
    struct file *file; /* open for writing: the new content */
    struct file *old;  /* open for writing; NULL: there was none; `file`: written in place */
    struct replacing *names; /* replace.c's */
};

/* Opens a new content. `flags`: how the old file is held, OPEN_DENY_READ or OPEN_DENY_WRITE. Links
 * are followed, as by file_open() with OPEN_CREATE. */
status_t replace_begin(struct path *start, const char *text, unsigned flags,
                       struct replacement *replacement) MUST_CHECK;
/* Gives the name to the new content; on failure the old content is unchanged. Ends the replacement
 * in both cases. */
status_t replace_commit(struct replacement *replacement) MUST_CHECK;
/* Removes the new content, and ends the replacement. Bytes written in place remain. */
void replace_abandon(struct replacement *replacement);

/* ---- memory ------------------------------------------------------------------------------- */

/* Frees clean pages, unused vnodes, and data that vnodes in use can make again; for
 * mem_set_reclaim(). */
size_t vfs_reclaim(size_t pages);
/* Returns whether `pages` more pages of content in memory would leave less than an eighth of it
 * free, even after reclaim. */
bool vfs_memory_is_short(size_t pages);
struct vfs_counts {
    size_t pages, dirty_pages, vnodes, unused_vnodes; /* dirty pages are among the pages */
};
struct vfs_counts vfs_counts(void);

#endif
