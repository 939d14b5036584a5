/*
 * test_io.c - promise: a request moves its bytes and completes once, within the device's limits,
 * while media change and devices are removed (io.h). For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/rig.h"

enum {
    BLOCK = 512,
    DISK_BYTES = 1 << 20,
    SEGMENTS_MAX = 40,
    REQUESTS = 24,
};

static uint8_t disk[DISK_BYTES], model[DISK_BYTES];

static void disk_fill(uint8_t *image, unsigned seed)
{
    for (size_t i = 0; i < DISK_BYTES; i++)
        image[i] = (uint8_t)(i * 7 + (i >> 9) * 13 + seed * 101);
}

/* Starts io and the device tree without the VFS. */
static void set_up(void)
{
    kassert(io_start() == 0 && device_start() == 0);
    disk_fill(disk, 1);
}

static void tear_down(void)
{
    device_stop();
    io_stop();
}

/* ---- requests ----------------------------------------------------------------------------- */

struct probe {
    struct io_request request;
    struct io_segment segments[SEGMENTS_MAX];
    uint8_t *memory; /* of all segments */
    size_t memory_bytes;
    unsigned ends;
    struct thread *submitter;
    struct semaphore *ended;
};

static void probe_complete(struct io_request *request)
{
    struct probe *probe = request->context;
    kassert(thread_current() != probe->submitter); /* io_submit never calls back */
    if (request->length_bytes)
        kassert((request->status == 0) == (request->done_bytes == request->length_bytes));
    probe->ends++;
    semaphore_up(probe->ended);
}

static void probe_submit(struct probe *probe, struct faulty *faulty, struct semaphore *ended)
{
    probe->request.device = faulty->device;
    probe->request.complete = probe_complete;
    probe->request.context = probe;
    probe->request.segments = probe->segments;
    probe->submitter = thread_current();
    probe->ended = ended;
    probe->ends = 0;
    io_submit(&probe->request);
}

static void wait_for(struct semaphore *ended, unsigned count)
{
    while (count--)
        while (semaphore_down(ended, TIME_NEVER))
            ;
}

static uint8_t *probe_byte(struct probe *probe, uint64_t at)
{
    at += probe->request.skip_bytes;
    for (unsigned i = 0;; i++) {
        kassert(i < probe->request.segment_count);
        if (at < probe->segments[i].length_bytes)
            return (uint8_t *)probe->segments[i].address + at;
        at -= probe->segments[i].length_bytes;
    }
}

/* Sends a request with one segment and waits for it. */
static struct probe one_request(struct faulty *faulty, enum io_op op, uint64_t offset,
                                void *memory, uint32_t bytes, uint32_t generation)
{
    struct semaphore ended;
    struct probe probe = { .request = { .op = op, .generation = generation,
                                        .offset_bytes = offset, .length_bytes = bytes,
                                        .segment_count = 1 } };
    semaphore_init(&ended, 0);
    probe.segments[0] = (struct io_segment){ memory, bytes };
    probe_submit(&probe, faulty, &ended);
    wait_for(&ended, 1);
    kassert(probe.ends == 1);
    return probe;
}

static uint32_t generation_of(struct faulty *faulty)
{
    return device_medium(faulty->device).generation;
}

/* ---- carving ------------------------------------------------------------------------------ */

static const struct {
    struct io_limits limits;
    uint32_t grain; /* of the segments' lengths and places */
} shapes[] = {
    { { .block_bytes = 512 }, 4 },
    { { .block_bytes = 2048 }, 4 },
    { { .block_bytes = 512, .transfer_bytes = 512 }, 4 },
    { { .block_bytes = 512, .transfer_bytes = 5000, .depth = 4 }, 4 },
    { { .block_bytes = 512, .segment_count = 3 }, 512 },
    { { .block_bytes = 512, .segment_count = 17, .transfer_bytes = 65536 }, 64 },
    { { .block_bytes = 512, .highest_address = 0xffffffff }, 512 },
    { { .block_bytes = 512, .highest_address = 0xffffffff, .depth = 4 }, 4 },
    { { .block_bytes = 2048, .highest_address = 0xffffffff, .segment_count = 9 }, 512 },
    { { .block_bytes = 512, .segment_align = 16, .highest_address = 0xffffffff }, 4 },
    { { .block_bytes = 512, .segment_align = 16 }, 4 },
    { { .block_bytes = 512, .segment_align = 2, .transfer_bytes = 3072, .depth = 2 }, 1 },
    { { .block_bytes = 512, .segment_align = 4, .inner_align = 4096, .depth = 256 }, 4 },
    { { .block_bytes = 4096, .inner_align = 4096, .segment_count = 3, .depth = 5 }, 1 },
};

