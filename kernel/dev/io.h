/*
 * io.h - io requests: one asynchronous operation on a device.
 *
 * A request names the operation, the place (offset and length in bytes), and the memory (a list of
 * segments). io_submit() queues it and returns; the request ends exactly once, through its
 * callback, on the completion thread, by io_assist_end() or by io_transfer_finish(). Until then the
 * request and its memory belong to kernel/dev.
 *
 *     submit -> checked, queued on the drive -> carved into transfers that keep the device's
 *     limits (through bounce pages where it cannot reach the memory) -> the driver's start() ->
 *     io_transfer_done() in any context -> next transfer, or io_complete() -> completion thread, or
 *     the submitter that assists, or the driver's thread -> request->complete()
 *
 * Invariants  status 0 <=> done_bytes == length. done_bytes is a prefix that is valid.
 *             A request has at most one transfer in flight. Nothing here allocates, so reading
 *             works when memory is exhausted: device_publish() allocates all that is needed.
 * Order       Requests that are submitted before others have ended start and end in any order. A
 *             submitter that depends on one waits for its end first. A flush that succeeds makes
 *             durable what requests wrote that had ended before it was submitted.
 * Fairness    Threads take turns of 1 MiB or 16 transfers (queue/schedule.h).
 * Merging     A device may serve requests of a thread that continue each other by one transfer.
 *             Each still ends by itself: if the transfer fails, the requests before the bad block
 *             succeed, and those that may not have it are repeated, without the others unless the
 *             driver knows the block.
 * Generation  A request names the generation of its medium, which is checked when the request is
 *             submitted and again before each transfer: -ESTALE.
 * Locking     io_submit: threads and completion callbacks, any lock below QUEUE held.
 *             io_complete, io_transfer_done: any context.
 * Callbacks   do not wait, and may submit. Those of different requests may run at the same time:
 *             those of a thread run one after another.
 */
#ifndef KERNEL_DEV_IO_H
#define KERNEL_DEV_IO_H

#include "kernel/port.h"

struct device;

/* IO_DISCARD and IO_ZERO have a range but no memory. After IO_DISCARD the contents of the range are
 * unspecified: the device may free its space. After IO_ZERO the range reads as zeroes. */
enum io_op { IO_READ, IO_WRITE, IO_FLUSH, IO_DISCARD, IO_ZERO };

/* Returns whether the operation changes the medium. */
static inline bool io_op_writes(enum io_op op)
{
    return op == IO_WRITE || op == IO_DISCARD || op == IO_ZERO;
}

/* Returns whether the operation moves bytes between the medium and segments. */
static inline bool io_op_moves(enum io_op op)
{
    return op == IO_READ || op == IO_WRITE;
}

/* Memory in the kernel's address space; only drivers turn it into physical addresses. */
struct io_segment {
    void *address;
    uint32_t length_bytes;
};

struct io_request {
    /* set by the submitter; unchanged until the callback */
    struct device *device; /* borrowed: the submitter holds a reference */
    enum io_op op;
    uint32_t generation;
    uint64_t offset_bytes, length_bytes;     /* multiples of the device's block; a read may end
                                                at the end of the medium, inside its last block */
    const struct io_segment *segments;       /* borrowed; together >= skip_bytes + length_bytes;
                                                unused by operations that move no bytes */
    unsigned segment_count;
    uint64_t skip_bytes;                     /* of the segments, before the first byte moved */
    void (*complete)(struct io_request *request);
    void *context; /* the submitter's */

    /* the result, valid in the callback */
    status_t status;
    uint64_t done_bytes;
    bool exact; /* after a failure: the block after done_bytes is the one that failed; else it is
                   unknown which of the rest failed */

    /* kernel/dev's */
    struct list link; /* before io_submit: the submitter's */
    _Atomic int state;
    uint64_t submitted_us;
    unsigned segment;        /* the next byte to carve is in this segment, */
    uint32_t segment_offset; /* at this offset */
    const struct thread *submitter; /* of io_submit(); only compared */
    bool alone;              /* not merged: a merged transfer with it has failed */
};

/* The limits of one transfer of a device. 0 means "no limit", except for block_bytes. Segments may
 * end inside a block unless segment_align forbids it. */
