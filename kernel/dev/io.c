/*
 * io.c - io requests: checking, queueing, carving into transfers, completing.
 *
 * A device has `limits.depth` transfers; a request has at most one of them at a time, so its
 * done_bytes is always a prefix. pump() hands transfers to the driver and is never entered twice
 * for a device: a driver that ends a transfer inside start() only asks the running pump for
 * another round, so the stack does not grow however many synchronous transfers follow each other.
 */
#include "kernel/dev/io.h"
#include "kernel/dev/device.h"
#include "kernel/sched/sync.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { REQUEST_ACTIVE = 1, REQUEST_ENDED };

enum { TRANSFER_BYTES_MAX = 1 << 30 }; /* where the device names no limit: 32 bits hold it */

static struct {
    struct spin lock;
    struct list requests; /* ended ones */
    struct list devices;  /* whose last reference waits to be put by a thread */
    struct wait_queue arrival;
    struct thread *thread;
    bool stopping;
} completions = {
    .lock = SPIN_INIT(RANK_COMPLETIONS),
    .requests = LIST_INIT(completions.requests),
    .devices = LIST_INIT(completions.devices),
    .arrival = WAIT_QUEUE_INIT(completions.arrival),
};

/* ---- completion --------------------------------------------------------------------------- */

void io_complete(struct io_request *request, status_t status, uint64_t done_bytes)
{
    int active = REQUEST_ACTIVE;
    if (!atomic_compare_exchange_strong(&request->state, &active, REQUEST_ENDED))
        return; /* it was ended already */
    request->status = status;
    request->done_bytes = done_bytes;
    spin_lock(&completions.lock);
    list_push_back(&completions.requests, &request->link);
    wait_queue_wake_one(&completions.arrival);
    spin_unlock(&completions.lock);
}

void device_put_later(struct device *device)
{
    int references = atomic_load(&device->references);
    while (references > 1)
        if (atomic_compare_exchange_weak(&device->references, &references, references - 1))
            return;
    spin_lock(&completions.lock);
    list_push_back(&completions.devices, &device->put_link);
    wait_queue_wake_one(&completions.arrival);
    spin_unlock(&completions.lock);
}

struct completion {
    struct io_request *request;
    struct device *device;
};

/* The next ended request or device to put; false when asked to stop and none is left. */
static bool completion_next(struct completion *next)
{
    spin_lock(&completions.lock);
    while (list_empty(&completions.requests) && list_empty(&completions.devices) &&
           !completions.stopping)
        IGNORE(wait_queue_wait(&completions.arrival, &completions.lock, TIME_NEVER));
    struct list *request = list_pop_front(&completions.requests);
    struct list *device = request ? NULL : list_pop_front(&completions.devices);
    spin_unlock(&completions.lock);
    next->request = request ? container_of(request, struct io_request, link) : NULL;
    next->device = device ? container_of(device, struct device, put_link) : NULL;
    return request || device;
}

static void completion_thread(void *unused)
{
    (void)unused;
    for (struct completion next; completion_next(&next);) {
        if (next.request) {
            next.device = next.request->device; /* the callback may free the request */
            next.request->complete(next.request);
        }
        device_put(next.device);
    }
}

status_t io_start(void)
{
    completions.stopping = false;
    completions.thread = thread_create("complete", PRIORITY_IO, completion_thread, NULL);
    return completions.thread ? 0 : -ENOMEM;
}

void io_stop(void)
{
    spin_lock(&completions.lock);
    completions.stopping = true;
    wait_queue_wake_all(&completions.arrival);
    spin_unlock(&completions.lock);
    thread_join(completions.thread);
    completions.thread = NULL;
}

/* ---- carving ------------------------------------------------------------------------------ */

static bool segment_reachable(const struct io_limits *limits, const struct io_segment *segment)
{
    uint64_t first = mem_physical(segment->address);
    if (limits->highest_address && first + segment->length_bytes - 1 > limits->highest_address)
        return false;
    uint32_t align = limits->segment_align;
    return !align || (first % align == 0 && segment->length_bytes % align == 0);
}

/* Does memory follow the segment, for a device too? */
static bool segment_continues(const struct io_segment *last, const void *address, uint32_t bytes)
{
    size_t together = (size_t)last->length_bytes + bytes;
    return (char *)last->address + last->length_bytes == address &&
           mem_contiguous(last->address, together) == together;
}

