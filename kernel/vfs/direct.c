/*
 * direct.c - a vnode's bytes past its cache: what is asked of the file system goes straight into
 * the caller's memory, and the caller waits for it.
 */
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/string.h"

struct vnode_wait {
    struct semaphore done;
    status_t status;
};

static void vnode_io_complete(struct vfs_io *io, status_t status)
{
    struct vnode_wait *wait = io->context;
    wait->status = status;
    semaphore_up(&wait->done);
}

/* The io is on the heap: a request is too big for deep stacks. */
static status_t vnode_io_at(struct vfs_io template, uint64_t *done_bytes, uint64_t *offset_bytes)
{
    struct fsd *fsd = template.vnode->fsd;
    struct vnode_wait wait = { .status = 0 };
    *done_bytes = 0;
    if (!fsd->ops->read_write)
        return -EOPNOTSUPP;
    struct vfs_io *io = mem_alloc(sizeof(*io));
    if (!io)
        return -ENOMEM;
    semaphore_init(&wait.done, 0);
    *io = template;
    io->complete = vnode_io_complete;
    io->context = &wait;
    fsd->ops->read_write(fsd, io);
    while (semaphore_down(&wait.done, TIME_NEVER))
        ;
    *done_bytes = io->done_bytes;
    *offset_bytes = io->offset_bytes;
    mem_free(io);
    return wait.status;
}

status_t vnode_io(struct vfs_io template, uint64_t *done_bytes)
{
    uint64_t offset;
    return vnode_io_at(template, done_bytes, &offset);
}

enum { IO_BYTES_MAX = 1 << 30 };

ssize_t vnode_io_memory(struct vnode *vnode, enum io_op op, uint64_t offset_bytes, void *memory,
                        size_t bytes)
{
    if (bytes > IO_BYTES_MAX)
        bytes = IO_BYTES_MAX;
    struct io_segment segment = { .address = memory, .length_bytes = (uint32_t)bytes };
    uint64_t done;
    status_t status = vnode_io(
        (struct vfs_io){
            .vnode = vnode,
            .op = op,
            .offset_bytes = offset_bytes,
            .length_bytes = bytes,
            .segments = &segment,
            .segment_count = 1,
        },
        &done);
    return status && !done ? status : (ssize_t)done;
}

ssize_t vnode_append(struct vnode *vnode, const void *memory, size_t bytes, uint64_t *end)
{
    if (bytes > IO_BYTES_MAX)
        bytes = IO_BYTES_MAX;
    struct io_segment segment = { (void *)(uintptr_t)memory, (uint32_t)bytes };
    uint64_t done, offset;
    status_t status = vnode_io_at(
        (struct vfs_io){
            .vnode = vnode,
            .op = IO_WRITE,
            .append = true,
            .offset_bytes = vnode->size_bytes,
            .length_bytes = bytes,
            .segments = &segment,
            .segment_count = 1,
        },
        &done, &offset);
    *end = offset + done;
    return status && !done ? status : (ssize_t)done;
}

/* A part of one block: read, and for writing patched and written. */
static ssize_t vnode_io_part(struct vnode *vnode, enum io_op op, uint64_t offset_bytes,
                             void *memory, size_t bytes)
{
    uint32_t block = vnode->cache_block_bytes, at = (uint32_t)(offset_bytes % block);
    if (bytes > block - at)
        bytes = block - at;
    uint64_t start = offset_bytes - at, left = vnode->size_bytes - start;
    uint32_t there = left < block ? (uint32_t)left : block; /* a medium may end inside a block */
    if (offset_bytes + bytes > vnode->size_bytes)
        return -EIO;
    if (op == IO_WRITE && there < block)
        return -ENOSPC;
    uint8_t *whole = mem_alloc(block);
    if (!whole)
        return -ENOMEM;
    ssize_t done = vnode_io_memory(vnode, IO_READ, start, whole, there);
    if (done == (ssize_t)there && op == IO_WRITE) {
        memcpy(whole + at, memory, bytes);
        done = vnode_io_memory(vnode, IO_WRITE, start, whole, there);
    } else if (done == (ssize_t)there) {
        memcpy(memory, whole + at, bytes);
    }
    mem_free(whole);
    return done == (ssize_t)there ? (ssize_t)bytes : done < 0 ? done : -EIO;
}

ssize_t vnode_io_bytes(struct vnode *vnode, enum io_op op, uint64_t offset_bytes, void *memory,
                       size_t bytes)
{
    uint32_t block = vnode->cache_block_bytes;
    size_t done = 0;
    if (!block)
        return vnode_io_memory(vnode, op, offset_bytes, memory, bytes);
    while (done < bytes) {
        uint64_t at = offset_bytes + done;
        size_t rest = bytes - done;
        bool part = at % block || rest < block;
        ssize_t got = (part ? vnode_io_part : vnode_io_memory)(
            vnode, op, at, (uint8_t *)memory + done, part ? rest : rest - rest % block);
        if (got <= 0)
            return done ? (ssize_t)done : got ? got : -EIO;
        done += (size_t)got;
    }
    return (ssize_t)done;
}
