/*
 * content.c - the content of ramfs files: reading, writing, and setting the size. Absent pages read
 * as zeroes.
 */
#include "fs/ramfs/ramfs.h"
#include "lib/macros.h"
#include "lib/string.h"

#define FILE_BYTES_MAX ((uint64_t)1 << 40)

/* ---- size --------------------------------------------------------------------------------- */

static void set_size(struct ramfs_node *node, struct vnode *vnode, uint64_t size)
{
    atomic_store_explicit(&node->size_bytes, size, memory_order_relaxed);
    vnode->size_bytes = size;
}

/* Frees the pages after the new end, and clears the rest of its page: if the file grows again,
 * those bytes must be zero. */
static void shrink(struct ramfs_node *node, uint64_t size)
{
    uint64_t keep = (size + PAGE_BYTES - 1) / PAGE_BYTES;
    size_t within = (size_t)(size % PAGE_BYTES);
    uint8_t *last = within ? pages_get(&node->pages, keep - 1) : NULL;
    pages_cut(&node->pages, keep);
    if (last)
        memset(last + within, 0, PAGE_BYTES - within);
}

status_t ramfs_set_info(struct fsd *fsd, struct vnode *vnode, unsigned levels,
                        const struct node_info *info)
{
    struct ramfs_node *node = vnode->private_data;
    (void)fsd;
    if (levels & ~(unsigned)(INFO_STANDARD | INFO_TIMES) ||
        (levels & INFO_STANDARD && vnode->type != NODE_FILE))
        return -EINVAL;

    if (levels & INFO_STANDARD && info->size_bytes > FILE_BYTES_MAX)
        return -EFBIG;

    /* Pages are freed under the lock of the node: a reader copies under the same lock. */
    mutex_lock(&node->lock);

    /* Growing needs no memory: pages that are absent read as zeroes. */
    if (levels & INFO_STANDARD) {
        shrink(node, info->size_bytes);
        set_size(node, vnode, info->size_bytes);
        ramfs_node_touch(node);
    }
    if (levels & INFO_TIMES && info->has_modified) {
        atomic_store_explicit(&node->modified_s, info->modified_s, memory_order_relaxed);
        atomic_store_explicit(&node->modified_ns, info->modified_ns, memory_order_relaxed);
    }
    if (levels & INFO_TIMES && info->has_accessed) {
        atomic_store_explicit(&node->accessed_s, info->accessed_s, memory_order_relaxed);
        atomic_store_explicit(&node->accessed_ns, info->accessed_ns, memory_order_relaxed);
    }
    mutex_unlock(&node->lock);
    return 0;
}

/* ---- reading and writing ------------------------------------------------------------------ */

/* Moves `bytes` between memory and the file at `offset`, within one page. */
static status_t move(struct ramfs_node *node, enum io_op op, uint64_t offset, void *memory,
                     size_t bytes)
{
    uint64_t index = offset / PAGE_BYTES;
    size_t at = (size_t)(offset % PAGE_BYTES);

    /* The rest of a new page is zero, so a gap that a write leaves reads as zeroes. */
    if (op == IO_WRITE) {
        uint8_t *page = pages_make(&node->pages, index, NULL);
        if (!page)
            return -ENOSPC;
        memcpy(page + at, memory, bytes);
        return 0;
    }

    const uint8_t *page = pages_get(&node->pages, index);
    if (page)
        memcpy(memory, page + at, bytes);
    else
        memset(memory, 0, bytes);
    return 0;
}

/* Moves the bytes of the io: one segment, since the vnode is uncached. A read ends at the end of
 * the file, which may have changed since the caller read the size. */
static status_t transfer(struct ramfs_node *node, struct vfs_io *io)
{
    uint64_t size = node->size_bytes, length = io->length_bytes;
    uint64_t left = io->offset_bytes < size ? size - io->offset_bytes : 0;
    if (io->op == IO_READ)
        length = min(length, left);

    /* One page at a time. What was moved before an error counts. */
    while (io->done_bytes < length) {
        uint64_t offset = io->offset_bytes + io->done_bytes;
        size_t in_page = PAGE_BYTES - (size_t)(offset % PAGE_BYTES);
        size_t count = (size_t)min(in_page, length - io->done_bytes);
        char *memory = (char *)io->segments[0].address + io->done_bytes;
        status_t status = move(node, io->op, offset, memory, count);
        if (status)
            return status;
        io->done_bytes += count;
    }
    return 0;
}

void ramfs_read_write(struct fsd *fsd, struct vfs_io *io)
{
    struct ramfs_node *node = io->vnode->private_data;
    status_t status = 0;
    (void)fsd;
    io->done_bytes = 0;
    mutex_lock(&node->lock);

    /* the end is read under the lock: two appending writers do not overwrite each other */
    if (io->append)
        io->offset_bytes = node->size_bytes;
    uint64_t offset = io->offset_bytes;
    if (offset > FILE_BYTES_MAX || io->length_bytes > FILE_BYTES_MAX - offset)
        status = -EFBIG;
    else
        status = transfer(node, io);

    /* Also after an error: what was written counts. */
    if (io->op == IO_WRITE && io->done_bytes) {
        ramfs_node_touch(node);
        if (offset + io->done_bytes > node->size_bytes)
            set_size(node, io->vnode, offset + io->done_bytes);
    }
    mutex_unlock(&node->lock);
    vfs_io_complete(io, status);
}