/* Cuts memory into segments of random lengths with holes between them. */
static void probe_shape(struct probe *probe, uint32_t grain)
{
    uint64_t needed = probe->request.skip_bytes + probe->request.length_bytes;
    size_t at = rig_random() % 64 * grain;
    unsigned count = 0;
    while (needed) {
        uint32_t bytes = (uint32_t)(1 + rig_random() % 16) * (grain < 64 ? 67 * grain : grain * 4);
        if (count == SEGMENTS_MAX - 1 || bytes > needed)
            bytes = (uint32_t)needed;
        probe->segments[count++] = (struct io_segment){ probe->memory + at, bytes };
        needed -= bytes;
        at += bytes + rig_random() % 3 * grain;
        kassert(at <= probe->memory_bytes);
    }
    probe->request.segment_count = count;
}

static void probe_randomize(struct probe *probe, struct faulty *faulty, uint32_t grain)
{
    uint32_t block = device_block_bytes(faulty->device);
    uint64_t blocks = DISK_BYTES / block, length = 1 + rig_random() % (65536 / block);
    memset(&probe->request, 0, sizeof(probe->request));
    probe->request.op = rig_random() % 3 == 0 ? IO_WRITE : IO_READ;
    probe->request.generation = generation_of(faulty);
    probe->request.length_bytes = length * block;
    probe->request.offset_bytes = rig_random() % (blocks - length) * block;
    probe->request.skip_bytes = rig_random() % 40 * grain;
    probe_shape(probe, grain);
    for (size_t i = 0; probe->request.op == IO_WRITE && i < probe->memory_bytes; i += 97)
        probe->memory[i] = (uint8_t)rig_random();
}

static void probe_check(struct probe *probe)
{
    struct io_request *request = &probe->request;
    kassert(probe->ends == 1);
    if (request->op == IO_READ)
        for (uint64_t i = 0; i < request->done_bytes; i++)
            kassert(*probe_byte(probe, i) == model[request->offset_bytes + i]);
}

static void carve_round(struct faulty *faulty, struct probe *probes, uint32_t grain)
{
    struct semaphore ended;
    semaphore_init(&ended, 0);
    memcpy(model, disk, DISK_BYTES);
    for (unsigned i = 0; i < REQUESTS; i++) {
        probe_randomize(&probes[i], faulty, grain);
        if (i) /* one write a round, by itself, so that the model is known */
            probes[i].request.op = IO_READ;
    }
    probe_submit(&probes[0], faulty, &ended);
    wait_for(&ended, 1);
    const struct io_request *first = &probes[0].request;
    for (uint64_t i = 0; first->op == IO_WRITE && i < first->length_bytes; i++)
        model[first->offset_bytes + i] = *probe_byte(&probes[0], i);
    probe_check(&probes[0]);
    kassert(probes[0].request.status == 0);
    kassert(memcmp(model, disk, DISK_BYTES) == 0);
    faulty->fail_nth = rig_random() % 2 ? rig_random() % 60 : 0;
    for (unsigned i = 1; i < REQUESTS; i++)
        probe_submit(&probes[i], faulty, &ended);
    wait_for(&ended, REQUESTS - 1);
    for (unsigned i = 1; i < REQUESTS; i++)
        probe_check(&probes[i]);
    faulty->fail_nth = 0;
}

static void carve_body(void *argument)
{
    const unsigned shape = *(const unsigned *)argument;
    set_up();
    host_set_high_memory(true);
    struct faulty *faulty = faulty_create(0, disk, DISK_BYTES, shapes[shape].limits, FAULTY_MIXED);
    struct probe *probes = mem_zalloc(REQUESTS * sizeof(*probes));
    for (unsigned i = 0; i < REQUESTS; i++) {
        probes[i].memory_bytes = 512 * 1024;
        probes[i].memory = mem_alloc(probes[i].memory_bytes);
    }
    for (unsigned round = 0; round < 2; round++)
        carve_round(faulty, probes, shapes[shape].grain);
    for (unsigned i = 0; i < REQUESTS; i++)
        mem_free(probes[i].memory);
    mem_free(probes);
    faulty_destroy(faulty);
    host_set_high_memory(false);
    tear_down();
}

static void test_carving(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LENGTH(shapes); i++)
        rig_run(carve_body, &i, 4);
}

