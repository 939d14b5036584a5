/*
 * direct.c - reads and writes a vnode past its cache: the request goes to the file system's device
 * at once, and the caller waits for it.
 *
 * Interrupts  The wait of vnode_io_memory() and of a flush ends with -EINTR. Memory in flight must
 *             not be the caller's then: it is the io's own, and the bytes are copied. The io ends
 *             by itself; until then it counts as a fill of the vnode's cache, so that the vnode
 *             stays; after a write the content cannot be opened meanwhile (vnode_share).
 *             vnode_io() of the caller's segments waits to the end: the caller is the worker of a
 *             drive, and threads that wait for the drive can be interrupted.
 */
#include "kernel/sched/sync.h"
#include "kernel/vfs/cache/cache.h"
#include "kernel/vfs/internal.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { DIRECT_PAGES = 32 };

struct direct {
    struct vfs_io io;
    _Atomic int references; /* the caller's and the completion's */
    struct spin lock;       /* rank QUEUE: the next four */
    struct wait_queue changed;
    bool ended, abandoned;
    status_t status;
    bool holds; /* counts as a fill of the vnode's cache */
    unsigned page_count;
    struct io_segment segments[DIRECT_PAGES]; /* of pages of its own */
};

static void direct_put(struct direct *direct)
{
    if (atomic_fetch_sub(&direct->references, 1) != 1)
        return;
    for (unsigned i = 0; i < direct->page_count; i++)
        page_free(direct->segments[i].address);
    mem_free(direct);
}

static struct direct *direct_create(const struct vfs_io *template)
{
    struct direct *direct = mem_zalloc(sizeof(*direct));
    if (!direct)
        return NULL;
    direct->io = *template;
    atomic_init(&direct->references, 1);
    spin_init(&direct->lock, RANK_QUEUE);
    wait_queue_init(&direct->changed);
    return direct;
}

static void direct_complete(struct vfs_io *io, status_t status)
{
    struct direct *direct = io->context;
    spin_lock(&direct->lock);
    direct->status = status;
    direct->ended = true;
    bool abandoned = direct->abandoned;
    wait_queue_wake_all(&direct->changed);
    spin_unlock(&direct->lock);
    if (abandoned && io->op == IO_WRITE)
        vnode_write_left(io->vnode, false);
    if (abandoned && direct->holds)
        cache_release(&io->vnode->cache); /* from here on the vnode may go */
    direct_put(direct);
}

/* Leaves the io alone; false when it has ended meanwhile. */
static bool direct_abandon(struct direct *direct)
{
    bool writes = direct->io.op == IO_WRITE;
    if (writes)
        vnode_write_left(direct->io.vnode, true);
    spin_lock(&direct->lock);
    direct->abandoned = !direct->ended;
    bool abandoned = direct->abandoned;
    spin_unlock(&direct->lock);
    if (writes && !abandoned)
        vnode_write_left(direct->io.vnode, false);
    return abandoned;
}

/* Sends the io and waits for it. -EINTR where it was left in flight: its memory is not the
 * caller's. */
static status_t direct_run(struct direct *direct, bool interruptible)
{
    struct vnode *vnode = direct->io.vnode;
    status_t status = 0;
    direct->io.complete = direct_complete;
    direct->io.context = direct;
    direct->holds = interruptible && vnode->cache.ops;
    if (direct->holds)
        cache_hold(&vnode->cache);
    atomic_fetch_add(&direct->references, 1);
    fsd_io_began(vnode);
    vnode->fsd->ops->read_write(vnode->fsd, &direct->io);
    spin_lock(&direct->lock);
    while (!direct->ended && !status)
        status = (direct->holds ? wait_queue_wait_interruptible : wait_queue_wait)(
            &direct->changed, &direct->lock, TIME_NEVER);
    spin_unlock(&direct->lock);
    if (status && direct_abandon(direct))
        return status;

    /* by the caller, so that a file which it closes now is closed when it returns */
    if (direct->holds)
        cache_release(&vnode->cache);
    return direct->status;
}

static status_t vnode_io_at(struct vfs_io template, uint64_t *done_bytes, uint64_t *offset_bytes)
{
    *done_bytes = 0;
    if (!template.vnode->fsd->ops->read_write)
        return -EOPNOTSUPP;
    struct direct *direct = direct_create(&template);
    if (!direct)
        return -ENOMEM;
    status_t status = direct_run(direct, !template.segment_count);
    if (!direct->abandoned) {
        *done_bytes = direct->io.done_bytes;
        *offset_bytes = direct->io.offset_bytes;
    }
    direct_put(direct);
    return status;
}

status_t vnode_io(struct vfs_io template, uint64_t *done_bytes)
{
    uint64_t offset;
    return vnode_io_at(template, done_bytes, &offset);
}

