/*
 * test_queue.c - promise: a device has as many transfers in flight as its depth and the memory
 * allow, each with an index of its own; requests that continue each other are merged, and end each
 * by itself; threads take turns (io.h, schedule.h). For both back ends.
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
#include "tests/host/slow.h"

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
    wait_for(MANY);
    kassert(slow.started == MANY);
    for (unsigned i = 0; i < MANY; i++)
        kassert(requests[i].status == 0);
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

/* ---- merging ------------------------------------------------------------------------------ */

enum { STREAM = 8 };

/* Submits reads of 2 blocks each, which continue each other, while another read is in flight, so
 * that they wait; ends all. Returns how many transfers it took. */
static unsigned stream(struct io_limits limits, uint64_t bad_block, bool names_bad, status_t error)
{
    limits.block_bytes = BLOCK;
    slow_create(limits);
    slow.bad_block = bad_block;
    slow.names_bad = names_bad;
    slow.error = error;
    submit(STREAM, 3000, 1);

    /* Between them, one that does not continue any. */
    for (unsigned i = 0; i < STREAM; i++) {
        submit(i, 100 + 2 * i, 2);
        if (i == 3)
            submit(STREAM + 1, 2000, 1);
    }
    slow_end_all();
    wait_for(STREAM + 2);
    kassert(!requests[STREAM].status && !requests[STREAM + 1].status);
    unsigned transfers = slow.started - 2;
    slow_destroy();
    return transfers;
}

/* Checks that of the stream only the requests [from, to) failed, and with which status. */
static void check_failed(unsigned from, unsigned to, status_t status, bool exact)
{
    for (unsigned i = 0; i < STREAM; i++) {
        bool failed = i >= from && i < to;
        kassert(requests[i].status == (failed ? status : 0));
        kassert(!failed || requests[i].exact == exact);
    }
}

static void merging_body(void *argument)
{
    (void)argument;
    requests_create();

    /* As many as the limits allow. */
    kassert(stream((struct io_limits){ 0 }, UINT64_MAX, false, -EIO) == 1);
    kassert(slow.longest == 2 * STREAM);
    check_failed(0, 0, 0, false);
    kassert(stream((struct io_limits){ .segment_count = 2 }, UINT64_MAX, false, -EIO) == 4);
    kassert(stream((struct io_limits){ .transfer_bytes = 3072 }, UINT64_MAX, false, -EIO) == 3);
    kassert(slow.longest == 6);

    /* A request that is divided between two transfers is repeated in part only. */
    kassert(stream((struct io_limits){ .transfer_bytes = 2560 }, UINT64_MAX, false, -EIO) == 4);
    check_failed(0, 0, 0, false);

    /* The driver names the bad block: the requests before it have succeeded, those after it are
     * repeated together. */
    kassert(stream((struct io_limits){ 0 }, 107, true, -EIO) == 2);
    check_failed(3, 4, -EIO, true);
    kassert(requests[3].done_bytes == BLOCK);

    /* The driver does not: each is repeated by itself. */
    kassert(stream((struct io_limits){ 0 }, 107, false, -EIO) == 1 + STREAM);
    check_failed(3, 4, -EIO, false);
    kassert(requests[3].done_bytes == 0);

    /* Other errors are those of all requests: nothing is repeated. */
    kassert(stream((struct io_limits){ 0 }, 107, false, -ETIMEDOUT) == 1);
    check_failed(0, STREAM, -ETIMEDOUT, false);
    requests_destroy();
}

static void test_merging(void **state)
{
    (void)state;
    rig_run(merging_body, NULL, 4);
}

/* Random streams of random lengths, on a disk with a bad place: exactly the requests that have it
 * fail, and all others get their bytes. */
