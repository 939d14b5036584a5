/*
 * queue.c - a device's queue of requests: checks them, carves them into transfers, submits those.
 *
 * A device has `limits.depth` transfers; a request has at most one of them in flight, so its
 * done_bytes is always a prefix. A transfer may be of several requests. pump() passes transfers to
 * the driver and is never entered twice for a device: a driver that ends a transfer inside start()
 * only makes the running pump take another round, so the stack does not grow with the number of
 * synchronous transfers.
 *
 * The requests of a part wait in the queue of its drive: request->device is the part, which checks
 * range and medium, and transfer->device is the drive.
 */
#include "kernel/dev/deadlines.h"
#include "kernel/dev/internal.h"
#include "kernel/dev/queue/carve.h"
#include "kernel/sched/sync.h"
#include "lib/macros.h"

/* ---- checks ------------------------------------------------------------------------------- */

static status_t request_check_medium(const struct device *device,
                                     const struct io_request *request)
{
    status_t status = medium_status(device);
    return !status && request->generation != device->drive->generation ? -ESTALE : status;
}

/* Checks what may have changed since the request was submitted. Caller holds device_lock(). */
static status_t request_admit(const struct device *device, const struct io_request *request)
{
    kassert(spin_is_held(&device->drive->queue_lock));
    status_t status = request_check_medium(device, request);
    if (status)
        return status;

    /* A last, partial block can be read but not written. The comparisons cannot overflow. */
    uint64_t size = medium_size(device);
    if (io_op_writes(request->op))
        size -= size % device_block_bytes(device);
    if (request->length_bytes > size || request->offset_bytes > size - request->length_bytes)
        return io_op_writes(request->op) ? -ENOSPC : -EIO;
    return 0;
}

/* Returns whether the request is a read up to the end of the medium, inside its last block. */
static bool request_ends_medium(const struct io_request *request)
{
    uint64_t end;
    return request->op == IO_READ &&
           !__builtin_add_overflow(request->offset_bytes, request->length_bytes, &end) &&
           end == device_medium(request->device).bytes;
}

/* Checks what never changes about a request. */
static status_t request_check_shape(const struct io_request *request)
{
    const struct device *device = request->device;
    if (!device_has_data(device))
        return -ENODEV;
    if (io_op_writes(request->op) && device_is_read_only(device))
        return -EROFS;
    if (request->op == IO_FLUSH)
        return request->length_bytes ? -EINVAL : 0;

    /* A read may end inside the medium's last block, which may be a partial one. */
    uint32_t block = device_block_bytes(device);
    if (!request->length_bytes || request->offset_bytes % block ||
        (request->length_bytes % block && !request_ends_medium(request)))
        return -EINVAL;
    if (!io_op_moves(request->op))
        return 0;

    /* The segments may have more bytes than the request needs, but not fewer. */
    uint64_t memory = 0, needed = request->skip_bytes + request->length_bytes;
    for (unsigned i = 0; i < request->segment_count && memory < needed; i++)
        memory += request->segments[i].length_bytes;
    return memory < needed ? -EINVAL : 0;
}

/* Returns whether the device's driver has the operation. */
static bool request_is_supported(const struct io_request *request)
{
    const struct io_limits *limits = &request->device->drive->limits;
    return request->op == IO_DISCARD ? limits->discard_bytes
           : request->op == IO_ZERO  ? limits->zero_bytes
                                     : true;
}

/* ---- the queue ---------------------------------------------------------------------------- */

/* A transfer takes at most this part of the bounce pages. */
enum { BOUNCE_SHARES = 4 };

/* Carves a transfer out of the request and those that continue it. Errors as carve(). */
static status_t transfer_carve(struct device *device, struct io_transfer *transfer,
                               struct io_request *request)
{
    unsigned shares = min(device->limits.depth, BOUNCE_SHARES);
    struct carve_limits limits = {
        .device = &device->limits,
        .block_bytes = device->block_bytes,
        .base_bytes = request->device->base_bytes,
        .bounce = device->bounce_pages,
        .bounce_free = device->free_bounce_pages,
        .bounce_most = device->bounce_page_count / shares,
    };
    status_t status = carve(transfer, request, &limits);
    if (status)
        return status;
    list_push_back(&transfer->requests, &request->link);

    /* Requests that continue this one come along, as far as there is room. A piece that does not
     * reach its request's end is the last. */
    struct io_request *last = request, *next;
    uint64_t end = request->offset_bytes + request->length_bytes;
    while (transfer->offset_bytes + transfer->length_bytes == end &&
           (next = schedule_next_adjoining(&device->waiting, last))) {
        if (!carve_join(transfer, next, &limits)) {
            schedule_put_back(&device->waiting, next);
            break;
        }
        list_push_back(&transfer->requests, &next->link);
        last = next;
        end = last->offset_bytes + last->length_bytes;
    }

    /* The offset is on the part; the driver gets the one on the drive. */
    transfer->offset_bytes += request->device->base_bytes;
    return 0;
}

