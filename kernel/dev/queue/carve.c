/*
 * carve.c - cuts the next transfer out of a request; see carve.h.
 */
#include "kernel/dev/queue/carve.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { TRANSFER_BYTES_MAX = 1 << 30 }; /* without a limit of the device: fits in 32 bits */

static bool segment_reachable(const struct io_limits *limits, const struct io_segment *segment)
{
    if (limits->highest_address &&
        mem_physical(segment->address) + segment->length_bytes - 1 > limits->highest_address)
        return false;

    /* Both ends count: a device that moves words cannot end in the middle of one. An address and
     * its physical one have the same place in a page. */
    uint32_t align = limits->segment_align;
    return !align ||
           ((uintptr_t)segment->address % align == 0 && segment->length_bytes % align == 0);
}

/* Returns whether the bytes follow the segment directly, in physical memory too. */
static bool segment_continues(const struct io_segment *last, const void *address, uint32_t bytes)
{
    size_t together = (size_t)last->length_bytes + bytes;
    return (char *)last->address + last->length_bytes == address &&
           mem_contiguous(last->address, together) == together;
}

/* Returns whether a device with inner_align takes these two segments, one after the other. */
static bool segments_adjoin(const struct io_limits *limits, const struct io_segment *last,
                            const void *address)
{
    uint32_t align = limits->inner_align;
    return !align || (((uintptr_t)last->address + last->length_bytes) % align == 0 &&
                      (uintptr_t)address % align == 0);
}

/* Appends memory to the transfer's list; extends the last segment where possible. False: the list
 * is full, or the memory cannot follow. */
static bool transfer_append(struct io_transfer *transfer, void *address, uint32_t bytes,
                            const struct io_limits *limits)
{
    struct io_segment *last =
        transfer->segment_count ? &transfer->segments[transfer->segment_count - 1] : NULL;

    /* Joined segments leave more of the list for others, so that transfers become longer. */
    if (last && segment_continues(last, address, bytes)) {
        last->length_bytes += bytes;
    } else {
        if (transfer->segment_count == limits->segment_count ||
            (last && !segments_adjoin(limits, last, address)))
            return false;
        transfer->segments[transfer->segment_count++] =
            (struct io_segment){ .address = address, .length_bytes = bytes };
    }
    transfer->length_bytes += bytes;
    return true;
}

/* Appends a segment from byte `skip`, in physically contiguous pieces, until the transfer has
 * `most` bytes. False: the list is full, or the memory cannot follow. */
static bool transfer_append_segment(struct io_transfer *transfer, const struct io_segment *segment,
                                    uint32_t skip, uint64_t most, const struct io_limits *limits)
{
    while (skip < segment->length_bytes && transfer->length_bytes < most) {
        uint64_t take = segment->length_bytes - skip, room = most - transfer->length_bytes;
        char *address = (char *)segment->address + skip;
        take = mem_contiguous(address, min(take, room));
        if (!transfer_append(transfer, address, (uint32_t)take, limits))
            return false;
        skip += (uint32_t)take;
    }
    return true;
}

/* Shortens the list to `bytes`. */
static void transfer_trim(struct io_transfer *transfer, uint32_t bytes)
{
    while (transfer->length_bytes > bytes) {
        struct io_segment *last = &transfer->segments[transfer->segment_count - 1];
        uint32_t excess = transfer->length_bytes - bytes;
        uint32_t cut = min(excess, last->length_bytes);
        last->length_bytes -= cut;
        transfer->length_bytes -= cut;
        if (!last->length_bytes)
            transfer->segment_count--;
    }
}

/* Appends up to `most` bytes of the rest of the request, as far as the device takes them at once:
 * whole blocks, except that a last piece ends where the request does, which may be where the medium
 * does. */
static void transfer_collect(struct io_transfer *transfer, const struct io_request *request,
                             uint32_t most, const struct carve_limits *limits)
{
    uint32_t before = transfer->length_bytes;

    /* Continue in the middle of the segment where the last transfer ended. */
    uint32_t skip = request->segment_offset;
    for (unsigned i = request->segment; transfer->length_bytes < before + most; i++, skip = 0)
        if (!transfer_append_segment(transfer, &request->segments[i], skip, before + most,
                                     limits->device))
            break;

    uint32_t piece = transfer->length_bytes - before;
    if (piece < request->length_bytes - request->done_bytes)
        transfer_trim(transfer, before + (piece - piece % limits->block_bytes));
}

/* Copies between the request's memory, from its current place, and the transfer's. */
static void transfer_copy(const struct io_transfer *transfer, const struct io_request *request,
                          uint32_t bytes, bool to_request)
{
    unsigned i = request->segment, j = 0;
    uint32_t i_offset = request->segment_offset, j_offset = 0;

    /* The two lists are divided differently: each step copies up to the end of one segment. */
    while (bytes) {
        const struct io_segment *theirs = &request->segments[i], *ours = &transfer->segments[j];
        uint32_t their_rest = theirs->length_bytes - i_offset;
        uint32_t our_rest = ours->length_bytes - j_offset;
        uint32_t count = min(their_rest, our_rest);
        count = min(count, bytes);

        char *their = (char *)theirs->address + i_offset, *our = (char *)ours->address + j_offset;
        memcpy(to_request ? their : our, to_request ? our : their, count);

        bytes -= count;
        i_offset += count;
        j_offset += count;
        if (i_offset == theirs->length_bytes)
            i++, i_offset = 0;
        if (j_offset == ours->length_bytes)
            j++, j_offset = 0;
    }
}

