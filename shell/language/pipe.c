/*
 * pipe.c - a ring buffer of a few pages; see pipe.h.
 *
 * Byte n of the stream is stored at n % room. The lock guards the two counts. Bytes are copied
 * without it: the reader only touches bytes [taken, put), the writer only the others.
 */
#include "shell/language/pipe.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/vfs.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { PIPE_PAGES = PIPE_BYTES / PAGE_BYTES };

struct pipe {
    struct spin lock;
    _Atomic unsigned ends; /* that are not closed yet */
    uint64_t put, taken;
    bool writing; /* a thread has the turn to write */
    bool writer_gone, reader_gone;
    struct wait_queue changed;
    uint64_t room; /* bytes in the pages */
    uint8_t *pages[PIPE_PAGES];
};

static void pipe_free(struct pipe *pipe)
{
    for (unsigned i = 0; i < PIPE_PAGES; i++)
        if (pipe->pages[i])
            page_free(pipe->pages[i]);
    mem_free(pipe);
}

struct pipe *pipe_create(void)
{
    struct pipe *pipe = mem_zalloc(sizeof(*pipe));
    if (!pipe)
        return NULL;

    /* One page is enough to work, so take more only while memory is not short. */
    for (unsigned i = 0; i < PIPE_PAGES && (!i || !vfs_memory_is_short(1)); i++) {
        if (!(pipe->pages[i] = page_alloc()))
            break;
        pipe->room += PAGE_BYTES;
    }
    if (!pipe->room) {
        pipe_free(pipe);
        return NULL;
    }

    spin_init(&pipe->lock, RANK_QUEUE);
    wait_queue_init(&pipe->changed);
    atomic_init(&pipe->ends, 2);
    return pipe;
}

static void pipe_move(struct pipe *pipe, uint64_t *count, size_t bytes)
{
    spin_lock(&pipe->lock);
    *count += bytes;
    wait_queue_wake_all(&pipe->changed);
    spin_unlock(&pipe->lock);
}

static uint8_t *place(const struct pipe *pipe, uint64_t at)
{
    size_t within = (size_t)(at % pipe->room);
    return pipe->pages[within / PAGE_BYTES] + within % PAGE_BYTES;
}

/* Returns how many of `bytes` bytes at position `at` are in one page. */
static size_t piece(uint64_t at, size_t bytes)
{
    size_t count = PAGE_BYTES - (size_t)(at % PAGE_BYTES);
    return min(count, bytes);
}

static status_t pipe_take_turn(struct pipe *pipe)
{
    status_t status = 0;
    spin_lock(&pipe->lock);

    /* Wait until no other thread writes. ^C ends the wait without a turn. */
    while (!status && pipe->writing)
        status = wait_queue_wait_interruptible(&pipe->changed, &pipe->lock, TIME_NEVER);
    if (!status)
        pipe->writing = true;

    spin_unlock(&pipe->lock);
    return status;
}

static void pipe_end_turn(struct pipe *pipe)
{
    spin_lock(&pipe->lock);
    pipe->writing = false;
    wait_queue_wake_all(&pipe->changed);
    spin_unlock(&pipe->lock);
}

static status_t write_in_turn(struct pipe *pipe, const char *data, size_t bytes)
{
    while (bytes) {
        /* Wait until a byte is free. A reader that has gone will never free one. */
        status_t status = 0;
        spin_lock(&pipe->lock);
        while (!status && !pipe->reader_gone && pipe->put - pipe->taken == pipe->room)
            status = wait_queue_wait_interruptible(&pipe->changed, &pipe->lock, TIME_NEVER);

        uint64_t at = pipe->put, free = pipe->room - (pipe->put - pipe->taken);
        if (pipe->reader_gone)
            status = -EPIPE;
        spin_unlock(&pipe->lock);
        if (status)
            return status;

        /* The free bytes stay free until pipe_move() counts them, so they are filled without the
         * lock. Those of all pages are counted at once: the reader takes what is there. */
        uint64_t end = at + min(free, (uint64_t)bytes);
        while (at < end) {
            size_t count = piece(at, (size_t)(end - at));
            memcpy(place(pipe, at), data, count);
            data += count;
            bytes -= count;
            at += count;
        }
        pipe_move(pipe, &pipe->put, (size_t)(at - pipe->put));
    }
    return 0;
}

status_t pipe_write(struct pipe *pipe, const char *data, size_t bytes)
{
    /* Hold the turn while the pipe is full too: the bytes of one call must stay together. */
    status_t status = pipe_take_turn(pipe);
    if (status)
        return status;

    status = write_in_turn(pipe, data, bytes);
    pipe_end_turn(pipe);
    return status;
}

ssize_t pipe_read(struct pipe *pipe, void *buffer, size_t bytes)
{
    status_t status = 0;
    if (!bytes)
        return 0;

    /* Return what is there instead of waiting for all: the writer may be slow. */
    spin_lock(&pipe->lock);
    while (!status && !pipe->writer_gone && pipe->put == pipe->taken)
        status = wait_queue_wait_interruptible(&pipe->changed, &pipe->lock, TIME_NEVER);

    /* If the writer has gone, nothing may be left: the end. */
    uint64_t at = pipe->taken, end = at + min(pipe->put - at, (uint64_t)bytes);
    spin_unlock(&pipe->lock);
    if (status)
        return status;

    /* Of several pages: to some, a short read means that there was no more. */
    size_t done = 0;
    while (at < end) {
        size_t count = piece(at, (size_t)(end - at));
        memcpy((uint8_t *)buffer + done, place(pipe, at), count);
        done += count;
        at += count;
    }

    /* The writer may reuse the bytes once they are counted as taken. */
    pipe_move(pipe, &pipe->taken, done);
    return (ssize_t)done;
}

static void pipe_close(struct pipe *pipe, bool *mine)
{
    spin_lock(&pipe->lock);
    *mine = true;
    wait_queue_wake_all(&pipe->changed);
    spin_unlock(&pipe->lock);

    /* The end that is closed last frees the pipe, and the lock in it. */
    if (atomic_fetch_sub(&pipe->ends, 1) == 1)
        pipe_free(pipe);
}

void pipe_close_writer(struct pipe *pipe)
{
    if (pipe)
        pipe_close(pipe, &pipe->writer_gone);
}

void pipe_close_reader(struct pipe *pipe)
{
    if (pipe)
        pipe_close(pipe, &pipe->reader_gone);
}
