/*
 * test_virtio_disk.c - the virtio bus and virtio-blk, over an emulated device.
 *
 * Promises    virtio.h: what the device returns is checked; a device that violates the protocol is
 *             reset and taken offline. blk.h: requests end once; late ones after a reset, the
 *             others are repeated. device.h: another capacity is another medium.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/dev/deadlines.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/disk_conform.h"
#include "tests/host/rig.h"
#include "tests/host/virtio_disk.h"

enum {
    BYTES = DISK_CONFORM_BYTES,
    BLOCK = 512,
    ROUNDS = 8,
    SEEDS = 20,
    QUEUE = 0,
    FEATURE_PIECE_MAX = 1,
    FEATURE_READ_ONLY = 5,
    FEATURE_FLUSH = 9,
    FEATURE_DISCARD = 13,
    FEATURE_WRITE_ZEROES = 14,
    FEATURE_INDIRECT = 28,
    FEATURE_VERSION_1 = 32,
};

static struct virtio_disk disk;
static uint8_t image[BYTES];

static void fill(void)
{
    for (size_t i = 0; i < BYTES; i++)
        image[i] = (uint8_t)(i * 7 + i / 4096);
}

/* Makes a disk; the test may change it before plug_in(). */
static void set_up(uint32_t block_bytes)
{
    rig_start();
    fill();
    virtio_disk_init(&disk, image, BYTES, block_bytes);
}

static void plug_in(void)
{
    virtio_model_publish(&disk.model);
}

static void tear_down(void)
{
    virtio_model_remove(&disk.model);
    rig_stop();
}

static bool is_published(void)
{
    struct device *device = device_find("disk0");
    device_put(device);
    return device;
}

static status_t read_block(uint64_t offset)
{
    uint8_t *memory = mem_zalloc(BLOCK);
    status_t status = disk_move("disk0", IO_READ, offset, memory, BLOCK);
    kassert(status || memcmp(memory, image + offset, BLOCK) == 0);
    mem_free(memory);
    return status;
}

/* ---- a good device -------------------------------------------------------------------------- */

struct variant {
    uint32_t block_bytes;
    bool line, polled, one_vector, direct, transitional, no_flush;
    uint16_t queue_size;
    uint32_t piece_bytes_max, pieces_max; /* 0: as they are */
};

static const struct variant variants[] = {
    { .block_bytes = 512 },
    { .block_bytes = 4096, .transitional = true },
    { .block_bytes = 512, .line = true },
    { .block_bytes = 512, .one_vector = true },
    { .block_bytes = 512, .polled = true },
    { .block_bytes = 512, .direct = true },
    { .block_bytes = 512, .direct = true, .queue_size = 4 },
    { .block_bytes = 512, .queue_size = 256, .no_flush = true },
    { .block_bytes = 512, .piece_bytes_max = 1536 },
    { .block_bytes = 4096, .piece_bytes_max = 4096, .pieces_max = 1 },
};

static void apply(const struct variant *v)
{
    struct virtio_model *model = &disk.model;
    model->messages = !v->line && !v->polled;
    model->pci.vectors = v->polled ? 0 : v->line || v->one_vector ? 1 : 2;
    model->transitional = v->transitional;
    if (v->direct)
        model->offered &= ~VIRTIO_FEATURE(FEATURE_INDIRECT);
    if (v->no_flush)
        model->offered &= ~VIRTIO_FEATURE(FEATURE_FLUSH);
    if (v->queue_size)
        model->queues[QUEUE].largest = v->queue_size;
    if (v->pieces_max)
        virtio_disk_configure(&disk, VIRTIO_DISK_PIECES_MAX, 4, v->pieces_max);
    if (v->piece_bytes_max) {
        model->offered |= VIRTIO_FEATURE(FEATURE_PIECE_MAX);
        virtio_disk_configure(&disk, VIRTIO_DISK_PIECE_MAX, 4, v->piece_bytes_max);
    }
}

static void conform_body(void *argument)
{
    set_up(((const struct variant *)argument)->block_bytes);
    apply(argument);
    plug_in();
    disk_conform("disk0", image, ROUNDS);
    kassert(disk.model.resets == 1);
    tear_down();
}

static void test_each_variant_conforms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(variants); i++)
        rig_run(conform_body, (void *)(uintptr_t)&variants[i], SEEDS);
}

