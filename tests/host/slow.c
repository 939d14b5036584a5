/*
 * slow.c - a disk whose transfers the test ends.
 */
#include "tests/host/slow.h"

#include <string.h>

#include "kernel/sched/sync.h"
#include "lib/macros.h"

struct slow slow = { .lock = SPIN_INIT(RANK_DEVICE) };

static void slow_start(struct device *device, struct io_transfer *transfer)
{
    (void)device;
    spin_lock(&slow.lock);
    kassert(transfer->index < ARRAY_LENGTH(slow.in_flight) && !slow.in_flight[transfer->index]);
    memset(transfer->driver_data, (int)transfer->index, 40);
    slow.in_flight[transfer->index] = transfer;
    slow.count++;
    slow.started++;
    spin_unlock(&slow.lock);
}

/* Ends a transfer: it fails if it has the bad block. */
static void slow_answer(struct io_transfer *transfer)
{
    uint64_t first = transfer->offset_bytes / BLOCK, blocks = transfer->length_bytes / BLOCK;
    bool bad = slow.bad_block >= first && slow.bad_block - first < blocks;
    slow.longest = max(slow.longest, blocks);
    slow.last_end = first + blocks;
    transfer->exact = bad && slow.names_bad;
    io_transfer_done(transfer, bad ? slow.error : 0,
                     bad && slow.names_bad ? (uint32_t)(slow.bad_block - first) * BLOCK : 0);
}

/* Ends one of the transfers in flight, if there is one with an index from `from` on. */
bool slow_end(unsigned from)
{
    struct io_transfer *transfer = NULL;
    spin_lock(&slow.lock);
    while (from < IO_DEPTH_MAX && !(transfer = slow.in_flight[from]))
        from++;
    if (transfer) {
        slow.in_flight[from] = NULL;
        slow.count--;

        /* The driver's data of transfers in flight do not overlap. */
        for (unsigned i = 0; i < 40; i++)
            kassert(((uint8_t *)transfer->driver_data)[i] == (uint8_t)from);
    }
    spin_unlock(&slow.lock);
    if (transfer)
        slow_answer(transfer);
    return transfer;
}

void slow_end_all(void)
{
    while (slow_end(0))
        ;
}

const struct device_ops slow_ops = { .start = slow_start };

void slow_create(struct io_limits limits)
{
    kassert(io_start() == 0 && device_start() == 0);
    slow.started = 0;
    slow.longest = 0;
    slow.bad_block = UINT64_MAX;
    slow.error = -EIO;
    slow.device = device_create(NULL, &(struct device_description){
        .name = "slow", .ops = &slow_ops, .device_class = &class_disk, .limits = limits,
        .driver_data_bytes = 40,
    });
    kassert(slow.device && device_publish(slow.device) == 0);
    device_set_medium(slow.device, DISK_BLOCKS * BLOCK);
}

void slow_destroy(void)
{
    device_remove(slow.device);
    device_put(slow.device);
    device_stop();
    io_stop();
}

/* ---- requests ----------------------------------------------------------------------------- */

struct io_request requests[MANY];
struct io_segment segments[MANY];
static struct semaphore ended;

void request_complete(struct io_request *request)
{
    kassert((request->status == 0) == (request->done_bytes == request->length_bytes) ||
            request->op == IO_FLUSH);
    semaphore_up(&ended);
}

void wait_for(unsigned count)
{
    while (count--)
        while (semaphore_down(&ended, TIME_NEVER))
            ;
}

void submit_op(enum io_op op, unsigned n, uint64_t block, uint32_t blocks)
{
    kassert(blocks * BLOCK <= PAGE_BYTES);
    segments[n].length_bytes = blocks * BLOCK;
    requests[n] = (struct io_request){
        .device = slow.device, .op = op, .generation = device_medium(slow.device).generation,
        .offset_bytes = block * BLOCK, .length_bytes = blocks * BLOCK,
        .segments = &segments[n], .segment_count = 1, .complete = request_complete,
    };
    io_submit(&requests[n]);
}

/* Submits a read of the n-th request's memory, a page. */
void submit(unsigned n, uint64_t block, uint32_t blocks)
{
    submit_op(IO_READ, n, block, blocks);
}

void requests_create(void)
{
    semaphore_init(&ended, 0);
    for (unsigned i = 0; i < MANY; i++)
        kassert((segments[i].address = page_alloc()));
}

void requests_destroy(void)
{
    for (unsigned i = 0; i < MANY; i++)
        page_free(segments[i].address);
}
