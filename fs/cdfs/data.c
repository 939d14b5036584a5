/*
 * data.c - a file's bytes.
 *
 * Files whose extents start and end on sectors are read asynchronously, a run at a time, straight
 * into the cache's pages. The others - logical blocks smaller than a sector, inner sections that
 * end in the middle of one, interleaved extents, packed files - are made by the mount's worker from
 * what cdfs_copy() gathers out of the metadata cache.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/macros.h"

/* ---- asynchronous ------------------------------------------------------------------------- */

/* How much of the run can be asked for: the device may end before the file does. */
static uint64_t clip_to_device(const struct cdfs *cdfs, uint64_t address, uint64_t bytes)
{
    if (address >= cdfs->device_bytes)
        return 0;
    return bytes < cdfs->device_bytes - address ? bytes : cdfs->device_bytes - address;
}

static void io_continue(struct cdfs *cdfs, struct vfs_io *io)
{
    const struct cdfs_node *node = io->vnode->private_data;
    uint64_t left = io->length_bytes - io->done_bytes;
    uint64_t offset = io->offset_bytes + io->done_bytes;
    if (!left) {
        vfs_io_complete(io, 0);
        return;
    }
    const struct cdfs_extent *extent = cdfs_extent_find(node, offset);
    if (!extent) {
        vfs_io_complete(io, -EIO);
        return;
    }
    uint64_t within = offset - extent->file_offset;
    uint64_t sector = cdfs->fsd.cache_block_bytes;
    uint64_t run = (extent->length_bytes - within + sector - 1) / sector * sector;
    run = min(run, left);
    run = clip_to_device(cdfs, extent->address + within, run);
    if (run)
        vfs_io_submit(io, extent->address + within, run);
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