static void traits_body(void *unused)
{
    (void)unused;
    set_up(BLOCK);
    disk.model.offered |= VIRTIO_FEATURE(FEATURE_READ_ONLY);
    plug_in();
    uint8_t *memory = mem_zalloc(BLOCK);
    expect("write", disk_move("disk0", IO_WRITE, 0, memory, BLOCK), -EROFS);
    expect("flush", disk_move("disk0", IO_FLUSH, 0, NULL, 0), 0);
    kassert(disk.flushes == 1);
    mem_free(memory);
    tear_down();
}

static void test_read_only_and_flush(void **state)
{
    (void)state;
    rig_run(traits_body, NULL, 1);
}

/* What the device reports about its ranges, and how many of them 1 MiB becomes. */
struct ranges {
    uint32_t block_bytes;
    uint32_t sectors_max, ranges_max, align;
    uint64_t not_offered;
    unsigned pieces; /* 0: not supported */
};

static const struct ranges ranges[] = {
    { 512, 1 << 20, 1, 0, 0, 1 },
    { 512, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, 1 },
    { 512, 256, 1, 0, 0, 8 },
    { 4096, 129, 1, 0, 0, 16 }, /* 16 blocks and a sector */
    { 512, 300, 1, 256, 0, 8 }, /* pieces end at multiples of 256 sectors */
    { 512, 0, 1, 0, 0, 0 },
    { 512, 256, 0, 0, 0, 0 },
    { 4096, 7, 1, 0, 0, 0 },    /* less than a block */
    { 512, 256, 1, 0,
      VIRTIO_FEATURE(FEATURE_DISCARD) | VIRTIO_FEATURE(FEATURE_WRITE_ZEROES), 0 },
};

static void set_up_ranges(const struct ranges *r)
{
    set_up(r->block_bytes);
    disk.model.offered &= ~r->not_offered;
    virtio_disk_configure(&disk, VIRTIO_DISK_DISCARD_SECTORS, 4, r->sectors_max);
    virtio_disk_configure(&disk, VIRTIO_DISK_DISCARD_RANGES, 4, r->ranges_max);
    virtio_disk_configure(&disk, VIRTIO_DISK_DISCARD_ALIGN, 4, r->align);
    virtio_disk_configure(&disk, VIRTIO_DISK_ZERO_SECTORS, 4, r->sectors_max);
    virtio_disk_configure(&disk, VIRTIO_DISK_ZERO_RANGES, 4, r->ranges_max);
}

/* Returns whether the image has this value in a range, and is as it was around it. */
static bool range_has(uint64_t start, uint64_t length, int value)
{
    uint8_t before = image[start - 1], after = image[start + length];
    for (uint64_t i = start; i < start + length; i++)
        if (image[i] != (value < 0 ? (uint8_t)(i * 7 + i / 4096) : value))
            return false;
    return before == (uint8_t)((start - 1) * 7 + (start - 1) / 4096) &&
           after == (uint8_t)((start + length) * 7 + (start + length) / 4096);
}

static void ranges_body(void *argument)
{
    enum { START = 1 << 20, LENGTH = 1 << 20, DISCARDED = 0xdd };
    const struct ranges *r = argument;
    set_up_ranges(r);
    plug_in();

    /* A device without the operation keeps the bytes: discarding is only a hint. */
    expect("discard", disk_move("disk0", IO_DISCARD, START, NULL, LENGTH), 0);
    kassert(disk.discards == r->pieces && range_has(START, LENGTH, r->pieces ? DISCARDED : -1));

    expect("zero", disk_move("disk0", IO_ZERO, START, NULL, LENGTH), r->pieces ? 0 : -EOPNOTSUPP);
    if (!r->align)
        kassert(disk.zeroings == r->pieces);

    /* io_zero() writes the zeroes if it must. */
    struct device *device = device_find("disk0");
    struct device_handle handle;
    expect("open", device_open(device, &handle), 0);
    memset(image + START, 1, LENGTH);
    expect("io_zero", io_zero(&handle, START, LENGTH), 0);
    kassert(range_has(START, LENGTH, 0));
    device_close(&handle);
    device_put(device);
    tear_down();
}

static void test_ranges_keep_the_limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(ranges); i++)
        rig_run(ranges_body, (void *)(uintptr_t)&ranges[i], 2);
}