static void random_body(void *argument)
{
    (void)argument;
    enum { COUNT = 60 };
    static uint8_t image[DISK_BLOCKS * BLOCK];
    for (size_t i = 0; i < sizeof(image); i++)
        image[i] = (uint8_t)(i * 7 + (i >> 9) * 13);
    kassert(io_start() == 0 && device_start() == 0);
    requests_create();
    struct faulty *faulty = faulty_create(0, image, sizeof(image), (struct io_limits){
        .block_bytes = BLOCK,
        .transfer_bytes = (uint32_t)(1 + rig_random() % 40) * 1000,
        .segment_count = (unsigned)(1 + rig_random() % 9),
        .depth = (unsigned)(1 + rig_random() % 3),
    }, FAULTY_LATE);
    slow.device = faulty->device;
    faulty->vague = rig_random() % 2;
    faulty->bad_from = rig_random() % (COUNT * 4) * BLOCK;
    faulty->bad_to = faulty->bad_from + rig_random() % 5 * BLOCK;
    if (faulty->bad_from == faulty->bad_to)
        faulty->bad_from = faulty->bad_to = 0;

    faulty_hold(faulty, true);
    uint64_t block = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        uint32_t blocks = (uint32_t)(1 + rig_random() % 8);
        submit(i, block, blocks);
        block += blocks + (rig_random() % 10 == 0);
    }
    faulty_hold(faulty, false);
    wait_for(COUNT);

    for (unsigned i = 0; i < COUNT; i++) {
        const struct io_request *request = &requests[i];
        uint64_t from = request->offset_bytes, to = from + request->length_bytes;
        bool bad = from < faulty->bad_to && to > faulty->bad_from;
        kassert(request->status == (bad ? -EIO : 0));
        kassert(!bad || from + request->done_bytes <= max(faulty->bad_from, from));
        kassert(!bad || !request->exact || request->length_bytes == BLOCK ||
                from + request->done_bytes == max(faulty->bad_from, from));
        kassert(!memcmp(segments[i].address, image + from, request->done_bytes));
    }
    faulty_destroy(faulty);
    device_stop();
    io_stop();
    requests_destroy();
}

static void test_random(void **state)
{
    (void)state;
    rig_run(random_body, NULL, 60);
}

/* Requests of another kind, or for another medium, are not merged; flushes are. */
static void unlike_body(void *argument)
{
    (void)argument;
    requests_create();
    slow_create((struct io_limits){ .block_bytes = BLOCK });
    submit(0, 3000, 1);
    submit(1, 10, 1);
    submit_op(IO_WRITE, 2, 11, 1);
    submit_op(IO_FLUSH, 3, 0, 0);
    submit_op(IO_FLUSH, 4, 0, 0);
    slow_end_all();
    wait_for(5);
    kassert(slow.started == 4);

    /* The medium changes while requests wait: those of the old one fail. */
    submit(0, 3000, 1);
    submit(1, 10, 1);
    device_set_medium(slow.device, DISK_BLOCKS * BLOCK);
    submit(2, 11, 1);
    slow_end_all();
    wait_for(3);
    kassert(requests[0].status == -ESTALE && requests[1].status == -ESTALE);
    kassert(requests[2].status == 0 && slow.last_end == 12);

    /* The device is removed while a merged write is in flight: what would be repeated ends. */
    submit(0, 3000, 1);
    submit_op(IO_WRITE, 1, 10, 1);
    submit_op(IO_WRITE, 2, 11, 1);
    kassert(slow_end(0));
    slow.bad_block = 10;
    device_remove(slow.device);
    slow_end_all();
    wait_for(3);
    kassert(requests[0].status == 0);
    kassert(requests[1].status == -ENODEV && requests[2].status == -ENODEV);
    slow_destroy();
    requests_destroy();
}

static void test_unlike(void **state)
{
    (void)state;
    rig_run(unlike_body, NULL, 4);
}

/* ---- turns -------------------------------------------------------------------------------- */

static void read_one(void *argument)
{
    (void)argument;
    submit(MANY - 1, 4000, 1);
}

/* One thread submits hundreds of requests; then another one submits a single one, which starts
 * after at most one turn. */
static void turns_body(void *argument)
{
    bool long_request = *(const bool *)argument;
    requests_create();
    slow_create((struct io_limits){ .block_bytes = BLOCK, .transfer_bytes = 64 * BLOCK });
    for (unsigned i = 0; i < MANY - 1; i++)
        submit(i, i * 10, 1);

    /* Or one of 4096 blocks, which is 64 transfers. */
    static uint8_t memory[DISK_BLOCKS * BLOCK];
    struct io_segment segment = { memory, sizeof(memory) };
    struct io_request request = {
        .device = slow.device, .op = IO_READ, .generation = device_medium(slow.device).generation,
        .length_bytes = sizeof(memory), .segments = &segment, .segment_count = 1,
        .complete = request_complete,
    };
    if (long_request) {
        slow_end_all();
        wait_for(MANY - 1);
        io_submit(&request);
    }

    struct thread *other = thread_create("other", PRIORITY_NORMAL, read_one, NULL);
    kassert(other != NULL);
    thread_join(other);
    unsigned transfers = 0;
    while (slow.last_end != 4001 && slow_end(0))
        transfers++;
    kassert(slow.last_end == 4001);

    /* One was in flight already, and then a turn of 16. */
    kassert(transfers <= 1 + 16 + 1);
    slow_end_all();
    wait_for(long_request ? 2 : MANY);
    slow_destroy();
    requests_destroy();
}

static void test_turns(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        rig_run(turns_body, &(bool){ i }, 4);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_small_memory),
        cmocka_unit_test(test_bounced),
        cmocka_unit_test(test_publish),
        cmocka_unit_test(test_merging),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_unlike),
        cmocka_unit_test(test_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