/* More than 32 bits of bytes in one request. */
static void huge_body(void *unused)
{
    (void)unused;
    enum { COUNT = 9 };
    struct semaphore ended;
    set_up();
    struct faulty *faulty = faulty_create(0, NULL, 1ull << 40, faulty_limits(), FAULTY_MIXED);
    struct probe probe = { .request = { .op = IO_READ, .generation = generation_of(faulty),
                                        .length_bytes = (uint64_t)COUNT << 30,
                                        .segment_count = COUNT } };
    semaphore_init(&ended, 0);
    for (unsigned i = 0; i < COUNT; i++)
        probe.segments[i] = (struct io_segment){ disk, 1u << 30 };
    probe_submit(&probe, faulty, &ended);
    wait_for(&ended, 1);
    kassert(probe.request.status == 0 && faulty->bytes == (uint64_t)COUNT << 30);
    faulty_destroy(faulty);
    tear_down();
}

static void test_huge(void **state)
{
    (void)state;
    rig_run(huge_body, NULL, 10);
}

/* ---- refusals ----------------------------------------------------------------------------- */

static const struct {
    enum io_op op;
    uint64_t offset, length;
    unsigned segment_bytes;
    status_t status;
} refusals[] = {
    { IO_READ, 0, 0, 512, -EINVAL },
    { IO_READ, 1, 512, 512, -EINVAL },
    { IO_READ, 0, 511, 512, -EINVAL },
    { IO_READ, 0, 1024, 512, -EINVAL }, /* not memory enough */
    { IO_READ, DISK_BYTES, 512, 512, -EIO },
    { IO_READ, DISK_BYTES - 512, 1024, 1024, -EIO },
    { IO_READ, UINT64_MAX - 511, 512, 512, -EIO },
    { IO_READ, 0, UINT64_MAX - 511, 512, -EINVAL },
    { IO_WRITE, DISK_BYTES, 512, 512, -ENOSPC },
    { IO_WRITE, 3, 512, 512, -EINVAL },
    { IO_FLUSH, 0, 512, 512, -EINVAL },
    { IO_READ, DISK_BYTES - 512, 512, 512, 0 },
    { IO_FLUSH, 0, 0, 0, 0 },
};

static void refusals_body(void *unused)
{
    (void)unused;
    static uint8_t memory[4096];
    set_up();
    struct faulty *faulty = faulty_create(0, disk, DISK_BYTES, faulty_limits(), FAULTY_MIXED);
    for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
        struct semaphore ended;
        struct probe probe = { .request = { .op = refusals[i].op,
                                            .generation = generation_of(faulty),
                                            .offset_bytes = refusals[i].offset,
                                            .length_bytes = refusals[i].length,
                                            .segment_count = 1 } };
        semaphore_init(&ended, 0);
        probe.segments[0] = (struct io_segment){ memory, refusals[i].segment_bytes };
        probe_submit(&probe, faulty, &ended);
        wait_for(&ended, 1);
        if (probe.request.status != refusals[i].status)
            panic("refusal %zu: %s", i, status_name(probe.request.status));
    }
    kassert(faulty->reads == 1 && faulty->writes == 0 && faulty->flushes == 1);
    faulty_write_protect(faulty);
    uint32_t generation = generation_of(faulty);
    kassert(one_request(faulty, IO_WRITE, 0, memory, 512, generation).request.status == -EROFS);
    kassert(one_request(faulty, IO_READ, 0, memory, 512, generation - 1).request.status == -ESTALE);
    faulty_change(faulty, NULL, 0);
    kassert(one_request(faulty, IO_READ, 0, memory, 512, generation).request.status == -ENOMEDIUM);
    faulty_change(faulty, disk, DISK_BYTES);
    kassert(one_request(faulty, IO_READ, 0, memory, 512, generation).request.status == -ESTALE);
    device_remove(faulty->device);
    generation = generation_of(faulty);
    kassert(one_request(faulty, IO_READ, 0, memory, 512, generation).request.status == -ENODEV);
    kassert(faulty->reads == 1);
    faulty_destroy(faulty);
    tear_down();
}

static void test_refusals(void **state)
{
    (void)state;
    run_body(refusals_body);
}