static void range_failures_body(void *unused)
{
    static const enum io_op ops[] = { IO_DISCARD, IO_ZERO };
    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(ops); i++) {
        set_up(BLOCK);
        plug_in();
        expect("half a block", disk_move("disk0", ops[i], 0, NULL, BLOCK / 2), -EINVAL);
        expect("nothing", disk_move("disk0", ops[i], 0, NULL, 0), -EINVAL);
        expect("over the end", disk_move("disk0", ops[i], BYTES - BLOCK, NULL, 2 * BLOCK),
               -ENOSPC);
        virtio_model_fault(&disk.model, QUEUE, VIRTIO_FAILS, 1);
        expect("failing", disk_move("disk0", ops[i], 4096, NULL, 8192), -EIO);
        tear_down();

        set_up(BLOCK);
        disk.model.offered |= VIRTIO_FEATURE(FEATURE_READ_ONLY);
        plug_in();
        expect("read-only", disk_move("disk0", ops[i], 0, NULL, BLOCK), -EROFS);
        tear_down();
    }
}

static void test_ranges_are_checked(void **state)
{
    (void)state;
    rig_run(range_failures_body, NULL, 2);
}

/* The last sectors do not fill a block: they cannot be read. */
static void partial_block_body(void *unused)
{
    (void)unused;
    set_up(4096);
    virtio_disk_configure(&disk, VIRTIO_DISK_CAPACITY, 8, BYTES / 512 - 1);
    plug_in();
    struct device *device = device_find("disk0");
    kassert(device && device_medium(device).bytes == BYTES - 4096);
    device_put(device);
    tear_down();
}

static void test_partial_block(void **state)
{
    (void)state;
    rig_run(partial_block_body, NULL, 1);
}

static void resize_body(void *unused)
{
    (void)unused;
    set_up(BLOCK);
    plug_in();
    struct device *device = device_find("disk0");
    uint32_t before = device_medium(device).generation;

    spin_lock(&disk.model.lock);
    virtio_disk_configure(&disk, VIRTIO_DISK_CAPACITY, 8, BYTES / 1024);
    disk.model.unstable = 3; /* it is read again until it is stable */
    spin_unlock(&disk.model.lock);
    virtio_model_reconfigured(&disk.model);
    while (device_medium(device).bytes != BYTES / 2)
        thread_sleep_until(time_now_us() + 1000);
    kassert(device_medium(device).generation != before);
    device_put(device);
    tear_down();
}

static void test_another_capacity_is_another_medium(void **state)
{
    (void)state;
    rig_run(resize_body, NULL, SEEDS);
}

/* ---- failures of requests ------------------------------------------------------------------- */

struct failure {
    enum virtio_fault fault;
    status_t status;   /* of the request */
    unsigned resets;   /* that it leads to */
    bool simulated;    /* takes long */
};

static const struct failure failures[] = {
    { VIRTIO_FAILS, -EIO, 0, false },
    { VIRTIO_TOO_SHORT, -EIO, 0, false },
    { VIRTIO_WRONG_RESULT, -EIO, 0, false },
    { VIRTIO_NEEDS_RESET, 0, 2, false }, /* it is repeated */
    { VIRTIO_LOST, -ETIMEDOUT, 2, true },
};

static void failure_body(void *argument)
{
    const struct failure *failure = argument;
    set_up(BLOCK);
    plug_in();
    expect("before", read_block(0), 0);
    uint64_t before_us = time_now_us();
    unsigned resets = disk.model.resets;
    virtio_model_fault(&disk.model, QUEUE, failure->fault, 1);
    expect("failing", read_block(4096), failure->status);
    if (failure->status == -ETIMEDOUT)
        kassert(time_now_us() - before_us >= DEADLINE_VIRTIO_US);
    expect("after", read_block(8192), 0);
    kassert(disk.model.resets - resets == failure->resets);
    tear_down();
}

static void test_failures_concern_their_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(failures); i++)
        if (run_is_simulated() || !failures[i].simulated)
            rig_run(failure_body, (void *)(uintptr_t)&failures[i], SEEDS);
}

/* Requests beside one that is lost succeed: they are repeated, and the conformance body checks that
 * each ends once with its data. */
static void reset_under_load_body(void *unused)
{
    (void)unused;
    set_up(BLOCK);
    plug_in();
    virtio_model_fault(&disk.model, QUEUE, VIRTIO_NEEDS_RESET, 20);
    disk_conform("disk0", image, ROUNDS);
    kassert(disk.model.resets >= 3);
    tear_down();
}

