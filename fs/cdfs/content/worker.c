/*
 * worker.c - a thread of the mount that fills pages of files that need work.
 *
 * It waits only for the device below (through the metadata cache), whose level is below that of
 * everything that waits for the worker; so it cannot deadlock.
 */
#include "fs/cdfs/cdfs.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { UNPACKER_IDLE_US = 1000000 };

struct cdfs_worker {
    struct cdfs *cdfs;
    struct thread *thread;
    struct cdfs_unpacker *unpacker; /* the thread's */
    struct spin lock;               /* rank QUEUE: the members below */
    struct list ios;
    struct wait_queue arrival;
    bool stopping;
};

/* ---- one io ------------------------------------------------------------------------------- */

/* Returns the address of byte `offset` of the io's memory; *bytes is the rest of its segment. */
static uint8_t *segment_at(const struct vfs_io *io, uint64_t offset, size_t *bytes)
{
    unsigned i = 0;
    while (offset >= io->segments[i].length_bytes)
        offset -= io->segments[i++].length_bytes;
    *bytes = (size_t)(io->segments[i].length_bytes - offset);
    return (uint8_t *)io->segments[i].address + offset;
}

/* Fills the next piece of the io's memory: within one segment, and for a packed file one block. */
static status_t io_step(struct cdfs_worker *worker, struct vfs_io *io)
{
    const struct cdfs_node *node = io->vnode->private_data;
    uint64_t offset = io->offset_bytes + io->done_bytes, size = io->vnode->size_bytes;
    uint64_t left = io->length_bytes - io->done_bytes;
    const uint8_t *data;
    size_t room, done = 0;
    status_t status = 0;
    uint8_t *memory = segment_at(io, io->done_bytes, &room);
    room = (size_t)min(room, left);

    /* The cache asks for whole blocks: what is past the end of the file becomes zeros. */
    if (offset >= size) {
        memset(memory, 0, room);
        done = room;
    } else if (node->zisofs.version) {
        /* One block at a time. Of it, copy no more than the segment holds. */
        room = (size_t)min(room, size - offset);
        status = cdfs_unpack(worker->unpacker, worker->cdfs, node, offset, &data, &done);
        if (!status) {
            done = min(done, room);
            memcpy(memory, data, done);
        }
    } else {
        /* Gather the bytes from sections that begin or end within a sector. */
        room = (size_t)min(room, size - offset);
        status = cdfs_copy(worker->cdfs, node, offset, memory, room, &done);
    }
    io->done_bytes += done;
    return status;
}

/* ---- the thread --------------------------------------------------------------------------- */

/* Waits for the next io. Returns NULL when the worker is to stop. */
static struct vfs_io *worker_next(struct cdfs_worker *worker)
{
    uint64_t until = time_now_us() + UNPACKER_IDLE_US;

    /* After a second without work it frees the buffers, up to 3 MiB; a reader that resumes only
     * unpacks its block again. */
    spin_lock(&worker->lock);
    while (list_empty(&worker->ios) && !worker->stopping) {
        if (wait_queue_wait(&worker->arrival, &worker->lock, until) != -ETIMEDOUT)
            continue;
        cdfs_unpacker_release(worker->unpacker);
        until = TIME_NEVER;
    }

    /* Requests that wait are served before the thread stops. */
    struct list *link = list_pop_front(&worker->ios);
    spin_unlock(&worker->lock);
    return link ? container_of(link, struct vfs_io, link) : NULL;
}

static void worker_main(void *argument)
{
    struct cdfs_worker *worker = argument;
    for (struct vfs_io *io; (io = worker_next(worker));) {
        status_t status = 0;
        while (!status && io->done_bytes < io->length_bytes)
            status = io_step(worker, io);
        vfs_io_complete(io, status);
    }
}

void cdfs_worker_submit(struct cdfs *cdfs, struct vfs_io *io)
{
    struct cdfs_worker *worker = cdfs->worker; /* started before the vnode was published */

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

    /* The thread starts at once, so it is created last. */
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

    /* Two files may ask for the first worker at the same time. */
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

    /* No vnode is open now, so no request can arrive any more. */
    spin_lock(&worker->lock);
    worker->stopping = true;
    wait_queue_wake_all(&worker->arrival);
    spin_unlock(&worker->lock);
    thread_join(worker->thread);
    worker_free(worker);
}