/* A transfer ends once: later completions have no effect. */
static void once_body(void *unused)
{
    (void)unused;
    static uint8_t memory[512];
    set_up();
    struct faulty *faulty = faulty_create(0, disk, DISK_BYTES, faulty_limits(), FAULTY_MIXED);
    struct probe probe = one_request(faulty, IO_READ, 512, memory, 512, generation_of(faulty));
    io_complete(&probe.request, -EIO, 0);
    kassert(one_request(faulty, IO_READ, 0, memory, 512, generation_of(faulty)).ends == 1);
    kassert(probe.ends == 1 && probe.request.status == 0 && probe.request.done_bytes == 512);
    faulty_destroy(faulty);
    tear_down();
}

/* C17, CB14. */
static void test_once(void **state)
{
    (void)state;
    run_body(once_body);
}

/* ---- media and removal while requests are under way ----------------------------------------- */

enum blow { BLOW_CHANGE, BLOW_OUT, BLOW_REMOVE, BLOW_COUNT };

static void strike(struct faulty *faulty, enum blow blow)
{
    static uint8_t other[DISK_BYTES];
    disk_fill(other, 2);
    switch (blow) {
    case BLOW_CHANGE: faulty_change(faulty, other, DISK_BYTES); break;
    case BLOW_OUT: faulty_change(faulty, NULL, 0); break;
    default: device_remove(faulty->device);
    }
}

/* Requests in flight or queued return bytes of the old disc or an error, never of the new one. */
static void blow_body(void *argument)
{
    enum blow blow = *(const enum blow *)argument;
    static uint8_t memory[REQUESTS][8192];
    static struct probe probes[REQUESTS];
    struct semaphore ended;
    struct io_limits limits = { .block_bytes = 512, .transfer_bytes = 2048, .depth = 2 };
    set_up();
    struct faulty *faulty = faulty_create(0, disk, DISK_BYTES, limits, FAULTY_LATE);
    uint32_t generation = generation_of(faulty);
    semaphore_init(&ended, 0);
    memset(probes, 0, sizeof(probes));
    faulty_hold(faulty, rig_random() % 2);
    for (unsigned i = 0; i < REQUESTS; i++) {
        probes[i].request = (struct io_request){ .op = IO_READ, .generation = generation,
                                                 .offset_bytes = i * 8192, .length_bytes = 8192,
                                                 .segment_count = 1 };
        probes[i].segments[0] = (struct io_segment){ memory[i], 8192 };
        probe_submit(&probes[i], faulty, &ended);
    }
    for (uint64_t i = rig_random() % 64; i; i--)
        thread_yield();
    strike(faulty, blow);
    faulty_hold(faulty, false);
    wait_for(&ended, REQUESTS);
    for (unsigned i = 0; i < REQUESTS; i++) {
        status_t status = probes[i].request.status;
        kassert(probes[i].ends == 1);
        kassert(!status || status == -ESTALE || status == -ENOMEDIUM || status == -ENODEV);
        kassert(memcmp(memory[i], disk + i * 8192, probes[i].request.done_bytes) == 0);
    }
    kassert(probes[REQUESTS - 1].request.status || !faulty->held);
    faulty_destroy(faulty);
    tear_down();
}

static void test_blows(void **state)
{
    (void)state;
    for (unsigned blow = 0; blow < BLOW_COUNT; blow++)
        rig_run(blow_body, &blow, 40);
}

/* Requests that wait after a held transfer never reach the driver. */
static void dequeue_body(void *argument)
{
    enum blow blow = *(const enum blow *)argument;
    static const status_t expected[] = { -ESTALE, -ENOMEDIUM, -ENODEV };
    static uint8_t memory[2][512];
    struct probe probes[2] = { 0 };
    struct semaphore ended;
    set_up();
    struct faulty *faulty = faulty_create(0, disk, DISK_BYTES, faulty_limits(), FAULTY_LATE);
    semaphore_init(&ended, 0);
    faulty_hold(faulty, true);
    for (unsigned i = 0; i < 2; i++) {
        probes[i].request = (struct io_request){ .op = IO_READ, .length_bytes = 512,
                                                 .generation = generation_of(faulty),
                                                 .segment_count = 1 };
        probes[i].segments[0] = (struct io_segment){ memory[i], 512 };
        probe_submit(&probes[i], faulty, &ended);
    }
    strike(faulty, blow);
    kassert(faulty->reads == 1);
    faulty_hold(faulty, false);
    wait_for(&ended, 2);
    kassert(probes[0].request.status < 0 && probes[0].request.done_bytes == 0);
    kassert(probes[1].request.status == expected[blow] && faulty->reads == 1);
    faulty_destroy(faulty);
    tear_down();
}

