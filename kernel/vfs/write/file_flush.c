/*
 * file_flush.c - makes a file durable: POSIX fsync(); and returns the errors of write-back.
 */
#include "kernel/vfs/internal.h"

status_t file_take_error(struct file *file)
{
    return vnode_take_error(file->vnode, &file->errors_seen);
}

/* Writes back the file, then the structures of its file system. */
static status_t file_flush_back(struct file *file)
{
    struct vnode *vnode = file->vnode;
    status_t status = vnode_check(vnode);
    if (!status)
        status = vnode_flush(vnode);
    if (!status)
        status = fsd_flush(vnode->fsd);
    if (!status)
        vnode_note_durable(vnode);
    if (status == -EINTR)
        return status; /* the error stays, for the next flush */

    /* An error of earlier write-backs that this handle has not seen is returned now, even if the
     * bytes could be written in the end. */
    status_t error = file_take_error(file);
    return status ? status : error;
}

status_t file_flush(struct file *file)
{
    struct vnode *vnode = file->vnode;
    uint64_t done;
    if (vnode_is_written_back(vnode))
        return file_flush_back(file);

    status_t status = vnode_check(vnode);
    if (!status)
        status = fsd_flush(vnode->fsd);

    /* then the device's own cache; memory has none */
    if (status || !vnode->cache_block_bytes)
        return status;
    return vnode_io((struct vfs_io){ .vnode = vnode, .op = IO_FLUSH }, &done);
}
