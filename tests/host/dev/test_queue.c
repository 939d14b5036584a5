/*
 * test_queue.c - promise: a device has as many transfers in flight as its depth and the memory
 * allow, each with an index of its own (io.h). For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/port/host.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/rig.h"

enum { BLOCK = 512, DISK_BLOCKS = 4096 };

/* A disk whose transfers stay in flight until the test ends them. */
static struct {
    struct device *device;
    struct spin lock; /* all below */
    struct io_transfer *in_flight[IO_DEPTH_MAX]; /* by index */
    unsigned count, started;
} slow = { .lock = SPIN_INIT(RANK_DEVICE) };

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

/* Ends one of the transfers in flight, if there is one with an index from `from` on. */
static bool slow_end(unsigned from)
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
        io_transfer_done(transfer, 0, 0);
    return transfer;
}

static const struct device_ops slow_ops = { .start = slow_start };

static void slow_create(struct io_limits limits)
{
    kassert(io_start() == 0 && device_start() == 0);
    slow.started = 0;
    slow.device = device_create(NULL, &(struct device_description){
        .name = "slow", .ops = &slow_ops, .device_class = &class_disk, .limits = limits,
        .driver_data_bytes = 40,
    });
    kassert(slow.device && device_publish(slow.device) == 0);
    device_set_medium(slow.device, DISK_BLOCKS * BLOCK);
}

static void slow_destroy(void)
{
    device_remove(slow.device);
    device_put(slow.device);
    device_stop();
    io_stop();
}

/* ---- requests ----------------------------------------------------------------------------- */

enum { MANY = 300 };

static struct io_request requests[MANY];
static struct io_segment segments[MANY];
static struct semaphore ended;

static void request_complete(struct io_request *request)
{
    kassert(request->status == 0 && request->done_bytes == request->length_bytes);
    semaphore_up(&ended);
}

/* Submits a read of the n-th request's memory, a page. */
static void submit(unsigned n, uint64_t block, uint32_t blocks)
{
    kassert(blocks * BLOCK <= PAGE_BYTES);
    segments[n].length_bytes = blocks * BLOCK;
    requests[n] = (struct io_request){
        .device = slow.device, .op = IO_READ, .generation = device_medium(slow.device).generation,
        .offset_bytes = block * BLOCK, .length_bytes = blocks * BLOCK,
        .segments = &segments[n], .segment_count = 1, .complete = request_complete,
    };
    io_submit(&requests[n]);
}

static void requests_create(void)
{
    semaphore_init(&ended, 0);
    for (unsigned i = 0; i < MANY; i++)
        kassert((segments[i].address = page_alloc()));
}

static void requests_destroy(void)
{
    for (unsigned i = 0; i < MANY; i++)
        page_free(segments[i].address);
}

/* Submits many requests that are not adjacent, ends them in a random order, and returns how many
 * were in flight at most. */
static unsigned flood(void)
{
    unsigned highest = 0;
    for (unsigned i = 0; i < MANY; i++)
        submit(i, i * 10 % DISK_BLOCKS, 1);
    do
        highest = max(highest, slow.count);
    while (slow_end((unsigned)(rig_random() % IO_DEPTH_MAX)) || slow_end(0));
    for (unsigned i = 0; i < MANY; i++)
        while (semaphore_down(&ended, TIME_NEVER))
            ;
    kassert(slow.started == MANY);
    return highest;
}

/* ---- depth -------------------------------------------------------------------------------- */

static void depth_body(void *argument)
{
    (void)argument;
    requests_create();
    slow_create((struct io_limits){ .block_bytes = BLOCK, .depth = IO_DEPTH_MAX });
    kassert(flood() == IO_DEPTH_MAX);
    slow_destroy();

    slow_create((struct io_limits){ .block_bytes = BLOCK, .depth = 7 });
    kassert(flood() == 7);
    slow_destroy();
    requests_destroy();
}

static void test_depth(void **state)
{
    (void)state;
    rig_run(depth_body, NULL, 10);
}

/* A machine of 4 MiB: fewer transfers, but more than one. */
static void small_body(void *argument)
{
    (void)argument;
    size_t pages = page_total_count();
    requests_create();
    host_memory_limit(4 << 20);
    size_t before = mem_used_bytes();
    slow_create((struct io_limits){ .block_bytes = BLOCK, .depth = IO_DEPTH_MAX });
    kassert(mem_used_bytes() - before < 32 << 10);
    unsigned highest = flood();
    kassert(highest >= 4 && highest < 16);
    slow_destroy();
    host_memory_limit(pages * PAGE_BYTES);
    requests_destroy();
}

static void test_small_memory(void **state)
{
    (void)state;
    rig_run(small_body, NULL, 4);
}

/* More transfers need bounce pages than there are pages: the rest wait for them. */
static void bounced_body(void *argument)
{
    (void)argument;
    requests_create();
    slow_create((struct io_limits){ .block_bytes = BLOCK, .segment_align = 4,
                                    .depth = IO_DEPTH_MAX });
    for (unsigned i = 0; i < MANY; i++)
        segments[i].address = (char *)segments[i].address + 1;
    unsigned highest = flood();
    kassert(highest >= 4 && highest <= 32);
    for (unsigned i = 0; i < MANY; i++)
        segments[i].address = (char *)segments[i].address - 1;
    slow_destroy();
    requests_destroy();
}

static void test_bounced(void **state)
{
    (void)state;
    rig_run(bounced_body, NULL, 10);
}

/* Publishing allocates all the memory, or fails and frees it. */
static void publish_body(void *argument)
{
    (void)argument;
    kassert(io_start() == 0 && device_start() == 0);
    host_set_high_memory(true);
    bool more = true;
    for (unsigned long n = 1; more; n++) {
        struct device *device = device_create(NULL, &(struct device_description){
            .name = "slow", .ops = &slow_ops, .driver_data_bytes = 40,
            .limits = { .block_bytes = BLOCK, .highest_address = 1u << 31 },
        });
        host_fail_nth_allocation(n);
        status_t status = device_publish(device);
        more = host_failure_happened();
        host_fail_nth_allocation(0);
        kassert(status == (more ? -ENOMEM : 0));
        device_remove(device);
        device_put(device);
    }
    host_set_high_memory(false);
    device_stop();
    io_stop();
}

static void test_publish(void **state)
{
    (void)state;
    rig_run(publish_body, NULL, 1);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_small_memory),
        cmocka_unit_test(test_bounced),
        cmocka_unit_test(test_publish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
