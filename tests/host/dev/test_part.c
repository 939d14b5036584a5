/*
 * test_part.c - promise: a device that is a part of its parent's bytes reads and writes only those,
 * follows the parent's medium, and shares its claims. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "kernel/dev/control.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "tests/host/rig.h"

enum {
    BLOCK = 512,
    DISK_BLOCKS = 64,
    DISK_BYTES = DISK_BLOCKS * BLOCK + 100, /* the medium ends inside a block */
    BASE = 8 * BLOCK,
    LENGTH = 16 * BLOCK,
};

static uint8_t disk_bytes[(DISK_BLOCKS + 1) * BLOCK];
static struct faulty *disk;

static void set_up(enum faulty_manner manner)
{
    struct io_limits limits = { .block_bytes = BLOCK, .transfer_bytes = 2 * BLOCK, .depth = 2 };
    for (unsigned i = 0; i < sizeof(disk_bytes); i++)
        disk_bytes[i] = (uint8_t)(i * 7 + i / BLOCK);
    kassert(io_start() == 0 && device_start() == 0);
    disk = faulty_create(0, disk_bytes, DISK_BYTES, limits, manner);
}

static void tear_down(void)
{
    faulty_destroy(disk);
    device_stop();
    io_stop();
}

/* Publishes a part; *part is a reference. */
static status_t publish(struct device *whole, struct device_part place, struct device **part)
{
    char name[16] = { 'p', 'a', 'r', 't', (char)('0' + place.number) };
    if (!place.generation)
        place.generation = device_medium(whole).generation;
    struct device *device = device_create(whole, &(struct device_description){
        .name = name, .device_class = &class_disk, .part = place,
    });
    kassert(device != NULL);
    status_t status = device_publish(device);
    if (status)
        device_put(device);
    else
        *part = device;
    return status;
}

static struct device *part_of(struct device *whole, unsigned number, uint64_t base)
{
    struct device *part;
    kassert(publish(whole, (struct device_part){ .base_bytes = base, .length_bytes = LENGTH,
                                                 .number = number }, &part) == 0);
    return part;
}

static void drop(struct device *part)
{
    device_remove(part);
    device_put(part);
}

static status_t transfer(const struct device_handle *handle, enum io_op op, uint64_t offset,
                         void *memory, uint64_t bytes)
{
    return io_wait(handle, op, offset, memory, bytes, NULL);
}

/* ---- bytes -------------------------------------------------------------------------------- */

static void check_bytes(struct device *part, uint64_t base)
{
    static uint8_t memory[LENGTH], before[sizeof(disk_bytes)];
    struct device_handle handle;
    kassert(device_open(part, &handle) == 0 && device_medium(part).bytes == LENGTH);

    kassert(transfer(&handle, IO_READ, 0, memory, LENGTH) == 0);
    kassert(memcmp(memory, disk_bytes + base, LENGTH) == 0);
    kassert(transfer(&handle, IO_READ, LENGTH - BLOCK, memory, BLOCK) == 0);
    kassert(memcmp(memory, disk_bytes + base + LENGTH - BLOCK, BLOCK) == 0);

    kassert(transfer(&handle, IO_READ, LENGTH, memory, BLOCK) == -EIO);
    kassert(transfer(&handle, IO_READ, LENGTH - BLOCK, memory, 2 * BLOCK) == -EIO);
    kassert(transfer(&handle, IO_READ, 0 - (uint64_t)BLOCK, memory, BLOCK) == -EIO);
    kassert(transfer(&handle, IO_READ, 0 - base, memory, BLOCK) == -EIO);
    kassert(transfer(&handle, IO_READ, 1, memory, BLOCK) == -EINVAL);
    kassert(transfer(&handle, IO_WRITE, LENGTH, memory, BLOCK) == -ENOSPC);

    /* A write changes the bytes of the part only. */
    memcpy(before, disk_bytes, sizeof(before));
    memset(memory, 0xa5, sizeof(memory));
    kassert(transfer(&handle, IO_WRITE, 0, memory, LENGTH) == 0);
    kassert(memcmp(disk_bytes + base, memory, LENGTH) == 0);
    memcpy(before + base, memory, LENGTH);
    kassert(memcmp(before, disk_bytes, sizeof(before)) == 0);

    unsigned long flushes = disk->flushes;
    kassert(transfer(&handle, IO_FLUSH, 0, NULL, 0) == 0 && disk->flushes == flushes + 1);
    device_close(&handle);
}