/* Lists bounce pages for up to `most` bytes of the rest of the request. -EAGAIN: none is free. */
static status_t transfer_bounce(struct io_transfer *transfer, const struct io_request *request,
                                uint32_t most, const struct carve_limits *limits)
{
    unsigned pages = min(limits->bounce_most, limits->device->segment_count);
    uint32_t free = limits->bounce_free;
    if (!free)
        return -EAGAIN;

    transfer->segment_count = 0;
    transfer->length_bytes = 0;
    for (; free && transfer->segment_count < pages && transfer->length_bytes < most;
         free &= free - 1) {
        unsigned page = (unsigned)__builtin_ctz(free);
        uint32_t rest = most - transfer->length_bytes;
        transfer->bounce_pages |= 1u << page;
        transfer->segments[transfer->segment_count++] = (struct io_segment){
            .address = limits->bounce[page],
            .length_bytes = min(rest, PAGE_BYTES),
        };
        transfer->length_bytes += min(rest, PAGE_BYTES);
    }

    /* A block is not longer than a page, so one page is enough for progress. */
    if (transfer->length_bytes < request->length_bytes - request->done_bytes)
        transfer_trim(transfer,
                      transfer->length_bytes - transfer->length_bytes % limits->block_bytes);
    if (transfer->op == IO_WRITE)
        transfer_copy(transfer, request, transfer->length_bytes, false);
    return 0;
}

/* Returns the length of the device's longest transfer for an operation. */
static uint32_t transfer_longest(const struct io_limits *limits, enum io_op op)
{
    uint32_t most = op == IO_DISCARD ? limits->discard_bytes
                    : op == IO_ZERO  ? limits->zero_bytes
                                     : limits->transfer_bytes;
    return !most || most > TRANSFER_BYTES_MAX ? TRANSFER_BYTES_MAX : most;
}

/* Returns how much of the request fits into the rest of the longest transfer. */
static uint32_t transfer_room(const struct io_transfer *transfer, const struct io_request *request,
                              const struct carve_limits *limits)
{
    uint64_t rest = request->length_bytes - request->done_bytes;
    uint32_t most = transfer_longest(limits->device, request->op);
    most -= min(most, transfer->length_bytes);
    return (uint32_t)min(most, rest);
}

/* Returns whether the device reaches the segments from number `first` on. */
static bool transfer_reachable(const struct io_transfer *transfer, unsigned first,
                               const struct carve_limits *limits)
{
    for (unsigned i = first; limits->bounce && i < transfer->segment_count; i++)
        if (!segment_reachable(limits->device, &transfer->segments[i]))
            return false;
    return true;
}

/* Sets the length of a transfer that has a range, but no memory. */
static void transfer_cover(struct io_transfer *transfer, const struct io_request *request,
                           uint32_t most, const struct carve_limits *limits)
{
    transfer->length_bytes = most;
    if (most == request->length_bytes - request->done_bytes)
        return;
    transfer->length_bytes -= most % limits->block_bytes;

    /* A device that frees its space in larger units would ignore the parts of a unit that two
     * transfers share. */
    uint32_t align = request->op == IO_DISCARD ? limits->device->discard_align : 0;
    uint64_t end = limits->base_bytes + transfer->offset_bytes + transfer->length_bytes;
    if (align && align % limits->block_bytes == 0 && end % align < transfer->length_bytes)
        transfer->length_bytes -= (uint32_t)(end % align);
}

status_t carve(struct io_transfer *transfer, struct io_request *request,
               const struct carve_limits *limits)
{
    transfer->op = request->op;
    transfer->generation = request->generation;
    transfer->offset_bytes = request->offset_bytes + request->done_bytes;
    transfer->length_bytes = 0;
    transfer->segment_count = 0;
    transfer->bounce_pages = 0;
    transfer->exact = false;

    uint32_t most = transfer_room(transfer, request, limits);
    if (!io_op_moves(request->op)) {
        transfer_cover(transfer, request, most, limits);
        return 0;
    }
    transfer_collect(transfer, request, most, limits);

    /* One segment out of reach bounces the whole transfer: a mixture of both kinds of memory would
     * save little, and complicate the copy. */
    bool fits = transfer->length_bytes;
    if (!limits->bounce)
        return fits ? 0 : -EINVAL;
    return fits && transfer_reachable(transfer, 0, limits)
               ? 0
               : transfer_bounce(transfer, request, most, limits);
}

bool carve_join(struct io_transfer *transfer, const struct io_request *request,
                const struct carve_limits *limits)
{
    if (request->op == IO_FLUSH)
        return true;
    if (transfer->bounce_pages)
        return false;

    /* The last segment may grow, so it is remembered too. */
    unsigned count = transfer->segment_count;
    uint32_t length = transfer->length_bytes;
    transfer_collect(transfer, request, transfer_room(transfer, request, limits), limits);
    if (transfer->length_bytes > length && transfer_reachable(transfer, count - 1, limits))
        return true;

    transfer_trim(transfer, length);
    return false;
}

void carve_copy_back(const struct io_transfer *transfer, const struct io_request *request,
                     uint32_t bytes)
{
    transfer_copy(transfer, request, bytes, true);
}

void carve_skip(struct io_request *request, uint64_t bytes)
{
    if (!io_op_moves(request->op))
        return;
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