/* Appends memory to the transfer's list, to the last segment where it follows it. False: full. */
static bool transfer_append(struct io_transfer *transfer, void *address, uint32_t bytes)
{
    struct io_segment *last =
        transfer->segment_count ? &transfer->segments[transfer->segment_count - 1] : NULL;
    if (last && segment_continues(last, address, bytes)) {
        last->length_bytes += bytes;
    } else {
        if (transfer->segment_count == transfer->device->limits.segment_count)
            return false;
        transfer->segments[transfer->segment_count++] =
            (struct io_segment){ .address = address, .length_bytes = bytes };
    }
    transfer->length_bytes += bytes;
    return true;
}

/* Appends a segment from `skip` on, in pieces that a device sees as one, until the transfer has
 * `most` bytes. False: full. */
static bool transfer_append_part(struct io_transfer *transfer, const struct io_segment *segment,
                                 uint32_t skip, uint64_t most)
{
    while (skip < segment->length_bytes && transfer->length_bytes < most) {
        uint64_t take = segment->length_bytes - skip, room = most - transfer->length_bytes;
        char *address = (char *)segment->address + skip;
        take = mem_contiguous(address, take < room ? take : room);
        if (!transfer_append(transfer, address, (uint32_t)take))
            return false;
        skip += (uint32_t)take;
    }
    return true;
}

/* Shortens the list so that it covers `bytes`. */
static void transfer_trim(struct io_transfer *transfer, uint32_t bytes)
{
    while (transfer->length_bytes > bytes) {
        struct io_segment *last = &transfer->segments[transfer->segment_count - 1];
        uint32_t excess = transfer->length_bytes - bytes;
        uint32_t cut = excess < last->length_bytes ? excess : last->length_bytes;
        last->length_bytes -= cut;
        transfer->length_bytes -= cut;
        if (!last->length_bytes)
            transfer->segment_count--;
    }
}

/* As much of the rest of the request as the device takes at once. */
static void transfer_collect(struct io_transfer *transfer, const struct io_request *request)
{
    const struct io_limits *limits = &transfer->device->limits;
    uint64_t most = request->length_bytes - request->done_bytes;
    uint32_t limit = limits->transfer_bytes ? limits->transfer_bytes : TRANSFER_BYTES_MAX;
    most = min(most, limit);
    uint32_t skip = request->segment_offset;
    for (unsigned i = request->segment; transfer->length_bytes < most; i++, skip = 0) {
        const struct io_segment *segment = &request->segments[i];
        if (!transfer_append_part(transfer, segment, skip, most))
            break;
    }
    /* Whole blocks; a last transfer ends where the request does, perhaps with the medium. */
    if (transfer->length_bytes < request->length_bytes - request->done_bytes)
        transfer_trim(transfer,
                      transfer->length_bytes - transfer->length_bytes % limits->block_bytes);
}

/* Copies between the request's memory, from where carving stands, and the transfer's pages. */
static void transfer_copy(const struct io_transfer *transfer, uint32_t bytes, bool to_request)
{
    const struct io_request *request = transfer->request;
    unsigned i = request->segment, j = 0;
    uint32_t i_offset = request->segment_offset, j_offset = 0;
    while (bytes) {
        const struct io_segment *theirs = &request->segments[i], *ours = &transfer->segments[j];
        uint32_t count = theirs->length_bytes - i_offset;
        count = min(count, ours->length_bytes - j_offset);
        count = min(count, bytes);
        char *their = (char *)theirs->address + i_offset, *our = (char *)ours->address + j_offset;
        memcpy(to_request ? their : our, to_request ? our : their, count);
        bytes -= count;
        if ((i_offset += count) == theirs->length_bytes)
            i++, i_offset = 0;
        if ((j_offset += count) == ours->length_bytes)
            j++, j_offset = 0;
    }
}