static void bytes_body(void *unused)
{
    (void)unused;
    struct device_size size;
    struct device_status status;
    set_up(FAULTY_MIXED);
    struct device *part = part_of(disk->device, 1, BASE);
    check_bytes(part, BASE);
    kassert(device_control(part, DEVICE_CONTROL_GET_SIZE, &size, sizeof(size)) == 0);
    kassert(size.size_bytes == LENGTH && size.block_bytes == BLOCK);
    kassert(device_control(part, DEVICE_CONTROL_GET_STATUS, &status, sizeof(status)) == 0);
    kassert(status.medium == 0 && status.writable);
    kassert(device_control(part, DEVICE_CONTROL_FLUSH, NULL, 0) == 0);

    struct device *inner, *other = part_of(disk->device, 2, BASE + LENGTH);
    check_bytes(other, BASE + LENGTH);
    kassert(publish(other, (struct device_part){ 2 * BLOCK, 4 * BLOCK, 0, 5 }, &inner) == 0);
    struct device_handle handle;
    static uint8_t memory[4 * BLOCK];
    kassert(device_open(inner, &handle) == 0);
    kassert(transfer(&handle, IO_READ, 0, memory, sizeof(memory)) == 0);
    kassert(memcmp(memory, disk_bytes + BASE + LENGTH + 2 * BLOCK, sizeof(memory)) == 0);
    device_close(&handle);

    faulty_write_protect(disk);
    kassert(device_is_read_only(part) && device_open(part, &handle) == 0);
    kassert(transfer(&handle, IO_WRITE, 0, memory, BLOCK) == -EROFS);
    device_close(&handle);
    drop(inner);
    drop(other);
    drop(part);
    tear_down();
}

/* ---- places and names --------------------------------------------------------------------- */

static void places_body(void *unused)
{
    (void)unused;
    static const struct {
        struct device_part place;
        status_t status;
    } places[] = {
        { { 0, BLOCK, 0, 1 }, 0 },
        { { DISK_BYTES - 100 - BLOCK, BLOCK, 0, 1 }, 0 },
        { { DISK_BYTES - 100, 100, 0, 1 }, 0 }, /* the last, partial block */
        { { 0, DISK_BYTES, 0, 1 }, 0 },
        { { 0, DISK_BYTES + 1, 0, 1 }, -EINVAL },
        { { BLOCK, DISK_BYTES, 0, 1 }, -EINVAL },
        { { 0 - (uint64_t)BLOCK, 2 * BLOCK, 0, 1 }, -EINVAL },
        { { BLOCK, UINT64_MAX, 0, 1 }, -EINVAL },
        { { 1, BLOCK, 0, 1 }, -EINVAL },
        { { 0, 100, 0, 1 }, -EINVAL },
        { { 0, BLOCK, 1000, 1 }, -ESTALE },
    };
    struct device *part, *twin;
    set_up(FAULTY_SYNC);
    for (unsigned i = 0; i < ARRAY_LENGTH(places); i++) {
        status_t status = publish(disk->device, places[i].place, &part);
        kassert(status == places[i].status);
        if (!status)
            drop(part);
    }

    part = part_of(disk->device, 3, BASE);
    kassert(strcmp(device_alias(part), "disk0p3") == 0);
    twin = device_find("disk0p3");
    kassert(twin == part);
    device_put(twin);
    twin = device_create(disk->device, &(struct device_description){
        .name = "another", .device_class = &class_disk,
        .part = { 0, BLOCK, device_medium(disk->device).generation, 3 } });
    kassert(device_publish(twin) == -EEXIST);
    device_put(twin);
    drop(part);
    kassert(device_find("disk0p3") == NULL);
    tear_down();
}

/* ---- the medium --------------------------------------------------------------------------- */

static void generation_body(void *unused)
{
    (void)unused;
    uint8_t memory[BLOCK];
    struct device_handle handle, removed, whole;
    set_up(FAULTY_MIXED);
    struct device *part = part_of(disk->device, 1, BASE), *other = part_of(disk->device, 2, 0);
    kassert(device_open(part, &handle) == 0 && device_open(other, &removed) == 0);
    kassert(device_open(disk->device, &whole) == 0);
    kassert(handle.generation == device_medium(disk->device).generation);

    /* Removing a part changes nothing for the drive and its other parts. */
    device_remove(other);
    kassert(device_check(&removed) == -ENODEV);
    kassert(transfer(&removed, IO_READ, 0, memory, BLOCK) == -ENODEV);
    kassert(device_check(&handle) == 0 && device_check(&whole) == 0);
    device_close(&removed);
    device_put(other);

    faulty_change(disk, disk_bytes, DISK_BYTES);
    kassert(device_check(&handle) == -ESTALE && !device_medium(part).present);
    kassert(transfer(&handle, IO_READ, 0, memory, BLOCK) == -ESTALE);
    device_close(&handle);
    kassert(device_open(part, &handle) == -ESTALE);

    faulty_change(disk, NULL, 0);
    kassert(device_open(part, &handle) == -ENOMEDIUM);
    device_close(&whole);

    /* The drive takes its parts with it. */
    device_remove(disk->device);
    kassert(device_is_gone(part) && device_open(part, &handle) == -ENODEV);
    device_put(part);
    tear_down();
}

