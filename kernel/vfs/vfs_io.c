/*
 * vfs_io.c - an FSD's asynchronous reads and writes: the parts of an io that it sends to a
 * device.
 */
#include "kernel/vfs/internal.h"

static void vfs_io_part_done(struct io_request *request)
{
    struct vfs_io *io = request->context;
    struct fsd *fsd = io->vnode->fsd;
    io->done_bytes += request->done_bytes;
    io->exact = request->exact;
    fsd->ops->finish_io(fsd, io);
}

static void vfs_io_own_part_done(struct io_request *request)
{
    struct vfs_io *io = request->context;
    fsd_request_ended(io->vnode->fsd);
    vfs_io_part_done(request);
}

static void vfs_io_prepare(struct vfs_io *io, uint64_t device_offset_bytes, uint64_t length_bytes)
{
    io->request = (struct io_request){
        .op = io->op,
        .offset_bytes = device_offset_bytes,
        .length_bytes = length_bytes,
        .segments = io->segments,
        .segment_count = io->segment_count,
        .skip_bytes = io->done_bytes,
        .context = io,
    };
}

void vfs_io_submit_to(struct vfs_io *io, const struct device_handle *handle,
                      uint64_t device_offset_bytes, uint64_t length_bytes)
{
    vfs_io_prepare(io, device_offset_bytes, length_bytes);
    io->request.device = handle->device;
    io->request.generation = handle->generation;
    io->request.complete = vfs_io_part_done;
    io_submit(&io->request);
}

void vfs_io_submit(struct vfs_io *io, uint64_t device_offset_bytes, uint64_t length_bytes)
{
    vfs_io_prepare(io, device_offset_bytes, length_bytes);
    io->request.complete = vfs_io_own_part_done;
    fsd_submit(io->vnode->fsd, &io->request);
}

void vfs_io_complete(struct vfs_io *io, status_t status)
{
    fsd_io_ended(io->vnode);
    io->complete(io, status);
}
