/*
 * faulty.c - a disk over a memory image that fails as a test demands: see faulty.h.
 */
#include <stdio.h>
#include <string.h>

#include "tests/host/faulty.h"
#include "host/port/run.h"
#include "lib/macros.h"

#pragma weak sim_random

struct io_limits faulty_limits(void)
{
    return (struct io_limits){ .block_bytes = 512 };
}

/* ---- checking transfers against the limits ------------------------------------------------ */

static void check_segment(const struct io_limits *limits, const struct io_segment *segment)
{
    kassert(segment->length_bytes > 0);
    uint64_t first = limits->highest_address || limits->segment_align
                         ? mem_physical(segment->address) : 0;
    if (limits->highest_address)
        kassert(first + segment->length_bytes - 1 <= limits->highest_address);
    if (limits->segment_align)
        kassert(first % limits->segment_align == 0 &&
                segment->length_bytes % limits->segment_align == 0);
}

static void check_transfer(const struct io_transfer *transfer)
{
    const struct io_limits *limits = &((struct faulty *)device_private(transfer->device))->limits;
    uint64_t sum = 0;
    kassert(transfer->segment_count <= limits->segment_count);
    kassert(transfer->index < max(limits->depth, 1));
    for (unsigned i = 0; i < transfer->segment_count; i++) {
        check_segment(limits, &transfer->segments[i]);
        sum += transfer->segments[i].length_bytes;

        /* Where two segments meet. */
        if (limits->inner_align && i)
            kassert((uintptr_t)transfer->segments[i].address % limits->inner_align == 0);
        if (limits->inner_align && i + 1 < transfer->segment_count)
            kassert(((uintptr_t)transfer->segments[i].address +
                     transfer->segments[i].length_bytes) % limits->inner_align == 0);
    }
    kassert(sum == transfer->length_bytes);
    if (transfer->op == IO_FLUSH)
        return;
    kassert(sum > 0 && sum % limits->block_bytes == 0);
    kassert(transfer->offset_bytes % limits->block_bytes == 0);
    kassert(!limits->transfer_bytes || sum <= limits->transfer_bytes);
}

/* Stored in io_transfer.driver_data while the transfer waits. */
struct faulty_entry {
    struct list link;
    struct io_transfer *transfer;
};

/* ---- completing transfers ----------------------------------------------------------------- */

/* Copies the bytes [from, to) of the transfer between its segments and the image, or overwrites
 * that memory with 0xee. */
static void copy(struct faulty *faulty, struct io_transfer *transfer, uint32_t from, uint32_t to,
                 bool scribble)
{
    uint32_t at = 0;
    for (unsigned i = 0; i < transfer->segment_count; i++) {
        uint32_t length = transfer->segments[i].length_bytes;
        uint32_t first = max(from, at), end = min(to, at + length);
        if (first < end) {
            char *memory = (char *)transfer->segments[i].address + (first - at);
            uint8_t *image = faulty->image + transfer->offset_bytes + first;
            if (scribble)
                memset(memory, 0xee, end - first);
            else if (transfer->op == IO_READ)
                memcpy(memory, image, end - first);
            else
                memcpy(image, memory, end - first);
        }
        at += length;
    }
}

/* Returns how many bytes of a read or write succeed. The caller holds the lock. */
static uint32_t good_bytes(struct faulty *faulty, struct io_transfer *transfer)
{
    uint64_t offset = transfer->offset_bytes, end = offset + transfer->length_bytes;
    bool reads = transfer->op == IO_READ;
    unsigned long *nth = reads ? &faulty->fail_nth : &faulty->fail_nth_write;
    if (*nth && --*nth == 0)
        return 0;
    if (offset >= faulty->bad_to || end <= faulty->bad_from || (!reads && !faulty->bad_writes))
        return transfer->length_bytes;

    /* The whole blocks before the first bad byte succeed, unless the device is vague. */
    faulty->bad_reads += reads;
    transfer->exact = !faulty->vague;
    if (faulty->vague)
        return 0;
    uint64_t good = faulty->bad_from > offset ? faulty->bad_from - offset : 0;
    return (uint32_t)(good - good % device_block_bytes(transfer->device));
}

static void serve(struct faulty *faulty, struct io_transfer *transfer)
{
    uint32_t length = transfer->length_bytes, good = length;

    /* The lock keeps the medium: faulty_change() may replace it while the transfer waits. */
    spin_lock(&faulty->lock);
    bool inside = transfer->offset_bytes + length <= device_medium(transfer->device).bytes;
    if (transfer->op != IO_FLUSH)
        good = inside ? good_bytes(faulty, transfer) : 0;
    if (faulty->image && inside && transfer->op != IO_FLUSH)
        copy(faulty, transfer, 0, good, false);
    if (faulty->image && faulty->scribbles && good < length && transfer->op == IO_READ)
        copy(faulty, transfer, good, length, true);
    status_t status = good == length ? 0 : faulty->error ? faulty->error : -EIO;
    if (!inside)
        status = -ENOMEDIUM; /* the medium was replaced by a shorter one */
    spin_unlock(&faulty->lock);
    io_transfer_done(transfer, status, good);
}