/* ---- claims ------------------------------------------------------------------------------- */

static void claims_body(void *unused)
{
    (void)unused;
    struct device_handle whole, one, two, again;
    set_up(FAULTY_SYNC);
    struct device *part = part_of(disk->device, 1, BASE);
    struct device *other = part_of(disk->device, 2, BASE + LENGTH);

    /* A claim on the disk and an open of its part exclude each other. */
    kassert(device_open(disk->device, &whole) == 0 && device_claim(&whole) == 0);
    kassert(device_open(part, &one) == -EBUSY && device_open(disk->device, &again) == -EBUSY);
    device_release(&whole);
    kassert(device_open(part, &one) == 0);
    kassert(device_claim(&whole) == -EBUSY && device_claim(&one) == -EBUSY);
    device_close(&whole);

    /* A claim on the part and an open of the disk exclude each other; another part is free. */
    kassert(device_claim(&one) == 0 && device_open(disk->device, &whole) == -EBUSY);
    kassert(device_open(part, &again) == -EBUSY && device_open(other, &two) == 0);
    kassert(device_claim(&two) == 0);
    device_release(&one);
    kassert(device_open(disk->device, &whole) == -EBUSY);
    device_release(&two);
    device_release(&two); /* without a claim nothing changes */
    kassert(device_open(disk->device, &whole) == 0);

    /* Handles and files count up to the drive. */
    kassert(device_open_count(disk->device) == 3 && device_open_count(part) == 1);
    device_file_opened(&one);
    kassert(device_files_open(disk->device) == 1);
    device_file_closed(&one);
    kassert(device_files_open(disk->device) == 0);
    device_close(&whole);
    device_close(&two);
    kassert(device_refuse_opens(disk->device, true) == -EBUSY);
    device_close(&one);
    kassert(device_refuse_opens(disk->device, true) == 0);
    kassert(device_open(part, &one) == -ENODEV && device_admits(part) == -ENODEV);
    device_allow_opens(disk->device);
    kassert(device_admits(part) == 0);
    drop(part);
    drop(other);
    tear_down();
}

/* ---- removal while requests wait ---------------------------------------------------------- */

enum { REQUESTS = 8 };

struct counted {
    struct io_request request;
    struct semaphore *ended;
};

static void counted_complete(struct io_request *request)
{
    semaphore_up(((struct counted *)request->context)->ended);
}

/* The requests of the part end with -ENODEV; those of the disk in the same queue are served. */
static void removal_body(void *unused)
{
    (void)unused;
    static uint8_t memory[REQUESTS][BLOCK];
    static struct io_segment segments[REQUESTS];
    static struct counted counted[REQUESTS];
    struct semaphore ended;
    struct device_handle whole, one;
    set_up(FAULTY_LATE);
    struct device *part = part_of(disk->device, 1, BASE);
    kassert(device_open(disk->device, &whole) == 0 && device_open(part, &one) == 0);
    semaphore_init(&ended, 0);
    faulty_hold(disk, true);
    for (unsigned i = 0; i < REQUESTS; i++) {
        const struct device_handle *handle = i % 2 ? &one : &whole;
        segments[i] = (struct io_segment){ memory[i], BLOCK };
        counted[i] = (struct counted){ .request = {
            .device = handle->device, .op = IO_READ, .generation = handle->generation,
            .length_bytes = BLOCK, .segments = &segments[i], .segment_count = 1,
            .complete = counted_complete, .context = &counted[i] }, .ended = &ended };
        io_submit(&counted[i].request);
    }

    device_remove(part);
    faulty_hold(disk, false);
    for (unsigned i = 0; i < REQUESTS; i++)
        while (semaphore_down(&ended, TIME_NEVER))
            ;
    for (unsigned i = 0; i < REQUESTS; i++) {
        status_t status = counted[i].request.status;
        kassert(i % 2 ? i < 2 || status == -ENODEV : status == 0); /* 1 may have been in flight */
    }
    device_close(&one);
    device_close(&whole);
    device_put(part);
    tear_down();
}

#define TEST(name) \
    static void test_##name(void **state) \
    { \
        (void)state; \
        rig_run(name##_body, NULL, 8); \
    }
TEST(bytes)
TEST(places)
TEST(generation)
TEST(claims)
TEST(removal)

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),      cmocka_unit_test(test_places),
        cmocka_unit_test(test_generation), cmocka_unit_test(test_claims),
        cmocka_unit_test(test_removal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