/* Puts the device's own low pages in place of memory that it cannot reach. */
static void transfer_bounce(struct io_transfer *transfer)
{
    struct device *device = transfer->device;
    unsigned index = (unsigned)(transfer - device->transfers);
    unsigned pages = IO_BOUNCE_PAGES / device->limits.depth;
    pages = min(pages, device->limits.segment_count);
    uint32_t length = transfer->length_bytes;
    length = min(length, pages * PAGE_BYTES);
    transfer->bounced = true;
    transfer->segment_count = 0;
    transfer->length_bytes = length;
    for (uint32_t done = 0; done < length; done += PAGE_BYTES)
        transfer->segments[transfer->segment_count] = (struct io_segment){
            .address = device->bounce_pages[index * pages + transfer->segment_count],
            .length_bytes = length - done < PAGE_BYTES ? length - done : PAGE_BYTES,
        }, transfer->segment_count++;
    if (transfer->op == IO_WRITE)
        transfer_copy(transfer, length, false);
}

static void transfer_carve(struct io_transfer *transfer, struct io_request *request)
{
    transfer->request = request;
    transfer->op = request->op;
    transfer->generation = request->generation;
    transfer->offset_bytes = request->offset_bytes + request->done_bytes;
    transfer->length_bytes = 0;
    transfer->segment_count = 0;
    transfer->bounced = transfer->exact = false;
    transfer_collect(transfer, request);
    if (!transfer->device->bounce_pages)
        return;
    for (unsigned i = 0; i < transfer->segment_count; i++)
        if (!segment_reachable(&transfer->device->limits, &transfer->segments[i])) {
            transfer_bounce(transfer);
            return;
        }
}

/* Moves the request's place in its memory on. */
static void request_skip(struct io_request *request, uint64_t bytes)
{
    while (bytes) {
        uint32_t rest = request->segments[request->segment].length_bytes - request->segment_offset;
        if (bytes < rest) {
            request->segment_offset += (uint32_t)bytes;
            return;
        }
        bytes -= rest;
        request->segment++;
        request->segment_offset = 0;
    }
}

/* ---- the queue ---------------------------------------------------------------------------- */

/* Is the medium the one that the request means? */
static status_t request_admit_medium(const struct device *device,
                                     const struct io_request *request)
{
    if (device->gone)
        return -ENODEV;
    if (!device->medium_present)
        return device->absent_status;
    return request->generation != device->generation ? -ESTALE : 0;
}

/* Would the device take this request now? The caller holds its queue_lock. */
static status_t request_admit(const struct device *device, const struct io_request *request)
{
    kassert(spin_is_held(&device->queue_lock));
    status_t status = request_admit_medium(device, request);
    if (status)
        return status;
    uint64_t size = device->medium_bytes;
    if (request->op == IO_WRITE)
        size -= size % device->limits.block_bytes;
    if (request->length_bytes > size || request->offset_bytes > size - request->length_bytes)
        return request->op == IO_WRITE ? -ENOSPC : -EIO;
    return 0;
}

static struct io_transfer *transfer_idle(struct device *device)
{
    for (unsigned i = 0; i < device->limits.depth; i++)
        if (!device->transfers[i].busy)
            return &device->transfers[i];
    return NULL;
}

/* Takes the next waiting request that may continue; ends those that may not. The queue_lock is held
 * and stays so. */
static struct io_transfer *transfer_next(struct device *device)
{
    struct io_transfer *transfer = transfer_idle(device);
    while (transfer && !list_empty(&device->waiting)) {
        struct list *link = list_pop_front(&device->waiting);
        struct io_request *request = container_of(link, struct io_request, link);
        status_t status = request_admit(device, request);
        if (!status) {
            transfer_carve(transfer, request);
            if (transfer->length_bytes || request->op == IO_FLUSH) {
                transfer->busy = true;
                return transfer;
            }
            status = -EINVAL; /* memory cut so fine that no block fits the segments */
        }
        io_complete(request, status, request->done_bytes);
    }
    return NULL;
}

/* The caller holds a reference of its own: what pump starts may end, and be put, meanwhile. */
static void pump(struct device *device)
{
    spin_lock(&device->queue_lock);
    if (device->pumping) {
        device->pump_again = true;
        spin_unlock(&device->queue_lock);
        return;
    }
    device->pumping = true;
    do {
        device->pump_again = false;
        for (struct io_transfer *transfer; (transfer = transfer_next(device));) {
            spin_unlock(&device->queue_lock);
            device->ops->start(device, transfer);
            spin_lock(&device->queue_lock);
        }
    } while (device->pump_again);
    device->pumping = false;
    spin_unlock(&device->queue_lock);
}