enum { IO_BYTES_MAX = 1 << 30 };

ssize_t vnode_append(struct vnode *vnode, const void *memory, size_t bytes, uint64_t *end)
{
    bytes = min(bytes, IO_BYTES_MAX);
    struct io_segment segment = { (void *)(uintptr_t)memory, (uint32_t)bytes };
    uint64_t done, offset = 0;
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

/* ---- with memory of its own --------------------------------------------------------------- */

/* Pages for `bytes`, or for fewer: at least for a block, else false. */
static bool direct_take_pages(struct direct *direct, size_t bytes, uint32_t block)
{
    size_t room = 0;
    while (room < bytes && direct->page_count < DIRECT_PAGES) {
        void *page = page_alloc();
        if (!page)
            break;
        direct->segments[direct->page_count++] =
            (struct io_segment){ .address = page, .length_bytes = PAGE_BYTES };
        room += PAGE_BYTES;
    }
    if (room < bytes)
        bytes = room - room % block;
    direct->io.segments = direct->segments;
    direct->io.segment_count = direct->page_count;
    direct->io.length_bytes = bytes;
    return bytes;
}

static void direct_copy(struct direct *direct, uint8_t *memory, uint64_t bytes, bool out)
{
    for (unsigned i = 0; bytes; i++) {
        size_t count = bytes < PAGE_BYTES ? (size_t)bytes : PAGE_BYTES;
        memcpy(out ? memory : direct->segments[i].address,
               out ? direct->segments[i].address : memory, count);
        memory += count;
        bytes -= count;
    }
}

/* A part of the bytes, as much as its pages hold. */
static ssize_t direct_part(const struct vfs_io *template, uint8_t *memory, size_t bytes)
{
    struct direct *direct = direct_create(template);
    ssize_t done = -ENOMEM;
    if (!direct)
        return done;
    if (direct_take_pages(direct, bytes, template->vnode->cache_block_bytes)) {
        if (template->op == IO_WRITE)
            direct_copy(direct, memory, direct->io.length_bytes, false);
        status_t status = direct_run(direct, true);
        bool ended = !direct->abandoned;
        done = !ended ? status : direct->io.done_bytes ? (ssize_t)direct->io.done_bytes : status;
        if (ended && template->op == IO_READ)
            direct_copy(direct, memory, direct->io.done_bytes, true);
    }
    direct_put(direct);
    return done;
}

/* What never waits is served in the caller's memory. */
static ssize_t vnode_io_at_once(struct vfs_io template, void *memory, size_t bytes)
{
    struct io_segment segment = { .address = memory, .length_bytes = (uint32_t)bytes };
    uint64_t done;
    template.segments = &segment;
    template.segment_count = 1;
    template.length_bytes = bytes;
    status_t status = vnode_io(template, &done);
    return status && !done ? status : (ssize_t)done;
}

ssize_t vnode_io_memory(struct vnode *vnode, enum io_op op, uint64_t offset_bytes, void *memory,
                        size_t bytes)
{
    struct vfs_io template = { .vnode = vnode, .op = op, .offset_bytes = offset_bytes };
    size_t done = 0;
    bytes = min(bytes, IO_BYTES_MAX);
    if (!vnode->cache.ops)
        return vnode_io_at_once(template, memory, bytes);
    if (!vnode->fsd->ops->read_write)
        return -EOPNOTSUPP;
    while (done < bytes) {
        template.offset_bytes = offset_bytes + done;
        ssize_t got = direct_part(&template, (uint8_t *)memory + done, bytes - done);
        if (got <= 0)
            return done ? (ssize_t)done : got ? got : -EIO;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

/* A part of one block: read, and for writing patched and written. */
static ssize_t vnode_io_part(struct vnode *vnode, enum io_op op, uint64_t offset_bytes,
                             void *memory, size_t bytes)
{
    uint32_t block = vnode->cache_block_bytes, at = (uint32_t)(offset_bytes % block);
    bytes = min(bytes, block - at);
    uint8_t *whole = mem_alloc(block);
    if (!whole)
        return -ENOMEM;
    ssize_t done = vnode_io_memory(vnode, IO_READ, offset_bytes - at, whole, block);
    if (done == (ssize_t)block && op == IO_WRITE) {
        memcpy(whole + at, memory, bytes);
        done = vnode_io_memory(vnode, IO_WRITE, offset_bytes - at, whole, block);
    } else if (done == (ssize_t)block) {
        memcpy(memory, whole + at, bytes);
    }
    mem_free(whole);
    return done == (ssize_t)block ? (ssize_t)bytes : done < 0 ? done : -EIO;
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