/* Counts a transfer as in flight. Caller holds device_lock(). */
static void transfer_take(struct device *device, struct io_transfer *transfer)
{
    list_remove(&transfer->link);
    device->free_bounce_pages &= ~transfer->bounce_pages;
    schedule_charge(&device->waiting, transfer->length_bytes);
    statistics_count_start(&device->statistics, transfer);
    transfer->busy = true;
    transfer->started_us = time_now_us();
    transfer->report_us = transfer->started_us + DEADLINE_TRANSFER_US;
    watch_begin();
}

/* Makes a transfer free for the next request. Caller holds device_lock(). */
static void transfer_release(struct device *device, struct io_transfer *transfer)
{
    device->free_bounce_pages |= transfer->bounce_pages;

    /* Used again first: its memory is the likeliest to be in the processor's cache. */
    list_push_front(&device->free_transfers, &transfer->link);
    device->statistics.in_flight--;
    transfer->busy = false;
}

/* Takes the next waiting request that is still valid, and carves a transfer out of it; ends the
 * requests that are not. Caller holds device_lock(). */
static struct io_transfer *transfer_next(struct device *device)
{
    /* Without a free transfer the requests wait until one ends. */
    while (!list_empty(&device->free_transfers)) {
        struct io_transfer *transfer =
            container_of(device->free_transfers.next, struct io_transfer, link);
        struct io_request *request = schedule_next(&device->waiting);
        if (!request)
            break;

        status_t status = request_admit(request->device, request);
        if (!status)
            status = transfer_carve(device, transfer, request);
        if (!status) {
            transfer_take(device, transfer);
            return transfer;
        }

        /* All bounce pages are in use by transfers in flight: the end of one continues here. */
        if (status == -EAGAIN) {
            schedule_put_back(&device->waiting, request);
            break;
        }
        io_complete(request, status, request->done_bytes);
    }
    return NULL;
}

/* Starts what may start. The caller holds device_lock(), which is released while the driver runs,
 * and a reference: the requests that are started here may end, and put theirs. */
static void pump(struct device *device)
{
    kassert(spin_is_held(&device->queue_lock));
    if (device->pumping) {
        device->pump_again = true;
        return;
    }

    /* The lock is not held inside start(). The driver may end the transfer there at once, and an
     * interrupt may end another one: either calls pump() again, which sets `pump_again`. */
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
}

void queue_fail(struct device *device)
{
    struct list failed = LIST_INIT(failed);

    /* The drive's queue also has requests of the drive itself and of its other parts. */
    device_lock(device);
    schedule_take_all(&device->drive->waiting, device, &failed);
    for (struct list *link; (link = list_pop_front(&failed));) {
        struct io_request *request = container_of(link, struct io_request, link);
        io_complete(request, -ENODEV, request->done_bytes);
    }
    device_unlock(device);
}

/* ---- submitting and ending ---------------------------------------------------------------- */

void io_submit(struct io_request *request)
{
    /* The request's own reference, which the completion thread puts. */
    struct device *device = device_get(request->device);
    request->done_bytes = 0;
    request->exact = request->alone = false;
    request->segment = 0;
    request->segment_offset = 0;
    request->submitted_us = time_now_us();
    request->submitter = thread_current();
    atomic_store(&request->state, REQUEST_ACTIVE);

    status_t shape = request_check_shape(request);
    if (!shape)
        carve_skip(request, request->skip_bytes);

    /* A stale generation is reported first: the new medium may have blocks of another size. The
     * second reference is for pump(), since the request may end inside it. */
    device_get(device);
    device_lock(device);
    status_t status = shape ? request_check_medium(device, request)
                            : request_admit(device, request);
    if (!status)
        status = shape;
    if (!status && request_is_supported(request)) {
        schedule_add(&device->drive->waiting, request);
        pump(device->drive);
    } else if (!status && request->op == IO_DISCARD) {
        io_complete(request, 0, request->length_bytes); /* only a hint, which may be ignored */
    } else {
        io_complete(request, status ? status : -EOPNOTSUPP, 0);
    }

    /* The request may have ended, and its memory may be freed. */
    device_unlock(device);
    device_put_later(device);
}

/* How a transfer ended, while its requests are settled. */
struct transfer_end {
    status_t status;
    uint32_t good;   /* bytes that are valid and not yet assigned to a request, */
    uint32_t length; /* of those that the transfer had */
    bool blamed;     /* a request has ended with the status */
    struct list ended; /* requests */
};

static void settle_end(struct device *device, struct transfer_end *end, struct io_request *request,
                       status_t status)
{
    statistics_count_request(&device->statistics, request, status);
    if (request_end(request, status, request->done_bytes))
        list_push_back(&end->ended, &request->link);
}

/* Settles a request whose piece failed. Returns false if it is to be repeated. */
static bool request_fail(struct device *device, const struct io_transfer *transfer,
                         struct transfer_end *end, struct io_request *request, bool merged)
{
    /* Of several requests only one may have the bad block: the first, if it is known where that
     * is, else each of them. Other errors are about the device or its medium, and thus of all. */
    if (merged && end->status == -EIO && (end->blamed || !transfer->exact)) {
        request->alone = !transfer->exact;
        return false;
    }