void io_transfer_done(struct io_transfer *transfer, status_t status, uint32_t done_bytes)
{
    struct device *device = transfer->device;
    struct io_request *request = transfer->request;
    uint32_t good = status ? done_bytes : transfer->length_bytes;
    kassert(transfer->busy && good <= transfer->length_bytes);
    device_get(device);
    if (transfer->bounced && transfer->op == IO_READ)
        transfer_copy(transfer, good, true);

    spin_lock(&device->queue_lock);
    if (request->generation != device->generation && request->op == IO_READ) {
        good = 0; /* they may be of either medium */
        if (!status)
            status = request_admit(device, request);
    }
    request_skip(request, good);
    request->done_bytes += good;
    if (status) /* a single block is the one that failed */
        request->exact = transfer->exact ||
                         transfer->length_bytes <= device->limits.block_bytes;
    transfer->busy = false;
    bool ended = status || request->done_bytes == request->length_bytes;
    if (!ended)
        list_push_front(&device->waiting, &request->link);
    spin_unlock(&device->queue_lock);
    if (ended)
        io_complete(request, status, request->done_bytes);
    pump(device);
    device_put_later(device);
}

/* ---- submitting --------------------------------------------------------------------------- */

/* Does a request that is not of whole blocks end where the medium does, in its last block? */
static bool request_ends_medium(const struct io_request *request)
{
    uint64_t end;
    return request->op == IO_READ &&
           !__builtin_add_overflow(request->offset_bytes, request->length_bytes, &end) &&
           end == device_medium(request->device).bytes;
}

/* What never changes about a request: its shape. */
static status_t request_check_shape(const struct io_request *request)
{
    const struct device *device = request->device;
    if (!device->ops->start)
        return -ENODEV;
    if (request->op == IO_WRITE && device->read_only)
        return -EROFS;
    if (request->op == IO_FLUSH)
        return request->length_bytes ? -EINVAL : 0;
    uint32_t block = device->limits.block_bytes;
    if (!request->length_bytes || request->offset_bytes % block ||
        (request->length_bytes % block && !request_ends_medium(request)))
        return -EINVAL;
    uint64_t memory = 0, needed = request->skip_bytes + request->length_bytes;
    for (unsigned i = 0; i < request->segment_count && memory < needed; i++)
        memory += request->segments[i].length_bytes;
    return memory < needed ? -EINVAL : 0;
}

void io_submit(struct io_request *request)
{
    struct device *device = device_get(request->device); /* put by the completion thread */
    request->done_bytes = 0;
    request->exact = false;
    request->segment = 0;
    request->segment_offset = 0;
    request->submitted_us = time_now_us();
    atomic_store(&request->state, REQUEST_ACTIVE);
    status_t shape = request_check_shape(request);
    if (!shape)
        request_skip(request, request->skip_bytes);
    device_get(device); /* for pump */
    spin_lock(&device->queue_lock);
    /* another medium may have other blocks: that it is another comes first */
    status_t status = (shape ? request_admit_medium : request_admit)(device, request);
    if (!status)
        status = shape;
    if (!status)
        list_push_back(&device->waiting, &request->link);
    spin_unlock(&device->queue_lock);
    if (status)
        io_complete(request, status, 0);
    else
        pump(device);
    device_put_later(device);
}

static void wait_done(struct io_request *request)
{
    semaphore_up(request->context);
}

status_t io_wait(const struct device_handle *handle, enum io_op op, uint64_t offset_bytes,
                 void *memory, uint64_t length_bytes, uint64_t *done_bytes)
{
    struct semaphore done;
    semaphore_init(&done, 0);
    struct io_segment segment = { .address = memory, .length_bytes = (uint32_t)length_bytes };
    struct io_request request = {
        .device = handle->device,
        .op = op,
        .generation = handle->generation,
        .offset_bytes = offset_bytes,
        .length_bytes = length_bytes,
        .segments = &segment,
        .segment_count = 1,
        .complete = wait_done,
        .context = &done,
    };
    if (length_bytes > UINT32_MAX)
        return -EINVAL;
    io_submit(&request);
    while (semaphore_down(&done, TIME_NEVER))
        ;
    if (done_bytes)
        *done_bytes = request.done_bytes;
    return request.status;
}
