/*
 * vfs.h - paths, mounts and files, for those who use them (kernel/vfs/fsd.h: for those who make
 * file systems).
 *
 * Paths       A `struct path` is a place that was walked to: a referenced mount, vnode, the path
 *             it was reached by, and its name there. `..` goes back to that parent, out of a mount
 *             too, and stays at `/`. Vnodes themselves have no parent. At most 16 links a walk.
 * Mounts      The table holds (parent path, name) as text. A mounted file system covers the
 *             directory of that path. `/System/Devices` is the VFS's own: it stays whatever is or
 *             is not mounted at /System.
 * Files       A `struct file` is an open handle with an offset; one thread uses it at a time.
 *             Reading goes through the vnode's file cache.
 * Media       Everything answers -ESTALE, -ENOMEDIUM or -ENODEV once the disc beneath was changed,
 *             taken out, or its drive went, from memory too.
 * Locking     Called from threads with no lock held; may wait for devices.
 * Ownership   Functions that return a path or a file give a reference; path_put, file_close.
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
    WALK_NO_FOLLOW = 1, /* a link as last element is the result itself */
};

struct path *path_root(void);
struct path *path_get(struct path *path);
void path_put(struct path *path); /* NULL: nothing */

/* From `start`, or from `/` when `text` begins with a slash. A trailing slash requires a directory,
 * and follows a link with WALK_NO_FOLLOW too (POSIX 4.13). -ENOENT, -ENOTDIR, -ELOOP,
 * -ENAMETOOLONG, or an error of the file system. */
status_t path_walk(struct path *start, const char *text, unsigned flags,
                   struct path **result) MUST_CHECK;
/* One more element, which read_dir gave: never `.` nor `..`. Links are not followed. Crosses into
 * a mount only when `cross`. */
status_t path_child(struct path *parent, const char *name, bool cross,
                    struct path **result) MUST_CHECK;
/* The absolute path, cut to `bytes`; returns its whole length. */
size_t path_text(struct path *path, char *text, size_t bytes);
struct vnode *path_vnode(struct path *path); /* borrowed */
struct fsd *path_fsd(struct path *path);     /* borrowed */
bool path_is_directory(struct path *path);
/* Is it the root of what is mounted there? */
bool path_is_mount_point(struct path *path);
/* Is it `directory` itself, or was it reached through it? */
bool path_is_inside(struct path *path, struct path *directory);
bool path_is_same(struct path *a, struct path *b); /* the same node, however reached */
/* Does its text still lead to it? Not once it was removed, or its mount was taken away. */
bool path_is_live(struct path *path);
/* Was the directory itself removed, or another renamed over it? */
bool path_is_unlinked(struct path *path);

/* What is known of a node; `known` says which levels. The MIME type of a file is the one that the
 * file system stores, else that of its name; it is valid while the path is held. */
status_t path_info(struct path *path, unsigned levels, struct node_info *info) MUST_CHECK;
/* The same of what path_child() would give, which need not be made where the directory knows. */
status_t path_child_info(struct path *parent, const char *name, bool cross, unsigned levels,
                         struct node_info *info) MUST_CHECK;
ssize_t path_read_link(struct path *path, char *target, size_t bytes) MUST_CHECK;
/* The MIME type of a name; "application/octet-stream" if it has none. */
const char *mime_type(const char *name);

/* Writes the file system's description of its volume, or (with `node`) of how it understood this
 * one node, as lines of text. -EOPNOTSUPP when it has none. */
status_t path_describe(struct path *path, bool node, struct text_sink *sink) MUST_CHECK;
/* The same of the volume on a device, which need not be mounted. */
status_t device_describe_volume(const char *device, struct text_sink *sink) MUST_CHECK;

/* ---- what is on it (identify.c) ----------------------------------------------------------- */

enum { MOUNT_REASON_BYTES = 192 };

/* Finds the formats that the device's medium has signatures of. An errno only when nothing could be
 * looked at; result->status is that of blocks which could not be read. */
status_t device_identify(const struct device_handle *handle, struct identify *result) MUST_CHECK;
/* The same of the device that holds the path's file system. -EOPNOTSUPP: none does. */
status_t path_identify(struct path *path, struct identify *result) MUST_CHECK;
/* The same of a file's content. */
status_t file_identify(struct file *file, struct identify *result) MUST_CHECK;
/* Writes why vfs_mount() of `device` ended with `status`: for -EMEDIUMTYPE, what is on the medium
 * ("FAT32 file system, which Spindle cannot mount"), and for -EIO whether it is an audio CD; else
 * the status in words. */
void device_mount_reason(const char *device, status_t status, char *text, size_t bytes);

/* An operation of kernel/dev/control.h on the device that holds the node's bytes: a device's file
 * means that device, others the one below their file system. -EOPNOTSUPP where there is none. */
status_t path_control(struct path *path, unsigned operation, void *argument,
                      size_t bytes) MUST_CHECK;

