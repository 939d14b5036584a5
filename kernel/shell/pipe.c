/*
 * pipe.c - see pipe.h.
 *
 * Byte n stands at data[n % PIPE_BYTES]. The lock guards the two counts; bytes are copied outside
 * of it, since neither end touches what belongs to the other.
 */
#include "kernel/shell/pipe.h"
#include "kernel/sched/sync.h"
#include "lib/string.h"

struct pipe {
    struct spin lock;
    _Atomic unsigned ends; /* not yet closed */
    uint64_t put, taken;
    bool writing; /* one who writes has its turn */
    bool writer_gone, reader_gone;
    struct wait_queue changed;
    uint8_t data[PIPE_BYTES];
};

struct pipe *pipe_create(void)
{
    struct pipe *pipe = mem_zalloc(sizeof(*pipe));
    if (!pipe)
        return NULL;
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

/* What can be copied in one go at position `at` when `bytes` are wanted and `ready` can be had. */
static size_t piece(uint64_t at, size_t bytes, uint64_t ready)
{
    size_t count = PIPE_BYTES - (size_t)(at % PIPE_BYTES);
    if (count > bytes)
        count = bytes;
    return count < ready ? count : (size_t)ready;
}

static status_t pipe_take_turn(struct pipe *pipe)
{
    status_t status = 0;
    spin_lock(&pipe->lock);
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
        status_t status = 0;
        spin_lock(&pipe->lock);
        while (!status && !pipe->reader_gone && pipe->put - pipe->taken == PIPE_BYTES)
            status = wait_queue_wait_interruptible(&pipe->changed, &pipe->lock, TIME_NEVER);
        size_t count = piece(pipe->put, bytes, PIPE_BYTES - (pipe->put - pipe->taken));
        uint8_t *to = pipe->data + pipe->put % PIPE_BYTES;
        if (pipe->reader_gone)
            status = -EPIPE;
        spin_unlock(&pipe->lock);
        if (status)
            return status;
        memcpy(to, data, count);
        pipe_move(pipe, &pipe->put, count);
        data += count;
        bytes -= count;
    }
    return 0;
}

status_t pipe_write(struct pipe *pipe, const char *data, size_t bytes)
{
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
    spin_lock(&pipe->lock);
    while (!status && !pipe->writer_gone && pipe->put == pipe->taken)
        status = wait_queue_wait_interruptible(&pipe->changed, &pipe->lock, TIME_NEVER);
    size_t count = piece(pipe->taken, bytes, pipe->put - pipe->taken);
    const uint8_t *from = pipe->data + pipe->taken % PIPE_BYTES;
    spin_unlock(&pipe->lock);
    if (status)
        return status;
    memcpy(buffer, from, count);
    pipe_move(pipe, &pipe->taken, count);
    return (ssize_t)count;
}

static void pipe_close(struct pipe *pipe, bool *mine)
{
    spin_lock(&pipe->lock);
    *mine = true;
    wait_queue_wake_all(&pipe->changed);
    spin_unlock(&pipe->lock);
    if (atomic_fetch_sub(&pipe->ends, 1) == 1)
        mem_free(pipe);
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
