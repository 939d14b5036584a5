/*
 * vnode_cache.c - a vnode's file cache: its fills and write-backs become ios of the FSD, and reads
 * find the cache that holds the vnode's content, which may be one of the FSD's (vnode->held_in).
 */
#include "kernel/vfs/internal.h"
#include "lib/macros.h"

/* ---- filling and writing back ------------------------------------------------------------- */

static void vnode_cache_io_done(struct vfs_io *io, status_t status)
{
    cache_io_done(io->context, status, io->done_bytes, io->exact);
}

static void vnode_cache_io(struct cache *cache, struct cache_io *range, enum io_op op)
{
    struct vnode *vnode = cache->owner;
    struct vfs_io *io = range->context;
    *io = (struct vfs_io){
        .vnode = vnode,
        .op = op,
        .offset_bytes = range->offset_bytes,
        .length_bytes = range->length_bytes,
        .segments = range->segments,
        .segment_count = range->segment_count,
        .complete = vnode_cache_io_done,
        .context = range,
    };

    /* Count it before the FSD gets it: the io may be complete when read_write returns. */
    fsd_io_began(vnode);
    vnode->fsd->ops->read_write(vnode->fsd, io);
}

static void vnode_cache_fill(struct cache *cache, struct cache_io *range)
{
    vnode_cache_io(cache, range, IO_READ);
}

static void vnode_cache_write(struct cache *cache, struct cache_io *range)
{
    vnode_cache_io(cache, range, IO_WRITE);
}

status_t vnode_check(struct vnode *vnode)
{
    struct fsd *fsd = vnode->fsd;
    return fsd->ops->check ? fsd->ops->check(fsd, vnode) : fsd_check(fsd);
}

static status_t vnode_cache_check(struct cache *cache)
{
    return vnode_check(cache->owner);
}

void vnode_cache_start(struct vnode *vnode)
{
    static const struct cache_ops ops = {
        .context_bytes = sizeof(struct vfs_io),
        .fill = vnode_cache_fill,
        .write = vnode_cache_write,
        .check = vnode_cache_check,
    };
    if (!vnode->cache_block_bytes || vnode->held_in)
        return;
    cache_init(&vnode->cache, &ops, vnode, vnode->cache_block_bytes, vnode->size_bytes);

    /* a write consists of whole blocks of the device */
    const struct device *device = fsd_device(vnode->fsd)->device;
    if (device && vnode->fsd->ops->reserve)
        vnode->cache.write_unit_bytes =
            max(vnode->cache.write_unit_bytes, device_block_bytes(device));
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Returns how many of the `bytes` at `offset` are inside the vnode. */
static size_t vnode_clip(const struct vnode *vnode, uint64_t offset, size_t bytes)
{
    uint64_t size = vnode->size_bytes, left = offset < size ? size - offset : 0;
    return min(bytes, left);
}

ssize_t vnode_read(struct vnode *vnode, uint64_t offset, void *buffer, size_t bytes)
{
    if (!vnode->held_in)
        return cache_read(&vnode->cache, offset, buffer, bytes);

    /* the shared cache does not know where this vnode's content ends */
    size_t wanted = vnode_clip(vnode, offset, bytes);
    return wanted ? cache_read(vnode->held_in, vnode->held_at + offset, buffer, wanted)
                  : vnode_check(vnode);
}

ssize_t vnode_view_open(struct vnode *vnode, uint64_t offset, struct cache_view *view)
{
    if (!vnode->held_in)
        return cache_view_open(&vnode->cache, offset, view);

    *view = (struct cache_view){ .page = NULL };
    if (offset >= vnode->size_bytes)
        return vnode_check(vnode);

    /* Cut the view: its page may also hold the content of the next file. */
    ssize_t got = cache_view_open(vnode->held_in, vnode->held_at + offset, view);
    if (got <= 0)
        return got;
    view->length_bytes = vnode_clip(vnode, offset, view->length_bytes);
    return (ssize_t)view->length_bytes;
}
