/*
 * data.c - reading a file: asynchronously, a run at a time, straight into the cache's pages; or
 * through the worker.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/macros.h"

/* Submits the next run, or completes the io. It is called again by the end of each run. */
static void io_continue(struct cdfs *cdfs, struct vfs_io *io)
{
    const struct cdfs_node *node = io->vnode->private_data;
    uint64_t left = io->length_bytes - io->done_bytes;
    uint64_t offset = io->offset_bytes + io->done_bytes;
    if (!left) {
        vfs_io_complete(io, 0);
        return;
    }

    /* A run never crosses the end of an extent. */
    const struct cdfs_extent *extent = cdfs_extent_find(node, offset);
    if (!extent) {
        vfs_io_complete(io, -EIO);
        return;
    }

    /* The last sector is read whole; the cache zeroes what is past the end of the file. */
    uint64_t within = offset - extent->file_offset, address = extent->address + within;
    uint64_t sector = cdfs->fsd.cache_block_bytes;
    uint64_t run = (extent->length_bytes - within + sector - 1) / sector * sector;
    run = min(run, left);

    /* The device may end before the file does: only the bytes after its end fail. */
    uint64_t available = address < cdfs->device_bytes ? cdfs->device_bytes - address : 0;
    run = min(run, available);
    if (run)
        vfs_io_submit(io, address, run);
    else
        vfs_io_complete(io, -EIO);
}

void cdfs_finish_io(struct fsd *fsd, struct vfs_io *io)
{
    if (io->request.status)
        vfs_io_complete(io, io->request.status);
    else
        io_continue(cdfs_of(fsd), io);
}

void cdfs_read_write(struct fsd *fsd, struct vfs_io *io)
{
    const struct cdfs_node *node = io->vnode->private_data;

    io->done_bytes = 0;
    if (io->op != IO_READ)
        vfs_io_complete(io, -EROFS);
    else if (node->needs_work)
        cdfs_worker_submit(cdfs_of(fsd), io);
    else
        io_continue(cdfs_of(fsd), io);
}