/* ---- changing names ----------------------------------------------------------------------- */

/*
 * Every change of a name passes one gate: -ENAMETOOLONG; -EILSEQ for a new name that is not UTF-8;
 * -ENOENT in a directory that was removed; -EBUSY for a mount point; -EROFS, after what is wrong
 * with the names. Only -ENOENT of a look-up means "not there"; any other error is passed on. A
 * slash after the last element requires a directory: -ENOTDIR, or -EISDIR for a file to be created.
 */

/* -EEXIST, for `.` and `..` too. */
status_t vfs_mkdir(struct path *start, const char *text) MUST_CHECK;
/* Empty directories too (-ENOTEMPTY); -EBUSY when something is mounted there or below; -EINVAL for
 * `.` and `..`. A directory that was removed while it was in use has no names any more. */
status_t vfs_unlink(struct path *start, const char *text) MUST_CHECK;
/* Within one file system (-EXDEV). What has the new name goes: a file for a file, an empty
 * directory for a directory (-EISDIR, -ENOTDIR, -ENOTEMPTY). -EINVAL for a directory into itself,
 * -EBUSY for `.` and `..`. A directory stays where it is, -EBUSY, while something is mounted on it
 * or below, or a path leads to it or through it (a current directory, an open file): so no path's
 * text ever leads to another place than the path itself. */
status_t vfs_rename(struct path *start, const char *from, const char *to) MUST_CHECK;
/* -EROFS or -EINVAL where the file system keeps no such time. */
status_t path_set_modified(struct path *path, int64_t modified_s) MUST_CHECK;

/* ---- mounts ------------------------------------------------------------------------------- */

/* Mounts what `device` (name or alias, "" for none) holds over the directory `text`. `type` names
 * the FSD, or NULL asks all of them in turn. -EBUSY when something is mounted there, -ENOENT for a
 * directory that was removed. -EMEDIUMTYPE when no FSD knows the medium. */
status_t vfs_mount(struct path *start, const char *text, const char *device, const char *type,
                   const char *options) MUST_CHECK;
/* -EINVAL when it is no mount point; -EBUSY while files or directories on it are in use or
 * something is mounted below; or why it could not write back what is dirty: it stays mounted. */
status_t vfs_unmount(struct path *start, const char *text) MUST_CHECK;
/* Takes the mounts of a device, and what is mounted below them, out of the tree at once; what is
 * open there answers errors until closed, and a warning says so. Returns how many. */
unsigned vfs_unmount_device(struct device *device);
/* Lets a mounted file system read from another device that holds the same bytes: open files, ids
 * and cached pages stay valid. -EINVAL when it is no mount point, or blocks or size differ;
 * -EALREADY when this was done before; -ESTALE and the like when the disc was changed meanwhile. */
status_t vfs_exchange_device(struct path *start, const char *text, const char *device) MUST_CHECK;
/* At start: the root file system and `/System/Devices`. */
status_t vfs_start(void) MUST_CHECK;
/* Unmounts everything (host tests); kasserts that nothing was in use. */
void vfs_stop(void);

struct mount_info {
    char path[256];
    char device[DEVICE_NAME_BYTES];
    unsigned device_number; /* 0: none. Another device may have the same name by now */
    bool stale;             /* its device or medium is gone: nothing of it can be read */
    struct fs_info fs;
};
/* The n-th mount in the order of mounting; -ENOENT past the last. */
status_t vfs_mount_info(unsigned n, struct mount_info *info) MUST_CHECK;
/* The name of the next mount directly below `path`, in the order of mounting; *position is 0 at
 * first. -ENOENT past the last. */
status_t vfs_mount_below(struct path *path, unsigned *position, char *name,
                         size_t bytes) MUST_CHECK;

/* ---- files -------------------------------------------------------------------------------- */

enum {
    OPEN_READ = 1,
    OPEN_WRITE = 2,
    OPEN_CREATE = 4,
    OPEN_TRUNCATE = 8,
    OPEN_APPEND = 16,
    OPEN_DIRECTORY = 32, /* for dir_read */
    OPEN_DENY_WRITE = 64, /* no other file writes it meanwhile */
    OPEN_EXCLUSIVE = 128, /* no other file opens it meanwhile; implied for a device that is
                             opened for writing */
    OPEN_DENY_READ = 256, /* no other file reads it meanwhile, else -ETXTBSY: for an output that
                             may be its own input. Streams, which keep nothing, can be read */
};

/* -EBUSY, or -ETXTBSY for OPEN_DENY_READ, when it is already open in a way that excludes `flags`.
 * A file to be created is created where a dangling link leads to (POSIX open()). */
status_t file_open(struct path *start, const char *text, unsigned flags,
                   struct file **file) MUST_CHECK;