struct io_limits {
    uint32_t block_bytes;        /* offsets and lengths are multiples: 512..4096, a power of 2 */
    uint32_t transfer_bytes;     /* longest read or write */
    uint32_t discard_bytes;      /* longest IO_DISCARD, at least a block. 0: not supported; such a
                                    request succeeds at once, since it is only a hint */
    uint32_t discard_align;      /* pieces of a longer one end at multiples of it */
    uint32_t zero_bytes;         /* longest IO_ZERO, at least a block. 0: not supported; such a
                                    request ends with -EOPNOTSUPP */
    unsigned segment_count;      /* most segments a transfer (at most IO_SEGMENTS_MAX) */
    uint32_t segment_align;      /* segments start and end at multiples of it: at most a page (0:
                                    anywhere) */
    uint32_t inner_align;        /* where one segment ends and the next one starts are multiples of
                                    it: a power of 2 up to a page, which PRP lists of NVMe need */
    uint64_t highest_address;    /* highest physical byte it can reach */
    unsigned depth;              /* most transfers in flight at once, 1..IO_DEPTH_MAX; 0: 1. More
                                    than 4 are reduced where memory is small */
};

enum { IO_SEGMENTS_MAX = 128, IO_DEPTH_MAX = 256 };

/* The argument of a driver's start(): a piece of a request, or of several that continue each other,
 * that keeps the limits. */
struct io_transfer {
    struct device *device;
    unsigned index; /* 0..depth-1, unique among the device's transfers in flight: usable as a tag */
    enum io_op op;
    uint32_t generation; /* of the request's medium, which may have been changed since */
    uint64_t offset_bytes;
    uint32_t length_bytes; /* whole blocks, or up to the end of the medium */
    struct io_segment *segments; /* of a read or write: lengths add up to length_bytes; each is one
                                    piece for a device too (mem_contiguous()); adjacent ones are
                                    merged */
    unsigned segment_count;
    uint64_t started_us; /* when start() was called */
    bool exact; /* set by the driver when it knows that the block after the done_bytes failed */
    void *driver_data; /* driver_data_bytes of the device's description: the driver's own,
                          untouched from start() to done(); aligned to 16 bytes */

    /* kernel/dev's */
    struct list requests;    /* that it is a piece of, in the order of their places */
    struct list link;        /* in the device's free ones */
    uint32_t bounce_pages;   /* a bit for each page of the device's that it uses */
    bool busy;
    uint64_t report_us;      /* when it is reported as overdue (queue/watch.c) */
};

/* Queues a request. Returns nothing and never calls back itself: errors (range, alignment,
 * read-only, no medium, stale generation, device gone) are reported through the callback like any
 * other result. The submitter does not touch the request until then. */
void io_submit(struct io_request *request);

/* Ends a transfer. Called by its driver, once, in any context. With status 0 all length_bytes are
 * done; otherwise the first done_bytes are valid. */
void io_transfer_done(struct io_transfer *transfer, status_t status, uint32_t done_bytes);
/* The same on a driver's own thread, which holds no spinlock and is not inside start(). It calls
 * back the requests that end, so that no other thread need be woken for that. */
void io_transfer_finish(struct io_transfer *transfer, status_t status, uint32_t done_bytes);

/* Ends a request that was not passed to a driver, for layers that answer by themselves. Any
 * context: an atomic state change and an append to the completion queue. Of two callers the second
 * does nothing. */
void io_complete(struct io_request *request, status_t status, uint64_t done_bytes);

/* A device that is memory, or whose bytes the host has in memory, ends a request inside
 * io_submit(). A thread that is going to wait for it may call back itself, so that no thread need
 * be woken:
 *
 *     io_assist_begin(&assist); submit; io_assist_end(&assist); wait
 *
 * io_assist_end() calls back those requests of this thread that ended since io_assist_begin(). The
 * thread holds no spinlock, and does not wait in between. */
struct io_assist {
    struct list link;
    const struct thread *thread;
    struct list requests; /* that ended */
};
void io_assist_begin(struct io_assist *assist);
void io_assist_end(struct io_assist *assist);

struct device_handle;
/* Moves at most 4 GiB between the device and `memory` (from mem_alloc or page_alloc: devices must
 * reach it) and waits for it. Not on the completion thread. `done_bytes` may be NULL. */
status_t io_wait(const struct device_handle *handle, enum io_op op, uint64_t offset_bytes,
                 void *memory, uint64_t length_bytes, uint64_t *done_bytes) MUST_CHECK;
/* Makes at most 4 GiB of the device read as zeroes, and waits for it: by IO_ZERO, or by writing
 * zeroes where the device does not support that. Not on the completion thread. -ENOMEM. */
status_t io_zero(const struct device_handle *handle, uint64_t offset_bytes,
                 uint64_t length_bytes) MUST_CHECK;

/* Starts the completion thread. Called once, before any device. */
status_t io_start(void) MUST_CHECK;
/* Stops it when the queue is empty (host tests). */
void io_stop(void);

#endif
