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

bool cdfs_extents_are_plain(const struct cdfs *cdfs, const struct cdfs_node *node)
{
    uint32_t sector = cdfs->fsd.cache_block_bytes;
    for (unsigned i = 0; i < node->extent_count; i++) {
        const struct cdfs_extent *extent = &node->extents[i];
        bool last = i + 1 == node->extent_count;
        if (extent->unit_bytes || extent->address % sector ||
            (!last && extent->length_bytes % sector))
            return false;
    }
    return true;
}

/* The extent that holds this byte of the file; NULL past the end. Binary search: files of many
 * sections exist. */
static const struct cdfs_extent *extent_find(const struct cdfs_node *node, uint64_t offset)
{
    unsigned low = 0, high = node->extent_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        const struct cdfs_extent *extent = &node->extents[middle];
        if (offset - extent->file_offset < extent->length_bytes && offset >= extent->file_offset)
            return extent;
        if (offset < extent->file_offset)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

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
    const struct cdfs_extent *extent = extent_find(node, offset);
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

/* ---- by copying --------------------------------------------------------------------------- */

/* The run of bytes at `within` an extent: where it lies, and how long it is. */
static uint64_t extent_run(const struct cdfs_extent *extent, uint64_t within, uint64_t *address)
{
    uint64_t left = extent->length_bytes - within;
    if (!extent->unit_bytes) {
        *address = extent->address + within;
        return left;
    }
    /* 6.4.3: units of data with gaps between them */
    uint64_t unit = within / extent->unit_bytes, in_unit = within % extent->unit_bytes;
    *address = extent->address + unit * (extent->unit_bytes + (uint64_t)extent->gap_bytes) +
               in_unit;
    uint64_t rest = extent->unit_bytes - in_unit;
    return rest < left ? rest : left;
}

status_t cdfs_copy(struct cdfs *cdfs, const struct cdfs_node *node, uint64_t offset, void *buffer,
                   size_t bytes, size_t *done)
{
    for (*done = 0; *done < bytes;) {
        uint64_t address, at = offset + *done;
        const struct cdfs_extent *extent = extent_find(node, at);
        if (!extent)
            return -EIO;
        uint64_t run = extent_run(extent, at - extent->file_offset, &address);
        run = min(run, bytes - *done);
        ssize_t got = cache_read(&cdfs->meta, address, (char *)buffer + *done, (size_t)run);
        if (got > 0)
            *done += (size_t)got;
        if (got <= 0)
            return got ? (status_t)got : -EIO;
    }
    return 0;
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
