/*
 * worker.c - the mount's worker: fills pages of files whose bytes need work.
 *
 * It waits only for the device beneath (through the metadata cache), whose level is below that of
 * everything that waits for the worker.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { UNPACKER_IDLE_US = 1000000 };

struct cdfs_worker {
    struct cdfs *cdfs;
    struct thread *thread;
    struct cdfs_unpacker *unpacker;
    struct spin lock; /* rank QUEUE: all below */
    struct list ios;
    struct wait_queue arrival;
    bool stopping;
};

/* ---- one io ------------------------------------------------------------------------------- */

/* Where in the io's memory `offset` lies, and how much of that segment is left. */
static uint8_t *segment_at(const struct vfs_io *io, uint64_t offset, size_t *bytes)
{
    unsigned i = 0;
    while (offset >= io->segments[i].length_bytes)
        offset -= io->segments[i++].length_bytes;
    *bytes = (size_t)(io->segments[i].length_bytes - offset);
    return (uint8_t *)io->segments[i].address + offset;
}

/* Past the end of the file there is nothing to gather: the cache's last block is zeroes there. */
static status_t io_fill_tail(struct vfs_io *io, uint8_t *memory, size_t bytes)
{
    memset(memory, 0, bytes);
    io->done_bytes += bytes;
    return 0;
}

static status_t io_unpack(struct cdfs_worker *worker, struct vfs_io *io, uint64_t offset,
                          uint8_t *memory, size_t bytes)
{
    const uint8_t *data;
    size_t got;
    status_t status = cdfs_unpack(worker->unpacker, worker->cdfs, io->vnode->private_data, offset,
                                  &data, &got);
    if (status)
        return status;
    got = min(got, bytes);
    memcpy(memory, data, got);
    io->done_bytes += got;
    return 0;
}

/* Fills the next piece of the io's memory. */
static status_t io_step(struct cdfs_worker *worker, struct vfs_io *io)
{
    const struct cdfs_node *node = io->vnode->private_data;
    uint64_t offset = io->offset_bytes + io->done_bytes, size = io->vnode->size_bytes;
    size_t room, done;
    uint8_t *memory = segment_at(io, io->done_bytes, &room);
    if (room > io->length_bytes - io->done_bytes)
        room = (size_t)(io->length_bytes - io->done_bytes);
    if (offset >= size)
        return io_fill_tail(io, memory, room);
    if (room > size - offset)
        room = (size_t)(size - offset);
    if (node->zisofs.version)
        return io_unpack(worker, io, offset, memory, room);
    status_t status = cdfs_copy(worker->cdfs, node, offset, memory, room, &done);
    io->done_bytes += done;
    return status;
}

static void io_serve(struct cdfs_worker *worker, struct vfs_io *io)
{
    status_t status = 0;
    while (!status && io->done_bytes < io->length_bytes)
        status = io_step(worker, io);
    vfs_io_complete(io, status);
}

/* ---- the thread --------------------------------------------------------------------------- */

/* With nothing to do for a while, it gives its memory back: a reader who goes on pays for it with a
 * block that is unpacked once more. */
static struct vfs_io *worker_next(struct cdfs_worker *worker)
{
    uint64_t until = time_now_us() + UNPACKER_IDLE_US;
    spin_lock(&worker->lock);
    while (list_empty(&worker->ios) && !worker->stopping) {
        if (wait_queue_wait(&worker->arrival, &worker->lock, until) != -ETIMEDOUT)
            continue;
        cdfs_unpacker_release(worker->unpacker);
        until = TIME_NEVER;
    }
    struct list *link = list_pop_front(&worker->ios);
    spin_unlock(&worker->lock);
    return link ? container_of(link, struct vfs_io, link) : NULL;
}

static void worker_main(void *argument)
{
    struct cdfs_worker *worker = argument;
    for (struct vfs_io *io; (io = worker_next(worker));)
        io_serve(worker, io);
}

void cdfs_worker_submit(struct cdfs *cdfs, struct vfs_io *io)
{
    struct cdfs_worker *worker = cdfs->worker; /* there since the vnode was made */
    spin_lock(&worker->lock);
    list_push_back(&worker->ios, &io->link);
    wait_queue_wake_one(&worker->arrival);
    spin_unlock(&worker->lock);
}

static void worker_free(struct cdfs_worker *worker)
{
    cdfs_unpacker_destroy(worker->unpacker);
    mem_free(worker);
}

static struct cdfs_worker *worker_create(struct cdfs *cdfs)
{
    struct cdfs_worker *worker = mem_zalloc(sizeof(*worker));
    if (!worker)
        return NULL;
    worker->cdfs = cdfs;
    spin_init(&worker->lock, RANK_QUEUE);
    list_init(&worker->ios);
    wait_queue_init(&worker->arrival);
    worker->unpacker = cdfs_unpacker_create();
    if (worker->unpacker)
        worker->thread = thread_create("cdfs", PRIORITY_IO, worker_main, worker);
    if (worker->thread)
        return worker;
    worker_free(worker);
    return NULL;
}

status_t cdfs_worker_start(struct cdfs *cdfs)
{
    mutex_lock(&cdfs->worker_lock);
    if (!cdfs->worker)
        cdfs->worker = worker_create(cdfs);
    status_t status = cdfs->worker ? 0 : -ENOMEM;
    mutex_unlock(&cdfs->worker_lock);
    return status;
}

void cdfs_worker_stop(struct cdfs *cdfs)
{
    struct cdfs_worker *worker = cdfs->worker;
    if (!worker)
        return;
    spin_lock(&worker->lock);
    worker->stopping = true;
    wait_queue_wake_all(&worker->arrival);
    spin_unlock(&worker->lock);
    thread_join(worker->thread);
    worker_free(worker);
}
