/*
 * uncached.c - reads and writes a vnode without its cache: the request goes to the file system's
 * device directly, and the caller waits for it.
 *
 * Interrupts  The waits of vnode_io_memory() and of a flush end with -EINTR. Then the memory in
 *             flight must not be the caller's: it belongs to the io, and the bytes are copied. The
 *             io ends by itself; until then it counts as a fill of the vnode's cache, so that the
 *             vnode is not freed. While a write is left in flight, the content cannot be opened
 *             (vnode_share). vnode_io() of the caller's segments is not interruptible: its caller
 *             is the worker of a drive, and threads that wait for the drive can be interrupted.
 */
#include "kernel/sched/sync.h"
#include "kernel/vfs/cache/cache.h"
#include "kernel/vfs/internal.h"
#include "lib/macros.h"
#include "lib/string.h"

enum {
    UNCACHED_PAGES = 32,
    IO_BYTES_MAX = 1 << 30, /* moved by one call: a segment has 32 bits */
};

struct uncached {
    struct vfs_io io;
    _Atomic int references; /* the caller's and the completion's */
    struct spin lock;       /* rank QUEUE; guards the next four */
    struct wait_queue changed;
    bool ended, abandoned;
    status_t status;
    bool holds; /* the vnode's cache: the io counts as a fill of it */
    unsigned page_count;
    struct io_segment segments[UNCACHED_PAGES]; /* pages owned by the io */
};

static void uncached_put(struct uncached *uncached)
{
    if (atomic_fetch_sub(&uncached->references, 1) != 1)
        return;
    for (unsigned i = 0; i < uncached->page_count; i++)
        page_free(uncached->segments[i].address);
    mem_free(uncached);
}

static struct uncached *uncached_create(const struct vfs_io *template)
{
    struct uncached *uncached = mem_zalloc(sizeof(*uncached));
    if (!uncached)
        return NULL;

    uncached->io = *template;
    atomic_init(&uncached->references, 1);

    /* A spinlock, since completions must not sleep. */
    spin_init(&uncached->lock, RANK_QUEUE);
    wait_queue_init(&uncached->changed);
    return uncached;
}

static void uncached_complete(struct vfs_io *io, status_t status)
{
    struct uncached *uncached = io->context;

    /* Wake the caller under the lock. If it has left, it set `abandoned` under the same lock, so
     * exactly one of the two sides releases the vnode. */
    spin_lock(&uncached->lock);
    uncached->status = status;
    uncached->ended = true;
    bool abandoned = uncached->abandoned;
    wait_queue_wake_all(&uncached->changed);
    spin_unlock(&uncached->lock);

    /* the caller has left: release the vnode for it */
    if (abandoned && io->op == IO_WRITE)
        vnode_write_left(io->vnode, false);
    if (abandoned && uncached->holds)
        cache_release(&io->vnode->cache); /* from here on the vnode may be freed */
    uncached_put(uncached);
}

/* Leaves the io in flight; returns false if it has ended meanwhile. The write is counted first: a
 * completion on another thread may end the count at once. */
static bool uncached_abandon(struct uncached *uncached)
{
    bool writes = uncached->io.op == IO_WRITE;

    if (writes)
        vnode_write_left(uncached->io.vnode, true);

    spin_lock(&uncached->lock);
    uncached->abandoned = !uncached->ended;
    bool abandoned = uncached->abandoned;
    spin_unlock(&uncached->lock);

    /* It ended after all: the count would never be taken back by the completion. */
    if (writes && !abandoned)
        vnode_write_left(uncached->io.vnode, false);
    return abandoned;
}

/* Sends the io and waits for it. Returns its status; -EINTR with uncached->abandoned if it was left
 * in flight. */
static status_t uncached_run(struct uncached *uncached, bool interruptible)
{
    struct vnode *vnode = uncached->io.vnode;
    status_t status = 0;
    uncached->io.complete = uncached_complete;
    uncached->io.context = uncached;

    /* uncached vnodes have no cache to hold, but their io is complete when read_write returns */
    uncached->holds = interruptible && vnode->cache.ops;
    if (uncached->holds)
        cache_hold(&vnode->cache);

    /* The completion may come before read_write returns, on another thread. */
    atomic_fetch_add(&uncached->references, 1);
    fsd_io_began(vnode);
    vnode->fsd->ops->read_write(vnode->fsd, &uncached->io);

    spin_lock(&uncached->lock);
    while (!uncached->ended && !status)
        status = (uncached->holds ? wait_queue_wait_interruptible : wait_queue_wait)(
            &uncached->changed, &uncached->lock, TIME_NEVER);
    spin_unlock(&uncached->lock);

    /* Interrupted. If the io ended in this moment, its result is returned as if nothing had
     * happened. */
    if (status && uncached_abandon(uncached))
        return status;

    /* released here, not in the completion: a file that the caller closes next must be free when
     * the close returns */
    if (uncached->holds)
        cache_release(&vnode->cache);
    return uncached->status;
}

