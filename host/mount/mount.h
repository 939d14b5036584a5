/*
 * mount.h - the files of spindle-mount among themselves.
 *
 *   main.c        the program: options, start, errors for people
 *   options.c     the command line, from mount(8) and fstab too
 *   background.c  a process that continues after the command has returned
 *   nodes.c       the nodes that the host's kernel knows: vnode id -> path
 *   handles.c     the files and directories that it has open
 *   attributes.c  what stat(2) and getxattr(2) return
 *   reading.c     the content of files and directories
 *   writing.c     the content of files: writing, sizes, times
 *   names.c       creating, removing and renaming
 *   operations.c  FUSE's other operations, and the table of all of them
 *
 * Model       The host's kernel names nodes by inode numbers. An inode number is Spindle's vnode
 *             id: the same after each mount, and 1 for the root; on a volume that is written, a
 *             number of nodes.c's. For each node that the kernel knows, nodes.c can find a path,
 *             until the kernel forgets it.
 * Threads     libfuse calls the operations from several threads. Each waits for the VFS by itself;
 *             an interrupted system call interrupts its thread, as ^C does in the shell.
 * Writing     With -o rw, on FAT and exFAT volumes. Of a file's permissions only the owner's to
 *             write is stored, as the read-only attribute. chmod of the others, or of a directory,
 *             and chown succeed and change nothing, as on Linux's vfat. Writes return when the
 *             bytes are in Spindle's cache; fsync and the unmount make them durable.
 */
#ifndef HOST_MOUNT_MOUNT_H
#define HOST_MOUNT_MOUNT_H

#define _GNU_SOURCE
#define FUSE_USE_VERSION 34
#include <fuse_lowlevel.h>

#include "host/image.h"
#include "kernel/vfs/vfs.h"

/* ---- options.c ------------------------------------------------------------------------------- */

struct mount_options {
    struct host_mount image;
    const char *directory;     /* the mount point, on the host */
    bool foreground, debug, help, version, pretend;
    bool has_uid, has_gid;
    unsigned uid, gid;         /* of all nodes, instead of those on the disc */
    unsigned fmask, dmask;     /* permissions that no file and no directory has */
    struct fuse_args fuse;     /* for libfuse */
};

extern struct mount_options mount_options;

/* Sets mount_options from the command line. Returns NULL, or what is wrong with it: a text that is
 * valid until the next call. */
const char *options_parse(int count, char **words);

/* ---- background.c ---------------------------------------------------------------------------- */

/* Continues in a child process. The parent waits for background_done(), and ends with 0; or with
 * the child's exit status, if that ends first. Before any thread is made. Returns 0, or -errno. */
status_t background_start(void) MUST_CHECK;
/* Lets the parent end, and detaches from the terminal. */
void background_done(void);

/* ---- nodes.c --------------------------------------------------------------------------------- */

/* Sets the node that is the root of the mount; takes the reference over, even on failure. */
status_t nodes_start(struct path *root, bool writable) MUST_CHECK;
/* Lock the names of a file system that is written. Exclusive: for a change of a name in the VFS,
 * and the note of it here. Else: for a look-up in the VFS, and node_remember(). Such a step sees no
 * half of another one: the id of a removed file may soon be another's. A thread that has the lock
 * must not call node_path(). */
void names_lock(bool exclusive);
void names_unlock(void);
/* Finds the path of a node that the kernel knows: a reference. -ESTALE if it does not know it; or
 * the error of walking there. */
status_t node_path(fuse_ino_t inode, struct path **path) MUST_CHECK;
/* Counts that the kernel was told once more of this node, which has `name` in the node `parent` (0:
 * not known). *inode: its number. -ENOMEM. */
status_t node_remember(fuse_ino_t parent, const char *name, struct path *path,
                       fuse_ino_t *inode) MUST_CHECK;
/* The node with this id lost its name, and is reached as `path` alone; or it got another id and
 * name. The name is on the heap, and taken over. */
void node_removed(vnode_id_t id, struct path *path);
void node_renamed(vnode_id_t old_id, vnode_id_t id, fuse_ino_t parent, char *name);
/* The kernel forgets that it was told so `count` times. */
void node_forget(fuse_ino_t inode, uint64_t count);
/* Forgets all: at the end the kernel does not do that by itself. */
void nodes_stop(void);