static void test_dequeue(void **state)
{
    (void)state;
    for (unsigned blow = 0; blow < BLOW_COUNT; blow++)
        rig_run(dequeue_body, &blow, 40);
}

/* ---- the stack, and memory ---------------------------------------------------------------- */

enum { MANY = 4000 };

static struct {
    uintptr_t lowest, highest;
    _Atomic unsigned ended;
    struct semaphore done;
} deep;

static void note_stack(void)
{
    uintptr_t at = (uintptr_t)__builtin_frame_address(0);
    if (at < deep.lowest)
        deep.lowest = at;
    if (at > deep.highest)
        deep.highest = at;
}

static void deep_start(struct device *device, struct io_transfer *transfer)
{
    (void)device;
    if (thread_current() == device_private(device))
        note_stack();
    io_transfer_done(transfer, 0, transfer->length_bytes);
}

static void deep_complete(struct io_request *request)
{
    struct io_request *requests = request->context;
    unsigned ended = atomic_fetch_add(&deep.ended, 1) + 1;
    if (ended < MANY / 2) { /* callbacks may submit */
        requests[MANY / 2 + ended].context = requests;
        io_submit(&requests[MANY / 2 + ended]);
    }
    if (ended == MANY - 1)
        semaphore_up(&deep.done);
}

/* Thousands of synchronous transfers, each split in four, on one device. */
static void stack_body(void *unused)
{
    (void)unused;
    static const struct device_ops ops = { .start = deep_start };
    struct io_segment segment = { disk, 4 * BLOCK };
    set_up();
    struct device *device = device_create(NULL, &(struct device_description){
        .name = "deep", .ops = &ops,
        .limits = { .block_bytes = BLOCK, .transfer_bytes = BLOCK },
        .private_data = thread_current(),
    });
    device_set_medium(device, DISK_BYTES);
    kassert(device_publish(device) == 0);
    deep.lowest = UINTPTR_MAX;
    deep.highest = 0;
    deep.ended = 0;
    semaphore_init(&deep.done, 0);
    struct io_request *requests = mem_zalloc(MANY * sizeof(*requests));
    for (unsigned i = 0; i < MANY; i++)
        requests[i] = (struct io_request){ .device = device, .op = IO_READ, .context = requests,
                                           .generation = device_medium(device).generation,
                                           .length_bytes = 4 * BLOCK, .segments = &segment,
                                           .segment_count = 1, .complete = deep_complete };
    for (unsigned i = 0; i < MANY / 2; i++)
        io_submit(&requests[i]);
    wait_for(&deep.done, 1);
    while (atomic_load(&deep.ended) < MANY - 1)
        thread_yield();
    kassert(deep.highest - deep.lowest < 4096 || deep.highest == 0);
    device_remove(device);
    device_put(device);
    tear_down(); /* ends the completion thread before the requests go */
    mem_free(requests);
}

static void test_stack(void **state)
{
    (void)state;
    rig_run(stack_body, NULL, 4);
}

/* Once a device is published, no step of a request allocates memory, bounced or not. */
static void no_memory_body(void *unused)
{
    (void)unused;
    static uint8_t bytes[65536];
    struct io_limits limits = { .block_bytes = 512, .highest_address = 0xffffffff };
    set_up();
    host_set_high_memory(true);
    struct faulty *faulty = faulty_create(0, disk, DISK_BYTES, limits, FAULTY_MIXED);
    struct device_handle handle;
    kassert(device_open(faulty->device, &handle) == 0);
    host_fail_nth_allocation(1);
    for (unsigned i = 0; i < 16; i++) {
        uint64_t offset = rig_random() % 1024 * BLOCK, done = 0;
        kassert(io_wait(&handle, IO_READ, offset, bytes, sizeof(bytes), &done) == 0);
        kassert(done == sizeof(bytes) && memcmp(bytes, disk + offset, done) == 0);
        kassert(io_wait(&handle, IO_WRITE, offset, bytes, sizeof(bytes), NULL) == 0);
    }
    kassert(!host_failure_happened());
    host_fail_nth_allocation(0);
    device_close(&handle);
    faulty_destroy(faulty);
    host_set_high_memory(false);
    tear_down();
}

static void test_no_memory(void **state)
{
    (void)state;
    rig_run(no_memory_body, NULL, 20);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_once),
        cmocka_unit_test(test_dequeue),  cmocka_unit_test(test_blows),
        cmocka_unit_test(test_stack),    cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_huge),     cmocka_unit_test(test_carving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
