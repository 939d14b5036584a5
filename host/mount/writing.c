/*
 * writing.c - the content of files: writing, sizes and times.
 */
#include "host/mount/mount.h"

#include <sys/stat.h>
#include <time.h>

void mount_write(fuse_req_t request, fuse_ino_t inode, const char *bytes, size_t count,
                 off_t offset, struct fuse_file_info *info)
{
    (void)inode;
    size_t done = 0;
    ssize_t got = 0;

    /* A short write is an answer too, but the kernel would repeat it as an error. */
    operation_begin(request);
    while (done < count) {
        got = file_write_at(handle_file(info), (uint64_t)offset + done, bytes + done, count - done);
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    operation_end(request);
    if (done || !count)
        fuse_reply_write(request, done);
    else
        reply_status(request, got ? (status_t)got : -EIO);
}

void mount_flush(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *info)
{
    (void)inode;

    /* Where nothing is written, nothing can fail: the kernel does not ask again after this answer,
     * so a close costs no request. */
    if (!mount_options.image.writable) {
        reply_status(request, -ENOSYS);
        return;
    }

    /* close(2) does not wait for the disk, as fsync(2) does, but returns what has failed so far */
    operation_begin(request);
    status_t status = file_take_error(handle_file(info));
    operation_end(request);
    reply_status(request, status);
}

void mount_fsync(fuse_req_t request, fuse_ino_t inode, int data_only, struct fuse_file_info *info)
{
    (void)inode, (void)data_only;
    operation_begin(request);
    status_t status = file_flush(handle_file(info));
    operation_end(request);
    reply_status(request, status);
}

void mount_fsyncdir(fuse_req_t request, fuse_ino_t inode, int data_only,
                    struct fuse_file_info *info)
{
    struct path *path;
    (void)data_only, (void)info;
    operation_begin(request);
    status_t status = node_path(inode, &path);
    if (!status)
        status = vfs_sync(path);
    operation_end(request);
    path_put(path);
    reply_status(request, status);
}

/* Sets the size by a handle of its own, unless there is one. */
static status_t set_size(struct path *path, struct file *file, uint64_t bytes)
{
    if (file)
        return file_set_size(file, bytes);
    status_t status = file_open_path(path, OPEN_WRITE, &file);
    if (status)
        return status;
    status = file_set_size(file, bytes);
    file_close(file);
    return status;
}

static status_t set_attributes(struct path *path, struct file *file, const struct stat *wanted,
                               int what)
{
    status_t status = 0;
    if (what & FUSE_SET_ATTR_SIZE)
        status = set_size(path, file, (uint64_t)wanted->st_size);
    if (!status && what & FUSE_SET_ATTR_MODE && path_vnode(path)->type == NODE_FILE) {
        bool writable = wanted->st_mode & S_IWUSR;
        status = path_set_attributes(path, writable ? 0 : ATTRIBUTE_READ_ONLY,
                                     writable ? ATTRIBUTE_READ_ONLY : 0);
    }
    if (status || !(what & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)))
        return status;

    /* What is not stored (a time of the root, other times, owners, permissions) is ignored:
     * programs that copy files do not expect an error. */
    status = path_set_modified(path, what & FUSE_SET_ATTR_MTIME_NOW ? time(NULL)
                                                                    : wanted->st_mtim.tv_sec);
    return status == -EINVAL ? 0 : status;
}

void mount_setattr(fuse_req_t request, fuse_ino_t inode, struct stat *wanted, int what,
                   struct fuse_file_info *info)
{
    struct path *path;
    operation_begin(request);
    status_t status = node_path(inode, &path);
    if (!status)
        status = set_attributes(path, info ? handle_file(info) : NULL, wanted, what);
    reply_attributes(request, inode, path, status);
}
