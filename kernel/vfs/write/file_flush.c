/*
 * file_flush.c - makes a file durable: POSIX fsync(); and returns the errors of write-back.
 */
#include "kernel/vfs/internal.h"

status_t file_take_error(struct file *file)
{
    return vnode_take_error(file->vnode, &file->errors_seen);
}

/* Writes back the file, and, to make that durable, the structures of its file system. */
static status_t flush_back(struct file *file, bool durable)
{
    struct vnode *vnode = file->vnode;
    status_t status = vnode_check(vnode);
    if (!status)
        status = vnode_flush(vnode);
    if (!status && durable)
        status = fsd_flush(vnode->fsd);
    if (!status && durable)
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
        return flush_back(file, true);

    status_t status = vnode_check(vnode);
    if (!status)
        status = fsd_flush(vnode->fsd);

    /* then the device's own cache; memory has none */
    if (status || !vnode->cache_block_bytes)
        return status;
    return vnode_io((struct vfs_io){ .vnode = vnode, .op = IO_FLUSH }, &done);
}

status_t file_write_dirty(struct file *file)
{
    return vnode_is_written_back(file->vnode) ? flush_back(file, false) : file_flush(file);
}