static void faulty_main(void *argument)
{
    struct faulty *faulty = argument;
    for (;;) {
        spin_lock(&faulty->lock);
        while (((list_empty(&faulty->transfers) || atomic_load(&faulty->held))) &&
               !faulty->stopping)
            IGNORE(wait_queue_wait(&faulty->arrival, &faulty->lock, TIME_NEVER));
        struct list *link = list_pop_front(&faulty->transfers);
        spin_unlock(&faulty->lock);
        if (!link)
            return;

        /* Let other threads run between start() and the completion. */
        thread_yield();
        serve(faulty, container_of(link, struct faulty_entry, link)->transfer);
    }
}

/* Leaves the transfer to the thread. Returns false if it is to be completed at once. */
static bool queue(struct faulty *faulty, struct io_transfer *transfer)
{
    struct faulty_entry *entry = transfer->driver_data;
    entry->transfer = transfer;
    spin_lock(&faulty->lock);
    bool late = faulty->manner == FAULTY_LATE;
    if (faulty->manner == FAULTY_MIXED)
        late = run_is_simulated() ? sim_random() % 2 : ++faulty->flips % 3 == 0;
    late = late && !faulty->stopping;
    if (late) {
        list_push_back(&faulty->transfers, &entry->link);
        wait_queue_wake_one(&faulty->arrival);
    }
    spin_unlock(&faulty->lock);
    return late;
}

static void faulty_start(struct device *device, struct io_transfer *transfer)
{
    struct faulty *faulty = device_private(device);
    check_transfer(transfer);
    atomic_fetch_add(transfer->op == IO_READ ? &faulty->reads : transfer->op == IO_WRITE
                         ? &faulty->writes : &faulty->flushes, 1);
    atomic_fetch_add(&faulty->bytes, transfer->length_bytes);
    if (!queue(faulty, transfer))
        serve(faulty, transfer);
}

/* ---- the device --------------------------------------------------------------------------- */

static void faulty_free(struct device *device)
{
    mem_free(device_private(device));
}

static const struct device_ops faulty_ops = { .start = faulty_start, .destroy = faulty_free };

struct faulty *faulty_create(unsigned n, void *image, uint64_t bytes, struct io_limits limits,
                             enum faulty_manner manner)
{
    char name[16];
    struct faulty *faulty = mem_zalloc(sizeof(*faulty));
    snprintf(name, sizeof(name), "faulty%u", n);
    kassert(faulty != NULL);
    spin_init(&faulty->lock, RANK_DEVICE);
    list_init(&faulty->transfers);
    wait_queue_init(&faulty->arrival);
    faulty->limits = limits;
    if (!limits.segment_count)
        faulty->limits.segment_count = IO_SEGMENTS_MAX;
    faulty->image = image;
    faulty->manner = manner;
    struct device *device = device_create(NULL, &(struct device_description){
        .name = name,
        .ops = &faulty_ops,
        .private_data = faulty,
        .device_class = &class_disk,
        .limits = limits,
        .driver_data_bytes = sizeof(struct faulty_entry),
    });
    kassert(device != NULL);
    faulty->device = device;
    if (bytes)
        device_set_medium(device, bytes);
    faulty->worker = thread_create("faulty", PRIORITY_IO, faulty_main, faulty);
    kassert(faulty->worker != NULL);
    kassert(device_publish(device) == 0);
    return faulty;
}

void faulty_write_protect(struct faulty *faulty)
{
    struct device_traits traits = device_traits(faulty->device);
    traits.read_only = true;
    device_set_traits(faulty->device, &traits);
}

void faulty_destroy(struct faulty *faulty)
{
    device_remove(faulty->device);
    spin_lock(&faulty->lock);
    faulty->stopping = true;
    wait_queue_wake_all(&faulty->arrival);
    spin_unlock(&faulty->lock);
    thread_join(faulty->worker);
    device_put(faulty->device);
}

void faulty_hold(struct faulty *faulty, bool held)
{
    spin_lock(&faulty->lock);
    atomic_store(&faulty->held, held);
    wait_queue_wake_all(&faulty->arrival);
    spin_unlock(&faulty->lock);
}

void faulty_change(struct faulty *faulty, void *image, uint64_t bytes)
{
    spin_lock(&faulty->lock);
    faulty->image = image;
    if (image)
        device_set_medium(faulty->device, bytes);
    else
        device_clear_medium(faulty->device);
    spin_unlock(&faulty->lock);
}
