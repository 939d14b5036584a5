/*
 * mount.h - the files of spindle-mount among themselves.
 *
 *   main.c        the program: options, start, errors for people
 *   options.c     the command line, from mount(8) and fstab too
 *   background.c  a process that continues after the command has returned
 *   nodes.c       the nodes that the host's kernel knows: vnode id -> path
 *   attributes.c  what stat(2) and getxattr(2) return
 *   reading.c     the content of files and directories
 *   operations.c  FUSE's other operations, and the table of all of them
 *
 * Model       The host's kernel names nodes by inode numbers. An inode number is Spindle's vnode
 *             id: the same after each mount, and 1 for the root. For each node that the kernel
 *             knows, nodes.c can find a path, until the kernel forgets it.
 * Threads     libfuse calls the operations from several threads. Each waits for the VFS by itself;
 *             an interrupted system call interrupts its thread, as ^C does in the shell.
 * Read-only   As long as no file system of Spindle can be written on a disc image.
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

/* Sets the node that is the root of the mount; takes the reference over. */
status_t nodes_start(struct path *root) MUST_CHECK;
/* Finds the path of a node that the kernel knows: a reference. -ESTALE if it does not know it; or
 * the error of walking there. */
status_t node_path(fuse_ino_t inode, struct path **path) MUST_CHECK;
/* Counts that the kernel was told once more of this node, which has `name` in the node `parent` (0:
 * not known). -ENOMEM. */
status_t node_remember(fuse_ino_t parent, const char *name, fuse_ino_t inode,
                       struct path *path) MUST_CHECK;
/* The kernel forgets that it was told so `count` times. */
void node_forget(fuse_ino_t inode, uint64_t count);
/* Forgets all: at the end the kernel does not do that by itself. */
void nodes_stop(void);

/* ---- attributes.c ---------------------------------------------------------------------------- */

enum { MOUNT_CACHE_S = 3600 }; /* how long the kernel may keep what does not change */

/* Fills in what the options and the information on a node lead to. */
void attributes_fill(const struct node_info *info, struct stat *stat);
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

/* ---- operations.c ---------------------------------------------------------------------------- */

/* An operation is between these: in between, an interrupted system call interrupts the thread. */
void operation_begin(fuse_req_t request);
void operation_end(fuse_req_t request);
/* Answers with a negative errno. */
void reply_status(fuse_req_t request, status_t status);

extern const struct fuse_lowlevel_ops mount_operations;

#endif
