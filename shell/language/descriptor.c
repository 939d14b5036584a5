/*
 * descriptor.c - sources and streams that file descriptors refer to; see descriptor.h.
 */
#include "shell/language/descriptor.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "shell/language/output_file.h"

enum { AHEAD_BYTES = 512 };

/* ---- life --------------------------------------------------------------------------------- */

struct descriptor *descriptor_create(void)
{
    struct descriptor *descriptor = mem_zalloc(sizeof(*descriptor));
    if (!descriptor)
        return NULL;
    atomic_init(&descriptor->users, 1);
    spin_init(&descriptor->lock, RANK_QUEUE);
    wait_queue_init(&descriptor->changed);
    return descriptor;
}

status_t descriptor_set_sink(struct descriptor *descriptor,
                             status_t (*sink)(struct stream *stream, const char *text,
                                              size_t bytes),
                             void *context, bool large)
{
    if (large && !(descriptor->large = mem_alloc(STREAM_LARGE_BYTES)))
        return -ENOMEM;
    stream_init(&descriptor->stream, sink, context);
    if (large)
        stream_use_large(&descriptor->stream, descriptor->large);
    descriptor->out = &descriptor->stream;
    return 0;
}

static ssize_t read_nothing(void *context, void *buffer, size_t bytes)
{
    (void)context, (void)buffer, (void)bytes;
    return 0;
}

void descriptor_set_text(struct descriptor *descriptor, char *text, size_t length)
{
    /* The text is as if it had been read already. */
    descriptor->read = read_nothing;
    descriptor->ahead = text;
    descriptor->got = length;
}

struct descriptor *descriptor_get(struct descriptor *descriptor)
{
    if (descriptor)
        atomic_fetch_add(&descriptor->users, 1);
    return descriptor;
}

struct descriptor *descriptor_share(struct descriptor *descriptor)
{
    struct descriptor *copy = descriptor_create();
    if (!copy)
        return NULL;
    copy->origin = descriptor_get(descriptor->origin ? descriptor->origin : descriptor);

    /* Sinks may be called by any thread; a stream may not. */
    if (descriptor->out) {
        bool at_line_start = descriptor->out->at_line_start;
        IGNORE(descriptor_set_sink(copy, descriptor->out->sink, descriptor->out->context, false));
        copy->stream.at_line_start = at_line_start;
    }
    return copy;
}

static void descriptor_free(struct descriptor *descriptor)
{
    if (descriptor->close)
        descriptor->close(descriptor->context);
    mem_free(descriptor->ahead);
    mem_free(descriptor->large);
    mem_free(descriptor);
}

/* Closes the output file of a descriptor whose last user has gone. */
static int close_output(struct shell *shell, struct output_file *output, const char *name,
                        bool failed, int result)
{
    enum output_file_end end;
    status_t status = output_file_close(output, failed, &end);
    if (!shell || !name)
        return result;

    /* The command has reported the input that it was refused, but not that output is lost. */
    if (status)
        return shell_fail(shell, name, status);
    if (end == OUTPUT_FILE_DROPPED || (end == OUTPUT_FILE_KEPT && !result))
        return shell_complain(shell, "%s: input and output are the same file; not written", name);
    return result;
}

/* Ends a use. The stream may belong to another thread. */
static int release(struct shell *shell, struct descriptor *descriptor, const char *name,
                   bool failed, int result)
{
    if (atomic_fetch_sub(&descriptor->users, 1) != 1)
        return result;
    struct output_file *output = descriptor->output;
    descriptor_free(descriptor);
    return output ? close_output(shell, output, name, failed, result) : result;
}

int descriptor_put(struct shell *shell, struct descriptor *descriptor, const char *name,
                   bool failed, int result)
{
    if (!descriptor)
        return result;

    /* The bytes go out before the next command runs, even if the stream has other users. */
    if (descriptor->out)
        IGNORE(stream_flush(descriptor->out));

    /* A shared object is used by one shell only: the origin may go with it. */
    struct descriptor *origin = descriptor->origin;
    if (!origin)
        return release(shell, descriptor, name, failed, result);
    bool last = atomic_load(&descriptor->users) == 1;
    result = release(shell, descriptor, name, failed, result);
    return last ? release(shell, origin, name, failed, result) : result;
}

void descriptor_abandon(struct descriptor *descriptor)
{
    if (!descriptor || atomic_load(&descriptor->users) != 1 || !descriptor->output) {
        IGNORE(descriptor_put(NULL, descriptor, NULL, true, 0));
        return;
    }
    output_file_abandon(descriptor->output);
    descriptor_free(descriptor);
}

/* ---- reading ------------------------------------------------------------------------------ */

static status_t take_turn(struct descriptor *descriptor)
{
    status_t status = 0;
    spin_lock(&descriptor->lock);
    while (descriptor->busy && !status)
        status = wait_queue_wait_interruptible(&descriptor->changed, &descriptor->lock, TIME_NEVER);
    if (!status)
        descriptor->busy = true;
    spin_unlock(&descriptor->lock);
    return status;
}

static void end_turn(struct descriptor *descriptor)
{
    spin_lock(&descriptor->lock);
    descriptor->busy = false;
    wait_queue_wake_all(&descriptor->changed);
    spin_unlock(&descriptor->lock);
}

static struct descriptor *source_of(struct descriptor *descriptor)
{
    return descriptor->origin ? descriptor->origin : descriptor;
}

ssize_t descriptor_read(struct descriptor *descriptor, void *buffer, size_t bytes)
{
    struct descriptor *source = source_of(descriptor);
    if (!source->read)
        return -EBADF;
    status_t status = take_turn(source);
    if (status)
        return status;

    /* Bytes that `read` has left come first. */
    ssize_t got = (ssize_t)min(source->got - source->at, bytes);
    if (got) {
        memcpy(buffer, source->ahead + source->at, (size_t)got);
        source->at += (size_t)got;
    } else {
        got = source->read(source->context, buffer, bytes);
    }
    end_turn(source);
    return got;
}

ssize_t descriptor_peek(struct descriptor *descriptor, const char **data)
{
    struct descriptor *source = source_of(descriptor);
    if (!source->read)
        return -EBADF;
    status_t status = take_turn(source);
    if (status)
        return status;

    ssize_t got = (ssize_t)(source->got - source->at);
    if (!got) {
        if (!source->ahead)
            source->ahead = mem_alloc(AHEAD_BYTES);

        /* What is written to the same file must follow what was read: fetch no byte too many. */
        size_t bytes = source->out ? 1 : AHEAD_BYTES;
        got = source->ahead ? source->read(source->context, source->ahead, bytes) : -ENOMEM;
        source->at = 0;
        source->got = got > 0 ? (size_t)got : 0;
    }
    *data = source->ahead + source->at;
    if (got <= 0)
        end_turn(source);
    return got;
}

void descriptor_take(struct descriptor *descriptor, size_t bytes)
{
    struct descriptor *source = source_of(descriptor);
    source->at += bytes;
    end_turn(source);
}

void descriptor_forget(struct descriptor *descriptor)
{
    struct descriptor *source = source_of(descriptor);
    source->at = source->got = 0;
}