/* ---- handles.c ------------------------------------------------------------------------------- */

/* Enters an open object, which close() is called for in the end; at once if this fails with
 * -ENOMEM. */
status_t handle_open(struct fuse_file_info *info, void *object,
                     void (*close)(void *object)) MUST_CHECK;
void *handle_object(const struct fuse_file_info *info);
void handle_close(const struct fuse_file_info *info);
/* Keeps the object open for an operation that uses it after its reply: from then on the kernel may
 * release the handle. Until handle_put(). */
struct handle *handle_hold(const struct fuse_file_info *info);
void handle_put(struct handle *handle);
/* Closes what is still open. No operation runs any more. */
void handles_stop(void);

/* Enters an open file, as handle_open(). */
status_t handle_open_file(struct fuse_file_info *info, struct file *file) MUST_CHECK;
struct file *handle_file(const struct fuse_file_info *info);

/* ---- attributes.c ---------------------------------------------------------------------------- */

enum { MOUNT_CACHE_S = 3600 }; /* how long the kernel may keep what does not change */

/* Returns how long it may keep attributes and names: a written volume has ids, times and spellings
 * that the kernel does not follow. */
static inline double cache_seconds(void)
{
    return mount_options.image.writable ? 0 : MOUNT_CACHE_S;
}

/* Fills in what the options and the information on a node lead to. */
void attributes_fill(const struct node_info *info, struct stat *stat);
/* Ends an operation, whose status is given: answers with the node's attributes. Takes the reference
 * to the path over. */
void reply_attributes(fuse_req_t request, fuse_ino_t inode, struct path *path, status_t status);
void mount_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info);
void mount_getxattr(fuse_req_t request, fuse_ino_t inode, const char *name, size_t bytes);
void mount_listxattr(fuse_req_t request, fuse_ino_t inode, size_t bytes);

/* ---- reading.c ------------------------------------------------------------------------------- */

enum { REQUEST_BYTES = 1 << 20 }; /* the most that the kernel reads at once */

/* Before the first read, after host_start(). */
void reading_start(void);
void mount_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info);
void mount_read(fuse_req_t request, fuse_ino_t inode, size_t bytes, off_t offset,
                struct fuse_file_info *info);
void mount_release(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info);
void mount_opendir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info);
void mount_readdir(fuse_req_t request, fuse_ino_t inode, size_t bytes, off_t offset,
                   struct fuse_file_info *info);
void mount_readdirplus(fuse_req_t request, fuse_ino_t inode, size_t bytes, off_t offset,
                       struct fuse_file_info *info);
void mount_releasedir(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info);

/* ---- writing.c ------------------------------------------------------------------------------- */

void mount_setattr(fuse_req_t request, fuse_ino_t inode, struct stat *wanted, int what,
                   struct fuse_file_info *info);
void mount_write(fuse_req_t request, fuse_ino_t inode, const char *bytes, size_t count,
                 off_t offset, struct fuse_file_info *info);
void mount_flush(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info);
void mount_fsync(fuse_req_t request, fuse_ino_t inode, int data_only, struct fuse_file_info *info);
void mount_fsyncdir(fuse_req_t request, fuse_ino_t inode, int data_only,
                    struct fuse_file_info *info);

/* ---- names.c --------------------------------------------------------------------------------- */

void mount_create_file(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                       struct fuse_file_info *info);
void mount_mknod(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                 dev_t device);
void mount_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode);
void mount_unlink(fuse_req_t request, fuse_ino_t parent, const char *name);
void mount_rename(fuse_req_t request, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                  const char *new_name, unsigned flags);

/* ---- operations.c ---------------------------------------------------------------------------- */

/* An operation is between these: in between, an interrupted system call interrupts the thread. */
void operation_begin(fuse_req_t request);
void operation_end(fuse_req_t request);
/* Answers with a negative errno. */
void reply_status(fuse_req_t request, status_t status);

/* Finds a name in a directory, whose inode is `parent`, and fills in the entry that the kernel is
 * told of. -ENOENT. */
status_t child_entry(fuse_ino_t parent, struct path *directory, const char *name,
                    struct fuse_entry_param *entry) MUST_CHECK;

extern const struct fuse_lowlevel_ops mount_operations;

#endif