static void test_a_reset_repeats_what_was_in_flight(void **state)
{
    (void)state;
    rig_run(reset_under_load_body, NULL, SEEDS);
}

/* ---- a device that lies --------------------------------------------------------------------- */

static void violation_body(void *argument)
{
    enum virtio_fault fault = *(const enum virtio_fault *)argument;
    set_up(BLOCK);
    plug_in();
    virtio_model_fault(&disk.model, QUEUE, fault, 1);
    status_t status = read_block(0);
    kassert(status == -ENODEV || (fault == VIRTIO_TWICE && !status));

    /* Offline: the device was reset, and gets no further request. */
    struct device *device = device_find("disk0");
    while (device_medium(device).present)
        thread_sleep_until(time_now_us() + 1000);
    device_put(device);
    kassert(disk.model.status == 0 && disk.model.served == 1);
    tear_down();
}

static void test_violations_take_the_device_offline(void **state)
{
    static const enum virtio_fault faults[] = {
        VIRTIO_TWICE, VIRTIO_WRONG_ID, VIRTIO_WILD_ID, VIRTIO_TOO_LONG, VIRTIO_INDEX_JUMP
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(faults); i++)
        rig_run(violation_body, (void *)(uintptr_t)&faults[i], SEEDS);
}

/* What a device may claim about itself, and whether there is a disk then. */
struct claim {
    unsigned offset, bytes; /* of the configuration */
    uint64_t value;
    int queue_size;         /* -1: as it is */
    uint64_t not_offered;
    bool refuses_features, has_no_vector, never_resets;
    unsigned unstable;
    bool works;
};

static const struct claim claims[] = {
    { .offset = VIRTIO_DISK_CAPACITY, .bytes = 8, .value = 0, .queue_size = -1 },
    { .offset = VIRTIO_DISK_CAPACITY, .bytes = 8, .value = UINT64_MAX, .queue_size = -1 },
    { .offset = VIRTIO_DISK_CAPACITY, .bytes = 8, .value = (uint64_t)1 << 55, .queue_size = -1 },
    { .offset = VIRTIO_DISK_BLOCK_BYTES, .bytes = 4, .value = 0, .queue_size = -1 },
    { .offset = VIRTIO_DISK_BLOCK_BYTES, .bytes = 4, .value = 3, .queue_size = -1 },
    { .offset = VIRTIO_DISK_BLOCK_BYTES, .bytes = 4, .value = 513, .queue_size = -1 },
    { .offset = VIRTIO_DISK_BLOCK_BYTES, .bytes = 4, .value = 8192, .queue_size = -1 },
    { .offset = VIRTIO_DISK_BLOCK_BYTES, .bytes = 4, .value = 1u << 31, .queue_size = -1 },
    { .offset = VIRTIO_DISK_PIECES_MAX, .bytes = 4, .value = 0, .queue_size = -1 },
    { .offset = VIRTIO_DISK_PIECES_MAX, .bytes = 4, .value = UINT32_MAX, .queue_size = -1,
      .works = true },
    { .queue_size = 0 },
    { .queue_size = 3 },
    { .queue_size = 65535 },
    { .queue_size = 1 },
    { .queue_size = 2 },
    { .queue_size = 32768, .works = true },
    { .queue_size = -1, .not_offered = VIRTIO_FEATURE(FEATURE_VERSION_1) },
    { .queue_size = -1, .refuses_features = true },
    { .queue_size = -1, .has_no_vector = true },
    { .queue_size = -1, .never_resets = true },
    { .queue_size = -1, .unstable = 1000000 },
    { .queue_size = -1, .unstable = 5, .works = true },
};

static void claim_body(void *argument)
{
    const struct claim *claim = argument;
    set_up(BLOCK);
    virtio_disk_configure(&disk, claim->offset, claim->bytes, claim->value);
    if (claim->queue_size >= 0)
        disk.model.queues[QUEUE].largest = (uint16_t)claim->queue_size;
    disk.model.offered &= ~claim->not_offered;
    disk.model.refuses_features = claim->refuses_features;
    disk.model.has_no_vector = claim->has_no_vector;
    disk.model.never_resets = claim->never_resets;
    disk.model.unstable = claim->unstable;
    plug_in();
    if (is_published() != claim->works)
        panic("claim %zu", (size_t)(claim - claims));
    tear_down();
}