status_t file_open_path(struct path *path, unsigned flags, struct file **file) MUST_CHECK;
/* By vnode id in the file system that `mounted` is on. Such a file has no path. */
status_t file_open_id(struct path *mounted, vnode_id_t id, unsigned flags,
                      struct file **file) MUST_CHECK;
void file_close(struct file *file); /* NULL: nothing */

/* May its bytes be served now? 0, -ESTALE, -ENOMEDIUM, -ENODEV. */
status_t file_check(struct file *file) MUST_CHECK;
uint64_t file_size(struct file *file);
/* Is it open on the node of this path? */
bool file_is_of(struct file *file, struct path *path);
/* Was a reader refused since this handle was opened with OPEN_DENY_READ? Then what is to replace
 * the content may have been made without it. */
bool file_has_refused_reader(struct file *file);
void file_seek(struct file *file, uint64_t offset_bytes);
/* Bytes moved; 0 at the end; an errno when not one could be. Reading, by dir_read() and file_view()
 * too, ends with -EINTR once the thread was interrupted. */
ssize_t file_read(struct file *file, void *buffer, size_t bytes) MUST_CHECK;
ssize_t file_read_at(struct file *file, uint64_t offset_bytes, void *buffer,
                     size_t bytes) MUST_CHECK;
/* Where a device ends, nothing is written: -ENOSPC. */
ssize_t file_write(struct file *file, const void *buffer, size_t bytes) MUST_CHECK;
ssize_t file_write_at(struct file *file, uint64_t offset_bytes, const void *buffer,
                      size_t bytes) MUST_CHECK;
/* file_write() until all bytes are written; -EIO if the file takes no more. */
status_t file_write_all(struct file *file, const void *buffer, size_t bytes) MUST_CHECK;
/* To the end of the file or beyond; what is new reads as zeroes. */
status_t file_set_size(struct file *file, uint64_t bytes) MUST_CHECK;
/* Sets the size to 0, unless another handle has done it since this one was opened. A device keeps
 * its content. */
status_t file_truncate(struct file *file) MUST_CHECK;
/* Until it returns 0, what was written may still be lost with the device's power. */
status_t file_flush(struct file *file) MUST_CHECK;
/* Reads or writes past the cache straight from or to the segments' memory, without copying where
 * offset and length are whole cache blocks of the file, else through the cache or a block of its
 * own: the same bytes. All of them, or an errno with *done_bytes good ones. */
status_t file_transfer(struct file *file, enum io_op op, uint64_t offset_bytes,
                       const struct io_segment *segments, unsigned segment_count,
                       uint32_t length_bytes, uint32_t *done_bytes) MUST_CHECK;
/* The device that holds the file's bytes; NULL: memory. Borrowed, while the file is open. */
struct device *file_device(struct file *file);
/* Book, chapter 6: that device's level; 0 for none. */
unsigned file_level(struct file *file);

/* The next bytes in place, at the file's offset, which moves on; 0 at the end. */
ssize_t file_view(struct file *file, struct cache_view *view) MUST_CHECK;
void file_view_close(struct file *file, struct cache_view *view);

/* 1 and an entry, 0 at the end, or an errno. Of the INFO_ levels in `levels` entry->info has
 * those that the directory holds itself; entry->info.known is all of them, or 0
 * (path_child_info() reads further). Mount points that the directory itself does not hold are not
 * listed (vfs_mount_below). */
int dir_read(struct file *directory, unsigned levels, struct dir_entry *entry) MUST_CHECK;

/* ---- replacing ---------------------------------------------------------------------------- */

/*
 * A new content for a file, in a file of its own beside it (`.NAME.part~1`), which takes the name
 * in one step once it is complete: there is always the old file or the new one. It needs space for
 * both. A handle on the old one stays valid. Devices and streams are written in place.
 */
struct replacement {
    struct file *file; /* open for writing: the new content */
    struct file *old;  /* open for writing; NULL: there was none; `file`: written in place */
    struct replacing *names; /* replace.c's */
};

/* `flags`: how the old file is held, OPEN_DENY_READ or OPEN_DENY_WRITE. As file_open() with
 * OPEN_CREATE: links are followed. */
status_t replace_begin(struct path *start, const char *text, unsigned flags,
                       struct replacement *replacement) MUST_CHECK;
/* Ends it: the new content has the name, or the old one is as it was. */
status_t replace_commit(struct replacement *replacement) MUST_CHECK;
/* Ends it: the new content is removed. What was written in place stays. */
void replace_abandon(struct replacement *replacement);

/* ---- memory ------------------------------------------------------------------------------- */

/* Frees clean pages, unused vnodes, and what those in use can do without; for mem_set_reclaim(). */
size_t vfs_reclaim(size_t pages);
/* Would `pages` more pages of content in memory leave less than an eighth of it free? Reclaims
 * before it answers so. */
bool vfs_memory_is_short(size_t pages);
struct vfs_counts {
    size_t pages, vnodes, unused_vnodes;
};
struct vfs_counts vfs_counts(void);

#endif