    /* Of a transfer of one block it is known which block failed. */
    request->exact = !end->blamed &&
                     (transfer->exact || transfer->length_bytes <= device->block_bytes);
    end->blamed = true;
    settle_end(device, end, request, end->status);
    return true;
}

/* Assigns a transfer's end to its requests, which end or wait again. Caller holds device_lock(). */
static void transfer_settle(struct device *device, struct io_transfer *transfer,
                            struct transfer_end *end)
{
    struct list again = LIST_INIT(again);
    bool merged = transfer->requests.next != transfer->requests.prev;
    for (struct list *link; (link = list_pop_front(&transfer->requests));) {
        struct io_request *request = container_of(link, struct io_request, link);
        uint64_t rest = request->length_bytes - request->done_bytes;
        uint32_t piece = (uint32_t)min(rest, end->length), good = min(piece, end->good);
        carve_skip(request, good);
        request->done_bytes += good;
        end->good -= good;
        end->length -= piece;

        /* An error is at least the last request's, even if all bytes were moved: a flush has
         * none. */
        bool failed = end->status && (good < piece || list_empty(&transfer->requests));
        bool ended = !failed && request->done_bytes == request->length_bytes;
        if (ended)
            settle_end(device, end, request, 0);
        else if (!failed || !request_fail(device, transfer, end, request, merged))
            list_push_front(&again, &request->link);
    }

    /* Before those that wait, in the same order, so that requests end in order. */
    for (struct list *link; (link = list_pop_front(&again));)
        schedule_put_back(&device->waiting, container_of(link, struct io_request, link));
}

/* Ends a transfer. `here`: calls back the requests that end with it. */
static void transfer_finish(struct io_transfer *transfer, status_t status, uint32_t done_bytes,
                            bool here)
{
    struct device *device = transfer->device;
    struct io_request *first = container_of(transfer->requests.next, struct io_request, link);
    uint32_t good = status ? done_bytes : transfer->length_bytes;
    kassert(transfer->busy && good <= transfer->length_bytes);

    /* The requests' references go when they end, but pump() still needs the device. */
    device_get(device);
    if (transfer->bounce_pages && transfer->op == IO_READ)
        carve_copy_back(transfer, first, good);

    /* If the medium was changed meanwhile, the bytes may be those of either: none is returned, and
     * the status is that of a new request. An error may also be the other medium's. */
    spin_lock(&device->queue_lock);
    if (transfer->generation != device->generation && transfer->op == IO_READ) {
        good = 0;
        if (!status)
            status = request_admit(first->device, first);
        else if (status != -ENOMEDIUM && status != -ENODEV)
            status = -ESTALE;
    }

    struct transfer_end end = { .status = status, .good = good, .length = transfer->length_bytes,
                                .ended = LIST_INIT(end.ended) };
    transfer_settle(device, transfer, &end);
    transfer_release(device, transfer);
    if (!here)
        requests_append(&end.ended);

    /* The device gets its next transfers first. */
    pump(device);
    spin_unlock(&device->queue_lock);
    if (here)
        requests_call_back(&end.ended);
    device_put_later(device);
}

void io_transfer_done(struct io_transfer *transfer, status_t status, uint32_t done_bytes)
{
    transfer_finish(transfer, status, done_bytes, false);
}

void io_transfer_finish(struct io_transfer *transfer, status_t status, uint32_t done_bytes)
{
    transfer_finish(transfer, status, done_bytes, true);
}

/* ---- waiting ------------------------------------------------------------------------------ */

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

    /* The request is on this stack, so the wait cannot be interrupted. */
    io_submit(&request);
    while (semaphore_down(&done, TIME_NEVER))
        ;
    if (done_bytes)
        *done_bytes = request.done_bytes;
    return request.status;
}

enum { ZEROES_BYTES = 64 * 1024 }; /* whole blocks of every size */

static status_t write_zeroes(const struct device_handle *handle, uint64_t offset_bytes,
                             uint64_t length_bytes)
{
    void *zeroes = mem_zalloc(ZEROES_BYTES);
    status_t status = zeroes ? 0 : -ENOMEM;
    for (uint64_t done = 0, piece; !status && done < length_bytes; done += piece) {
        uint64_t rest = length_bytes - done;
        piece = min(rest, ZEROES_BYTES);
        status = io_wait(handle, IO_WRITE, offset_bytes + done, zeroes, piece, NULL);
    }
    mem_free(zeroes);
    return status;
}

status_t io_zero(const struct device_handle *handle, uint64_t offset_bytes, uint64_t length_bytes)
{
    status_t status = io_wait(handle, IO_ZERO, offset_bytes, NULL, length_bytes, NULL);

    /* A device may also refuse one range that it would have to write. */
    return status == -EOPNOTSUPP ? write_zeroes(handle, offset_bytes, length_bytes) : status;
}