static void test_claims_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(claims); i++)
        rig_run(claim_body, (void *)(uintptr_t)&claims[i], 2);
}

/* Capabilities that name no BAR, reach out of it, or are in a loop. */
static void capabilities_body(void *unused)
{
    static const struct { unsigned offset; uint8_t value; } lies[] = {
        { 0x44, 6 },    /* the common structure's BAR */
        { 0x44, 0 },    /* one that is not implemented */
        { 0x4b, 0xff }, /* its offset */
        { 0x4c, 55 },   /* its length */
        { 0x4e, 0xff }, /* past the end of the BAR */
        { 0x53, 9 },    /* no ISR structure */
        { 0x41, 0x40 }, /* the list refers to itself */
        { 0x80, 0xff }, /* the multiplier of notifications: the first register stays */
    };
    (void)unused;
    for (size_t i = 0; i < ARRAY_LENGTH(lies); i++) {
        set_up(BLOCK);
        disk.model.lie_offset = lies[i].offset;
        disk.model.lie = lies[i].value;
        plug_in();
        kassert(is_published() == (lies[i].offset == 0x80));
        tear_down();
    }
}

static void test_capabilities_are_checked(void **state)
{
    (void)state;
    rig_run(capabilities_body, NULL, 1);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void signal(struct io_request *request)
{
    semaphore_up(request->context);
}

static void removal_body(void *unused)
{
    struct io_segment segment;
    (void)unused;
    set_up(BLOCK);
    plug_in();
    struct device *device = device_find("disk0");
    struct device_handle handle;
    expect("open", device_open(device, &handle), 0);
    virtio_model_fault(&disk.model, QUEUE, VIRTIO_LOST, 1);

    struct semaphore ended = SEMAPHORE_INIT(ended, 0);
    segment = (struct io_segment){ mem_zalloc(BLOCK), BLOCK };
    struct io_request request = {
        .device = device,
        .op = IO_READ,
        .generation = handle.generation,
        .length_bytes = BLOCK,
        .segments = &segment,
        .segment_count = 1,
        .complete = signal,
        .context = &ended,
    };
    io_submit(&request);
    device_remove(disk.model.pci.device);
    kassert(semaphore_down(&ended, TIME_NEVER) == 0);
    expect("removed", request.status, -ENODEV);
    kassert(disk.model.status == 0);

    mem_free(segment.address);
    device_close(&handle);
    device_put(device);
    tear_down();
}

static void test_removal_ends_what_is_in_flight(void **state)
{
    (void)state;
    rig_run(removal_body, NULL, SEEDS);
}

/* Asked about the function before the driver of the bus. */
static unsigned long fail_nth;

static status_t begin_failing(struct device *device)
{
    if (fail_nth && pci_function_of(device))
        host_fail_nth_allocation(fail_nth);
    return -ENODEV;
}

static const struct driver driver_fail = {
    .name = "test-fail", .order = 1, .add_device = begin_failing
};
DRIVER(driver_fail);

/* The n-th allocation of the drivers fails: there is no disk then, and nothing is left. */
static void memory_body(void *unused)
{
    (void)unused;
    bool failed = true;
    for (unsigned long n = 1; failed; n++) {
        set_up(BLOCK);
        fail_nth = n;
        plug_in();
        failed = host_failure_happened();
        host_fail_nth_allocation(0);
        kassert(failed || is_published());
        tear_down();
    }
    fail_nth = 0;
}

static void test_each_allocation_may_fail(void **state)
{
    (void)state;
    rig_run(memory_body, NULL, 1);
}

int main(void)
{
    log_set_level(LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_variant_conforms),
        cmocka_unit_test(test_read_only_and_flush),
        cmocka_unit_test(test_ranges_keep_the_limits),
        cmocka_unit_test(test_ranges_are_checked),
        cmocka_unit_test(test_partial_block),
        cmocka_unit_test(test_another_capacity_is_another_medium),
        cmocka_unit_test(test_failures_concern_their_request),
        cmocka_unit_test(test_a_reset_repeats_what_was_in_flight),
        cmocka_unit_test(test_violations_take_the_device_offline),
        cmocka_unit_test(test_claims_are_checked),
        cmocka_unit_test(test_capabilities_are_checked),
        cmocka_unit_test(test_removal_ends_what_is_in_flight),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