static status_t vnode_io_at(struct vfs_io template, uint64_t *done_bytes, uint64_t *offset_bytes)
{
    *done_bytes = 0;
    if (!template.vnode->fsd->ops->read_write)
        return -EOPNOTSUPP;

    struct uncached *uncached = uncached_create(&template);
    if (!uncached)
        return -ENOMEM;

    /* Segments are the caller's memory, which must not be left in flight. */
    status_t status = uncached_run(uncached, !template.segment_count);

    /* An FSD changes the offset of an append to the one it wrote at. An abandoned io is still in
     * use by the FSD. */
    if (!uncached->abandoned) {
        *done_bytes = uncached->io.done_bytes;
        *offset_bytes = uncached->io.offset_bytes;
    }
    uncached_put(uncached);
    return status;
}

status_t vnode_io(struct vfs_io template, uint64_t *done_bytes)
{
    uint64_t offset;
    return vnode_io_at(template, done_bytes, &offset);
}

ssize_t vnode_append(struct vnode *vnode, const void *memory, size_t bytes, uint64_t *end)
{
    bytes = min(bytes, IO_BYTES_MAX);
    struct io_segment segment = { (void *)(uintptr_t)memory, (uint32_t)bytes };
    uint64_t done, offset = 0;

    /* The offset is only a first guess: with `append`, the FSD replaces it under its lock. */
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

/* ---- with memory of the io ---------------------------------------------------------------- */

/* Allocates pages for `bytes`, or for fewer whole blocks; returns false if not even for one. */
static bool uncached_take_pages(struct uncached *uncached, size_t bytes, uint32_t block)
{
    size_t room = 0;
    while (room < bytes && uncached->page_count < UNCACHED_PAGES) {
        void *page = page_alloc();
        if (!page)
            break;
        uncached->segments[uncached->page_count++] =
            (struct io_segment){ .address = page, .length_bytes = PAGE_BYTES };
        room += PAGE_BYTES;
    }

    /* memory is nearly exhausted: whole blocks only, and the caller asks for the rest again */
    if (room < bytes)
        bytes = room - room % block;
    uncached->io.segments = uncached->segments;
    uncached->io.segment_count = uncached->page_count;
    uncached->io.length_bytes = bytes;
    return bytes;
}

static void uncached_copy(struct uncached *uncached, uint8_t *memory, uint64_t bytes, bool out)
{
    for (unsigned i = 0; bytes; i++) {
        size_t count = (size_t)min(bytes, (uint64_t)PAGE_BYTES);
        memcpy(out ? memory : uncached->segments[i].address,
               out ? uncached->segments[i].address : memory, count);
        memory += count;
        bytes -= count;
    }
}

/* Moves as many of the bytes as an io's pages hold. */
static ssize_t uncached_part(const struct vfs_io *template, uint8_t *memory, size_t bytes)
{
    struct uncached *uncached = uncached_create(template);
    ssize_t done = -ENOMEM;
    if (!uncached)
        return done;

    /* Copy before a write and after a read, so that an interrupted caller can free its memory. */
    if (uncached_take_pages(uncached, bytes, template->vnode->cache_block_bytes)) {
        if (template->op == IO_WRITE)
            uncached_copy(uncached, memory, uncached->io.length_bytes, false);
        status_t status = uncached_run(uncached, true);
        done = status;
        if (!uncached->abandoned && uncached->io.done_bytes) {
            done = (ssize_t)uncached->io.done_bytes;
            if (template->op == IO_READ)
                uncached_copy(uncached, memory, (uint64_t)done, true);
        }
    }
    uncached_put(uncached);
    return done;
}

/* Moves bytes of an uncached vnode, whose io never waits: directly in the caller's memory. */
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

    /* Only the ios of vnodes with a cache go to a device and can be slow. */
    if (!vnode->cache.ops)
        return vnode_io_at_once(template, memory, bytes);
    if (!vnode->fsd->ops->read_write)
        return -EOPNOTSUPP;

    /* A short part ends the loop with what was moved; the next call returns its error. */
    while (done < bytes) {
        template.offset_bytes = offset_bytes + done;
        ssize_t got = uncached_part(&template, (uint8_t *)memory + done, bytes - done);
        if (got <= 0)
            return done ? (ssize_t)done : got ? got : -EIO;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

/* Moves a part of one block: reads the block, and to write, replaces the part and writes it. */
static ssize_t vnode_io_part(struct vnode *vnode, enum io_op op, uint64_t offset_bytes,
                             void *memory, size_t bytes)
{
    uint32_t block = vnode->cache_block_bytes, at = (uint32_t)(offset_bytes % block);
    bytes = min(bytes, block - at);
    uint8_t *whole = mem_alloc(block);
    if (!whole)
        return -ENOMEM;

    ssize_t done = vnode_io_memory(vnode, IO_READ, offset_bytes - at, whole, block);

    /* Nothing guards the block between read and write: the writer has the vnode alone
     * (vnode_share). */
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

        /* whole blocks in one io; what precedes and follows them one block at a time */
        bool part = at % block || rest < block;
        ssize_t got = (part ? vnode_io_part : vnode_io_memory)(
            vnode, op, at, (uint8_t *)memory + done, part ? rest : rest - rest % block);
        if (got <= 0)
            return done ? (ssize_t)done : got ? got : -EIO;
        done += (size_t)got;
    }
    return (ssize_t)done;
}
